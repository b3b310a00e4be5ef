/**
 * What a connection receives: bytes put in order, the window, acknowledgments that are owed (RFC 9293 sections 3.4, 3.8.6
 * and 3.10.7.4; RFC 2018 and RFC 2883 for selective acknowledgment; RFC 7323 for timestamps).
 *
 * @module
 */
import { TcpFlag } from "../../packet/tcp.ts";
import type { BufferPool } from "./buffer_pool.ts";
import { ByteRing } from "./byte_ring.ts";
import { RangeList } from "./range_list.ts";
import type { SegmentCursor } from "./segment_cursor.ts";
import type { TcpSettings } from "./tcp_settings.ts";

/** When the timestamp that would protect against old segments is too old itself (RFC 7323 section 5.5). */
const PAWS_IDLE_MS = 24 * 24 * 3600 * 1000;

/** How urgent an acknowledgment is. */
export const AckDue = {
  /** None is owed. */
  NONE: 0,
  /** It may wait. */
  DELAYED: 1,
  /** It goes as soon as there is room. */
  NOW: 2,
} as const;

/** Memory that readers who don't read leave to others: what is received beyond so much of a connection is spare. */
const OWN_BYTES = 4096;

/** One connection's receiving half. */
export class ReceiveSide {
  /** RCV.NXT: the next sequence number that is expected. */
  next = 0;
  /** Right edge of the window as it was last told, behind which nothing is taken. */
  edge = 0;
  /** Shift of our windows. */
  shift = 0;
  /** How urgent the acknowledgment is, see {@linkcode AckDue}. */
  ackDue: number = AckDue.NONE;
  /** Acknowledgments that a peer without SACK counts: one for each segment out of order. */
  duplicateAcks = 0;
  /** When a delayed acknowledgment goes at the latest. */
  ackAt: number = Infinity;
  /** Whether the peer's FIN has come, in order. */
  isEnded = false;
  /** TS.Recent. */
  tsRecent = 0;
  /** When it was taken. */
  tsRecentAt = 0;
  /** Last.ACK.sent. */
  lastAckSent = 0;
  /** Whether SACK was agreed on. */
  hasSack = false;
  /** Whether congestion is to be echoed until the peer has reacted (RFC 3168). */
  echoesCongestion = false;
  /** Bytes in order that nobody has consumed. */
  readonly ring: ByteRing;
  /** Largest segment that came, but not larger than what we asked for. */
  segmentSize = 536;
  /** Segment size that we ask for. */
  maxSegmentSize = 0xffff;
  /** Segments taken in order since the last acknowledgment. */
  #unacked = 0;
  #finAt = 0;
  #hasFin = false;
  #ranges: RangeList | null = null;
  #duplicateLeft = 0;
  #duplicateRight = 0;
  #hasDuplicate = false;
  readonly #settings: TcpSettings;

  /** Nothing received yet. */
  constructor(settings: TcpSettings, pool: BufferPool) {
    this.#settings = settings;
    this.ring = new ByteRing(pool, OWN_BYTES);
  }

  /** The peer's SYN had this sequence number, and windows are shifted so from now on. */
  start(sequence: number, shift: number): void {
    this.next = (sequence + 1) | 0;
    this.lastAckSent = this.next;
    this.shift = shift;
    this.started(Math.min(0xffff, this.#limit));
  }

  get #limit(): number {
    return this.#settings.receiveBufferBytes;
  }

  /** The largest window that the field can tell. */
  get #maxWindow(): number {
    return 0xffff << this.shift;
  }

