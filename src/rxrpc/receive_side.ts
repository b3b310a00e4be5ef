/**
 * The receiving direction of a call: packets in order out, what is to be acknowledged, and how much more may come.
 *
 * A packet that has come in order is acknowledged for good at once; the window says how much the application has left
 * unread. Packets out of order are kept in buffers of their own: a small one must not keep a datagram of 64 kB alive.
 *
 * @module
 */
import { seqDiff } from "../bytes/sequence.ts";
import { MAX_SOFT_ACKS } from "./ack.ts";
import type { RxHeader } from "./header.ts";
import { USUAL_BYTES } from "./held_bytes.ts";
import { RxAckReason, RxFlag } from "./packet_types.ts";

/** What came of a packet: why to acknowledge it at once, or not, or that it can't be. */
export type Arrival = number | "in order" | "hole filled" | "invalid";

/** Counters of all calls. */
export interface ReceiveTotals {
  /** Packets that were taken; one that had to give way to others and comes again, each time. */
  dataPacketsCame: number;
  /** Packets that have come and were there already. */
  repeatedPackets: number;
}

/** What a direction hands out and asks. */
export interface ReceiveHost {
  /** Counts what comes. */
  readonly totals: ReceiveTotals;
  /** Takes the seal off the next packet in order. */
  open(header: RxHeader, body: Uint8Array): Uint8Array;
  /** What was in it. */
  data(bytes: Uint8Array): void;
  /** How many more bytes may be kept, beside so many of this direction; whether anything of it was read. */
  room(own: number, wasRead: boolean): number;
  /** So many more are kept; a negative number gives back. */
  hold(bytes: number): void;
  /** Whether somebody reads, who may wait for the next packet. */
  isRead(): boolean;
}

/** The window of a call of which nothing was read yet: so many calls may wait, and whoever is read has room. */
const UNREAD_WINDOW = 32;
/** A datagram of any size fits into the smallest window. */
const MIN_BUDGET_BYTES = 65_536;

interface Held {
  header: RxHeader;
  body: Uint8Array;
}

/** Most calls never see a packet out of order. */
const NONE_HELD: Map<number, Held> = new Map();

/** Puts the packets of one direction of one call into order. */
export class ReceiveSide {
  readonly #host: ReceiveHost;
  readonly #window: number;
  /** Most bytes that are kept. */
  readonly #budget: number;
  #held: Map<number, Held> = NONE_HELD;
  /** Lengths of the packets that were delivered and not consumed, oldest first. */
  readonly #unread: number[] = [];
  /** Bytes consumed of the oldest. */
  #readOfFirst = 0;
  /** Bytes that were delivered and not consumed. */
  #unreadBytes = 0;
  /** Bytes out of order. */
  #asideBytes = 0;
  /** Packets that were taken. */
  #arrivals = 0;
  /** Packets that were next, and for which there was no room. */
  #refusals = 0;
  #wasRead = false;
  readonly #first: number;
  #next: number;
  #top: number;
  #last: number | undefined;
  /** The first sequence number beyond what was ever allowed. */
  #edge: number;
  #consumedSinceAck = 0;
  #wasClosed = false;

  /** Starts before packet `first`, which is another than 1 only where somebody wants to see the numbers go round. */
  constructor(host: ReceiveHost, window: number, first = 1) {
    this.#host = host;
    this.#window = window;
    this.#budget = Math.max(MIN_BUDGET_BYTES, window * USUAL_BYTES);
    this.#first = first;
    this.#next = first;
    this.#top = (first - 1) >>> 0;
    this.#edge = (first + Math.max(window, 16)) >>> 0;
  }

  /** Sequence number of the next packet in order. */
  get next(): number {
    return this.#next;
  }

  /** Highest sequence number that has come. */
  get top(): number {
    return this.#top;
  }

  /** Whether everything has come. */
  get isComplete(): boolean {
    return this.#last !== undefined && seqDiff(this.#next, this.#last) > 0;
  }

  /** Packets that were taken; one that had to give way to others and comes again, each time. */
  get arrivals(): number {
    return this.#arrivals;
  }

  /** Packets that would have been taken, had there been room. */
  get refusals(): number {
    return this.#refusals;
  }

  /** Bytes that are kept. */
  get heldBytes(): number {
    return this.#unreadBytes + this.#asideBytes;
  }

  /** Whether a packet lacks before one that has come. */
  get hasGap(): boolean {
    return this.#held.size > 0;
  }

  /** Whether something has come. */
  get hasBegun(): boolean {
    return this.#top !== (this.#first - 1) >>> 0;
  }

  /** Whether something was delivered that nobody has read. */
  get hasUnread(): boolean {
    return this.#unread.length > 0;
  }

