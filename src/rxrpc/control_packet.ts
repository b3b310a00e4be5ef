/**
 * Packets that are not part of a call's flow: aborts, busy answers, challenges.
 *
 * @module
 */
import { readU32, writeU32 } from "../bytes/integers.ts";
import { RxAbort } from "./abort_codes.ts";
import { ackLength, encodeAck } from "./ack.ts";
import { encodeHeader, HEADER_BYTES, type RxHeader } from "./header.ts";
import type { CheckedLimits } from "./limits.ts";
import { RxAckReason } from "./packet_types.ts";
import type { RxAddress, RxOut } from "./ports.ts";

/** A header and a body as one datagram. */
export function packetOf(header: RxHeader, body: Uint8Array): Uint8Array {
  const datagram = new Uint8Array(HEADER_BYTES + body.length);
  encodeHeader(header, datagram);
  datagram.set(body, HEADER_BYTES);
  return datagram;
}

/** The header of a packet that belongs to no connection. */
export function looseHeader(epoch: number, callNumber: number, type: number, flags: number): RxHeader {
  return {
    epoch,
    cid: 0,
    callNumber,
    seq: 0,
    serial: 0,
    type,
    flags,
    userStatus: 0,
    securityIndex: 0,
    checksum: 0,
    serviceId: 0,
  };
}

/** Sends a datagram that is ready; `false` when there is no room. */
export function put(out: RxOut, datagram: Uint8Array, to: RxAddress): boolean {
  const into = out.alloc(datagram.length);
  if (into === null) return false;
  into.set(datagram);
  out.commit(datagram.length, to);
  return true;
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
export function finalAckBody(last: number, reason: number, serial: number, limits: CheckedLimits): Uint8Array {
  const body = new Uint8Array(ackLength(0));
  encodeAck({
    firstPacket: (last + 1) >>> 0,
    previousPacket: last,
    serial,
    reason: reason === RxAckReason.PING ? RxAckReason.PING_RESPONSE : reason,
    acks: [],
    maxMtu: 65_160,
    ifMtu: limits.maxDatagram,
    rwind: limits.receiveWindow,
    jumboMax: limits.acceptJumbo,
  }, body);
  return body;
}
