/**
 * What a connection does about losses: finding them (RACK-TLP, RFC 8985; duplicate acknowledgments for peers without SACK,
 * RFC 6582), sending no faster than they allow while they are repaired (PRR, RFC 9937), and taking it all back when nothing
 * was lost (Eifel, RFC 3522 and RFC 4015; D-SACK, RFC 3708).
 *
 * @module
 */
import type { CongestionControl } from "./congestion/congestion_control.ts";
import { Prr } from "./congestion/prr.ts";
import { Rack } from "./rack.ts";
import type { RttEstimator } from "./rtt_estimator.ts";
import { Scoreboard } from "./scoreboard.ts";
import type { SegmentCursor } from "./segment_cursor.ts";
import { type SentSegmentPool, SentState } from "./sent_segments.ts";

/** Duplicate acknowledgments that mean a loss (RFC 5681 section 3.2). */
const DUPLICATE_THRESHOLD = 3;

/** Longest that a peer may keep an acknowledgment to itself (RFC 8985 section 7.2: WCDelAckT). */
const MAX_ACK_DELAY_MS = 200;

/** Timers are not more exact than this. */
const MIN_PROBE_MS = 2;

/** What is going on. */
export const RecoveryPhase = {
  /** Nothing is known to be lost. */
  OPEN: 0,
  /** Losses that acknowledgments told of are repaired. */
  RECOVERY: 1,
  /** The retransmission timer ran out. */
  LOSS: 2,
} as const;

/** What {@linkcode LossRecovery.acknowledge} needs to know. */
export interface AckContext {
  /** SND.UNA before. */
  readonly una: number;
  /** SND.NXT. */
  readonly sendNext: number;
  /** Whether the peer only repeats itself: no data, same window (RFC 5681 section 2). */
  readonly isDuplicate: boolean;
  /** Whether the window kept the connection from sending more. */
  readonly isLimited: boolean;
  /** Now, by the clock of our timestamps. */
  readonly timestamp: number;
}

/** One connection's. */
export class LossRecovery {
  /** See {@linkcode RecoveryPhase}. */
  phase: number = RecoveryPhase.OPEN;
  /** What is under way. */
  readonly board: Scoreboard;
  /** When what was overtaken is to be taken for lost. */
  reorderAt: number = Infinity;
  /** Whether selective acknowledgments come. */
  hasSack = false;
  /** Whether timestamps come. */
  hasTimestamps = false;
  /** Segments sent more than once. */
  retransmits = 0;
  /** Retransmissions that were not needed, as far as the peer told. */
  spuriousRetransmits = 0;
  /** Largest segment, for the counting of duplicate acknowledgments. */
  segmentSize = 536;
  #end = 0;
  #duplicates = 0;
  /** Without SACK: bytes that the last acknowledgment told to have arrived. */
  #arrived = 0;
  /** Whether nothing was acknowledged since the last timeout. */
  #isStuck = false;
  #isProbeOut = false;
  #isProbeRetransmission = false;
  #probeEnd = 0;
  #canUndo = false;
  #undoTimestamp = 0;
  #undoEnd = 0;
  #hasUndoTimestamp = false;
  #unprovenRetransmits = 0;
  readonly #rack: Rack = new Rack();
  readonly #prr: Prr = new Prr();
  #rtt: RttEstimator;
  #congestion: CongestionControl;

