/**
 * CUBIC (RFC 9438): after a loss the window comes back near to where it was fast, stays there for a while, and then looks
 * for more ever faster; all by the time that passed, not by round trips. Where Reno would be faster, it is as fast as Reno.
 *
 * @module
 */
import { LossControl } from "./loss_control.ts";

/** How fast the cubic function rises, in segments per second cubed (section 5). */
const C = 0.4;
/** What the window is multiplied by after a loss (section 4.6). */
const BETA = 0.7;
/** What Reno would have to add for each round trip to be as fast with `BETA` as with 1/2 (section 4.3). */
const ALPHA = 3 * (1 - BETA) / (1 + BETA);

/** Where on its curve a window is. Before congestion avoidance begins for the first time there is none. */
class Curve {
  /** Window before the last congestion, or when the first slow start ended. */
  prior: number = Infinity;
  /** The plateau, K and the time since congestion avoidance began in which the window was what kept us from sending. */
  max = 0;
  /** See `max`. */
  k = 0;
  /** See `max`. */
  elapsed = 0;
  /** What Reno's window would be. */
  estimate = 0;
  /** When `elapsed` was looked at last. */
  at = 0;
  /** What `lowered` changed. */
  savedMax = 0;
  /** See `savedMax`. */
  savedPrior: number = Infinity;
  /** See `savedMax`. */
  savedK = 0;

  /** W_cubic, so long after congestion avoidance began. */
  windowAt(seconds: number): number {
    const t = seconds - this.k;
    return C * t * t * t + this.max;
  }
}

/** CUBIC's window. Lengths are segments and times seconds, as in the formulas, unless a name says otherwise. */
export class Cubic extends LossControl {
  /** Smoothed round-trip time, -1 until one was measured. */
  #rtt = -1;
  #curve: Curve | null = null;

  protected override measure(rttMs: number, isLimited: boolean, now: number): void {
    if (rttMs >= 0) this.#rtt = this.#rtt < 0 ? rttMs / 1000 : this.#rtt + (rttMs / 1000 - this.#rtt) / 8;
    const curve = this.#curve;
    if (curve === null) return;
    const passed = (now - curve.at) / 1000;
    curve.at = now;
    // a window in use is acknowledged at least once a round trip: longer silence is not time that counts (section 4.2)
    if (isLimited) curve.elapsed += this.#rtt < 0 ? passed : Math.min(passed, 2 * this.#rtt);
  }

  protected override growth(ackedBytes: number): number {
    const curve = this.#curve ??= new Curve();
    const window = this.cwnd / this.segmentSize;
    const acked = Math.min(ackedBytes / this.segmentSize, window);
    curve.estimate += (curve.estimate < curve.prior ? ALPHA : 1) * acked / window;
    if (curve.windowAt(curve.elapsed) < curve.estimate) {
      return Math.max(0, (curve.estimate - window) * this.segmentSize);
    }
    const target = Math.min(Math.max(window, curve.windowAt(curve.elapsed + Math.max(0, this.#rtt))), 1.5 * window);
    return (target - window) / window * acked * this.segmentSize;
  }

  protected override lowered(flight: number): number {
    const curve = this.#curve ??= new Curve();
    const window = this.cwnd / this.segmentSize;
    curve.savedMax = curve.max;
    curve.savedPrior = curve.prior;
    curve.savedK = curve.k;
    // less than last time: others want their share, and get room (section 4.7)
    curve.max = window < curve.max ? window * (1 + BETA) / 2 : window;
    curve.prior = window;
    return flight * BETA;
  }

  protected override begin(isAfterCongestion: boolean, now: number): void {
    const curve = this.#curve ??= new Curve();
    const window = this.cwnd / this.segmentSize;
    curve.estimate = window;
    curve.elapsed = 0;
    curve.at = now;
    if (isAfterCongestion && window < curve.max) {
      curve.k = cubeRoot((curve.max - window) / C);
      return;
    }
    curve.k = 0;
    curve.max = window;
    if (curve.prior === Infinity) curve.prior = window;
  }

  protected override undone(now: number): void {
    const curve = this.#curve ??= new Curve();
    curve.max = curve.savedMax;
    curve.prior = curve.savedPrior;
    curve.k = curve.savedK;
    curve.estimate = this.cwnd / this.segmentSize;
    // where on the curve it was is not known any more: it goes on from its plateau
    curve.elapsed = curve.k;
    curve.at = now;
  }
}

/** The same on every runtime, which `Math.cbrt` and `**` are not to the last bit: simulations are to repeat. */
function cubeRoot(value: number): number {
  const root = Math.fround(Math.cbrt(value));
  return root === 0 ? 0 : root - (root * root * root - value) / (3 * root * root);
}
