/**
 * A received TCP segment as the state machine reads it: all fields that count, read once (RFC 9293 section 3.1, RFC 7323,
 * RFC 2018).
 *
 * Sequence numbers are signed 32-bit integers everywhere in this folder: such are small integers to the runtimes, and
 * comparisons are `(a - b) | 0`.
 *
 * @module
 */
import { readU16, readU32 } from "../../bytes/integers.ts";
import { TCP_HEADER_LENGTH, TcpFlag } from "../../packet/tcp.ts";
import { TCP_MAX_WINDOW_SCALE, TcpOptionKind } from "../../packet/tcp_options.ts";
import type { IpPacket } from "../ip_packet.ts";

/** NOP, NOP, TIMESTAMPS, 10: how nearly every segment with timestamps begins its options (RFC 7323 appendix A). */
const ALIGNED_TIMESTAMPS = 0x0101080a;

const MAX_SACK_BLOCKS = 4;

/** One for each engine, filled anew for each segment. */
export class SegmentCursor {
  /** The datagram. */
  bytes: Uint8Array = new Uint8Array(0);
  /** Sequence number. */
  sequence = 0;
  /** Acknowledgment number. */
  acknowledgment = 0;
  /** Bits of `TcpFlag`. */
  flags = 0;
  /** Window, not scaled. */
  window = 0;
  /** Urgent pointer. */
  urgentPointer = 0;
  /** Congestion bits of the IP header. */
  ecn = 0;
  /** Where the data starts. */
  dataAt = 0;
  /** Where the data ends. */
  dataEnd = 0;
  /** Whether it has timestamps. */
  hasTimestamps = false;
  /** Timestamp of the sender. */
  tsValue = 0;
  /** Timestamp of ours that it echoes. */
  tsEcho = 0;
  /** Maximum segment size, -1 when not said. */
  mss = -1;
  /** Shift of windows, -1 when not said. */
  windowScale = -1;
  /** Whether selective acknowledgment is permitted. */
  isSackPermitted = false;
  /** How many blocks `sack` holds. */
  sackCount = 0;
  /** Left and right edges, in turns. */
  readonly sack: Int32Array = new Int32Array(2 * MAX_SACK_BLOCKS);

  /** Bytes of data. */
  get dataLength(): number {
    return this.dataEnd - this.dataAt;
  }

  /** Sequence numbers that it takes: data, SYN, FIN. */
  get length(): number {
    const { flags } = this;
    return this.dataEnd - this.dataAt + ((flags & TcpFlag.SYN) >>> 1) + (flags & TcpFlag.FIN);
  }

  /** Reads the segment in `packet`; `false` when it is malformed. Its checksum is not looked at. */
  read(packet: IpPacket): boolean {
    const { bytes, payloadAt: at, end } = packet;
    if (end - at < TCP_HEADER_LENGTH) return false;
    const word = readU16(bytes, at + 12);
    const headerLength = (word >>> 12) * 4;
    if (headerLength < TCP_HEADER_LENGTH || at + headerLength > end) return false;
    this.bytes = bytes;
    this.sequence = readU32(bytes, at + 4) | 0;
    this.acknowledgment = readU32(bytes, at + 8) | 0;
    this.flags = word & 0xff;
    this.window = readU16(bytes, at + 14);
    this.urgentPointer = readU16(bytes, at + 18);
    this.ecn = packet.ecn;
    this.dataAt = at + headerLength;
    this.dataEnd = end;
    this.hasTimestamps = false;
    this.sackCount = 0;
    this.mss = -1;
    this.windowScale = -1;
    this.isSackPermitted = false;
    if (headerLength > TCP_HEADER_LENGTH || (word & TcpFlag.SYN) !== 0) this.#readOptions(at + TCP_HEADER_LENGTH);
    return true;
  }

  #readOptions(start: number): void {
    const { bytes, dataAt } = this;
    if (dataAt - start === 12 && (readU32(bytes, start) | 0) === ALIGNED_TIMESTAMPS && !this.#isSyn) {
      this.#readTimestamps(start + 4);
      return;
    }
    let at = start;
    while (at < dataAt) {
      const kind = bytes[at]!;
      if (kind === TcpOptionKind.END) return;
      if (kind === TcpOptionKind.NOP) {
        at++;
        continue;
      }
      // a length that leads nowhere ends the options; what the segment says else still counts (MUST-7)
      const length = at + 1 < dataAt ? bytes[at + 1]! : 0;
      if (length < 2 || at + length > dataAt) return;
      this.#readOption(kind, at + 2, length - 2);
      at += length;
    }
  }

  get #isSyn(): boolean {
    return (this.flags & TcpFlag.SYN) !== 0;
  }

  /** Of an option that comes twice, the last counts. */
  #readOption(kind: number, at: number, length: number): void {
    const { bytes } = this;
    if (kind === TcpOptionKind.TIMESTAMPS && length === 8) return this.#readTimestamps(at);
    if (kind === TcpOptionKind.SACK && length >= 8 && length % 8 === 0) {
      this.sackCount = Math.min(MAX_SACK_BLOCKS, length / 8);
      for (let i = 0; i < 2 * this.sackCount; i++) this.sack[i] = readU32(bytes, at + 4 * i);
      return;
    }
    if (!this.#isSyn) return;
    if (kind === TcpOptionKind.MSS && length === 2) this.mss = readU16(bytes, at);
    else if (kind === TcpOptionKind.WINDOW_SCALE && length === 1) {
      this.windowScale = Math.min(bytes[at]!, TCP_MAX_WINDOW_SCALE);
    } else if (kind === TcpOptionKind.SACK_PERMITTED && length === 0) this.isSackPermitted = true;
  }

  #readTimestamps(at: number): void {
    this.hasTimestamps = true;
    this.tsValue = readU32(this.bytes, at) | 0;
    this.tsEcho = readU32(this.bytes, at + 4) | 0;
  }
}
