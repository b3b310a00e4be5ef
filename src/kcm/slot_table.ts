/**
 * A bounded table that gives each entry the smallest free index, as the kernel numbers its sockets and connections,
 * and a handle that shows when the index was given to somebody else since.
 *
 * @module
 */

/** Largest index + 1; handles are `generation * INDEXES + index`, which stays an exact integer for 2^29 generations. */
const INDEXES = 2 ** 24;

/** Entries by handle. */
export class SlotTable<T> {
  readonly #max: number;
  readonly #entries: (T | undefined)[] = [];
  readonly #generations: number[] = [];
  /** Free indexes below `#entries.length`, as a binary heap with the smallest first. */
  readonly #free: number[] = [];
  #size = 0;

  /** A table for up to `max` entries, of which 2^24 is the most. */
  constructor(max: number) {
    this.#max = Math.min(max, INDEXES);
  }

  /** How many entries there are. */
  get size(): number {
    return this.#size;
  }

  /** Whether no entry can be added. */
  get isFull(): boolean {
    return this.#size >= this.#max;
  }

  /** The index in a handle. */
  static indexOf(handle: number): number {
    return handle % INDEXES;
  }

  /** Takes the smallest free index for the entry that `make` returns for its handle. The table must not be full. */
  add<E extends T>(make: (handle: number) => E): E {
    const index = this.#free[0] ?? this.#entries.length;
    const entry = make((this.#generations[index] ?? 0) * INDEXES + index);
    if (this.#free.length > 0) this.#takeSmallest();
    else this.#generations.push(0);
    this.#entries[index] = entry;
    this.#size++;
    return entry;
  }

  /** The entry of a handle; `undefined` when it is gone, whoever has its index now. */
  get(handle: number): T | undefined {
    const index = handle % INDEXES;
    return (handle - index) / INDEXES === this.#generations[index] ? this.#entries[index] : undefined;
  }

  /** Frees the index of a handle; returns false for a stale one. */
  remove(handle: number): boolean {
    if (this.get(handle) === undefined) return false;
    const index = handle % INDEXES;
    this.#entries[index] = undefined;
    this.#generations[index]!++;
    this.#size--;
    this.#giveBack(index);
    return true;
  }

  /** All entries, by index. */
  values(): T[] {
    return this.#entries.filter((entry) => entry !== undefined);
  }

  #takeSmallest(): void {
    const free = this.#free;
    const last = free.pop()!;
    if (free.length === 0) return;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child + 1 < free.length && free[child + 1]! < free[child]!) child++;
      if (child >= free.length || free[child]! >= last) break;
      free[at] = free[child]!;
      at = child;
    }
    free[at] = last;
  }

  #giveBack(index: number): void {
    const free = this.#free;
    let at = free.length;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (free[parent]! <= index) break;
      free[at] = free[parent]!;
      at = parent;
    }
    free[at] = index;
  }
}
