/**
 * ARP for IPv4 over Ethernet (RFC 826).
 *
 * Not here: other hardware and protocol types.
 *
 * @module
 */
import { readU16, readU32, writeU16, writeU32 } from "../bytes/integers.ts";
import { checkBytes, checkField, checkRoom, refuse, truncated } from "./wire.ts";

/** Bytes of an ARP packet for IPv4 over Ethernet. */
export const ARP_LENGTH = 28;

/** Values of the operation field, by the names of RFC 826. */
export const ArpOperation = {
  /** Who has this address? */
  REQUEST: 1,
  /** I have. */
  REPLY: 2,
} as const;

/** Hardware type Ethernet and protocol type IPv4; then lengths 6 and 4. */
const ETHERNET_IPV4 = 0x00010800;
const LENGTHS_6_4 = 0x0604;

/** An ARP packet. */
export interface ArpPacket {
  /** See {@linkcode ArpOperation}. */
  readonly operation: number;
  /** MAC address of 6 bytes. */
  readonly senderMac: Uint8Array;
  /** IPv4 address of 4 bytes. */
  readonly senderAddress: Uint8Array;
  /** MAC address of 6 bytes; zero in a request. */
  readonly targetMac: Uint8Array;
  /** IPv4 address of 4 bytes. */
  readonly targetAddress: Uint8Array;
}

/**
 * An ARP packet in place.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { ArpView } from "@leat/streams/packet";
 *
 * assertEquals(ArpView.check(new Uint8Array(8)), "truncated, 8 of at least 28 bytes");
 * ```
 */
export class ArpView {
  /** The packet. */
  readonly bytes: Uint8Array;

  /** Why the bytes cannot be ARP for IPv4 over Ethernet, or `null`. */
  static check(bytes: Uint8Array): string | null {
    if (bytes.length < ARP_LENGTH) return truncated(bytes.length, ARP_LENGTH);
    if (readU32(bytes, 0) !== ETHERNET_IPV4) return "neither for Ethernet nor for IPv4";
    return readU16(bytes, 4) === LENGTHS_6_4 ? null : "address lengths are not 6 and 4";
  }

  /**
   * Looks at a packet.
   *
   * @throws {PacketError} when {@linkcode ArpView.check} refuses it
   */
  constructor(bytes: Uint8Array) {
    refuse("ARP", ArpView.check(bytes));
    this.bytes = bytes;
  }

  /** See {@linkcode ArpOperation}. */
  get operation(): number {
    return readU16(this.bytes, 6);
  }
  set operation(operation: number) {
    writeU16(this.bytes, 6, operation);
  }

  /** MAC address: a view. */
  get senderMac(): Uint8Array {
    return this.bytes.subarray(8, 14);
  }

  /** IPv4 address: a view. */
  get senderAddress(): Uint8Array {
    return this.bytes.subarray(14, 18);
  }

  /** MAC address: a view. */
  get targetMac(): Uint8Array {
    return this.bytes.subarray(18, 24);
  }

  /** IPv4 address: a view. */
  get targetAddress(): Uint8Array {
    return this.bytes.subarray(24, 28);
  }
}

/**
 * Reads an ARP packet. Its addresses are views.
 *
 * @throws {PacketError} when the bytes are too few or for other networks
 */
export function decodeArp(bytes: Uint8Array): ArpPacket {
  const { operation, senderMac, senderAddress, targetMac, targetAddress } = new ArpView(bytes);
  return { operation, senderMac, senderAddress, targetMac, targetAddress };
}

/** Length of the encoded packet. */
export function arpLength(_packet: ArpPacket): number {
  return ARP_LENGTH;
}

/**
 * Writes an ARP packet and returns its length.
 *
 * @throws {RangeError} when a field is out of range or `into` too short
 */
export function encodeArp(packet: ArpPacket, into: Uint8Array): number {
  checkRoom(into, ARP_LENGTH);
  checkField("operation", packet.operation, 0xffff);
  checkBytes("senderMac", packet.senderMac, 6);
  checkBytes("senderAddress", packet.senderAddress, 4);
  checkBytes("targetMac", packet.targetMac, 6);
  checkBytes("targetAddress", packet.targetAddress, 4);
  writeU32(into, 0, ETHERNET_IPV4);
  writeU16(into, 4, LENGTHS_6_4);
  writeU16(into, 6, packet.operation);
  into.set(packet.senderMac, 8);
  into.set(packet.senderAddress, 14);
  into.set(packet.targetMac, 18);
  into.set(packet.targetAddress, 24);
  return ARP_LENGTH;
}
