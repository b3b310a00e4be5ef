/**
 * IPv6 datagrams with their extension headers (RFC 8200).
 *
 * Not here: reassembly, jumbograms (RFC 2675).
 *
 * @module
 */
import { readU16, readU24, writeU16, writeU24 } from "../bytes/integers.ts";
import {
  decodeIpv6Extensions,
  encodeIpv6Extensions,
  type Ipv6Extension,
  ipv6ExtensionNumber,
  ipv6ExtensionsLength,
} from "./ipv6_ext.ts";
import { checkBytes, checkField, checkRoom, refuse, truncated } from "./wire.ts";

/** Bytes of the fixed header. */
export const IPV6_HEADER_LENGTH = 40;

/** An IPv6 datagram, or a fragment of one. */
export interface Ipv6Datagram {
  /** Differentiated services code point, 0 to 63. */
  readonly dscp: number;
  /** Congestion bits, 0 to 3. */
  readonly ecn: number;
  /** Names the flow, 20 bits. */
  readonly flowLabel: number;
  /** Hops that it may still take. */
  readonly hopLimit: number;
  /** Address of 16 bytes. */
  readonly source: Uint8Array;
  /** Address of 16 bytes. */
  readonly destination: Uint8Array;
  /** Extension headers in order. */
  readonly extensions: readonly Ipv6Extension[];
  /** What the payload is; see {@linkcode IpProtocol} and {@linkcode Ipv6Header}. */
  readonly protocol: number;
  /** What is carried behind the extension headers. */
  readonly payload: Uint8Array;
}

/**
 * An IPv6 datagram in place.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { Ipv6View } from "@leat/streams/packet";
 *
 * const bytes = new Uint8Array(40);
 * bytes[0] = 0x60;
 * const view = new Ipv6View(bytes);
 * view.hopLimit = 64;
 * view.flowLabel = 0x12345;
 * assertEquals([view.hopLimit, view.flowLabel, view.payload.length], [64, 0x12345, 0]);
 * ```
 */
export class Ipv6View {
  /** The datagram; may have padding behind it. */
  readonly bytes: Uint8Array;

  /** Why the bytes cannot be an IPv6 datagram, or `null`. */
  static check(bytes: Uint8Array): string | null {
    if (bytes.length < IPV6_HEADER_LENGTH) return truncated(bytes.length, IPV6_HEADER_LENGTH);
    if (bytes[0]! >>> 4 !== 6) return `version is ${bytes[0]! >>> 4}`;
    const total = IPV6_HEADER_LENGTH + readU16(bytes, 4);
    return total > bytes.length ? truncated(bytes.length, total) : null;
  }

  /**
   * Looks at a datagram.
   *
   * @throws {PacketError} when {@linkcode Ipv6View.check} refuses it
   */
  constructor(bytes: Uint8Array) {
    refuse("IPv6", Ipv6View.check(bytes));
    this.bytes = bytes;
  }

  /** Differentiated services code point. */
  get dscp(): number {
    return (readU16(this.bytes, 0) >>> 6) & 0x3f;
  }
  set dscp(dscp: number) {
    writeU16(this.bytes, 0, (readU16(this.bytes, 0) & 0xf03f) | ((dscp & 0x3f) << 6));
  }

  /** Congestion bits. */
  get ecn(): number {
    return (this.bytes[1]! >>> 4) & 3;
  }
  set ecn(ecn: number) {
    this.bytes[1] = (this.bytes[1]! & 0xcf) | ((ecn & 3) << 4);
  }

  /** Names the flow, 20 bits. */
  get flowLabel(): number {
    return readU24(this.bytes, 1) & 0xfffff;
  }
  set flowLabel(label: number) {
    writeU24(this.bytes, 1, (this.bytes[1]! & 0xf0) << 16 | (label & 0xfffff));
  }

  /** Bytes behind the fixed header. */
  get payloadLength(): number {
    return readU16(this.bytes, 4);
  }

  /** What follows the fixed header. */
  get nextHeader(): number {
    return this.bytes[6]!;
  }

  /** Hops that it may still take. */
  get hopLimit(): number {
    return this.bytes[7]!;
  }
  set hopLimit(limit: number) {
    this.bytes[7] = limit;
  }

  /** Address: a view. */
  get source(): Uint8Array {
    return this.bytes.subarray(8, 24);
  }
  set source(address: Uint8Array) {
    this.bytes.set(address.subarray(0, 16), 8);
  }

  /** Address: a view. */
  get destination(): Uint8Array {
    return this.bytes.subarray(24, 40);
  }
  set destination(address: Uint8Array) {
    this.bytes.set(address.subarray(0, 16), 24);
  }

  /** Extension headers and what follows, without padding behind it: a view. */
  get payload(): Uint8Array {
    return this.bytes.subarray(IPV6_HEADER_LENGTH, IPV6_HEADER_LENGTH + this.payloadLength);
  }
}

/**
 * Reads a datagram; padding behind it is left out. All bytes in it are views.
 *
 * @throws {PacketError} when the bytes are too few or an extension header is malformed
 */
export function decodeIpv6(bytes: Uint8Array): Ipv6Datagram {
  const view = new Ipv6View(bytes);
  const { extensions, protocol, offset } = decodeIpv6Extensions(view.nextHeader, view.payload);
  return {
    dscp: view.dscp,
    ecn: view.ecn,
    flowLabel: view.flowLabel,
    hopLimit: view.hopLimit,
    source: view.source,
    destination: view.destination,
    extensions,
    protocol,
    payload: view.payload.subarray(offset),
  };
}

/** Length of the encoded datagram. */
export function ipv6Length(datagram: Ipv6Datagram): number {
  return IPV6_HEADER_LENGTH + ipv6ExtensionsLength(datagram.extensions) + datagram.payload.length;
}

/**
 * Writes a datagram and returns its length.
 *
 * @throws {RangeError} when a field is out of range or `into` too short
 */
export function encodeIpv6(datagram: Ipv6Datagram, into: Uint8Array): number {
  const length = ipv6Length(datagram);
  checkField("IPv6 payload length", length - IPV6_HEADER_LENGTH, 0xffff);
  checkField("dscp", datagram.dscp, 0x3f);
  checkField("ecn", datagram.ecn, 3);
  checkField("flowLabel", datagram.flowLabel, 0xfffff);
  checkField("hopLimit", datagram.hopLimit, 0xff);
  checkBytes("source", datagram.source, 16);
  checkBytes("destination", datagram.destination, 16);
  checkRoom(into, length);
  const behind = into.subarray(IPV6_HEADER_LENGTH);
  const at = encodeIpv6Extensions(datagram.extensions, datagram.protocol, behind);
  behind.set(datagram.payload, at);
  const first = datagram.extensions[0];
  writeU16(into, 0, 0x6000 | (datagram.dscp << 6) | (datagram.ecn << 4) | (datagram.flowLabel >>> 16));
  writeU16(into, 2, datagram.flowLabel);
  writeU16(into, 4, length - IPV6_HEADER_LENGTH);
  into[6] = first === undefined ? datagram.protocol : ipv6ExtensionNumber(first);
  into[7] = datagram.hopLimit;
  into.set(datagram.source, 8);
  into.set(datagram.destination, 24);
  return length;
}
