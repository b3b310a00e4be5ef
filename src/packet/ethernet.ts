/**
 * Ethernet II frames with any number of 802.1Q and 802.1ad tags (IEEE 802.3, 802.1Q; RFC 894).
 *
 * Not here: the frame check sequence, and 802.3 frames with a length in place of the type, which only the segment
 * decoder reads through.
 *
 * @module
 */
import { readU16, writeU16 } from "../bytes/integers.ts";
import { isVlanTag, MAX_802_3_LENGTH } from "./ethernet_types.ts";
import { checkBytes, checkField, checkRoom, refuse, truncated, wireError } from "./wire.ts";

/** Bytes of the addresses and the type. */
export const ETHERNET_HEADER_LENGTH = 14;

/** Bytes of a MAC address. */
export const MAC_ADDRESS_LENGTH = 6;

/** Bytes of one tag. */
const TAG_LENGTH = 4;

/** A VLAN tag. */
export interface VlanTag {
  /** Tag protocol identifier: `EtherType.VLAN`, `QINQ` or `QINQ_OLD`. */
  readonly protocol: number;
  /** Priority code point, 0 to 7. */
  readonly priority: number;
  /** Drop eligible indicator. */
  readonly isDropEligible: boolean;
  /** VLAN identifier, 0 to 4095. */
  readonly id: number;
}

/** A frame. */
export interface EthernetFrame {
  /** MAC address of 6 bytes. */
  readonly destination: Uint8Array;
  /** MAC address of 6 bytes. */
  readonly source: Uint8Array;
  /** Tags, outermost first. */
  readonly tags: readonly VlanTag[];
  /** What the payload is, above 1500; see {@linkcode EtherType}. */
  readonly etherType: number;
  /** What follows, with padding if there is some. */
  readonly payload: Uint8Array;
}

/**
 * The fixed fields of a frame in place.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { EthernetView, EtherType } from "@leat/streams/packet";
 *
 * const view = new EthernetView(new Uint8Array(60));
 * view.outerType = EtherType.ARP;
 * assertEquals(view.outerType, 0x0806);
 * ```
 */
export class EthernetView {
  /** The frame. */
  readonly bytes: Uint8Array;

  /** Why the bytes cannot be a frame, or `null`. */
  static check(bytes: Uint8Array): string | null {
    return bytes.length < ETHERNET_HEADER_LENGTH ? truncated(bytes.length, ETHERNET_HEADER_LENGTH) : null;
  }

  /**
   * Looks at a frame.
   *
   * @throws {PacketError} when {@linkcode EthernetView.check} refuses it
   */
  constructor(bytes: Uint8Array) {
    refuse("Ethernet", EthernetView.check(bytes));
    this.bytes = bytes;
  }

  /** MAC address: a view. */
  get destination(): Uint8Array {
    return this.bytes.subarray(0, 6);
  }
  set destination(address: Uint8Array) {
    this.bytes.set(address.subarray(0, 6), 0);
  }

  /** MAC address: a view. */
  get source(): Uint8Array {
    return this.bytes.subarray(6, 12);
  }
  set source(address: Uint8Array) {
    this.bytes.set(address.subarray(0, 6), 6);
  }

  /** Type field behind the addresses: that of the outermost tag, if there are tags. */
  get outerType(): number {
    return readU16(this.bytes, 12);
  }
  set outerType(type: number) {
    writeU16(this.bytes, 12, type);
  }
}

/** Writes a MAC address as people do: `02:00:5e:00:53:01`. */
export function formatMac(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join(":");
}

/**
 * Reads a frame. The payload is a view.
 *
 * @throws {PacketError} when the bytes end too early, or are an 802.3 frame
 */
export function decodeEthernet(bytes: Uint8Array): EthernetFrame {
  const view = new EthernetView(bytes);
  const tags: VlanTag[] = [];
  let typeAt = 12;
  for (;;) {
    if (bytes.length < typeAt + 2) throw wireError("Ethernet", truncated(bytes.length, typeAt + 2), typeAt);
    const type = readU16(bytes, typeAt);
    if (!isVlanTag(type)) break;
    if (bytes.length < typeAt + 6) throw wireError("Ethernet", truncated(bytes.length, typeAt + 6), typeAt);
    tags.push(decodeTag(type, readU16(bytes, typeAt + 2)));
    typeAt += TAG_LENGTH;
  }
  const etherType = readU16(bytes, typeAt);
  if (etherType <= MAX_802_3_LENGTH) throw wireError("Ethernet", `type ${etherType} is a length`, typeAt);
  return {
    destination: view.destination,
    source: view.source,
    tags,
    etherType,
    payload: bytes.subarray(typeAt + 2),
  };
}

/** Length of the encoded frame. */
export function ethernetLength(frame: EthernetFrame): number {
  return ETHERNET_HEADER_LENGTH + frame.tags.length * TAG_LENGTH + frame.payload.length;
}

/**
 * Writes a frame, without padding, and returns its length.
 *
 * @throws {RangeError} when a field is out of range or `into` too short
 */
export function encodeEthernet(frame: EthernetFrame, into: Uint8Array): number {
  const length = ethernetLength(frame);
  checkRoom(into, length);
  checkBytes("destination", frame.destination, MAC_ADDRESS_LENGTH);
  checkBytes("source", frame.source, MAC_ADDRESS_LENGTH);
  checkField("etherType", frame.etherType, 0xffff);
  if (frame.etherType <= MAX_802_3_LENGTH || isVlanTag(frame.etherType)) {
    throw new RangeError(`etherType must be above ${MAX_802_3_LENGTH} and no tag, got ${frame.etherType}`);
  }
  into.set(frame.destination, 0);
  into.set(frame.source, 6);
  let at = 12;
  for (const tag of frame.tags) {
    encodeTag(tag, into, at);
    at += TAG_LENGTH;
  }
  writeU16(into, at, frame.etherType);
  into.set(frame.payload, at + 2);
  return length;
}

function decodeTag(protocol: number, control: number): VlanTag {
  return { protocol, priority: control >>> 13, isDropEligible: (control & 0x1000) !== 0, id: control & 0xfff };
}

function encodeTag(tag: VlanTag, into: Uint8Array, at: number): void {
  if (!isVlanTag(tag.protocol)) throw new RangeError(`tag protocol must be that of a VLAN tag, got ${tag.protocol}`);
  checkField("tag priority", tag.priority, 7);
  checkField("tag id", tag.id, 0xfff);
  writeU16(into, at, tag.protocol);
  writeU16(into, at + 2, (tag.priority << 13) | (tag.isDropEligible ? 0x1000 : 0) | tag.id);
}
