/**
 * One direction of a watched call: which packets were sent, sent again, acknowledged. Internal.
 *
 * @module
 */
import type { RxAck } from "../ack.ts";
import { namesOf, RxAckReason } from "../packet_types.ts";
import type { RxDataRemark, RxWatchedTrack } from "./records.ts";
import { type RingCount, RingTable } from "./ring_table.ts";

/** Packets that are remembered, four windows of the largest kind. */
const REMEMBERED = 1024;

interface Sent {
  serial: number;
  isAcked: boolean;
  isNacked: boolean;
  isSpurious: boolean;
}

const REASON_NAMES: ReadonlyMap<number, string> = namesOf(RxAckReason);

/** The name of an ACK's reason. */
export function ackReasonName(reason: number): string {
  return REASON_NAMES.get(reason) ?? `reason ${reason}`;
}

function newTrack(): RxWatchedTrack {
  return {
    packets: 0,
    bytes: 0,
    resent: 0,
    spurious: 0,
    missing: 0,
    isWhole: false,
    highest: 0,
    startedAt: undefined,
    endedAt: undefined,
    acks: 0,
    ackReasons: {},
    hardAck: 1,
    softAcked: 0,
    nacked: 0,
    window: undefined,
    rtt: { samples: 0, leastMs: Infinity, mostMs: 0, sumMs: 0 },
  };
}

/** Counts for one direction. */
export class DataTrack {
  /** What is known. */
  readonly track: RxWatchedTrack = newTrack();
  readonly #sent: RingTable<Sent>;
  /** Of packets up to this one nothing is known any more. */
  #forgotten = 0;

  /** Remembers packets, and counts them in `count`. */
  constructor(count: RingCount) {
    this.#sent = new RingTable(REMEMBERED, count);
  }

  /** Remembers no packet any more. What comes and is not above the highest counts as sent again. */
  forget(): void {
    this.#sent.clear();
    this.#forgotten = this.track.highest;
  }

  /** A DATA packet of `bytes` was seen. */
  data(seq: number, serial: number, bytes: number, isLast: boolean, now: number): RxDataRemark | undefined {
    const { track } = this;
    const known = this.#sent.get(seq);
    const isForgotten = seq <= this.#forgotten || seq + REMEMBERED <= track.highest;
    if (known !== undefined || isForgotten) return this.#again(known, seq, serial);
    this.#sent.set(seq, { serial, isAcked: false, isNacked: false, isSpurious: false });
    track.startedAt ??= now;
    track.packets++;
    track.bytes += bytes;
    if (isLast) {
      track.isWhole = true;
      track.endedAt = now;
    }
    if (seq <= track.highest) {
      track.missing--;
      return "late";
    }
    const skipped = seq - track.highest - 1;
    track.missing += skipped;
    track.highest = seq;
    return skipped > 0 ? "early" : undefined;
  }

  #again(known: Sent | undefined, seq: number, serial: number): RxDataRemark {
    const { track } = this;
    track.resent++;
    const isInVain = seq < track.hardAck || known?.isAcked === true;
    if (isInVain) track.spurious++;
    if (known !== undefined) {
      known.serial = serial;
      known.isSpurious = isInVain;
    }
    return isInVain ? "resent in vain" : "resent";
  }

  /** The receiver has sent an ACK; it took so long, where that is known. */
  ack(ack: RxAck, rttMs: number | undefined, seqOfSerial: number | undefined): void {
    const { track } = this;
    track.acks++;
    const name = ackReasonName(ack.reason);
    track.ackReasons[name] = (track.ackReasons[name] ?? 0) + 1;
    if (ack.reason === RxAckReason.DUPLICATE && seqOfSerial !== undefined) this.#duplicate(seqOfSerial, ack.serial);
    if (ack.firstPacket >= track.hardAck) {
      // an ACK that was overtaken says nothing new, least of all about the window
      track.hardAck = ack.firstPacket;
      track.window = ack.rwind ?? track.window;
    }
    ack.acks.forEach((hasCome, index) => this.#soft(ack.firstPacket + index, hasCome));
    if (rttMs !== undefined) this.#sample(rttMs);
  }

  #duplicate(seq: number, serial: number): void {
    const sent = this.#sent.get(seq);
    if (sent === undefined || sent.serial !== serial || sent.isSpurious) return;
    sent.isSpurious = true;
    // the first transmission may have been doubled by the network
    if (this.track.spurious < this.track.resent) this.track.spurious++;
  }

  #soft(seq: number, hasCome: boolean): void {
    const sent = this.#sent.get(seq);
    if (sent === undefined) return;
    if (hasCome && !sent.isAcked) {
      sent.isAcked = true;
      this.track.softAcked++;
    }
    if (!hasCome && !sent.isNacked && !sent.isAcked) {
      sent.isNacked = true;
      this.track.nacked++;
    }
  }

  #sample(ms: number): void {
    const { rtt } = this.track;
    rtt.samples++;
    rtt.sumMs += ms;
    rtt.leastMs = Math.min(rtt.leastMs, ms);
    rtt.mostMs = Math.max(rtt.mostMs, ms);
  }
}
