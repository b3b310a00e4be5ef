/**
 * Finding losses by time (RACK, RFC 8985 section 6): what was sent before something that has arrived, by more than the
 * network reorders, is lost.
 *
 * @module
 */
import type { RttEstimator } from "./rtt_estimator.ts";
import type { SentSegment } from "./sent_segments.ts";

/** Segments beyond a hole after which reordering is no longer an excuse. */
const DUPLICATE_THRESHOLD = 3;

/** A clock cannot tell less apart, and in one process a round trip takes no time at all. */
const MIN_WINDOW_MS = 1;

/** Recoveries for which a larger window is kept after a needless retransmission. */
const WINDOW_PERSISTENCE = 16;

/** One connection's view of what arrives in which order. */
export class Rack {
  /** When the latest segment of those that arrived was sent. */
  sentAt: number = -Infinity;
  /** Sequence number behind it. */
  end = 0;
  /** Its round trip. */
  rtt = 0;
  /** Whether the network has been seen to reorder. */
  isReorderingSeen = false;
  #highest = 0;
  #hasHighest = false;
  #highestBefore = 0;
  #hadHighest = false;
  #factor = 1;
  #persistence = WINDOW_PERSISTENCE;
  #roundEnd = 0;
  #isRoundOpen = false;

  /** Whether nothing was seen that what is sent later would be judged by. */
  get isSettled(): boolean {
    return !this.isReorderingSeen && this.#factor === 1 && this.#persistence === WINDOW_PERSISTENCE &&
      !this.#isRoundOpen;
  }

  /** Whether anything has arrived: `rtt` is its. */
  get hasArrivals(): boolean {
    return this.sentAt !== -Infinity;
  }

  /** Nothing has arrived yet. */
  forget(): void {
    this.sentAt = -Infinity;
    this.#hasHighest = false;
  }

  /** An acknowledgment is going to be read: what it tells has no order in itself. */
  begin(): void {
    this.#highestBefore = this.#highest;
    this.#hadHighest = this.#hasHighest;
  }

  /**
   * A segment has arrived. `isOriginal`: timestamps show that it was not the copy sent last.
   */
  delivered(segment: SentSegment, now: number, minRtt: number, isOriginal: boolean): void {
    const rtt = now - segment.sentAt;
    if (segment.transmissions > 1) {
      if (isOriginal || rtt < minRtt) return;
    } else if (this.#hadHighest && ((segment.end - this.#highestBefore) | 0) < 0) this.isReorderingSeen = true;
    if (!this.#hasHighest || ((segment.end - this.#highest) | 0) > 0) {
      this.#highest = segment.end;
      this.#hasHighest = true;
    }
    if (segment.sentAt < this.sentAt) return;
    if (segment.sentAt === this.sentAt && ((segment.end - this.end) | 0) < 0) return;
    this.sentAt = segment.sentAt;
    this.end = segment.end;
    this.rtt = rtt;
  }

  /** Whether the segment was sent before one that has arrived. */
  isOvertaken(segment: SentSegment): boolean {
    return segment.sentAt < this.sentAt ||
      (segment.sentAt === this.sentAt && ((segment.end - this.end) | 0) < 0);
  }

  /** How long what was overtaken may still be under way (section 6.2 step 4). */
  reorderingWindow(rtt: RttEstimator, isRecovering: boolean, sackedSegments: number): number {
    if (!this.isReorderingSeen && (isRecovering || sackedSegments >= DUPLICATE_THRESHOLD)) return 0;
    return Math.max(MIN_WINDOW_MS, Math.min(this.#factor * rtt.minRtt / 4, Math.max(0, rtt.srtt)));
  }

  /** The peer has received something twice: the window was too small, for this round trip. */
  duplicateReported(sendNext: number): void {
    if (this.#isRoundOpen) return;
    this.#isRoundOpen = true;
    this.#roundEnd = sendNext;
    this.#factor++;
    this.#persistence = WINDOW_PERSISTENCE;
  }

  /** Everything up to here has been acknowledged. */
  acknowledged(sequence: number): void {
    if (this.#isRoundOpen && ((sequence - this.#roundEnd) | 0) >= 0) this.#isRoundOpen = false;
  }

  /** A recovery is over. */
  recovered(): void {
    if (--this.#persistence > 0) return;
    this.#persistence = WINDOW_PERSISTENCE;
    this.#factor = 1;
  }
}
