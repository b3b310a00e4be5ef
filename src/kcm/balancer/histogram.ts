/**
 * How long things took, counted in classes of a fixed ratio: constant memory, constant time, and quantiles to within a
 * class.
 *
 * @module
 */

/** Upper bounds of the classes, in milliseconds; a last class has everything above. */
export const LATENCY_BOUNDS_MS: readonly number[] = Array.from({ length: 19 }, (_, i) => 0.125 * 2 ** i);

/** Counts by class. */
export class Histogram {
  /** Counts by class of {@linkcode LATENCY_BOUNDS_MS}, and one for what is above. */
  readonly counts: Float64Array = new Float64Array(LATENCY_BOUNDS_MS.length + 1);
  /** Sum of all, in milliseconds. */
  sum = 0;
  /** How many. */
  total = 0;

  /** Counts one. */
  add(ms: number): void {
    this.total++;
    this.sum += ms;
    let at = 0;
    for (let bound = 0.125; at < LATENCY_BOUNDS_MS.length && ms > bound; bound *= 2) at++;
    this.counts[at]!++;
  }

  /** The bound below which the part `q` of all lies; 0 when there is nothing, `Infinity` above the last bound. */
  quantile(q: number): number {
    if (this.total === 0) return 0;
    let left = q * this.total;
    for (let i = 0; i < LATENCY_BOUNDS_MS.length; i++) {
      left -= this.counts[i]!;
      if (left <= 0) return LATENCY_BOUNDS_MS[i]!;
    }
    return Infinity;
  }
}
