/**
 * The made-up link headers of captures on the Linux "any" interface: LINKTYPE_LINUX_SLL and LINKTYPE_LINUX_SLL2 of
 * tcpdump.org. All numbers are big-endian.
 *
 * @module
 */
import { readU16, readU32, writeU16, writeU32 } from "../bytes/integers.ts";
import { checkField, checkRoom, refuse, truncated } from "./wire.ts";

/** Bytes of the header of version 1. */
export const SLL_HEADER_LENGTH = 16;

/** Bytes of the header of version 2. */
export const SLL2_HEADER_LENGTH = 20;

/** Bytes that a header has room for in its address field. */
const ADDRESS_ROOM = 8;

/** Values of the packet type: who it was for. */
export const CookedPacketType = {
  /** For this host. */
  HOST: 0,
  /** Broadcast by another. */
  BROADCAST: 1,
  /** Multicast by another. */
  MULTICAST: 2,
  /** From another to another. */
  OTHER_HOST: 3,
  /** Sent by this host. */
  OUTGOING: 4,
} as const;

/** A packet with a header of version 1. */
export interface SllPacket {
  /** See {@linkcode CookedPacketType}. */
  readonly packetType: number;
  /** ARPHRD_ number of the interface. */
  readonly hardwareType: number;
  /** Link address of the sender, at most 8 bytes. */
  readonly address: Uint8Array;
  /** What the payload is; see {@linkcode EtherType}. */
  readonly protocol: number;
  /** What follows. */
  readonly payload: Uint8Array;
}

/** A packet with a header of version 2. */
export interface Sll2Packet extends SllPacket {
  /** Number of the interface on its host. */
  readonly interfaceIndex: number;
}

/**
 * A packet with a header of version 1 in place.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { SllView } from "@leat/streams/packet";
 *
 * assertEquals(new SllView(new Uint8Array([0, 4, 3, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 8, 0])).protocol, 0x0800);
 * ```
 */
export class SllView {
  /** The packet. */
  readonly bytes: Uint8Array;

  /** Why the bytes cannot be such a packet, or `null`. */
  static check(bytes: Uint8Array): string | null {
    return bytes.length < SLL_HEADER_LENGTH ? truncated(bytes.length, SLL_HEADER_LENGTH) : null;
  }

  /**
   * Looks at a packet.
   *
   * @throws {PacketError} when {@linkcode SllView.check} refuses it
   */
  constructor(bytes: Uint8Array) {
    refuse("SLL", SllView.check(bytes));
    this.bytes = bytes;
  }

  /** See {@linkcode CookedPacketType}. */
  get packetType(): number {
    return readU16(this.bytes, 0);
  }

  /** ARPHRD_ number. */
  get hardwareType(): number {
    return readU16(this.bytes, 2);
  }

  /** Link address of the sender, as much as there is room for: a view. */
  get address(): Uint8Array {
    return this.bytes.subarray(6, 6 + Math.min(readU16(this.bytes, 4), ADDRESS_ROOM));
  }

  /** What the payload is. */
  get protocol(): number {
    return readU16(this.bytes, 14);
  }

  /** What follows: a view. */
  get payload(): Uint8Array {
    return this.bytes.subarray(SLL_HEADER_LENGTH);
  }
}

/**
 * A packet with a header of version 2 in place.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { Sll2View } from "@leat/streams/packet";
 *
 * assertEquals(new Sll2View(new Uint8Array(20).fill(1, 0, 8)).interfaceIndex, 0x01010101);
 * ```
 */
export class Sll2View {
  /** The packet. */
  readonly bytes: Uint8Array;

  /** Why the bytes cannot be such a packet, or `null`. */
  static check(bytes: Uint8Array): string | null {
    return bytes.length < SLL2_HEADER_LENGTH ? truncated(bytes.length, SLL2_HEADER_LENGTH) : null;
  }

