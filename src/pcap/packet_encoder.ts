/**
 * Layer pcap, engine: what the encoder of a format offers to the writer.
 *
 * @module
 */
import type { Packet } from "../packet/packet.ts";

/** Options of the writer, checked. */
export interface WriterSettings {
  /** Whether integers are big-endian. */
  readonly isBig: boolean;
  /** Whether times are in nanoseconds; else microseconds. */
  readonly isNanoseconds: boolean;
  /** Link type of a classic file, where it was given. */
  readonly linkType: number | undefined;
  /** Longest captured part of a packet. */
  readonly snapLength: number;
  /** Most interfaces in a file. */
  readonly maxInterfaces: number;
}

/** Encodes the records of one file. */
export interface PacketEncoder {
  /** Number of interfaces described. */
  readonly interfaces: number;
  /** Makes what the packet needs in the file. Returns what is wrong where it cannot be written. */
  admit(packet: Packet): string | undefined;
  /** Length of the record of a packet of `captured` bytes. */
  recordLength(captured: number): number;
  /** Length of what has to stand in front of the next record: file header, interface descriptions. */
  headerLength(): number;
  /** Writes that at the start of `into`; returns where it ends. */
  writeHeader(into: Uint8Array): number;
  /** Writes an admitted packet at `at`, of which `captured` bytes are kept; returns where the record ends. */
  writeRecord(into: Uint8Array, at: number, packet: Packet, captured: number): number;
}

/** Says what is wrong with a packet's time, where it is not a time between 1970 and `maxSeconds`. */
export function timeProblem(packet: Packet, maxSeconds: number): string | undefined {
  const { seconds, nanoseconds, number } = packet;
  if (!Number.isInteger(seconds) || seconds < 0 || seconds > maxSeconds) {
    return `packet ${number}: ${seconds} seconds since 1970 cannot be written, only 0 to ${maxSeconds}`;
  }
  if (Number.isInteger(nanoseconds) && nanoseconds >= 0 && nanoseconds < 1e9) return undefined;
  return `packet ${number}: ${nanoseconds} nanoseconds cannot be written, only 0 to 999999999`;
}

/** Says what is wrong with a packet's link type or lengths, where files have no room for them. */
export function sizeProblem(packet: Packet): string | undefined {
  const { linkType, originalLength, number } = packet;
  if (!Number.isInteger(linkType) || linkType < 0 || linkType > 0xffff) {
    return `packet ${number}: link type ${linkType} cannot be written, only 0 to 65535`;
  }
  if (Number.isInteger(originalLength) && originalLength >= 0 && originalLength <= 0xffffffff) return undefined;
  return `packet ${number}: original length ${originalLength} cannot be written, only 0 to 4294967295`;
}
