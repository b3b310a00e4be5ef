/**
 * UDP (RFC 768; over IPv6, RFC 8200 section 8.1).
 *
 * Not here: UDP-Lite, jumbograms.
 *
 * @module
 */
import { readU16, writeU16 } from "../bytes/integers.ts";
import { IpProtocol } from "./segment.ts";
import { checkField, checkRoom, checksumWithAddresses, type IpAddresses, refuse, truncated } from "./wire.ts";

/** Bytes of the header. */
export const UDP_HEADER_LENGTH = 8;

/** A UDP datagram. */
export interface UdpDatagram {
  /** 0 where no reply is wanted. */
  readonly sourcePort: number;
  /** For which port it is. */
  readonly destinationPort: number;
  /** At most 65527 bytes. */
  readonly payload: Uint8Array;
}

/**
 * A UDP datagram in place.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { UdpView } from "@leat/streams/packet";
 *
 * const view = new UdpView(new Uint8Array([0, 53, 0xc0, 0, 0, 9, 0, 0, 0x21]));
 * assertEquals([view.sourcePort, view.destinationPort, view.payload[0]], [53, 49152, 0x21]);
 * ```
 */
export class UdpView {
  /** The datagram; may have other bytes behind it. */
  readonly bytes: Uint8Array;

  /** Why the bytes cannot be a UDP datagram, or `null`. */
  static check(bytes: Uint8Array): string | null {
    if (bytes.length < UDP_HEADER_LENGTH) return truncated(bytes.length, UDP_HEADER_LENGTH);
    const length = readU16(bytes, 4);
    if (length < UDP_HEADER_LENGTH) return `length ${length} is below ${UDP_HEADER_LENGTH}`;
    return length > bytes.length ? truncated(bytes.length, length) : null;
  }

  /**
   * Looks at a datagram.
   *
   * @throws {PacketError} when {@linkcode UdpView.check} refuses it
   */
  constructor(bytes: Uint8Array) {
    refuse("UDP", UdpView.check(bytes));
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

  /** Length of header and payload. */
  get length(): number {
    return readU16(this.bytes, 4);
  }

  /** Checksum field; 0 is none. */
  get checksum(): number {
    return readU16(this.bytes, 6);
  }
  set checksum(checksum: number) {
    writeU16(this.bytes, 6, checksum);
  }

  /** What is carried: a view. */
  get payload(): Uint8Array {
    return this.bytes.subarray(UDP_HEADER_LENGTH, this.length);
  }

  /** Whether the checksum is right, or left out where that is allowed (IPv4). */
  isChecksumValid(addresses: IpAddresses): boolean {
    if (this.checksum === 0) return addresses.source.length === 4;
    return checksumWithAddresses(addresses, IpProtocol.UDP, this.bytes, this.length) === 0;
  }

  /** Fills the checksum field in: 0xffff where the sum is 0, because 0 says that there is none. */
  fillChecksum(addresses: IpAddresses): void {
    this.checksum = 0;
    this.checksum = checksumWithAddresses(addresses, IpProtocol.UDP, this.bytes, this.length) || 0xffff;
  }
}

/**
 * Reads a datagram; bytes beyond its length field are left out. The payload is a view.
 *
 * @throws {PacketError} when the bytes are too few or the length is wrong
 */
export function decodeUdp(bytes: Uint8Array): UdpDatagram {
  const { sourcePort, destinationPort, payload } = new UdpView(bytes);
  return { sourcePort, destinationPort, payload };
}

/** Length of the encoded datagram. */
export function udpLength(datagram: UdpDatagram): number {
  return UDP_HEADER_LENGTH + datagram.payload.length;
}

/**
 * Writes a datagram with its checksum and returns its length.
 *
 * @throws {RangeError} when a field is out of range or `into` too short
 */
export function encodeUdp(datagram: UdpDatagram, into: Uint8Array, addresses: IpAddresses): number {
  const length = udpLength(datagram);
  checkField("UDP length", length, 0xffff);
  checkField("sourcePort", datagram.sourcePort, 0xffff);
  checkField("destinationPort", datagram.destinationPort, 0xffff);
  checkRoom(into, length);
  writeU16(into, 0, datagram.sourcePort);
  writeU16(into, 2, datagram.destinationPort);
  writeU16(into, 4, length);
  into.set(datagram.payload, UDP_HEADER_LENGTH);
  new UdpView(into).fillChecksum(addresses);
  return length;
}
