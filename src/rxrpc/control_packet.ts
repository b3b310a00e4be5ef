/**
 * Packets that are not part of a call's flow: aborts, busy answers, challenges.
 *
 * @module
 */
import { readU32, writeU32 } from "../bytes/integers.ts";
import { RxAbort } from "./abort_codes.ts";
import { ackLength, encodeAck } from "./ack.ts";
import { encodeHeader, HEADER_BYTES, type RxHeader } from "./header.ts";
import { RxAckReason } from "./packet_types.ts";

/** A header and a body as one datagram. */
export function packetOf(header: RxHeader, body: Uint8Array): Uint8Array {
  const datagram = new Uint8Array(HEADER_BYTES + body.length);
  encodeHeader(header, datagram);
  datagram.set(body, HEADER_BYTES);
  return datagram;
}

/** The body of an ABORT. */
export function abortBody(code: number): Uint8Array {
  const body = new Uint8Array(4);
  writeU32(body, 0, code);
  return body;
}

/** The number in the body of an ABORT; 0 would be success. */
export function abortCodeOf(body: Uint8Array): number {
  return (readU32(body, 0) | 0) || RxAbort.RX_CALL_DEAD;
}

/** The body of an ACK that says that everything up to `last` has come. */
export function finalAckBody(
  last: number,
  reason: number,
  serial: number,
  window: number,
  maxDatagram: number,
): Uint8Array {
  const body = new Uint8Array(ackLength(0));
  encodeAck({
    firstPacket: (last + 1) >>> 0,
    previousPacket: last,
    serial,
    reason: reason === RxAckReason.PING ? RxAckReason.PING_RESPONSE : reason,
    acks: [],
    maxMtu: 65_160,
    ifMtu: maxDatagram,
    rwind: window,
    jumboMax: 0,
  }, body);
  return body;
}