  /**
   * Looks at a packet.
   *
   * @throws {PacketError} when {@linkcode Sll2View.check} refuses it
   */
  constructor(bytes: Uint8Array) {
    refuse("SLL2", Sll2View.check(bytes));
    this.bytes = bytes;
  }

  /** What the payload is. */
  get protocol(): number {
    return readU16(this.bytes, 0);
  }

  /** Number of the interface. */
  get interfaceIndex(): number {
    return readU32(this.bytes, 4);
  }

  /** ARPHRD_ number. */
  get hardwareType(): number {
    return readU16(this.bytes, 8);
  }

  /** See {@linkcode CookedPacketType}. */
  get packetType(): number {
    return this.bytes[10]!;
  }

  /** Link address of the sender, as much as there is room for: a view. */
  get address(): Uint8Array {
    return this.bytes.subarray(12, 12 + Math.min(this.bytes[11]!, ADDRESS_ROOM));
  }

  /** What follows: a view. */
  get payload(): Uint8Array {
    return this.bytes.subarray(SLL2_HEADER_LENGTH);
  }
}

/**
 * Reads a packet of version 1. Its bytes are views.
 *
 * @throws {PacketError} when the bytes are too few
 */
export function decodeSll(bytes: Uint8Array): SllPacket {
  const { packetType, hardwareType, address, protocol, payload } = new SllView(bytes);
  return { packetType, hardwareType, address, protocol, payload };
}

/** Length of the encoded packet of version 1. */
export function sllLength(packet: SllPacket): number {
  return SLL_HEADER_LENGTH + packet.payload.length;
}

/**
 * Writes a packet of version 1 and returns its length.
 *
 * @throws {RangeError} when a field is out of range or `into` too short
 */
export function encodeSll(packet: SllPacket, into: Uint8Array): number {
  const length = sllLength(packet);
  checkRoom(into, length);
  checkFields(packet, 0xffff);
  into.fill(0, 0, SLL_HEADER_LENGTH);
  writeU16(into, 0, packet.packetType);
  writeU16(into, 2, packet.hardwareType);
  writeU16(into, 4, packet.address.length);
  into.set(packet.address, 6);
  writeU16(into, 14, packet.protocol);
  into.set(packet.payload, SLL_HEADER_LENGTH);
  return length;
}

/**
 * Reads a packet of version 2. Its bytes are views.
 *
 * @throws {PacketError} when the bytes are too few
 */
export function decodeSll2(bytes: Uint8Array): Sll2Packet {
  const { packetType, hardwareType, address, protocol, interfaceIndex, payload } = new Sll2View(bytes);
  return { packetType, hardwareType, address, protocol, interfaceIndex, payload };
}

/** Length of the encoded packet of version 2. */
export function sll2Length(packet: Sll2Packet): number {
  return SLL2_HEADER_LENGTH + packet.payload.length;
}

/**
 * Writes a packet of version 2 and returns its length.
 *
 * @throws {RangeError} when a field is out of range or `into` too short
 */
export function encodeSll2(packet: Sll2Packet, into: Uint8Array): number {
  const length = sll2Length(packet);
  checkRoom(into, length);
  checkFields(packet, 0xff);
  checkField("interfaceIndex", packet.interfaceIndex, 0xffffffff);
  into.fill(0, 0, SLL2_HEADER_LENGTH);
  writeU16(into, 0, packet.protocol);
  writeU32(into, 4, packet.interfaceIndex);
  writeU16(into, 8, packet.hardwareType);
  into[10] = packet.packetType;
  into[11] = packet.address.length;
  into.set(packet.address, 12);
  into.set(packet.payload, SLL2_HEADER_LENGTH);
  return length;
}

function checkFields(packet: SllPacket, maxPacketType: number): void {
  checkField("packetType", packet.packetType, maxPacketType);
  checkField("hardwareType", packet.hardwareType, 0xffff);
  checkField("address length", packet.address.length, ADDRESS_ROOM);
  checkField("protocol", packet.protocol, 0xffff);
}
