/**
 * The latest values of a number that counts up, found by the number. Internal.
 *
 * @module
 */

const FIRST_SIZE = 8;

/** How many values some tables keep together. */
export interface RingCount {
  /** So many. */
  kept: number;
}

type Slots<Value> = ({ readonly key: number; readonly value: Value } | undefined)[];

/** Keeps values by number; a new one drives out the one `most` numbers before it. */
export class RingTable<Value> {
  readonly #most: number;
  readonly #count: RingCount;
  #slots: Slots<Value> = new Array(FIRST_SIZE);
  #kept = 0;

  /** At most `most` values, a power of two of at least 8; they count in `count`, too. */
  constructor(most: number, count: RingCount) {
    this.#most = most;
    this.#count = count;
  }

  /** The value of a number, as long as it is kept. */
  get(key: number): Value | undefined {
    const slot = this.#slots[key & (this.#slots.length - 1)];
    return slot?.key === key ? slot.value : undefined;
  }

  /** Keeps a value. */
  set(key: number, value: Value): void {
    let at = key & (this.#slots.length - 1);
    while (this.#slots[at] !== undefined && this.#slots[at]!.key !== key && this.#slots.length < this.#most) {
      this.#grow();
      at = key & (this.#slots.length - 1);
    }
    if (this.#slots[at] === undefined) {
      this.#kept++;
      this.#count.kept++;
    }
    this.#slots[at] = { key, value };
  }

  /** Keeps nothing any more. */
  clear(): void {
    this.#count.kept -= this.#kept;
    this.#kept = 0;
    this.#slots = new Array(FIRST_SIZE);
  }

  #grow(): void {
    const old = this.#slots;
    const size = 2 * old.length;
    this.#slots = new Array(size);
    for (const slot of old) if (slot !== undefined) this.#slots[slot.key & (size - 1)] = slot;
  }
}
