/**
 * Slow start: how fast the window grows, and when the first one ends before anything is lost (HyStart++, RFC 9406; bytes
 * are counted as in RFC 3465).
 *
 * The first slow start watches the round-trip time. Once it has grown, queues fill: the window then grows more slowly for
 * five round trips, which are taken back when the round-trip time falls again. Later slow starts know their threshold and
 * need no such care.
 *
 * @module
 */

/** What the least round-trip time of a round must have grown by, at least and at most. */
const MIN_RTT_THRESHOLD_MS = 4;
const MAX_RTT_THRESHOLD_MS = 16;
/** Otherwise it is this part of it. */
const RTT_DIVISOR = 8;
/** Round trips that a round must have measured to say anything. */
const MIN_SAMPLES = 8;
/** Conservative slow start grows by this part, for so many rounds. */
const CONSERVATIVE_DIVISOR = 4;
const CONSERVATIVE_ROUNDS = 5;

/** Segments that one acknowledgment counts for at most: in the first slow start, later, and for what was sent before a timeout. */
const FIRST_LIMIT = 8;
const LATER_LIMIT = 2;
const TIMEOUT_LIMIT = 1;

/** The slow starts of one connection. */
export class HyStart {
  /** Whether the first slow start is over, without a loss. */
  isOver = false;
  /** Whether it grows slowly already. */
  get isConservative(): boolean {
    return this.#conservativeRounds > 0;
  }
  readonly #firstLimit: number;
  /** The round ends when this is acknowledged. */
  #roundEnd = 0;
  #hasRound = false;
  #lastMin = Infinity;
  #min = Infinity;
  #samples = 0;
  /** Rounds that are left, 0 while the window grows fast. */
  #conservativeRounds = 0;
  #baseline = Infinity;
  #timeoutEnd = 0;
  #timeout: "none" | "now" | "repairing" = "none";

  /** `isPaced`: no bursts follow from acknowledgments of much, so they count in full. */
  constructor(isPaced: boolean) {
    this.#firstLimit = isPaced ? Infinity : FIRST_LIMIT;
  }

  /**
   * By how many bytes the window grows. `isFirst`: no loss was seen yet, so that the round-trip time is watched; `isOver`
   * tells that slow start ends with this acknowledgment.
   */
  onAck(
    acked: number,
    acknowledgment: number,
    sendNext: number,
    rttMs: number,
    segmentSize: number,
    isFirst: boolean,
  ): number {
    if (!isFirst) return Math.min(acked, this.#laterLimit(acknowledgment, sendNext) * segmentSize);
    if (!this.#hasRound) this.#startRound(sendNext);
    if (rttMs >= 0) this.#sample(rttMs);
    const growth = Math.min(acked, this.#firstLimit * segmentSize) / (this.isConservative ? CONSERVATIVE_DIVISOR : 1);
    if (((acknowledgment - this.#roundEnd) | 0) < 0) return growth;
    if (this.isConservative && --this.#conservativeRounds === 0) this.isOver = true;
    this.#startRound(sendNext);
    return growth;
  }

  /** The retransmission timer ran out: what is acknowledged next may have arrived long ago, and counts for little. */
  onTimeout(): void {
    this.#timeout = "now";
  }

  /** It should not have. */
  undoTimeout(): void {
    this.#timeout = "none";
  }

  #laterLimit(acknowledgment: number, sendNext: number): number {
    if (this.#timeout === "none") return LATER_LIMIT;
    if (this.#timeout === "now") {
      this.#timeout = "repairing";
      this.#timeoutEnd = sendNext;
    }
    if (((acknowledgment - this.#timeoutEnd) | 0) >= 0) this.#timeout = "none";
    return TIMEOUT_LIMIT;
  }

  #startRound(sendNext: number): void {
    this.#hasRound = true;
    this.#roundEnd = sendNext;
    this.#lastMin = this.#min;
    this.#min = Infinity;
    this.#samples = 0;
  }

  #sample(rttMs: number): void {
    this.#min = Math.min(this.#min, rttMs);
    if (++this.#samples < MIN_SAMPLES) return;
    if (this.isConservative) {
      if (this.#min >= this.#baseline) return;
      this.#baseline = Infinity;
      this.#conservativeRounds = 0;
    } else if (this.#lastMin < Infinity) {
      const part = Math.min(this.#lastMin / RTT_DIVISOR, MAX_RTT_THRESHOLD_MS);
      if (this.#min < this.#lastMin + Math.max(MIN_RTT_THRESHOLD_MS, part)) return;
      this.#baseline = this.#min;
      this.#conservativeRounds = CONSERVATIVE_ROUNDS;
    }
  }
}
