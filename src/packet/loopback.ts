/**
 * The link headers of BSD loopback interfaces: LINKTYPE_NULL, 4 bytes of address family in the byte order of the
 * capturing host, and LINKTYPE_LOOP, the same in big-endian order.
 *
 * @module
 */
import { readU32, readU32le, writeU32, writeU32le } from "../bytes/integers.ts";
import { checkField, checkRoom, refuse, truncated } from "./wire.ts";

/** Bytes of the header. */
export const LOOPBACK_HEADER_LENGTH = 4;

/** Address families. That of IPv6 depends on the system. */
export const AddressFamily = {
  /** IPv4, everywhere. */
  INET: 2,
  /** IPv6 on Linux. */
  INET6_LINUX: 10,
  /** IPv6 on NetBSD and OpenBSD. */
  INET6_BSD: 24,
  /** IPv6 on FreeBSD. */
  INET6_FREEBSD: 28,
  /** IPv6 on Darwin. */
  INET6_DARWIN: 30,
} as const;

/** A packet on a loopback interface. */
export interface LoopbackPacket {
  /** See {@linkcode AddressFamily}, 1 to 255. */
  readonly family: number;
  /** Byte order of the header. */
  readonly isLittleEndian: boolean;
  /** What follows. */
  readonly payload: Uint8Array;
}

/**
 * A loopback packet in place.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { LoopbackView } from "@leat/streams/packet";
 *
 * assertEquals(new LoopbackView(new Uint8Array([2, 0, 0, 0])).family, 2);
 * assertEquals(new LoopbackView(new Uint8Array([0, 0, 0, 2])).family, 2);
 * ```
 */
export class LoopbackView {
  /** The packet. */
  readonly bytes: Uint8Array;

  /** Why the bytes cannot be such a packet, or `null`. */
  static check(bytes: Uint8Array): string | null {
    return bytes.length < LOOPBACK_HEADER_LENGTH ? truncated(bytes.length, LOOPBACK_HEADER_LENGTH) : null;
  }

  /**
   * Looks at a packet.
   *
   * @throws {PacketError} when {@linkcode LoopbackView.check} refuses it
   */
  constructor(bytes: Uint8Array) {
    refuse("loopback", LoopbackView.check(bytes));
    this.bytes = bytes;
  }

  /** Byte order of the header: the one in which the family is a small number, as all are. */
  get isLittleEndian(): boolean {
    return readU32(this.bytes, 0) > 0xffff;
  }

  /** See {@linkcode AddressFamily}. */
  get family(): number {
    return this.isLittleEndian ? readU32le(this.bytes, 0) : readU32(this.bytes, 0);
  }

  /** What follows: a view. */
  get payload(): Uint8Array {
    return this.bytes.subarray(LOOPBACK_HEADER_LENGTH);
  }
}

/**
 * Reads a packet. The payload is a view.
 *
 * @throws {PacketError} when the bytes are too few
 */
export function decodeLoopback(bytes: Uint8Array): LoopbackPacket {
  const { family, isLittleEndian, payload } = new LoopbackView(bytes);
  return { family, isLittleEndian, payload };
}

/** Length of the encoded packet. */
export function loopbackLength(packet: LoopbackPacket): number {
  return LOOPBACK_HEADER_LENGTH + packet.payload.length;
}

/**
 * Writes a packet and returns its length.
 *
 * @throws {RangeError} when a field is out of range or `into` too short
 */
export function encodeLoopback(packet: LoopbackPacket, into: Uint8Array): number {
  const length = loopbackLength(packet);
  checkRoom(into, length);
  checkField("family less 1", packet.family - 1, 0xfe);
  const write = packet.isLittleEndian ? writeU32le : writeU32;
  write(into, 0, packet.family);
  into.set(packet.payload, LOOPBACK_HEADER_LENGTH);
  return length;
}
