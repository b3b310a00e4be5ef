/**
 * The header of 28 bytes that every Rx packet begins with.
 *
 * @module
 */
import { readU16, readU32, writeU16, writeU32 } from "../bytes/integers.ts";

/** Bytes of the header. */
export const HEADER_BYTES = 28;

/** What is in a header. Numbers without sign. */
export interface RxHeader {
  /** Which incarnation of the client the connection belongs to. */
  epoch: number;
  /** Connection, and in its lowest two bits the channel. */
  cid: number;
  /** Number of the call in its channel; 0 in packets that are about the connection. */
  callNumber: number;
  /** Sequence number of DATA, from 1; 0 in other packets. */
  seq: number;
  /** Number of the packet among all that its sender sent on the connection; a retransmission has a new one. */
  serial: number;
  /** One of `RxPacketType`, or unknown. */
  type: number;
  /** Of `RxFlag`. */
  flags: number;
  /** A byte for applications; 1 in a call that asks whether the service can be upgraded. */
  userStatus: number;
  /** The security class. */
  securityIndex: number;
  /** 16 bits for the security class. */
  checksum: number;
  /** The service that the call is for. */
  serviceId: number;
}

/** Reads the header at the beginning of a datagram; `undefined` when the datagram is too short for one. */
export function decodeHeader(datagram: Uint8Array): RxHeader | undefined {
  if (datagram.length < HEADER_BYTES) return undefined;
  return {
    epoch: readU32(datagram, 0),
    cid: readU32(datagram, 4),
    callNumber: readU32(datagram, 8),
    seq: readU32(datagram, 12),
    serial: readU32(datagram, 16),
    type: datagram[20]!,
    flags: datagram[21]!,
    userStatus: datagram[22]!,
    securityIndex: datagram[23]!,
    checksum: readU16(datagram, 24),
    serviceId: readU16(datagram, 26),
  };
}

/** Writes a header to the beginning of `into`. */
export function encodeHeader(header: RxHeader, into: Uint8Array): void {
  writeU32(into, 0, header.epoch);
  writeU32(into, 4, header.cid);
  writeU32(into, 8, header.callNumber);
  writeU32(into, 12, header.seq);
  writeU32(into, 16, header.serial);
  into[20] = header.type;
  into[21] = header.flags;
  into[22] = header.userStatus;
  into[23] = header.securityIndex;
  writeU16(into, 24, header.checksum);
  writeU16(into, 26, header.serviceId);
}

/** The serial number behind this one; 0 is left out when they go round. */
export function nextSerial(serial: number): number {
  return (serial + 1) >>> 0 || 1;
}
