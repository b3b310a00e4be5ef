/**
 * TCP headers (RFC 9293 section 3.1; RFC 3168 and RFC 9768 for the ECN flags).
 *
 * Not here: what a segment means on a connection.
 *
 * @module
 */
import { readU16, readU32, writeU16, writeU32 } from "../bytes/integers.ts";
import { IpProtocol } from "./segment.ts";
import { decodeTcpOptions, encodeTcpOptions, type TcpOption, tcpOptionsLength } from "./tcp_options.ts";
import { checkField, checkRoom, checksumWithAddresses, type IpAddresses, refuse, truncated } from "./wire.ts";

/** Bytes of the header without options. */
export const TCP_HEADER_LENGTH = 20;

/** Bits of the flags, by the names of the IANA registry "TCP Header Flags". */
export const TcpFlag = {
  /** No more data from the sender. */
  FIN: 0x001,
  /** Synchronise sequence numbers. */
  SYN: 0x002,
  /** Reset the connection. */
  RST: 0x004,
  /** Push. */
  PSH: 0x008,
  /** The acknowledgment number counts. */
  ACK: 0x010,
  /** The urgent pointer counts. */
  URG: 0x020,
  /** ECN echo, RFC 3168. */
  ECE: 0x040,
  /** Congestion window reduced, RFC 3168. */
  CWR: 0x080,
  /** Accurate ECN, RFC 9768. */
  AE: 0x100,
} as const;

/** A TCP segment. */
export interface TcpSegment {
  /** Source port. */
  readonly sourcePort: number;
  /** Destination port. */
  readonly destinationPort: number;
  /** Sequence number of the first byte, or of the SYN. */
  readonly sequence: number;
  /** Next sequence number that is expected; counts with `TcpFlag.ACK` only. */
  readonly acknowledgment: number;
  /** Bits of {@linkcode TcpFlag}. */
  readonly flags: number;
  /** Window, not scaled. */
  readonly window: number;
  /** Offset from `sequence` behind urgent data; counts with `TcpFlag.URG` only. */
  readonly urgentPointer: number;
  /** Options in order. */
  readonly options: readonly TcpOption[];
  /** What is carried. */
  readonly payload: Uint8Array;
}

/**
 * A TCP segment in place.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { TcpFlag, TcpView } from "@leat/streams/packet";
 *
 * const bytes = new Uint8Array(20);
 * bytes[12] = 0x50; // header of 5 words
 * const view = new TcpView(bytes);
 * view.sequence = 0xfffffff0;
 * view.flags = TcpFlag.SYN;
 * assertEquals([view.sequence, view.flags, view.payload.length], [4294967280, 2, 0]);
 * ```
 */
export class TcpView {
  /** The segment. */
  readonly bytes: Uint8Array;

  /** Why the bytes cannot be a TCP segment, or `null`. */
  static check(bytes: Uint8Array): string | null {
    if (bytes.length < TCP_HEADER_LENGTH) return truncated(bytes.length, TCP_HEADER_LENGTH);
    const headerLength = (bytes[12]! >>> 4) * 4;
    if (headerLength < TCP_HEADER_LENGTH) return `data offset of ${headerLength} bytes is below ${TCP_HEADER_LENGTH}`;
    return headerLength > bytes.length ? truncated(bytes.length, headerLength) : null;
  }

  /**
   * Looks at a segment.
   *
   * @throws {PacketError} when {@linkcode TcpView.check} refuses it
   */
  constructor(bytes: Uint8Array) {
    refuse("TCP", TcpView.check(bytes));
    this.bytes = bytes;
  }

  /** Source port. */
  get sourcePort(): number {
    return readU16(this.bytes, 0);
  }
  set sourcePort(port: number) {
    writeU16(this.bytes, 0, port);
  }

  /** Destination port. */
  get destinationPort(): number {
    return readU16(this.bytes, 2);
  }
  set destinationPort(port: number) {
    writeU16(this.bytes, 2, port);
  }

  /** Sequence number. */
  get sequence(): number {
    return readU32(this.bytes, 4);
  }
  set sequence(sequence: number) {
    writeU32(this.bytes, 4, sequence);
  }

  /** Acknowledgment number. */
  get acknowledgment(): number {
    return readU32(this.bytes, 8);
  }
  set acknowledgment(acknowledgment: number) {
    writeU32(this.bytes, 8, acknowledgment);
  }

  /** Bytes of the header with options: four times the data offset. */
  get headerLength(): number {
    return (this.bytes[12]! >>> 4) * 4;
  }

  /** Bits of {@linkcode TcpFlag}; the reserved bits are left out, and left alone when set. */
  get flags(): number {
    return readU16(this.bytes, 12) & 0x1ff;
  }
  set flags(flags: number) {
    writeU16(this.bytes, 12, (readU16(this.bytes, 12) & 0xfe00) | (flags & 0x1ff));
  }

