/**
 * Layer pcap, wire: the headers of classic capture files, "pcap" (draft-ietf-opsawg-pcap).
 *
 * Not here: pcapng, and the contents of packets.
 *
 * @module
 */
import { getU16, getU32, setU16, setU32 } from "./byte_order.ts";

/** Magic number of files with microseconds, read in the file's own byte order. */
export const PCAP_MAGIC = 0xa1b2c3d4;
/** Magic number of files with nanoseconds. */
export const PCAP_MAGIC_NANOSECONDS = 0xa1b23c4d;
/** Magic number of A. Kuznetzov's modified format: other record headers, not read here. */
export const PCAP_MAGIC_MODIFIED = 0xa1b2cd34;
/** Major version of all files since 1998. */
export const PCAP_VERSION_MAJOR = 2;
/** Minor version of all files since 1998. */
export const PCAP_VERSION_MINOR = 4;
/** Length of the file header. */
export const PCAP_FILE_HEADER_LENGTH = 24;
/** Length of a record header: seconds, fraction, captured length, original length. */
export const PCAP_RECORD_HEADER_LENGTH = 16;

/** Meaning of the word that holds the link type, from its low end: link type, reserved, flag P, length of the FCS. */
const LINK_TYPE_MASK = 0xffff;
const FCS_PRESENT = 0x04000000;

/** The file header of a classic capture file. */
export interface PcapFileHeader {
  /** Whether integers are big-endian. */
  readonly isBig: boolean;
  /** Whether fractions of a second are nanoseconds; else microseconds. */
  readonly isNanoseconds: boolean;
  /** Version of the format, 2.4 in practice. */
  readonly versionMajor: number;
  /** Version of the format, 2.4 in practice. */
  readonly versionMinor: number;
  /** Longest captured part of a packet; 0 for unlimited. */
  readonly snapLength: number;
  /** LINKTYPE_ value. */
  readonly linkType: number;
  /** Bytes of frame check sequence at the end of each packet, where the file tells. */
  readonly fcsLength: number | undefined;
}

/** What the first four bytes of a capture say. */
export interface PcapMagic {
  /** Whether integers are big-endian. */
  readonly isBig: boolean;
  /** The magic number in the file's own byte order. */
  readonly magic: number;
}

/** Tells the byte order from the magic number; `undefined` where it is not one of this family. */
export function decodePcapMagic(bytes: Uint8Array, at: number): PcapMagic | undefined {
  for (const isBig of [true, false]) {
    const magic = getU32(bytes, at, isBig);
    if (magic === PCAP_MAGIC || magic === PCAP_MAGIC_NANOSECONDS || magic === PCAP_MAGIC_MODIFIED) {
      return { isBig, magic };
    }
  }
  return undefined;
}

/** Reads a file header whose magic number has been looked at. */
export function decodePcapFileHeader(bytes: Uint8Array, at: number, magic: PcapMagic): PcapFileHeader {
  const { isBig } = magic;
  const link = getU32(bytes, at + 20, isBig);
  return {
    isBig,
    isNanoseconds: magic.magic === PCAP_MAGIC_NANOSECONDS,
    versionMajor: getU16(bytes, at + 4, isBig),
    versionMinor: getU16(bytes, at + 6, isBig),
    snapLength: getU32(bytes, at + 16, isBig),
    linkType: link & LINK_TYPE_MASK,
    // counted in units of 16 bits
    fcsLength: (link & FCS_PRESENT) === 0 ? undefined : (link >>> 28) * 2,
  };
}

/** Writes a file header at the start of `into`. */
export function encodePcapFileHeader(header: PcapFileHeader, into: Uint8Array): void {
  const { isBig } = header;
  const fcs = header.fcsLength === undefined ? 0 : ((header.fcsLength / 2) << 28) | FCS_PRESENT;
  setU32(into, 0, header.isNanoseconds ? PCAP_MAGIC_NANOSECONDS : PCAP_MAGIC, isBig);
  setU16(into, 4, header.versionMajor, isBig);
  setU16(into, 6, header.versionMinor, isBig);
  into.fill(0, 8, 16);
  setU32(into, 16, header.snapLength, isBig);
  setU32(into, 20, header.linkType | fcs, isBig);
}

/** Writes a record header at `at`; `fraction` is in the unit of the file. */
export function encodePcapRecordHeader(
  into: Uint8Array,
  at: number,
  isBig: boolean,
  seconds: number,
  fraction: number,
  capturedLength: number,
  originalLength: number,
): void {
  setU32(into, at, seconds, isBig);
  setU32(into, at + 4, fraction, isBig);
  setU32(into, at + 8, capturedLength, isBig);
  setU32(into, at + 12, originalLength, isBig);
}
