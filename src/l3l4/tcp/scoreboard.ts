/**
 * What of the sent bytes has arrived, is under way, or is lost (RFC 6675 section 4, with the state at each segment).
 *
 * @module
 */
import type { Rack } from "./rack.ts";
import type { RttEstimator } from "./rtt_estimator.ts";
import type { SegmentCursor } from "./segment_cursor.ts";
import { type SentSegment, type SentSegmentPool, SentSegments, SentState } from "./sent_segments.ts";

/** Blocks of the acknowledgment before, whose segments are not looked at again. */
const KEPT_BLOCKS = 4;

/** Pieces of a segment on average, and some more. */
const MAX_PIECES = 4;
const SPARE_PIECES = 64;

const NO_BLOCKS = new Int32Array(0);

/** One connection's sent segments, with the counts that follow from them. */
export class Scoreboard {
  /** All that were sent and not acknowledged. */
  readonly segments: SentSegments;
  /** Largest segment. */
  segmentSize = 536;
  /** Bytes under way, as far as is known. */
  inFlight = 0;
  /** Segments that the peer has beyond a hole. */
  sackedSegments = 0;
  /** Bytes of those. */
  sackedBytes = 0;
  /** Segments that are lost and not sent again. */
  lostSegments = 0;
  /** Bytes that the last acknowledgment said to have arrived. */
  delivered = 0;
  /** When the first of the segments acknowledged last was sent, if it was sent once only; else -1. */
  firstSentAt = -1;
  /** When the last of them was sent, if it was sent once only; else -1. */
  lastSentAt = -1;
  /** Whether the peer reported something that came twice. */
  hasDuplicate = false;
  /** Whether all segments are under way, each sent once: both of their orders are the same then. */
  #isPlain = true;
  #lostFrom = 0;
  #keptCount = 0;
  /** Not there before a block has come: an array costs as much as all the rest here. */
  #kept: Int32Array = NO_BLOCKS;
  readonly #rack: Rack;
  #rtt: RttEstimator;

  /** Nothing sent. */
  constructor(pool: SentSegmentPool, rack: Rack, rtt: RttEstimator) {
    this.segments = new SentSegments(pool);
    this.#rack = rack;
    this.#rtt = rtt;
  }

  /** Nothing is sent, and what is sent is another connection's from now on. */
  lend(rtt: RttEstimator): void {
    this.#keptCount = 0;
    this.#rtt = rtt;
  }

  /** New bytes were sent. */
  push(start: number, end: number, now: number, isFin: boolean): void {
    this.segments.push(start, end, now, isFin);
    this.inFlight += (end - start) | 0;
  }

  /** A lost segment was sent again. */
  resent(segment: SentSegment, now: number): void {
    if (segment.state === SentState.LOST) this.lostSegments--;
    else {
      this.segments.unlink(segment);
      this.inFlight -= (segment.end - segment.start) | 0;
    }
    this.#isPlain = false;
    segment.transmissions++;
    this.segments.sent(segment, now);
    this.inFlight += (segment.end - segment.start) | 0;
  }

