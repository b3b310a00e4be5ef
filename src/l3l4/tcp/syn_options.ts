/**
 * Options of SYNs and SYN-ACKs as they are sent (RFC 9293 section 3.2, RFC 7323, RFC 2018).
 *
 * @module
 */
import { writeU16, writeU32 } from "../../bytes/integers.ts";
import { TcpOptionKind } from "../../packet/tcp_options.ts";

/** Bytes of all of them. */
export const SYN_OPTIONS_MAX = 20;

/** What they say. */
export interface SynOptions {
  /** Segment size that we take, -1 to say nothing. */
  readonly segmentSize: number;
  /** Shift of our windows, -1 for none. */
  readonly windowScale: number;
  /** Whether selective acknowledgment is permitted. */
  readonly hasSack: boolean;
  /** Whether there are timestamps. */
  readonly hasTimestamps: boolean;
  /** Ours. */
  readonly tsValue: number;
  /** The peer's. */
  readonly tsEcho: number;
}

/** Writes them to `bytes` from `at` on, in BSD's order, filled up with zeros to whole words. Returns how many bytes they are. */
export function writeSynOptions(bytes: Uint8Array, at: number, options: SynOptions): number {
  let to = at;
  if (options.segmentSize >= 0) {
    writeU16(bytes, to, (TcpOptionKind.MSS << 8) | 4);
    writeU16(bytes, to + 2, options.segmentSize);
    to += 4;
  }
  if (options.windowScale >= 0) {
    writeU32(
      bytes,
      to,
      (TcpOptionKind.NOP << 24) | (TcpOptionKind.WINDOW_SCALE << 16) | (3 << 8) | options.windowScale,
    );
    to += 4;
  }
  if (options.hasSack) {
    writeU16(bytes, to, (TcpOptionKind.SACK_PERMITTED << 8) | 2);
    to += 2;
  }
  if (options.hasTimestamps) {
    // behind SACK-permitted the timestamps fill whole words; alone they are led by two NOPs
    if (!options.hasSack) {
      writeU16(bytes, to, (TcpOptionKind.NOP << 8) | TcpOptionKind.NOP);
      to += 2;
    }
    writeU16(bytes, to, (TcpOptionKind.TIMESTAMPS << 8) | 10);
    writeU32(bytes, to + 2, options.tsValue);
    writeU32(bytes, to + 6, options.tsEcho);
    to += 10;
  }
  while ((to - at) % 4 !== 0) bytes[to++] = TcpOptionKind.END;
  return to - at;
}
