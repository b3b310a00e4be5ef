/**
 * IPv4 datagrams and fragments (RFC 791; RFC 2474 and RFC 3168 for the byte that was the type of service).
 *
 * Not here: reassembly, routing.
 *
 * @module
 */
import { internetChecksum } from "../bytes/checksum.ts";
import { readU16, writeU16 } from "../bytes/integers.ts";
import { decodeIpv4Options, encodeIpv4Options, type Ipv4Option, ipv4OptionsLength } from "./ipv4_options.ts";
import { checkBytes, checkField, checkRoom, refuse, truncated } from "./wire.ts";

/** Bytes of the header without options. */
export const IPV4_HEADER_LENGTH = 20;

/** Bits of the word that holds flags and fragment offset. */
const DONT_FRAGMENT = 0x4000;
const MORE_FRAGMENTS = 0x2000;
const OFFSET_MASK = 0x1fff;

/** An IPv4 datagram or a fragment of one. */
export interface Ipv4Datagram {
  /** Differentiated services code point, 0 to 63. */
  readonly dscp: number;
  /** Congestion bits, 0 to 3. */
  readonly ecn: number;
  /** Names the datagram that a fragment is of. */
  readonly identification: number;
  /** Whether routers must not fragment it. */
  readonly isDontFragment: boolean;
  /** Whether it is a fragment and not the last. */
  readonly hasMoreFragments: boolean;
  /** Position of the payload in the datagram that this is a fragment of: bytes, a multiple of 8. */
  readonly fragmentOffset: number;
  /** Hops that it may still take. */
  readonly ttl: number;
  /** What the payload is; see {@linkcode IpProtocol}. */
  readonly protocol: number;
  /** Address of 4 bytes. */
  readonly source: Uint8Array;
  /** Address of 4 bytes. */
  readonly destination: Uint8Array;
  /** Options in order. */
  readonly options: readonly Ipv4Option[];
  /** What is carried. */
  readonly payload: Uint8Array;
}

/**
 * An IPv4 datagram in place.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { Ipv4View } from "@leat/streams/packet";
 *
 * const bytes = new Uint8Array([0x45, 0, 0, 20, 0, 1, 0x40, 0, 64, 6, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2]);
 * const view = new Ipv4View(bytes);
 * view.fillChecksum();
 * assertEquals([view.ttl, view.isDontFragment, view.isChecksumValid], [64, true, true]);
 * ```
 */
export class Ipv4View {
  /** The datagram; may have padding behind it. */
  readonly bytes: Uint8Array;

  /** Why the bytes cannot be an IPv4 datagram, or `null`. */
  static check(bytes: Uint8Array): string | null {
    if (bytes.length < IPV4_HEADER_LENGTH) return truncated(bytes.length, IPV4_HEADER_LENGTH);
    if (bytes[0]! >>> 4 !== 4) return `version is ${bytes[0]! >>> 4}`;
    const headerLength = (bytes[0]! & 0x0f) * 4;
    if (headerLength < IPV4_HEADER_LENGTH) return `header length ${headerLength} is below ${IPV4_HEADER_LENGTH}`;
    const total = readU16(bytes, 2);
    if (total < headerLength) return `total length ${total} is below header length ${headerLength}`;
    return total > bytes.length ? truncated(bytes.length, total) : null;
  }

  /**
   * Looks at a datagram.
   *
   * @throws {PacketError} when {@linkcode Ipv4View.check} refuses it
   */
  constructor(bytes: Uint8Array) {
    refuse("IPv4", Ipv4View.check(bytes));
    this.bytes = bytes;
  }

  /** Bytes of the header with options. */
  get headerLength(): number {
    return (this.bytes[0]! & 0x0f) * 4;
  }

  /** Differentiated services code point. */
  get dscp(): number {
    return this.bytes[1]! >>> 2;
  }
  set dscp(dscp: number) {
    this.bytes[1] = (dscp << 2) | (this.bytes[1]! & 3);
  }

  /** Congestion bits. */
  get ecn(): number {
    return this.bytes[1]! & 3;
  }
  set ecn(ecn: number) {
    this.bytes[1] = (this.bytes[1]! & 0xfc) | (ecn & 3);
  }

  /** Bytes of header and payload. */
  get totalLength(): number {
    return readU16(this.bytes, 2);
  }

  /** Names the datagram that a fragment is of. */
  get identification(): number {
    return readU16(this.bytes, 4);
  }
  set identification(identification: number) {
    writeU16(this.bytes, 4, identification);
  }

  /** Whether routers must not fragment it. */
  get isDontFragment(): boolean {
    return (readU16(this.bytes, 6) & DONT_FRAGMENT) !== 0;
  }

