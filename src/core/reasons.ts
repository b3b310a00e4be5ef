/**
 * Counts by reason: what was skipped or dropped, and why.
 *
 * @module
 */

/** A named set of counters that start at nothing; a reason appears with its first count. */
export class Reasons {
  readonly #counts: Map<string, number> = new Map();

  /** Adds `by` to the counter of `reason`. */
  count(reason: string, by = 1): void {
    this.#counts.set(reason, (this.#counts.get(reason) ?? 0) + by);
  }

  /** The counter of `reason`, 0 when it never happened. */
  get(reason: string): number {
    return this.#counts.get(reason) ?? 0;
  }

  /** Sum over all reasons. */
  get total(): number {
    let sum = 0;
    for (const count of this.#counts.values()) sum += count;
    return sum;
  }

  /** A plain copy, in order of first appearance. */
  toJSON(): Record<string, number> {
    return Object.fromEntries(this.#counts);
  }
}
