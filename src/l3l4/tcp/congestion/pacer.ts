/**
 * Spreads what is sent over the round trip instead of sending it in bursts: faster than the window asks for, so that the
 * pacer is never what limits a connection (RFC 9002 section 7.7, which says it best).
 *
 * @module
 */

/** Faster than one window for each round trip by this, in slow start and later. */
const SLOW_START_GAIN = 2;
const AVOIDANCE_GAIN = 1.25;
/** What may go at once: this time's worth, since timers are not more exact, and some segments. */
const BURST_MS = 2;
const MIN_BURST_SEGMENTS = 2;
const FIRST_BURST_SEGMENTS = 10;
/** Round trips that are too short to be spread over. */
const MIN_RTT_MS = 1;

/** The pacer of one connection. */
export class Pacer {
  #bytesPerMs = Infinity;
  #burst = 0;
  #segmentSize = 0;
  /** Bytes that may go; less than 0 when more went than was allowed. */
  #tokens = Infinity;
  #at = 0;

  /** The window, the threshold or the round-trip time changed; `srttMs` is -1 until one was measured. */
  update(cwnd: number, ssthresh: number, srttMs: number, segmentSize: number, now: number): void {
    this.#segmentSize = segmentSize;
    if (srttMs < MIN_RTT_MS) {
      this.#bytesPerMs = Infinity;
      this.#tokens = Infinity;
      return;
    }
    this.#fill(now);
    const isFirst = this.#tokens === Infinity;
    this.#bytesPerMs = (cwnd < ssthresh ? SLOW_START_GAIN : AVOIDANCE_GAIN) * cwnd / srttMs;
    this.#burst = Math.max(MIN_BURST_SEGMENTS * segmentSize, BURST_MS * this.#bytesPerMs);
    this.#tokens = Math.min(this.#tokens, isFirst ? FIRST_BURST_SEGMENTS * segmentSize : this.#burst);
  }

  /** Bytes that may go now, `Infinity` while nothing is spread. Less than a segment: none, until `nextAt`. */
  budget(now: number): number {
    this.#fill(now);
    return Math.max(0, this.#tokens);
  }

  /** So many bytes went. */
  sent(bytes: number): void {
    this.#tokens -= bytes;
  }

  /** When the next segment may go, at the earliest: `now` or before when it may already. */
  nextAt(now: number): number {
    this.#fill(now);
    const missing = this.#segmentSize - this.#tokens;
    return missing <= 0 ? now : now + missing / this.#bytesPerMs;
  }

  #fill(now: number): void {
    const passed = now - this.#at;
    if (passed <= 0) return;
    this.#at = now;
    if (this.#tokens === Infinity) return;
    const most = Math.max(this.#burst, this.#tokens);
    this.#tokens = Math.min(most, this.#tokens + passed * this.#bytesPerMs);
  }
}
