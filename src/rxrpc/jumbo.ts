/**
 * Jumbograms: several DATA packets in one datagram, behind one header.
 *
 * @module
 */
import { readU16 } from "../bytes/integers.ts";
import { HEADER_BYTES, nextSerial, type RxHeader } from "./header.ts";
import { RxFlag } from "./packet_types.ts";

/** Bytes of every packet of a jumbogram but the last. */
export const JUMBO_DATA_BYTES = 1412;
/** Bytes of the header between two of them. */
export const JUMBO_HEADER_BYTES = 4;
/** Most packets that fit into a datagram. */
export const MAX_JUMBO_PACKETS = 46;

/** One DATA packet. */
export interface RxDataPacket {
  /** Its own header: what a jumbogram leaves out is filled in. */
  readonly header: RxHeader;
  /** What it carries; a view of the datagram. */
  readonly body: Uint8Array;
}

/**
 * The packets of a DATA datagram; one in most. `undefined` when it is malformed: then none of it counts.
 *
 * @param header the datagram's own
 */
export function dataPackets(header: RxHeader, datagram: Uint8Array): RxDataPacket[] | undefined {
  const packets: RxDataPacket[] = [];
  let current = header;
  let at = HEADER_BYTES;
  while ((current.flags & RxFlag.JUMBO_PACKET) !== 0) {
    const next = at + JUMBO_DATA_BYTES;
    const isLast = (current.flags & RxFlag.LAST_PACKET) !== 0;
    if (isLast || packets.length === MAX_JUMBO_PACKETS - 1 || datagram.length < next + JUMBO_HEADER_BYTES) {
      return undefined;
    }
    packets.push({ header: current, body: datagram.subarray(at, next) });
    current = {
      ...current,
      seq: (current.seq + 1) >>> 0,
      serial: nextSerial(current.serial),
      flags: datagram[next]!,
      userStatus: 0,
      checksum: readU16(datagram, next + 2),
    };
    at = next + JUMBO_HEADER_BYTES;
  }
  packets.push({ header: current, body: datagram.subarray(at) });
  return packets;
}