  /** Nothing is lost. */
  constructor(pool: SentSegmentPool, rtt: RttEstimator, congestion: CongestionControl) {
    this.board = new Scoreboard(pool, this.#rack, rtt);
    this.#rtt = rtt;
    this.#congestion = congestion;
  }

  /** Whether all that it knows of has arrived and nothing was ever taken for lost: it might as well be a new one. */
  get isSettled(): boolean {
    return this.board.segments.size === 0 && this.retransmits === 0 && this.phase === RecoveryPhase.OPEN &&
      !this.#canUndo && !this.#isProbeOut && this.#duplicates === 0 && this.#rack.isSettled;
  }

  /** It was settled, and is another connection's from now on. */
  lend(rtt: RttEstimator, congestion: CongestionControl): void {
    this.board.lend(rtt);
    this.#rack.forget();
    this.reorderAt = Infinity;
    this.#rtt = rtt;
    this.#congestion = congestion;
  }

  /** Bytes under way, less those that duplicate acknowledgments tell to have arrived. */
  get pipe(): number {
    const { inFlight } = this.board;
    return this.hasSack ? inFlight : Math.max(0, inFlight - this.#duplicates * this.segmentSize);
  }

  /** Bytes that may be sent now. */
  get allowance(): number {
    return this.#congestion.cwnd - this.pipe;
  }

  /** Reads an acknowledgment of something new, or a duplicate one. */
  acknowledge(cursor: SegmentCursor, context: AckContext, now: number): void {
    const { board } = this;
    const { una, sendNext } = context;
    const { acknowledgment } = cursor;
    const advanced = (acknowledgment - una) | 0;
    const isOriginal = this.#isOriginal(cursor, advanced);
    const isLimited = context.isLimited || this.#fillsWindow();
    board.begin();
    if (cursor.sackCount > 0 && this.hasSack) board.sack(cursor, una, sendNext, now, isOriginal);
    const gone = advanced > 0 ? board.acknowledge(acknowledgment, now, isOriginal) : 0;
    const rttMs = board.lastSentAt < 0 ? -1 : now - board.lastSentAt;
    if (advanced > 0) {
      this.#sample(cursor, context.timestamp, now);
      this.#isStuck = false;
      this.#rack.acknowledged(acknowledgment);
    }
    if (!this.hasSack) this.#countDuplicates(advanced, gone, context.isDuplicate);
    if (board.hasDuplicate) this.#noteDuplicateReport(sendNext, now);
    if (isOriginal && this.#canUndo) this.#undo(now);
    else if (((acknowledgment - this.#undoEnd) | 0) >= 0) this.#hasUndoTimestamp = false;
    this.#closeProbe(acknowledgment, advanced, context, now);
    const hasLost = this.#detect(now);
    this.#advancePhase(advanced, acknowledgment, now);
    this.#steer(advanced, acknowledgment, context, rttMs, isLimited, hasLost, now);
  }

  /** Whether so much is under way that the window counts as used: half of it in slow start, else all but a segment. */
  #fillsWindow(): boolean {
    const { cwnd, ssthresh } = this.#congestion;
    const { pipe } = this;
    return cwnd < ssthresh ? 2 * pipe > cwnd : pipe + this.segmentSize > cwnd;
  }

  /**
   * Timestamps show that an earlier copy of what was sent again first has arrived (RFC 3522 section 3.2). It must be
   * acknowledged: others were sent again before, in the recovery before this one, and bear earlier timestamps.
   */
  #isOriginal(cursor: SegmentCursor, advanced: number): boolean {
    return this.#hasUndoTimestamp && advanced > 0 && cursor.hasTimestamps && this.hasTimestamps &&
      ((cursor.tsEcho - this.#undoTimestamp) | 0) < 0 && ((cursor.acknowledgment - this.#undoEnd) | 0) >= 0;
  }

  /**
   * Of bytes that were sent again only timestamps tell the round trip (RFC 6298 section 3). Without, the timeout stays as
   * long as it was made: where a round trip takes longer than the timeout before, nothing else would ever measure it (Karn).
   */
  #sample(cursor: SegmentCursor, timestamp: number, now: number): void {
    const { firstSentAt } = this.board;
    let ms = now - firstSentAt;
    if (firstSentAt < 0) {
      if (!this.hasTimestamps || !cursor.hasTimestamps || cursor.tsEcho === 0) return;
      ms = (timestamp - cursor.tsEcho) | 0;
      if (ms < 0) return;
    }
    this.#rtt.sample(ms, now);
    this.#rtt.resetBackoff();
  }

  /** Whatever was being repaired is repaired once all that had been sent is acknowledged. */
  #advancePhase(advanced: number, acknowledgment: number, now: number): void {
    if (this.phase === RecoveryPhase.OPEN || advanced <= 0 || ((acknowledgment - this.#end) | 0) < 0) return;
    if (this.phase === RecoveryPhase.RECOVERY) this.#congestion.onRecovered(now);
    this.phase = RecoveryPhase.OPEN;
    this.#duplicates = 0;
    this.#rack.recovered();
  }

  /** Lets the window follow. */
  #steer(
    advanced: number,
    acknowledgment: number,
    context: AckContext,
    rttMs: number,
    isLimited: boolean,
    hasLost: boolean,
    now: number,
  ): void {
    const congestion = this.#congestion;
    const { board } = this;
    if (this.phase === RecoveryPhase.OPEN && board.lostSegments > 0) this.#enterRecovery(context, now);
    if (this.phase === RecoveryPhase.RECOVERY) {
      const delivered = this.hasSack ? board.delivered : this.#arrived;
      const { pipe } = this;
      const count = this.#prr.onAck(delivered, pipe, advanced > 0 && !hasLost);
      // without SACK the next hole, of which a partial acknowledgment tells, does not wait (RFC 6582 section 3.2 step 3)
      const isHoleDue = !this.hasSack && advanced > 0 && board.lostSegments > 0;
      congestion.cwnd = pipe + (isHoleDue ? Math.max(count, this.segmentSize) : count);
      return;
    }
    if (advanced > 0) {
      congestion.onAck(advanced, acknowledgment, context.sendNext, rttMs, isLimited, now);
    }
  }

  #enterRecovery(context: AckContext, now: number): void {
    const { sendNext, una } = context;
    const flight = (sendNext - una) | 0;
    this.phase = RecoveryPhase.RECOVERY;
    this.#end = sendNext;
    this.#isProbeOut = false;
    this.#congestion.onCongestion(flight, "loss", now);
    const wasSacked = Math.max(0, this.board.sackedBytes - this.board.delivered);
    this.#prr.start(flight - wasSacked, this.#congestion.ssthresh, this.segmentSize);
    this.#canUndo = true;
    this.#hasUndoTimestamp = false;
    this.#unprovenRetransmits = 0;
  }

  /** Without SACK each duplicate acknowledgment tells of one segment that arrived (RFC 6582 section 3.2). */
  #countDuplicates(advanced: number, gone: number, isDuplicate: boolean): void {
    const { board } = this;
    if (advanced > 0) {
      const before = this.#duplicates;
      if (this.phase === RecoveryPhase.OPEN) this.#duplicates = 0;
      else this.#duplicates = Math.max(0, before - Math.max(0, gone - 1));
      // those have been counted when they came (RFC 9937 section 6)
      this.#arrived = Math.max(0, advanced - (before - this.#duplicates) * this.segmentSize);
      if (this.phase !== RecoveryPhase.RECOVERY || board.segments.size === 0) return;
      const first = board.segments.at(0);
      const isPartial = ((first.start - this.#end) | 0) < 0;
      if (isPartial && first.state === SentState.OUT && first.transmissions === 1) board.lose(first);
      return;
    }
    this.#arrived = 0;
    if (!isDuplicate || board.segments.size === 0) return;
    const { size } = board.segments;
    this.#arrived = this.#duplicates < size ? this.segmentSize : 0;
    this.#duplicates = Math.min(this.#duplicates + 1, size);
    if (this.phase !== RecoveryPhase.OPEN || this.#duplicates < DUPLICATE_THRESHOLD) return;
    const first = board.segments.at(0);
    if (first.state === SentState.OUT) board.lose(first);
  }

  /** Segments beyond holes; a super-segment counts as those that it was cut into (RFC 6675 section 4). */
  get #sacked(): number {
    const { sackedSegments, sackedBytes } = this.board;
    return Math.max(sackedSegments, Math.floor(sackedBytes / this.segmentSize));
  }

  /** Takes for lost what RACK says, and works out when it will say more. Returns whether anything was lost. */
  #detect(now: number): boolean {
    this.reorderAt = Infinity;
    const { board } = this;
    const { segments } = board;
    if (!this.hasSack || segments.oldest === null) return false;
    const before = board.lostSegments;
    const rack = this.#rack;
    const window = rack.reorderingWindow(this.#rtt, this.phase !== RecoveryPhase.OPEN, this.#sacked);
    while (segments.oldest !== null && rack.isOvertaken(segments.oldest)) {
      const at = segments.oldest.sentAt + rack.rtt + window;
      if (at > now) {
        this.reorderAt = at;
        break;
      }
      board.lose(segments.oldest);
    }
    return board.lostSegments > before;
  }

  /** The time has come for what was overtaken. */
  onReorderTimeout(context: AckContext, now: number): void {
    this.board.begin();
    if (this.#detect(now)) this.#steer(0, context.una, context, -1, false, true, now);
  }

  /** So many bytes went out, for the first time or again. */
  sent(bytes: number): void {
    if (this.phase === RecoveryPhase.RECOVERY) this.#prr.sent(bytes);
  }

  /** The retransmission timer ran out. */
  onRetransmissionTimeout(una: number, sendNext: number, now: number): void {
    const isRepeated = this.phase === RecoveryPhase.LOSS && this.#isStuck;
    this.#isStuck = true;
    this.#congestion.onTimeout((sendNext - una) | 0, isRepeated, now);
    this.#loseOld(now);
    // one segment besides what may well be under way
    this.#congestion.cwnd += this.board.inFlight;
    this.#rtt.backOff();
    this.phase = RecoveryPhase.LOSS;
    this.#end = sendNext;
    this.#duplicates = 0;
    this.#isProbeOut = false;
    this.reorderAt = Infinity;
    if (isRepeated) return;
    this.#canUndo = true;
    this.#hasUndoTimestamp = false;
    this.#unprovenRetransmits = 0;
  }

  /** The first, and all for which it would be time to have arrived: what was sent just now may have (RFC 8985 section 6.3). */
  #loseOld(now: number): void {
    const { board } = this;
    const { segments } = board;
    if (!this.hasSack || segments.size === 0 || segments.at(0).state === SentState.SACKED) return board.loseAll();
    const rack = this.#rack;
    const window = rack.reorderingWindow(this.#rtt, true, this.#sacked);
    // of what is under way nothing may have arrived yet, and what was before is not known any more
    const rtt = rack.hasArrivals ? rack.rtt : Math.max(0, this.#rtt.srtt);
    const first = segments.at(0);
    if (first.state === SentState.OUT) board.lose(first);
    while (segments.oldest !== null && segments.oldest.sentAt + rtt + window <= now) board.lose(segments.oldest);
  }

  /** A segment that ends at `end` was sent again, at this time of the timestamps' clock. */
  retransmitted(end: number, timestamp: number): void {
    this.retransmits++;
    this.#unprovenRetransmits++;
    if (!this.#canUndo || this.#hasUndoTimestamp || this.#unprovenRetransmits !== 1) return;
    this.#hasUndoTimestamp = true;
    this.#undoTimestamp = timestamp;
    this.#undoEnd = end;
  }

  #noteDuplicateReport(sendNext: number, now: number): void {
    if (this.retransmits <= this.spuriousRetransmits) return;
    this.spuriousRetransmits++;
    this.#rack.duplicateReported(sendNext);
    if (this.#unprovenRetransmits === 0) return;
    this.#unprovenRetransmits--;
    if (this.#unprovenRetransmits === 0 && this.#canUndo) this.#undo(now);
  }

  #undo(now: number): void {
    this.#canUndo = false;
    this.#hasUndoTimestamp = false;
    this.#congestion.undo(now);
    this.board.restore();
    this.phase = RecoveryPhase.OPEN;
    this.#duplicates = 0;
  }

  /**
   * When the last segment is to be sent again because nothing came back (RFC 8985 section 7.2), at `rtoAt` at the latest;
   * `Infinity` for not at all.
   */
  probeAt(now: number, rtoAt: number): number {
    const { board } = this;
    const { size } = board.segments;
    if (!this.hasSack || this.#isProbeOut || this.phase !== RecoveryPhase.OPEN) return Infinity;
    if (size === 0 || board.sackedSegments > 0) return Infinity;
    const { srtt } = this.#rtt;
    if (srtt < 0) return Infinity;
    return Math.min(rtoAt, now + Math.max(2 * srtt, MIN_PROBE_MS) + (size === 1 ? MAX_ACK_DELAY_MS : 0));
  }

  /** The probe has been sent. */
  probed(sendNext: number, isRetransmission: boolean): void {
    this.#isProbeOut = true;
    this.#isProbeRetransmission = isRetransmission;
    this.#probeEnd = sendNext;
  }

  /** What the answer to a probe tells (RFC 8985 section 7.4.2). */
  #closeProbe(acknowledgment: number, advanced: number, context: AckContext, now: number): void {
    if (!this.#isProbeOut || ((acknowledgment - this.#probeEnd) | 0) < 0) return;
    const isBeyond = ((acknowledgment - this.#probeEnd) | 0) > 0;
    if (!this.#isProbeRetransmission || this.board.hasDuplicate) this.#isProbeOut = false;
    else if (isBeyond) {
      // the probe repaired a loss that nobody would else have noticed
      this.#isProbeOut = false;
      if (this.phase !== RecoveryPhase.OPEN) return;
      this.#congestion.onCongestion((context.sendNext - context.una) | 0, "loss", now);
      this.#congestion.onRecovered(now);
    } else if (advanced === 0 && context.isDuplicate) this.#isProbeOut = false;
  }

  /** Forgets all. */
  clear(): void {
    this.board.clear();
    this.reorderAt = Infinity;
  }
}
