/**
 * Questions that are under way: PING acknowledgements, told apart by their serial numbers.
 *
 * @module
 */

const MAX_OUTSTANDING = 4;

/** Those of one call. */
export class Pings {
  /** Whether one is to be sent. */
  isDue = false;
  readonly #sentAt: Map<number, number> = new Map();

  /** One goes out. */
  sent(serial: number, now: number): void {
    this.isDue = false;
    this.#sentAt.set(serial, now);
    for (const oldest of this.#sentAt.keys()) {
      if (this.#sentAt.size <= MAX_OUTSTANDING) break;
      this.#sentAt.delete(oldest);
    }
  }

  /** An answer has come. Returns how long it took; `undefined` for one to none of ours. Older ones count no more. */
  answered(serial: number, now: number): number | undefined {
    const sentAt = this.#sentAt.get(serial);
    if (sentAt === undefined) return undefined;
    for (const [older, at] of this.#sentAt) {
      if (at <= sentAt) this.#sentAt.delete(older);
    }
    return now - sentAt;
  }
}
