/**
 * In which order entries were used: a doubly linked list of numbers.
 *
 * @module
 */

/** The order of up to `count` entries, numbered from 0. */
export class UseOrder {
  /** Entry used before and after each one, -1 where it is not in the list; the last element is the anchor of the ring. */
  readonly #before: Int32Array;
  readonly #after: Int32Array;
  readonly #anchor: number;

  /** Makes an empty one. */
  constructor(count: number) {
    this.#anchor = count;
    this.#before = new Int32Array(count + 1).fill(-1);
    this.#after = new Int32Array(count + 1).fill(-1);
    this.#before[count] = count;
    this.#after[count] = count;
  }

  /** The entry whose use is longest ago. */
  get oldest(): number {
    return this.#after[this.#anchor]!;
  }

  /** Notes that an entry is used now. */
  use(entry: number): void {
    this.forget(entry);
    const last = this.#before[this.#anchor]!;
    this.#after[last] = entry;
    this.#before[entry] = last;
    this.#after[entry] = this.#anchor;
    this.#before[this.#anchor] = entry;
  }

  /** Takes an entry out; one that is not there is none. */
  forget(entry: number): void {
    const before = this.#before[entry]!;
    const after = this.#after[entry]!;
    if (before < 0) return;
    this.#after[before] = after;
    this.#before[after] = before;
    this.#before[entry] = this.#after[entry] = -1;
  }
}