  /** Whether it is a fragment and not the last. */
  get hasMoreFragments(): boolean {
    return (readU16(this.bytes, 6) & MORE_FRAGMENTS) !== 0;
  }

  /** Position in the datagram that this is a fragment of, in bytes. */
  get fragmentOffset(): number {
    return (readU16(this.bytes, 6) & OFFSET_MASK) * 8;
  }

  /** Hops that it may still take. */
  get ttl(): number {
    return this.bytes[8]!;
  }
  set ttl(ttl: number) {
    this.bytes[8] = ttl;
  }

  /** What the payload is. */
  get protocol(): number {
    return this.bytes[9]!;
  }

  /** Checksum field. */
  get checksum(): number {
    return readU16(this.bytes, 10);
  }
  set checksum(checksum: number) {
    writeU16(this.bytes, 10, checksum);
  }

  /** Address: a view. */
  get source(): Uint8Array {
    return this.bytes.subarray(12, 16);
  }
  set source(address: Uint8Array) {
    this.bytes.set(address.subarray(0, 4), 12);
  }

  /** Address: a view. */
  get destination(): Uint8Array {
    return this.bytes.subarray(16, 20);
  }
  set destination(address: Uint8Array) {
    this.bytes.set(address.subarray(0, 4), 16);
  }

  /** The options as bytes: a view. */
  get options(): Uint8Array {
    return this.bytes.subarray(IPV4_HEADER_LENGTH, this.headerLength);
  }

  /** What is carried, without padding behind it: a view. */
  get payload(): Uint8Array {
    return this.bytes.subarray(this.headerLength, this.totalLength);
  }

  /** Whether the header checksum is right. */
  get isChecksumValid(): boolean {
    return internetChecksum(this.bytes, 0, this.headerLength) === 0;
  }

  /** Fills the header checksum in. */
  fillChecksum(): void {
    this.checksum = 0;
    this.checksum = internetChecksum(this.bytes, 0, this.headerLength);
  }
}

/**
 * Reads a datagram; padding behind it is left out. All bytes in it are views.
 *
 * @throws {PacketError} when the bytes are too few, or a length or an option is malformed
 */
export function decodeIpv4(bytes: Uint8Array): Ipv4Datagram {
  const view = new Ipv4View(bytes);
  return {
    dscp: view.dscp,
    ecn: view.ecn,
    identification: view.identification,
    isDontFragment: view.isDontFragment,
    hasMoreFragments: view.hasMoreFragments,
    fragmentOffset: view.fragmentOffset,
    ttl: view.ttl,
    protocol: view.protocol,
    source: view.source,
    destination: view.destination,
    options: decodeIpv4Options(view.options),
    payload: view.payload,
  };
}

/** Length of the encoded datagram. */
export function ipv4Length(datagram: Ipv4Datagram): number {
  return IPV4_HEADER_LENGTH + ipv4OptionsLength(datagram.options) + datagram.payload.length;
}

/**
 * Writes a datagram with its header checksum and returns its length.
 *
 * @throws {RangeError} when a field is out of range or `into` too short
 */
export function encodeIpv4(datagram: Ipv4Datagram, into: Uint8Array): number {
  const length = ipv4Length(datagram);
  checkFields(datagram, length);
  checkRoom(into, length);
  const headerLength = IPV4_HEADER_LENGTH + encodeIpv4Options(datagram.options, into.subarray(IPV4_HEADER_LENGTH));
  into[0] = 0x40 | (headerLength / 4);
  into[1] = (datagram.dscp << 2) | datagram.ecn;
  writeU16(into, 2, length);
  writeU16(into, 4, datagram.identification);
  const flags = (datagram.isDontFragment ? DONT_FRAGMENT : 0) | (datagram.hasMoreFragments ? MORE_FRAGMENTS : 0);
  writeU16(into, 6, flags | (datagram.fragmentOffset / 8));
  into[8] = datagram.ttl;
  into[9] = datagram.protocol;
  into.set(datagram.source, 12);
  into.set(datagram.destination, 16);
  into.set(datagram.payload, headerLength);
  new Ipv4View(into).fillChecksum();
  return length;
}

function checkFields(datagram: Ipv4Datagram, length: number): void {
  checkField("IPv4 total length", length, 0xffff);
  checkField("dscp", datagram.dscp, 0x3f);
  checkField("ecn", datagram.ecn, 3);
  checkField("identification", datagram.identification, 0xffff);
  checkField("fragmentOffset in units of 8", datagram.fragmentOffset / 8, OFFSET_MASK);
  checkField("ttl", datagram.ttl, 0xff);
  checkField("protocol", datagram.protocol, 0xff);
  checkBytes("source", datagram.source, 4);
  checkBytes("destination", datagram.destination, 4);
}