  /** Window, not scaled. */
  get window(): number {
    return readU16(this.bytes, 14);
  }
  set window(window: number) {
    writeU16(this.bytes, 14, window);
  }

  /** Checksum field. */
  get checksum(): number {
    return readU16(this.bytes, 16);
  }
  set checksum(checksum: number) {
    writeU16(this.bytes, 16, checksum);
  }

  /** Urgent pointer. */
  get urgentPointer(): number {
    return readU16(this.bytes, 18);
  }
  set urgentPointer(pointer: number) {
    writeU16(this.bytes, 18, pointer);
  }

  /** The options as bytes: a view. */
  get options(): Uint8Array {
    return this.bytes.subarray(TCP_HEADER_LENGTH, this.headerLength);
  }

  /** What is carried: a view. */
  get payload(): Uint8Array {
    return this.bytes.subarray(this.headerLength);
  }

  /** Whether the checksum is right. */
  isChecksumValid(addresses: IpAddresses): boolean {
    return checksumWithAddresses(addresses, IpProtocol.TCP, this.bytes, this.bytes.length) === 0;
  }

  /** Fills the checksum field in. */
  fillChecksum(addresses: IpAddresses): void {
    this.checksum = 0;
    this.checksum = checksumWithAddresses(addresses, IpProtocol.TCP, this.bytes, this.bytes.length);
  }
}

/**
 * Reads a segment. Its payload and the bytes in its options are views.
 *
 * @throws {PacketError} when the bytes are too few, or the data offset or an option is malformed
 */
export function decodeTcp(bytes: Uint8Array): TcpSegment {
  const view = new TcpView(bytes);
  return {
    sourcePort: view.sourcePort,
    destinationPort: view.destinationPort,
    sequence: view.sequence,
    acknowledgment: view.acknowledgment,
    flags: view.flags,
    window: view.window,
    urgentPointer: view.urgentPointer,
    options: decodeTcpOptions(view.options),
    payload: view.payload,
  };
}

/** Length of the encoded segment. */
export function tcpLength(segment: TcpSegment): number {
  return TCP_HEADER_LENGTH + tcpOptionsLength(segment.options) + segment.payload.length;
}

/**
 * Writes a segment with its checksum and returns its length.
 *
 * @throws {RangeError} when a field is out of range or `into` too short
 *
 * @example
 * ```ts
 * import { assert, assertEquals } from "@std/assert";
 * import { decodeTcp, encodeTcp, parseAddress, TcpFlag, tcpLength, type TcpSegment, TcpView } from "@leat/streams/packet";
 *
 * const syn: TcpSegment = {
 *   sourcePort: 49152,
 *   destinationPort: 80,
 *   sequence: 1,
 *   acknowledgment: 0,
 *   flags: TcpFlag.SYN,
 *   window: 65535,
 *   urgentPointer: 0,
 *   options: [{ kind: "mss", size: 1460 }],
 *   payload: new Uint8Array(0),
 * };
 * const addresses = { source: parseAddress("192.0.2.1"), destination: parseAddress("192.0.2.2") };
 * const bytes = new Uint8Array(tcpLength(syn));
 * encodeTcp(syn, bytes, addresses);
 * assert(new TcpView(bytes).isChecksumValid(addresses));
 * assertEquals(decodeTcp(bytes), syn);
 * ```
 */
export function encodeTcp(segment: TcpSegment, into: Uint8Array, addresses: IpAddresses): number {
  const length = tcpLength(segment);
  checkRoom(into, length);
  checkField("sourcePort", segment.sourcePort, 0xffff);
  checkField("destinationPort", segment.destinationPort, 0xffff);
  checkField("sequence", segment.sequence, 0xffffffff);
  checkField("acknowledgment", segment.acknowledgment, 0xffffffff);
  checkField("flags", segment.flags, 0x1ff);
  checkField("window", segment.window, 0xffff);
  checkField("urgentPointer", segment.urgentPointer, 0xffff);
  const payloadAt = TCP_HEADER_LENGTH + encodeTcpOptions(segment.options, into.subarray(TCP_HEADER_LENGTH, length));
  writeU16(into, 12, ((payloadAt / 4) << 12) | segment.flags);
  into.set(segment.payload, payloadAt);
  const view = new TcpView(into.subarray(0, length));
  view.sourcePort = segment.sourcePort;
  view.destinationPort = segment.destinationPort;
  view.sequence = segment.sequence;
  view.acknowledgment = segment.acknowledgment;
  view.window = segment.window;
  view.urgentPointer = segment.urgentPointer;
  view.fillChecksum(addresses);
  return length;
}
