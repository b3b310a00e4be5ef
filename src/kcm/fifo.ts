/**
 * A first-in-first-out queue whose operations cost constant time on average.
 *
 * @module
 */

/** Spent slots are dropped once there are this many and they are half of all. */
const COMPACT_AT = 64;

/** A queue. */
export class Fifo<T> {
  #items: (T | undefined)[] = [];
  #first = 0;
  /** Asked for many times as often as it changes. */
  #length = 0;

  /** How many items wait. */
  get length(): number {
    return this.#length;
  }

  /** The item with so many before it; there must be one. */
  at(index: number): T {
    return this.#items[this.#first + index]!;
  }

  /** Appends an item. */
  push(item: T): void {
    this.#length++;
    this.#items.push(item);
  }

  /** Puts an item in front. */
  unshift(item: T): void {
    this.#length++;
    if (this.#first > 0) this.#items[--this.#first] = item;
    else this.#items.unshift(item);
  }

  /** Puts several items in front, the first of them first. */
  prepend(items: readonly T[]): void {
    this.#items = [...items, ...this.takeAll()];
    this.#length = this.#items.length;
  }

  /** Takes the first item out. */
  shift(): T | undefined {
    if (this.#length === 0) return undefined;
    this.#length--;
    const item = this.#items[this.#first];
    this.#items[this.#first++] = undefined;
    if (this.#first >= COMPACT_AT && this.#first * 2 >= this.#items.length) {
      this.#items = this.#items.slice(this.#first);
      this.#first = 0;
    }
    return item;
  }

  /** Whether an item waits. Its time grows with the length. */
  includes(item: T): boolean {
    return this.#items.includes(item, this.#first);
  }

  /** Takes an item out of the middle; returns whether it was there. Its time grows with the length. */
  remove(item: T): boolean {
    const at = this.#items.indexOf(item, this.#first);
    if (at < 0) return false;
    this.#items.splice(at, 1);
    this.#length--;
    return true;
  }

  /** Takes everything out, in order. */
  takeAll(): T[] {
    const items = this.#first === 0 ? this.#items : this.#items.slice(this.#first);
    this.#items = [];
    this.#first = 0;
    this.#length = 0;
    return items as T[];
  }
}
