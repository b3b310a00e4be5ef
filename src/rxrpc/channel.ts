/**
 * One of the four channels of a connection: the call that runs in it, and what is still to be said of the last one.
 *
 * @module
 */
import { seqDiff, seqLess } from "../bytes/sequence.ts";
import { RxAbort } from "./abort_codes.ts";
import { decodeAck } from "./ack.ts";
import type { RxCall } from "./call.ts";
import { HEADER_BYTES, type RxHeader } from "./header.ts";
import type { BusyCall } from "./refusals.ts";
import { RxPacketType } from "./packet_types.ts";
import { TokenBucket } from "../core/token_bucket.ts";

/** A reply that was acknowledged, and is kept no more. */
export interface EndedReply {
  /** Sequence number of its last packet. */
  readonly last: number;
  /** Highest serial number that had come then. */
  readonly ackSerial: number;
  /** Counts what its late packets are answered with. */
  answers?: TokenBucket;
}

/** Packets of a call that ended well are acknowledged up to the last one. */
export interface EndedTerminal {
  readonly kind: "acknowledge";
  readonly last: number;
  readonly reply: EndedReply | undefined;
}

/** What packets of a call that is over are answered with. */
export type Terminal =
  | EndedTerminal
  | { readonly kind: "abort"; readonly code: number };

/** A channel. */
export interface RxChannel {
  /** Number of the call that runs, or ran last; 0 for none. */
  callNumber: number;
  /** The call that runs. */
  call: RxCall | undefined;
  /** How the last one ended; `undefined` when nothing is to be said. */
  terminal: Terminal | undefined;
  /** When the last reply is to be acknowledged; `Infinity` when it was. */
  finalAckAt: number;
  /** The call that was told that this end is busy. */
  busy: BusyCall | undefined;
  /** The server may still be busy with a call that this end has given up. */
  isSuspect: boolean;
}

const LATE_PER_SECOND = 2;

/** Channels of a connection. */
export const CHANNELS = 4;

/**
 * The least number of which a server may have a call: that of the one that runs, or was given up. Else of the next one, so
 * that what is replayed of one that has its reply is refused; 0 where there was none.
 */
export function leastNumber({ call, callNumber, terminal }: RxChannel): number {
  return call?.place?.callNumber ?? callNumber + (terminal?.kind === "acknowledge" ? 1 : 0);
}

/**
 * The number to abort a call with that has ended well here, when its other end sends this: what says that one of both has
 * it wrong. `undefined` when an acknowledgement is the answer.
 */
export function abortFor({ last, reply }: EndedTerminal, header: RxHeader, datagram: Uint8Array): number | undefined {
  // a packet behind the end; with an acknowledgement of the end, it would be sent for ever
  if (header.type === RxPacketType.DATA && seqDiff(header.seq, last) > 0) return RxAbort.RX_PROTOCOL_ERROR;
  return reply !== undefined && lacksPackets(reply, header, datagram) ? RxAbort.RX_CALL_DEAD : undefined;
}

/**
 * Whether a client asks for packets of a reply that it seemed to have acknowledged: something went wrong on the way, and
 * it would wait for ever. What it said before that acknowledgement, and what came later, does not count.
 */
function lacksPackets(reply: EndedReply, header: RxHeader, datagram: Uint8Array): boolean {
  if (header.type !== RxPacketType.ACK || !seqLess(reply.ackSerial, header.serial)) return false;
  const ack = decodeAck(datagram.subarray(HEADER_BYTES));
  if (ack === undefined || ack.firstPacket === 0) return false;
  const count = seqDiff(reply.last, ack.firstPacket) + 1;
  return count > ack.acks.length || ack.acks.slice(0, Math.max(0, count)).includes(false);
}

/** Whether a late packet may be answered: a client that has all of a reply asks hardly more than once. */
export function mayAnswerLate(terminal: Terminal, now: number): boolean {
  const reply = terminal.kind === "acknowledge" && terminal.reply;
  return !reply || (reply.answers ??= new TokenBucket(LATE_PER_SECOND)).take(now);
}

/** Makes one that was never used. */
export function newChannel(): RxChannel {
  return {
    callNumber: 0,
    call: undefined,
    terminal: undefined,
    finalAckAt: Infinity,
    busy: undefined,
    isSuspect: false,
  };
}