  /** The window field of our SYN or SYN-ACK was this. */
  started(field: number): void {
    this.edge = (this.next + (this.#settings.takesBeyondWindow ? this.#limit : field)) | 0;
  }

  /** Bytes of the window as the peer knows it. */
  get window(): number {
    // a FIN behind bytes that fill it lies beyond its edge
    return Math.max(0, (this.edge - this.next) | 0);
  }

  /** Bytes that may still be taken in. */
  get room(): number {
    return this.#limit - this.ring.length;
  }

  /** Whether bytes wait for others before them. */
  get hasHoles(): boolean {
    return this.#ranges !== null && this.#ranges.size > 0;
  }

  /** Whether the segment begins or ends within the window: the four cases of RFC 9293 section 3.10.7.4. */
  isAcceptable(sequence: number, length: number): boolean {
    const window = this.window;
    const start = (sequence - this.next) | 0;
    if (length === 0) return window === 0 ? start === 0 : start >= 0 && start < window;
    if (window === 0) return false;
    const last = (start + length - 1) | 0;
    return (start >= 0 && start < window) || (last >= 0 && last < window);
  }

  /** Whether timestamps show that the segment is an old one (PAWS, RFC 7323 section 5). */
  isOld(segment: SegmentCursor, now: number): boolean {
    return ((segment.tsValue - this.tsRecent) | 0) < 0 && now - this.tsRecentAt < PAWS_IDLE_MS;
  }

  /** Keeps the timestamp to be echoed (RFC 7323 section 4.3). */
  noteTimestamp(segment: SegmentCursor, now: number): void {
    if (((segment.sequence - this.lastAckSent) | 0) > 0 || this.isOld(segment, now)) return;
    this.tsRecent = segment.tsValue;
    this.tsRecentAt = now;
  }

  /** A segment came that is of no use, or asks for an answer. */
  ackNow(): void {
    this.ackDue = AckDue.NOW;
  }

  /** A segment came that lies wholly before the window: it was received twice (RFC 2883). */
  noteDuplicate(left: number, right: number): void {
    this.#duplicateLeft = left;
    this.#duplicateRight = right;
    this.#hasDuplicate = true;
  }

  /** More of the segment was received twice: only the first part is reported (RFC 2883 section 4). */
  #noteFurtherDuplicate(left: number, right: number): void {
    if (!this.#hasDuplicate) this.noteDuplicate(left, right);
  }

  /**
   * Takes the data and the FIN of an acceptable segment. Returns how many bytes are new in order; `isEnded` tells of the
   * FIN.
   */
  take(segment: SegmentCursor, now: number): number {
    let left = segment.sequence;
    let from = segment.dataAt;
    let right = (left + segment.dataEnd - from) | 0;
    let hasFin = (segment.flags & TcpFlag.FIN) !== 0;
    this.#hasDuplicate = false;
    const old = (this.next - left) | 0;
    if (old > 0) {
      const known = Math.min(old, segment.dataEnd - from);
      if (known > 0) this.noteDuplicate(left, (left + known) | 0);
      this.ackNow();
      from += known;
      left = (left + known) | 0;
    }
    const beyond = (right - this.edge) | 0;
    if (beyond > 0) {
      right = this.edge;
      hasFin = false;
      this.ackNow();
    }
    const count = (right - left) | 0;
    // whatever follows the peer's end is nothing that it may send
    if (this.#hasFin && ((right - this.#finAt) | 0) > 0) return 0;
    if (hasFin && ((left - this.next) | 0) >= 0 && !this.#hasFin && !this.#isBelowHeld(right)) {
      this.#hasFin = true;
      this.#finAt = right;
    }
    const was = this.next;
    if (count > 0) this.#place(left, segment.bytes, from, count, now);
    if (this.#hasFin && this.next === this.#finAt && !this.isEnded) {
      this.isEnded = true;
      this.next = (this.next + 1) | 0;
      this.ackNow();
      return (this.next - was - 1) | 0;
    }
    if (hasFin && !this.isEnded) this.ackNow();
    return (this.next - was) | 0;
  }

  /** Whether bytes are held that lie behind `sequence`: an end there contradicts them, and is not believed. */
  #isBelowHeld(sequence: number): boolean {
    const ranges = this.#ranges;
    return ranges !== null && ranges.size > 0 && ((ranges.right(ranges.size - 1) - sequence) | 0) > 0;
  }

  /** Keeps the data of a SYN until the connection is open. Returns how many bytes were kept. */
  keepSynData({ bytes, dataAt, dataEnd }: SegmentCursor): number {
    return this.ring.writeAt(0, bytes, dataAt, dataEnd) ? dataEnd - dataAt : 0;
  }

  /** The connection is open: those bytes are in order now. */
  takeSynData(count: number, now: number): void {
    this.ring.extend(count);
    this.next = (this.next + count) | 0;
    this.#oweAck(count, now);
  }

  #place(left: number, bytes: Uint8Array, from: number, count: number, now: number): void {
    const right = (left + count) | 0;
    const gap = (left - this.next) | 0;
    if (count > this.segmentSize) this.segmentSize = Math.max(this.segmentSize, Math.min(count, this.maxSegmentSize));
    if (gap > 0) return this.#keep(left, right, bytes, from, gap);
    if (!this.ring.writeAt(this.ring.length, bytes, from, from + count)) {
      // no memory: it was never here, and the peer sends it again
      this.ackNow();
      return;
    }
    this.ring.extend(count);
    this.next = right;
    if (this.#ranges !== null && this.#ranges.size > 0) {
      this.#join();
      this.ackNow();
      return;
    }
    this.#oweAck(count, now);
  }

  /** Every second full segment is acknowledged at once (RFC 9293 SHLD-19), others soon (MUST-40). */
  #oweAck(count: number, now: number): void {
    this.#unacked += count;
    if (this.#settings.delayedAckMs === 0 || this.#unacked >= 2 * this.segmentSize) return this.ackNow();
    if (this.ackDue !== AckDue.NONE) {
      if (this.#settings.acksEverySecond) this.ackNow();
      return;
    }
    this.ackDue = AckDue.DELAYED;
    this.ackAt = now + this.#settings.delayedAckMs;
  }

  /** Keeps bytes that wait for others. */
  #keep(left: number, right: number, bytes: Uint8Array, from: number, gap: number): void {
    const ranges = this.#ranges ??= new RangeList(this.#settings.maxOutOfOrderRanges);
    this.ackNow();
    this.duplicateAcks++;
    if (!ranges.hasRoom(left, right)) return;
    if (!this.ring.writeAt(this.ring.length + gap, bytes, from, from + ((right - left) | 0))) return;
    this.#noteOverlap(ranges, left, right);
    ranges.add(left, right);
  }

  /** The first part of the segment that was here already (RFC 2883 section 4). */
  #noteOverlap(ranges: RangeList, left: number, right: number): void {
    const at = ranges.find((left + 1) | 0);
    if (at >= ranges.size) return;
    const from = ((ranges.left(at) - left) | 0) > 0 ? ranges.left(at) : left;
    const to = ((ranges.right(at) - right) | 0) < 0 ? ranges.right(at) : right;
    if (((to - from) | 0) > 0) this.#noteFurtherDuplicate(from, to);
  }

