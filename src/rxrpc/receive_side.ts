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
import { RxAckReason, RxFlag } from "./packet_types.ts";

/** What came of a packet: why to acknowledge it at once, or not, or that it can't be. */
export type Arrival = number | "in order" | "hole filled" | "invalid";

/** What a direction hands out and asks. */
export interface ReceiveHost {
  /** The next packet in order. Returns how many bytes of data were in it. */
  deliver(header: RxHeader, body: Uint8Array): number;
  /** Whether so many more bytes may be kept; fewer are given back as a negative number. */
  hold(bytes: number): boolean;
  /** Whether the next packet in order may be delivered, which has so many bytes. */
  admits(bytes: number): boolean;
}

interface Held {
  header: RxHeader;
  body: Uint8Array;
}

/** Puts the packets of one direction of one call into order. */
export class ReceiveSide {
  readonly #host: ReceiveHost;
  readonly #window: number;
  readonly #held: Map<number, Held> = new Map();
  /** Lengths of the packets that were delivered and not consumed, oldest first. */
  readonly #unread: number[] = [];
  /** Bytes consumed of the oldest. */
  #readOfFirst = 0;
  /** Packets that have come and were new. */
  #arrivals = 0;
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

  /** Packets that have come; none is counted twice. */
  get arrivals(): number {
    return this.#arrivals;
  }

  /** Whether a packet lacks before one that has come. */
  get hasGap(): boolean {
    return this.#held.size > 0;
  }

  /** Whether something has come. */
  get hasBegun(): boolean {
    return this.#top !== (this.#first - 1) >>> 0;
  }

  /** How many packets from {@linkcode next} on may come. */
  get window(): number {
    return Math.max(0, this.#window - this.#unread.length);
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
    if (ahead < 0 || this.#held.has(seq)) return RxAckReason.DUPLICATE;
    // one packet beyond a closed window is allowed: some peers send it
    if (seqDiff(seq, this.#edge) >= 0 && ahead > 0) return RxAckReason.EXCEEDS_WINDOW;
    if (ahead >= MAX_SOFT_ACKS) return RxAckReason.EXCEEDS_WINDOW;
    if (ahead > 0 ? !this.#host.hold(body.length) : !this.#host.admits(body.length)) return RxAckReason.NOSPACE;
    if (isLast) this.#last = seq;
    if (ahead > 0) return this.#keep(header, body);
    if (seqDiff(seq, this.#top) > 0) this.#top = seq;
    const hadHole = this.#held.size > 0;
    this.#arrivals++;
    this.#take(header, body);
    for (let held = this.#held.get(this.#next); held !== undefined; held = this.#held.get(this.#next)) {
      this.#held.delete(this.#next);
      this.#host.hold(-held.body.length);
      this.#take(held.header, held.body);
    }
    if ((header.flags & RxFlag.REQUEST_ACK) !== 0) return RxAckReason.REQUESTED;
    return hadHole ? "hole filled" : "in order";
  }

  /** The application has taken bytes. Returns whether the peer should hear of it. */
  consumed(bytes: number): boolean {
    let left = this.#readOfFirst + bytes;
    let packets = 0;
    while (packets < this.#unread.length && left >= this.#unread[packets]!) left -= this.#unread[packets++]!;
    this.#unread.splice(0, packets);
    this.#readOfFirst = this.#unread.length === 0 ? 0 : left;
    this.#consumedSinceAck += packets;
    if (this.isComplete) return false;
    return packets > 0 && (this.#wasClosed || this.#consumedSinceAck >= Math.max(2, this.#window / 4));
  }

  /** Nothing more is wanted: what is kept is thrown away. */
  discard(): void {
    for (const { body } of this.#held.values()) this.#host.hold(-body.length);
    this.#held.clear();
    this.#unread.length = 0;
  }

  #contradictsEnd(seq: number, isLast: boolean): boolean {
    if (this.#last !== undefined) return isLast ? seq !== this.#last : seqDiff(seq, this.#last) >= 0;
    return isLast && seqDiff(seq, this.#top) < 0;
  }

  #keep(header: RxHeader, body: Uint8Array): Arrival {
    this.#held.set(header.seq, { header, body: body.slice() });
    this.#arrivals++;
    if (seqDiff(header.seq, this.#top) > 0) this.#top = header.seq;
    return RxAckReason.OUT_OF_SEQUENCE;
  }

  #take(header: RxHeader, body: Uint8Array): void {
    this.#next = (this.#next + 1) >>> 0;
    const bytes = this.#host.deliver(header, body);
    // what has nothing to be read is read
    if (bytes > 0) this.#unread.push(bytes);
  }
}