  /** How many packets from {@linkcode next} on may come. */
  get window(): number {
    const most = this.#wasRead ? this.#window : Math.min(this.#window, UNREAD_WINDOW);
    const packets = most - this.#unread.length;
    if (packets <= 0) return 0;
    // what is out of order lies in the window already
    const fitting = this.#held.size + Math.max(0, Math.floor(this.#room() / USUAL_BYTES));
    // whoever has read everything waits for the next packet: that one may always come
    return fitting >= packets ? packets : Math.max(fitting, this.#mayAlways ? 1 : 0);
  }

  /** Which packets beyond {@linkcode next} have come. */
  softAcks(): boolean[] {
    const count = Math.min(MAX_SOFT_ACKS, Math.max(0, seqDiff(this.#top, this.#next) + 1));
    return Array.from({ length: count }, (_, at) => this.#held.has((this.#next + at) >>> 0));
  }

  /** An acknowledgement goes out: the peer will know of this window. */
  advertised(): void {
    const edge = (this.#next + this.window) >>> 0;
    if (seqDiff(edge, this.#edge) > 0) this.#edge = edge;
    this.#consumedSinceAck = 0;
    this.#wasClosed = this.window === 0;
  }

  /** Takes a packet. */
  arrive(header: RxHeader, body: Uint8Array): Arrival {
    const { seq } = header;
    const isLast = (header.flags & RxFlag.LAST_PACKET) !== 0;
    if (this.#contradictsEnd(seq, isLast)) return "invalid";
    const ahead = seqDiff(seq, this.#next);
    if (ahead < 0 || this.#held.has(seq)) {
      this.#host.totals.repeatedPackets++;
      return RxAckReason.DUPLICATE;
    }
    // one packet beyond a closed window is allowed: some peers send it
    if (seqDiff(seq, this.#edge) >= 0 && ahead > 0) return RxAckReason.EXCEEDS_WINDOW;
    if (ahead >= MAX_SOFT_ACKS || this.#unread.length > this.#window) return RxAckReason.EXCEEDS_WINDOW;
    const hadHole = this.#held.size > 0;
    if (!this.#hasRoom(body.length, ahead === 0)) {
      // who sends what is behind a gap, and not what fills it, is waiting for nothing here
      if (ahead === 0) this.#refusals++;
      return RxAckReason.NOSPACE;
    }
    if (isLast) this.#last = seq;
    if (ahead > 0) return this.#putAside(header, body);
    if (seqDiff(seq, this.#top) > 0) this.#top = seq;
    this.#arrived();
    this.#take(header, body);
    for (let held = this.#held.get(this.#next); held !== undefined; held = this.#held.get(this.#next)) {
      this.#held.delete(this.#next);
      this.#aside(-held.body.length);
      this.#take(held.header, held.body);
    }
    if ((header.flags & RxFlag.REQUEST_ACK) !== 0) return RxAckReason.REQUESTED;
    return hadHole ? "hole filled" : "in order";
  }

  /** The whole of it is waited for, and whoever should read does not: as if something was read. Returns whether that is news. */
  widen(): boolean {
    const had = this.#wasRead;
    this.#wasRead = true;
    return !had && this.hasBegun && !this.isComplete;
  }

  /** The application has taken bytes. Returns whether the peer should hear of it. */
  consumed(bytes: number): boolean {
    let left = this.#readOfFirst + bytes;
    let packets = 0;
    const read = Math.min(bytes, this.#unreadBytes);
    this.#wasRead ||= read > 0;
    this.#unreadBytes -= read;
    this.#host.hold(-read);
    while (packets < this.#unread.length && left >= this.#unread[packets]!) left -= this.#unread[packets++]!;
    this.#unread.splice(0, packets);
    this.#readOfFirst = this.#unread.length === 0 ? 0 : left;
    this.#consumedSinceAck += packets;
    if (this.isComplete) return false;
    return packets > 0 && (this.#wasClosed || this.#consumedSinceAck >= Math.max(2, this.#window / 4));
  }

  /** Nothing more is wanted: what is kept is thrown away. */
  discard(): void {
    this.#dropAside();
    this.#unread.length = 0;
    this.#host.hold(-this.#unreadBytes);
    this.#unreadBytes = 0;
  }

  /** Bytes that may still be kept. */
  #room(): number {
    const own = this.heldBytes;
    return Math.min(this.#budget - own, this.#host.room(own, this.#wasRead));
  }

  get #mayAlways(): boolean {
    return this.#unread.length === 0 && this.#host.isRead();
  }

  #hasRoom(bytes: number, isNext: boolean): boolean {
    if (bytes <= this.#room()) return true;
    if (!isNext) return false;
    if (bytes <= USUAL_BYTES && this.#mayAlways) return true;
    if (bytes > this.#room() + this.#asideBytes) return false;
    // what is out of order gives way to what is next: it was acknowledged in a way that can be taken back
    this.#dropAside();
    return true;
  }

  #arrived(): void {
    this.#arrivals++;
    this.#host.totals.dataPacketsCame++;
  }

  #aside(bytes: number): void {
    this.#asideBytes += bytes;
    this.#host.hold(bytes);
  }

  #dropAside(): void {
    this.#held = NONE_HELD;
    this.#aside(-this.#asideBytes);
  }

  #contradictsEnd(seq: number, isLast: boolean): boolean {
    if (this.#last !== undefined) return isLast ? seq !== this.#last : seqDiff(seq, this.#last) >= 0;
    return isLast && seqDiff(seq, this.#top) < 0;
  }

  #putAside(header: RxHeader, body: Uint8Array): Arrival {
    this.#aside(body.length);
    if (this.#held === NONE_HELD) this.#held = new Map();
    this.#held.set(header.seq, { header, body: body.slice() });
    this.#arrived();
    if (seqDiff(header.seq, this.#top) > 0) this.#top = header.seq;
    return RxAckReason.OUT_OF_SEQUENCE;
  }

  #take(header: RxHeader, body: Uint8Array): void {
    this.#next = (this.#next + 1) >>> 0;
    const data = this.#host.open(header, body);
    // what has nothing to be read is read
    if (data.length === 0) return;
    this.#unread.push(data.length);
    this.#unreadBytes += data.length;
    this.#host.hold(data.length);
    this.#host.data(data);
  }
}
