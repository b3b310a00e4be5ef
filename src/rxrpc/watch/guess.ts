/**
 * Whether a datagram is of Rx. There is no magic number, so all that must be so is looked at.
 *
 * @module
 */
import { readU32 } from "../../bytes/integers.ts";
import { decodeHeader, HEADER_BYTES } from "../header.ts";
import { RxFlag, RxPacketType } from "../packet_types.ts";

const UNUSED_FLAGS = 0xd0;
const MAX_SECURITY_INDEX = 6;
const ACK_FIXED_BYTES = 18;
const MAX_REASON = 9;
const ABORT_BYTES = 4;
/** The mark of a question that is no call, as all programs send it. */
const QUESTION_EPOCH = 999;

/**
 * Whether these bytes may well be a datagram of Rx. One in some millions of other datagrams is, too.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { looksLikeRx } from "@leat/streams/rxrpc";
 *
 * const data = new Uint8Array(32);
 * data.set([0x9a, 0xbc, 0x12, 0x34, 0, 0, 1, 4, 0, 0, 0, 7, 0, 0, 0, 1, 0, 0, 0, 1, 1, 5, 0, 0, 0, 0, 0, 147]);
 * assertEquals([looksLikeRx(data), looksLikeRx(data.subarray(1))], [true, false]);
 * ```
 */
export function looksLikeRx(datagram: Uint8Array): boolean {
  const header = decodeHeader(datagram);
  if (header === undefined || (header.flags & UNUSED_FLAGS) !== 0) return false;
  const { type, callNumber, seq, serial, flags, securityIndex, serviceId, userStatus, epoch } = header;
  if (securityIndex > MAX_SECURITY_INDEX || userStatus > 1) return false;
  const isCall = callNumber > 0 && callNumber < 2 ** 31 && epoch !== 0;
  const bytes = datagram.length - HEADER_BYTES;
  switch (type) {
    case RxPacketType.DATA:
      return isCall && seq > 0 && seq < 2 ** 31 && serial > 0 && serviceId > 0;
    case RxPacketType.ACK:
      return isCall && seq === 0 && isAckBody(datagram.subarray(HEADER_BYTES));
    case RxPacketType.ABORT:
      return seq === 0 && bytes === ABORT_BYTES && readU32(datagram, HEADER_BYTES) !== 0 && (flags & ~5) === 0;
    case RxPacketType.BUSY:
    case RxPacketType.ACKALL:
      return isCall && seq === 0 && bytes === 0;
    case RxPacketType.CHALLENGE:
      return callNumber === 0 && seq === 0 && (flags & RxFlag.CLIENT_INITIATED) === 0 && securityIndex > 0 &&
        bytes >= 8;
    case RxPacketType.RESPONSE:
      return callNumber === 0 && seq === 0 && (flags & RxFlag.CLIENT_INITIATED) !== 0 && securityIndex > 0 &&
        bytes >= 8;
    case RxPacketType.DEBUG:
    case RxPacketType.VERSION:
      return (epoch === QUESTION_EPOCH || bytes === 1 || bytes === 65) && securityIndex === 0 && seq === 0;
    default:
      return false;
  }
}

function isAckBody(body: Uint8Array): boolean {
  if (body.length < ACK_FIXED_BYTES) return false;
  const reason = body[16]!;
  return reason >= 1 && reason <= MAX_REASON && body.length >= ACK_FIXED_BYTES + body[17]! && readU32(body, 4) > 0;
}
