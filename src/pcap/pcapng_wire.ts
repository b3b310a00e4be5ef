/**
 * Layer pcap, wire: blocks and options of pcapng files (draft-ietf-opsawg-pcapng): their numbers, and writing them.
 *
 * Not here: reading options, see `pcapng_options.ts`.
 *
 * @module
 */
import { setU16, setU32 } from "./byte_order.ts";

/** Block types. */
export const BlockType = {
  /** Section Header Block: reads the same in both byte orders. */
  SECTION_HEADER: 0x0a0d0d0a,
  /** Interface Description Block. */
  INTERFACE_DESCRIPTION: 1,
  /** Packet Block, obsolete. */
  PACKET: 2,
  /** Simple Packet Block. */
  SIMPLE_PACKET: 3,
  /** Name Resolution Block. */
  NAME_RESOLUTION: 4,
  /** Interface Statistics Block. */
  INTERFACE_STATISTICS: 5,
  /** Enhanced Packet Block. */
  ENHANCED_PACKET: 6,
} as const;

/** Options, by block. */
export const OptionCode = {
  /** End of the options of any block. */
  END: 0,
  /** Comment, in any block. */
  COMMENT: 1,
  /** Interface: name of the device. */
  IF_NAME: 2,
  /** Interface: description of the device. */
  IF_DESCRIPTION: 3,
  /** Interface: unit of time. */
  IF_TSRESOL: 9,
  /** Interface: length of the frame check sequence. */
  IF_FCSLEN: 13,
  /** Interface: seconds to add to times. */
  IF_TSOFFSET: 14,
  /** Statistics: time at which the capture began. */
  ISB_STARTTIME: 2,
  /** Statistics: time at which the capture ended. */
  ISB_ENDTIME: 3,
  /** Statistics: packets received. */
  ISB_IFRECV: 4,
  /** Statistics: packets dropped by the interface. */
  ISB_IFDROP: 5,
  /** Statistics: packets accepted by the filter. */
  ISB_FILTERACCEPT: 6,
  /** Statistics: packets dropped by the operating system. */
  ISB_OSDROP: 7,
  /** Statistics: packets delivered to the user. */
  ISB_USRDELIV: 8,
} as const;

/** Name records, by type. */
export const NameRecordType = {
  /** End of the records. */
  END: 0,
  /** 4 bytes of address, then names. */
  IPV4: 1,
  /** 16 bytes of address, then names. */
  IPV6: 2,
} as const;

/** Byte-order magic of a section, read in the section's own order. */
export const BYTE_ORDER_MAGIC = 0x1a2b3c4d;
/** Major version of the format. */
export const PCAPNG_VERSION_MAJOR = 1;
/** Type and length in front, length again behind. */
export const BLOCK_OVERHEAD = 12;
/** Type, length and byte-order magic: what tells a section's byte order. */
export const SECTION_HEAD_LENGTH = 12;
/** Length of an Enhanced Packet Block or Packet Block in front of the packet. */
export const PACKET_HEAD_LENGTH = 28;
/** Length of a Simple Packet Block in front of the packet. */
export const SIMPLE_PACKET_HEAD_LENGTH = 12;
/** Length of an Interface Description Block in front of its options. */
export const INTERFACE_HEAD_LENGTH = 16;
/** Length of an Interface Statistics Block in front of its options. */
export const STATISTICS_HEAD_LENGTH = 20;
/** Length of a Section Header Block without options. */
export const SECTION_LENGTH = 28;
/** Length of an Interface Description Block with its unit of time. */
export const INTERFACE_LENGTH = 32;

/** `length` with the padding to 32 bits that follows it in the file. */
export function padded(length: number): number {
  return (length + 3) & ~3;
}

/** Length of the Enhanced Packet Block, without options, of a packet of `capturedLength` bytes. */
export function enhancedPacketLength(capturedLength: number): number {
  return PACKET_HEAD_LENGTH + padded(capturedLength) + 4;
}

/** Writes a Section Header Block of {@linkcode SECTION_LENGTH} bytes: version 1.0, length of the section unknown. */
export function encodeSectionHeader(into: Uint8Array, at: number, isBig: boolean): void {
  setU32(into, at, BlockType.SECTION_HEADER, isBig);
  setU32(into, at + 4, SECTION_LENGTH, isBig);
  setU32(into, at + 8, BYTE_ORDER_MAGIC, isBig);
  setU16(into, at + 12, PCAPNG_VERSION_MAJOR, isBig);
  setU16(into, at + 14, 0, isBig);
  into.fill(0xff, at + 16, at + 24);
  setU32(into, at + 24, SECTION_LENGTH, isBig);
}

/** Writes an Interface Description Block of {@linkcode INTERFACE_LENGTH} bytes; `tsresol` as in the option. */
export function encodeInterfaceDescription(
  into: Uint8Array,
  at: number,
  isBig: boolean,
  linkType: number,
  snapLength: number,
  tsresol: number,
): void {
  into.fill(0, at, at + INTERFACE_LENGTH);
  setU32(into, at, BlockType.INTERFACE_DESCRIPTION, isBig);
  setU32(into, at + 4, INTERFACE_LENGTH, isBig);
  setU16(into, at + 8, linkType, isBig);
  setU32(into, at + 12, snapLength, isBig);
  setU16(into, at + 16, OptionCode.IF_TSRESOL, isBig);
  setU16(into, at + 18, 1, isBig);
  into[at + 20] = tsresol;
  // at + 24: opt_endofopt, which is all zeroes
  setU32(into, at + 28, INTERFACE_LENGTH, isBig);
}

/** Writes an Enhanced Packet Block around `packet`; {@linkcode enhancedPacketLength} bytes. */
export function encodeEnhancedPacket(
  into: Uint8Array,
  at: number,
  isBig: boolean,
  interfaceId: number,
  ticksHigh: number,
  ticksLow: number,
  packet: Uint8Array,
  originalLength: number,
): void {
  const length = enhancedPacketLength(packet.length);
  setU32(into, at, BlockType.ENHANCED_PACKET, isBig);
  setU32(into, at + 4, length, isBig);
  setU32(into, at + 8, interfaceId, isBig);
  setU32(into, at + 12, ticksHigh, isBig);
  setU32(into, at + 16, ticksLow, isBig);
  setU32(into, at + 20, packet.length, isBig);
  setU32(into, at + 24, originalLength, isBig);
  into.set(packet, at + PACKET_HEAD_LENGTH);
  into.fill(0, at + PACKET_HEAD_LENGTH + packet.length, at + length - 4);
  setU32(into, at + length - 4, length, isBig);
}
