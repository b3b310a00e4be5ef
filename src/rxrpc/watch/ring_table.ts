/**
 * The latest values of a number that counts up, found by the number. Internal.
 *
 * @module
 */

const FIRST_SIZE = 8;

/** Keeps values by number; a new one drives out the one `most` numbers before it. */
export class RingTable<Value> {
  readonly #most: number;
  #slots: ({ readonly key: number; readonly value: Value } | undefined)[] = new Array(FIRST_SIZE);

  /** At most `most` values, a power of two of at least 8. */
  constructor(most: number) {
    this.#most = most;
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
    this.#slots[at] = { key, value };
  }

  #grow(): void {
    const old = this.#slots;
    const size = 2 * old.length;
    this.#slots = new Array(size);
    for (const slot of old) if (slot !== undefined) this.#slots[slot.key & (size - 1)] = slot;
  }
}
