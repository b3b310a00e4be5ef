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

/** CUBIC's window. Lengths are segments and times seconds, as in the formulas, unless a name says otherwise. */
export class Cubic extends LossControl {
  /** Window before the last congestion, or when the first slow start ended. */
  #prior = Infinity;
  /** The plateau, K and the time since congestion avoidance began in which the window was what kept us from sending. */
  #max = 0;
  #k = 0;
  #elapsed = 0;
  /** What Reno's window would be. */
  #estimate = 0;
  /** Smoothed round-trip time, -1 until one was measured. */
  #rtt = -1;
  #at = 0;
  #savedMax = 0;
  #savedPrior = Infinity;
  #savedK = 0;

  protected override measure(rttMs: number, isLimited: boolean, now: number): void {
    if (rttMs >= 0) this.#rtt = this.#rtt < 0 ? rttMs / 1000 : this.#rtt + (rttMs / 1000 - this.#rtt) / 8;
    const passed = (now - this.#at) / 1000;
    this.#at = now;
    // a window in use is acknowledged at least once a round trip: longer silence is not time that counts (section 4.2)
    if (isLimited) this.#elapsed += this.#rtt < 0 ? passed : Math.min(passed, 2 * this.#rtt);
  }

  protected override growth(ackedBytes: number): number {
    const window = this.cwnd / this.segmentSize;
    const acked = Math.min(ackedBytes / this.segmentSize, window);
    this.#estimate += (this.#estimate < this.#prior ? ALPHA : 1) * acked / window;
    if (this.#curve(this.#elapsed) < this.#estimate) {
      return Math.max(0, (this.#estimate - window) * this.segmentSize);
    }
    const target = Math.min(Math.max(window, this.#curve(this.#elapsed + Math.max(0, this.#rtt))), 1.5 * window);
    return (target - window) / window * acked * this.segmentSize;
  }

  protected override lowered(flight: number): number {
    const window = this.cwnd / this.segmentSize;
    this.#savedMax = this.#max;
    this.#savedPrior = this.#prior;
    this.#savedK = this.#k;
    // less than last time: others want their share, and get room (section 4.7)
    this.#max = window < this.#max ? window * (1 + BETA) / 2 : window;
    this.#prior = window;
    return flight * BETA;
  }

  protected override begin(isAfterCongestion: boolean, now: number): void {
    const window = this.cwnd / this.segmentSize;
    this.#estimate = window;
    this.#elapsed = 0;
    this.#at = now;
    if (isAfterCongestion && window < this.#max) {
      this.#k = cubeRoot((this.#max - window) / C);
      return;
    }
    this.#k = 0;
    this.#max = window;
    if (this.#prior === Infinity) this.#prior = window;
  }

  protected override undone(now: number): void {
    this.#max = this.#savedMax;
    this.#prior = this.#savedPrior;
    this.#k = this.#savedK;
    this.#estimate = this.cwnd / this.segmentSize;
    // where on the curve it was is not known any more: it goes on from its plateau
    this.#elapsed = this.#k;
    this.#at = now;
  }

  /** W_cubic, so long after congestion avoidance began. */
  #curve(seconds: number): number {
    const t = seconds - this.#k;
    return C * t * t * t + this.#max;
  }
}

/** The same on every runtime, which `Math.cbrt` and `**` are not to the last bit: simulations are to repeat. */
function cubeRoot(value: number): number {
  const root = Math.fround(Math.cbrt(value));
  return root === 0 ? 0 : root - (root * root * root - value) / (3 * root * root);
}