  /** Bytes in order have reached ranges that waited for them. */
  #join(): void {
    const ranges = this.#ranges!;
    while (ranges.size > 0 && ((ranges.left(0) - this.next) | 0) <= 0) {
      const overlap = (this.next - ranges.left(0)) | 0;
      const more = (ranges.right(0) - this.next) | 0;
      if (overlap > 0) this.#noteFurtherDuplicate(ranges.left(0), more > 0 ? this.next : ranges.right(0));
      ranges.shift();
      if (more <= 0) continue;
      this.ring.extend(more);
      this.next = (this.next + more) | 0;
    }
    if (ranges.size === 0) this.#ranges = null;
  }

  /**
   * The window to tell, not shifted. Its right edge never moves back, and forward only by as much as is worth a segment
   * (RFC 9293 section 3.8.6.2.2).
   */
  offer(): number {
    const told = this.window;
    const room = Math.min(this.#maxWindow, Math.max(0, this.room));
    const gain = room - told;
    const isWorth = gain >= Math.min(this.#settings.minWindowGainBytes, this.segmentSize, this.#limit >>> 1);
    return isWorth ? room : Math.max(0, told);
  }

  /** Whether so much was consumed that the peer is told at once. */
  get isOfferDue(): boolean {
    const gain = Math.min(this.#maxWindow, this.room) - this.window;
    if (gain <= 0) return false;
    // as BSD does it: two segments, or half of the buffer
    return gain >= Math.min(2 * this.segmentSize, this.#limit >>> 1);
  }

  /** A segment went that peers answer and do not look at otherwise: should one do, the window that it told is kept. */
  offered(field: number, shift: number): void {
    const window = this.#settings.takesBeyondWindow ? this.room : (field << shift);
    const edge = (this.next + window) | 0;
    if (((edge - this.edge) | 0) > 0) this.edge = edge;
  }

  /** An acknowledgment goes out with this window field. */
  told(field: number, shift: number): void {
    this.offered(field, shift);
    this.lastAckSent = this.next;
    this.ackDue = AckDue.NONE;
    this.ackAt = Infinity;
    this.#unacked = 0;
    this.#duplicateLeft = this.#duplicateRight;
  }

  /** Writes up to `max` blocks for a selective acknowledgment to `into` and returns how many. */
  sackBlocks(max: number, into: Int32Array): number {
    let count = 0;
    if (this.#duplicateLeft !== this.#duplicateRight) {
      into[0] = this.#duplicateLeft;
      into[1] = this.#duplicateRight;
      count = 1;
    }
    if (this.#ranges === null) return count;
    return count + this.#ranges.newest(max - count, into, 2 * count);
  }

  /** Whether the next acknowledgment has blocks to tell. */
  get hasSackBlocks(): boolean {
    return this.#ranges !== null || this.#duplicateLeft !== this.#duplicateRight;
  }
}