  /** Index of the first segment that is lost. There must be one. */
  firstLost(): number {
    let index = this.segments.find(this.#lostFrom);
    while (this.segments.at(index).state !== SentState.LOST) index++;
    this.#lostFrom = this.segments.at(index).start;
    return index;
  }

  /** Begins to read an acknowledgment. */
  begin(): void {
    this.delivered = 0;
    this.firstSentAt = -1;
    this.lastSentAt = -1;
    this.hasDuplicate = false;
    this.#rack.begin();
  }

  /** All before `sequence` has arrived. `isOriginal` as for {@linkcode Rack.delivered}. Returns how many segments went. */
  acknowledge(sequence: number, now: number, isOriginal: boolean): number {
    const { segments } = this;
    if (this.#isPlain) return this.#acknowledgePlain(sequence, now, isOriginal);
    let count = 0;
    while (segments.size > 0) {
      const segment = segments.at(0);
      if (((segment.end - sequence) | 0) > 0) {
        const part = (sequence - segment.start) | 0;
        if (part <= 0) break;
        segments.split(0, part);
        if (segment.state === SentState.LOST) this.lostSegments++;
        else if (segment.state === SentState.SACKED) this.sackedSegments++;
      }
      if (segment.state === SentState.SACKED) {
        this.sackedSegments--;
        this.sackedBytes -= (segment.end - segment.start) | 0;
      } else this.#arrive(segment, now, isOriginal);
      const sentAt = segment.transmissions === 1 ? segment.sentAt : -1;
      if (count === 0) this.firstSentAt = sentAt;
      this.lastSentAt = sentAt;
      segments.shift();
      count++;
    }
    if (segments.size === 0) this.#isPlain = true;
    return count;
  }

  /** The same when nothing was lost, which is nearly always so: the latest segment says what all of them say. */
  #acknowledgePlain(sequence: number, now: number, isOriginal: boolean): number {
    const { segments } = this;
    let count = 0;
    while (segments.size > 0) {
      const segment = segments.at(0);
      const isLast = segments.size === 1 || ((segments.at(1).end - sequence) | 0) > 0;
      if (((segment.end - sequence) | 0) > 0) {
        const part = (sequence - segment.start) | 0;
        if (part <= 0) break;
        segments.split(0, part);
      }
      const length = (segment.end - segment.start) | 0;
      this.delivered += length;
      this.inFlight -= length;
      if (count === 0) this.firstSentAt = segment.sentAt;
      if (isLast) {
        this.lastSentAt = segment.sentAt;
        this.#rack.delivered(segment, now, this.#rtt.minRtt, isOriginal);
      }
      segments.shiftOldest();
      count++;
    }
    return count;
  }

  /** Reads the blocks of a selective acknowledgment; `una` is what was acknowledged before it. */
  sack(cursor: SegmentCursor, una: number, sendNext: number, now: number, isOriginal: boolean): void {
    const { sack, sackCount, acknowledgment } = cursor;
    for (let i = 0; i < sackCount; i++) {
      const left = sack[2 * i]!;
      const right = sack[2 * i + 1]!;
      if (((right - left) | 0) <= 0 || ((right - sendNext) | 0) > 0) continue;
      if (i === 0 && this.#isDuplicate(cursor, left, right)) {
        this.hasDuplicate = true;
        continue;
      }
      if (((left - una) | 0) < 0 || ((left - acknowledgment) | 0) < 0) continue;
      this.#sackNew(left, right, now, isOriginal);
    }
    this.#keptCount = 0;
    if (this.#kept === NO_BLOCKS) this.#kept = new Int32Array(2 * KEPT_BLOCKS);
    for (let i = 0; i < sackCount && i < KEPT_BLOCKS; i++) {
      this.#kept[2 * i] = sack[2 * i]!;
      this.#kept[2 * i + 1] = sack[2 * i + 1]!;
      this.#keptCount++;
    }
  }

  /** The first block tells of bytes that came twice when they are acknowledged, or lie in the second (RFC 2883 section 4). */
  #isDuplicate(cursor: SegmentCursor, left: number, right: number): boolean {
    if (((right - cursor.acknowledgment) | 0) <= 0) return true;
    if (cursor.sackCount < 2) return false;
    return ((left - cursor.sack[2]!) | 0) >= 0 && ((right - cursor.sack[3]!) | 0) <= 0;
  }

  /** Of a block only what lies outside of one of the blocks before: in a long row of acknowledgments, a segment. */
  #sackNew(left: number, right: number, now: number, isOriginal: boolean): void {
    for (let i = 0; i < this.#keptCount; i++) {
      const keptLeft = this.#kept[2 * i]!;
      const keptRight = this.#kept[2 * i + 1]!;
      if (((keptLeft - left) | 0) < 0 || ((keptRight - right) | 0) > 0) continue;
      this.#sackRange(left, keptLeft, now, isOriginal);
      this.#sackRange(keptRight, right, now, isOriginal);
      return;
    }
    for (let i = 0; i < this.#keptCount; i++) {
      if (((left - this.#kept[2 * i]!) | 0) >= 0 && ((this.#kept[2 * i + 1]! - right) | 0) >= 0) return;
    }
    this.#sackRange(left, right, now, isOriginal);
  }

  #sackRange(left: number, right: number, now: number, isOriginal: boolean): void {
    const { segments } = this;
    if (((right - left) | 0) <= 0) return;
    let index = segments.find(left);
    if (index < segments.size && ((segments.at(index).start - left) | 0) < 0) {
      if (!this.#mayCut) return;
      this.split(index, (left - segments.at(index).start) | 0);
      index++;
    }
    for (; index < segments.size; index++) {
      const segment = segments.at(index);
      if (((segment.start - right) | 0) >= 0) return;
      if (((segment.end - right) | 0) > 0 && !this.#mayCut) return;
      if (((segment.end - right) | 0) > 0) this.split(index, (right - segment.start) | 0);
      if (segment.state === SentState.SACKED) continue;
      this.#isPlain = false;
      this.#arrive(segment, now, isOriginal);
      segment.state = SentState.SACKED;
      this.sackedSegments++;
      this.sackedBytes += (segment.end - segment.start) | 0;
    }
  }

  #arrive(segment: SentSegment, now: number, isOriginal: boolean): void {
    const length = (segment.end - segment.start) | 0;
    this.delivered += length;
    if (segment.state === SentState.LOST) this.lostSegments--;
    else {
      this.inFlight -= length;
      this.segments.unlink(segment);
    }
    this.#rack.delivered(segment, now, this.#rtt.minRtt, isOriginal);
  }

  /**
   * Whether a block may cut a segment. Receivers acknowledge what they were sent, so pieces are few; whoever makes up many
   * gets no more of them, for each costs a walk and a packet of its own.
   */
  get #mayCut(): boolean {
    const { segments } = this;
    const out = (segments.at(segments.size - 1).end - segments.at(0).start) | 0;
    return segments.size < SPARE_PIECES + MAX_PIECES * out / this.segmentSize;
  }

  /** Cuts the segment at `index` in two. */
  split(index: number, length: number): void {
    const { state } = this.segments.at(index);
    this.segments.split(index, length);
    if (state === SentState.LOST) this.lostSegments++;
    else if (state === SentState.SACKED) this.sackedSegments++;
  }

  /** A segment that was under way is lost. */
  lose(segment: SentSegment): void {
    this.#isPlain = false;
    this.segments.unlink(segment);
    segment.state = SentState.LOST;
    this.inFlight -= (segment.end - segment.start) | 0;
    if (this.lostSegments === 0 || ((segment.start - this.#lostFrom) | 0) < 0) this.#lostFrom = segment.start;
    this.lostSegments++;
  }

  /** All that were under way are lost. When the peer took back what it said it had, that too (RFC 2018 section 8). */
  loseAll(): void {
    const { segments } = this;
    const isReneged = segments.size > 0 && segments.at(0).state === SentState.SACKED;
    while (segments.oldest !== null) this.lose(segments.oldest);
    if (!isReneged) return;
    this.#keptCount = 0;
    for (let i = 0; i < segments.size; i++) {
      const segment = segments.at(i);
      if (segment.state !== SentState.SACKED) continue;
      segment.state = SentState.LOST;
      this.lostSegments++;
    }
    this.sackedSegments = 0;
    this.sackedBytes = 0;
    this.#lostFrom = segments.at(0).start;
  }

  /** Nothing was lost: those that were not sent again are under way. */
  restore(): void {
    const { segments } = this;
    for (let i = segments.size - 1; i >= 0 && this.lostSegments > 0; i--) {
      const segment = segments.at(i);
      if (segment.state !== SentState.LOST) continue;
      segments.restore(segment);
      this.inFlight += (segment.end - segment.start) | 0;
      this.lostSegments--;
    }
  }

  /** Forgets all. */
  clear(): void {
    this.segments.clear();
    this.#isPlain = true;
    this.inFlight = 0;
    this.sackedSegments = 0;
    this.sackedBytes = 0;
    this.lostSegments = 0;
  }
}
