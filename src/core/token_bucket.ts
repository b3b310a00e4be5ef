/**
 * So many a second, and not more than so many at once.
 *
 * @module
 */

/** Counts what may still be done. */
export class TokenBucket {
  readonly #perSecond: number;
  readonly #burst: number;
  #tokens: number;
  #at = -Infinity;

  /** Starts full. */
  constructor(perSecond: number, burst: number = perSecond) {
    this.#perSecond = perSecond;
    this.#burst = burst;
    this.#tokens = burst;
  }

  /** Takes one; `false` when there is none. */
  take(now: number): boolean {
    if (now > this.#at) {
      // nothing a second stays nothing, after endless time too
      const more = this.#perSecond === 0 ? 0 : (now - this.#at) * this.#perSecond / 1000;
      this.#tokens = Math.min(this.#burst, this.#tokens + more);
      this.#at = now;
    }
    if (this.#tokens < 1) return false;
    this.#tokens--;
    return true;
  }
}
