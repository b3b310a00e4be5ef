/**
 * How many packets may be under way: slow start, congestion avoidance and recovery (RFC 5681, RFC 6582), counted in
 * packets.
 *
 * @module
 */

const FIRST_WINDOW = 4;
const MIN_THRESHOLD = 2;
/** By how much the window grows at most for an acknowledgement, once packets wait on the way (RFC 3465). */
const MAX_GROWTH = 2;
/** Where slow start ends when nothing is known of the peer. */
export const FIRST_THRESHOLD = 128;
const MAX_WINDOW = 255;

/** The congestion window of one call. */
export class Congestion {
  /** Packets that may be under way. */
  window: number = FIRST_WINDOW;
  /** Where slow start ends. */
  threshold: number;
  /** Packets acknowledged in avoidance since the window last grew. */
  #acked = 0;
  /** Losses of transmissions before this one are part of the same event. */
  #recoveryUntil = -1;

  /** Starts with the threshold that the peer's last call ended with. */
  constructor(threshold: number = FIRST_THRESHOLD) {
    this.threshold = threshold;
  }

  /** Whether it grows by what is acknowledged, not by round trips. */
  get isInSlowStart(): boolean {
    return this.window < this.threshold;
  }

  /**
   * So many packets were newly acknowledged.
   *
   * @param order of the latest transmission acknowledged
   * @param wasFull whether the window was what kept more from being sent
   * @param isQueueing whether packets wait somewhere on the way
   */
  acknowledged(packets: number, order: number, wasFull: boolean, isQueueing: boolean): void {
    if (!wasFull || order <= this.#recoveryUntil) return;
    if (this.isInSlowStart) {
      // one acknowledgement may answer all that came in a turn of the receiver's loop, and who sends sends few in a row;
      // but where the window doubles while round trips do, timeouts come too early
      const growth = isQueueing ? Math.min(MAX_GROWTH, packets) : packets;
      this.window = Math.min(this.threshold, MAX_WINDOW, this.window + growth);
      return;
    }
    this.#acked += packets;
    if (this.#acked < this.window) return;
    this.#acked -= this.window;
    this.window = Math.min(MAX_WINDOW, this.window + 1);
  }

  /**
   * A transmission was lost. Returns whether that is news, and not part of a loss that was noticed before.
   *
   * @param order of the transmission lost
   * @param latest order of the latest transmission so far
   * @param underWay packets that are under way
   */
  lost(order: number, latest: number, underWay: number): boolean {
    if (order <= this.#recoveryUntil) return false;
    this.#recoveryUntil = latest;
    this.threshold = Math.max(Math.floor(underWay / 2), MIN_THRESHOLD);
    this.window = this.threshold;
    this.#acked = 0;
    return true;
  }

  /** Nothing came back in time. */
  timedOut(latest: number, underWay: number): void {
    if (latest > this.#recoveryUntil) this.threshold = Math.max(Math.floor(underWay / 2), MIN_THRESHOLD);
    this.#recoveryUntil = latest;
    this.window = 1;
    this.#acked = 0;
  }

  /** Nothing was sent for longer than a round trip: what the window says is old. */
  idle(): void {
    this.threshold = Math.max(this.threshold, Math.floor(3 * this.window / 4));
    this.window = Math.max(Math.floor(this.window / 2), FIRST_WINDOW);
  }
}
