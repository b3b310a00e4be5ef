/**
 * The body of ACK packets: what has come, what has not, and how much more may.
 *
 * @module
 */
import { readU32, writeU32 } from "../bytes/integers.ts";

const FIXED_BYTES = 18;
const PAD_BYTES = 3;
const TRAILER_BYTES = 16;
/** Most packets that an ACK can tell about one by one. */
export const MAX_SOFT_ACKS = 255;

/** What peers that are too old to say are taken to accept. */
const OLD_MAX_MTU = 1444;
const OLD_JUMBO_MAX = 1;

/** What is in an ACK. */
export interface RxAck {
  /** Every packet before this sequence number has come and will not be asked for again. */
  firstPacket: number;
  /** The highest sequence number that has come; other things in some old peers. */
  previousPacket: number;
  /** Serial number of the packet that this answers; 0 for none. */
  serial: number;
  /** One of `RxAckReason`, or unknown. */
  reason: number;
  /** For each packet from `firstPacket` on, whether it has come. It may be thrown away yet. */
  acks: readonly boolean[];
  /** Largest datagram that the sender of this takes, headers of UDP and IP apart. */
  maxMtu: number;
  /** Its interface's natural size. */
  ifMtu: number | undefined;
  /** How many packets from `firstPacket` on it takes. */
  rwind: number | undefined;
  /** How many packets it takes in one datagram; 0: judge by `maxMtu`. */
  jumboMax: number;
}

/** Bytes of the body with so many soft acknowledgements. */
export function ackLength(acks: number): number {
  return FIXED_BYTES + acks + PAD_BYTES + TRAILER_BYTES;
}

/**
 * Reads the body of an ACK; `undefined` when it is cut. Old peers leave out the end of the trailer, or all of it.
 *
 * Only the lowest bit of each acknowledgement counts.
 */
export function decodeAck(body: Uint8Array): RxAck | undefined {
  if (body.length < FIXED_BYTES) return undefined;
  const count = body[17]!;
  const trailer = FIXED_BYTES + count + PAD_BYTES;
  if (body.length < FIXED_BYTES + count) return undefined;
  const word = (at: number): number | undefined =>
    body.length >= trailer + 4 * (at + 1) ? readU32(body, trailer + 4 * at) : undefined;
  return {
    firstPacket: readU32(body, 4),
    previousPacket: readU32(body, 8),
    serial: readU32(body, 12),
    reason: body[16]!,
    acks: Array.from(body.subarray(FIXED_BYTES, FIXED_BYTES + count), (ack) => (ack & 1) === 1),
    maxMtu: word(0) ?? OLD_MAX_MTU,
    ifMtu: word(1),
    rwind: word(2),
    jumboMax: word(3) ?? OLD_JUMBO_MAX,
  };
}

/**
 * Writes the body of an ACK into fresh zeros at the beginning of `into`: the three bytes of padding must carry nothing
 * of what a buffer held before.
 *
 * @returns its length
 * @throws {RangeError} when there are more than 255 acknowledgements
 */
export function encodeAck(ack: RxAck, into: Uint8Array): number {
  const { acks } = ack;
  if (acks.length > MAX_SOFT_ACKS) throw new RangeError(`${acks.length} packets are more than an ACK can tell of`);
  const length = ackLength(acks.length);
  into.fill(0, 0, length);
  writeU32(into, 4, ack.firstPacket);
  writeU32(into, 8, ack.previousPacket);
  writeU32(into, 12, ack.serial);
  into[16] = ack.reason;
  into[17] = acks.length;
  acks.forEach((hasCome, at) => into[FIXED_BYTES + at] = hasCome ? 1 : 0);
  const trailer = FIXED_BYTES + acks.length + PAD_BYTES;
  [ack.maxMtu, ack.ifMtu ?? ack.maxMtu, ack.rwind ?? 0, ack.jumboMax].forEach((word, at) =>
    writeU32(into, trailer + 4 * at, word)
  );
  return length;
}
