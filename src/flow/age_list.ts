/**
 * Things in the order of their age, all with the same time to live: appended when touched, so the oldest is always
 * the head. Append, remove and touch take constant time whatever the size.
 *
 * @module
 */

/** What an {@linkcode AgeList} links: its members carry the links themselves. A member is in one list at a time. */
export interface Aged<T> {
  /** The list it is in. */
  list: AgeList<T> | null;
  /** Neighbour that was touched before. */
  older: T | null;
  /** Neighbour that was touched after. */
  newer: T | null;
  /** When it was touched, in milliseconds. */
  touchedAt: number;
}

/** Doubly linked list through its members, oldest first. */
export class AgeList<T> {
  /** Time to live of the members, in milliseconds. */
  readonly lifeMs: number;
  /** Number of members. */
  size = 0;
  #oldest: (T & Aged<T>) | null = null;
  #newest: (T & Aged<T>) | null = null;

  /** Makes an empty list whose members live for `lifeMs`. */
  constructor(lifeMs: number) {
    this.lifeMs = lifeMs;
  }

  /** The member that was not touched for longest. */
  get oldest(): T | null {
    return this.#oldest;
  }

  /** When the oldest member's time is over; `Infinity` when there is none. */
  get dueAt(): number {
    return this.#oldest === null ? Infinity : this.#oldest.touchedAt + this.lifeMs;
  }

  /** Makes `item` the newest member, taking it out of the list that it was in. `now` must not go back. */
  touch(item: T & Aged<T>, now: number): void {
    item.touchedAt = now;
    if (this.#newest === item) return;
    item.list?.remove(item);
    item.list = this;
    item.older = this.#newest;
    item.newer = null;
    if (this.#newest === null) this.#oldest = item;
    else this.#newest.newer = item;
    this.#newest = item;
    this.size++;
  }

  /** Takes a member out. */
  remove(item: T & Aged<T>): void {
    const older = item.older as (T & Aged<T>) | null;
    const newer = item.newer as (T & Aged<T>) | null;
    if (older === null) this.#oldest = newer;
    else older.newer = newer;
    if (newer === null) this.#newest = older;
    else newer.older = older;
    item.list = null;
    item.older = null;
    item.newer = null;
    this.size--;
  }
}
