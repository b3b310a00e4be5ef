/**
 * Layer pcap, engine: writes classic capture files, "pcap" (draft-ietf-opsawg-pcap), version 2.4.
 *
 * @module
 */
import { LinkType, type Packet } from "../packet/packet.ts";
import { type PacketEncoder, sizeProblem, timeProblem, type WriterSettings } from "./packet_encoder.ts";
import {
  encodePcapFileHeader,
  encodePcapRecordHeader,
  PCAP_FILE_HEADER_LENGTH,
  PCAP_RECORD_HEADER_LENGTH,
  PCAP_VERSION_MAJOR,
  PCAP_VERSION_MINOR,
} from "./pcap_wire.ts";

const MAX_SECONDS = 0xffffffff;

/** Encodes one classic capture file. */
export class PcapEncoder implements PacketEncoder {
  readonly #settings: WriterSettings;
  #linkType: number | undefined;
  #hasHeader = false;

  /** For a file of the given kind. */
  constructor(settings: WriterSettings) {
    this.#settings = settings;
    this.#linkType = settings.linkType;
  }

  /** One, once the file has a header. */
  get interfaces(): number {
    return this.#hasHeader ? 1 : 0;
  }

  /** See {@linkcode PacketEncoder.admit}. */
  admit(packet: Packet): string | undefined {
    const problem = sizeProblem(packet) ?? timeProblem(packet, MAX_SECONDS);
    if (problem !== undefined) return problem;
    this.#linkType ??= packet.linkType;
    if (packet.linkType === this.#linkType) return undefined;
    const { number, linkType } = packet;
    return `packet ${number} has link type ${linkType} in a pcap file of link type ${this.#linkType}; use pcapng`;
  }

  /** See {@linkcode PacketEncoder.recordLength}. */
  recordLength(captured: number): number {
    return PCAP_RECORD_HEADER_LENGTH + captured;
  }

  /** See {@linkcode PacketEncoder.headerLength}. */
  headerLength(): number {
    return this.#hasHeader ? 0 : PCAP_FILE_HEADER_LENGTH;
  }

  /** See {@linkcode PacketEncoder.writeHeader}. */
  writeHeader(into: Uint8Array): number {
    if (this.#hasHeader) return 0;
    this.#hasHeader = true;
    const { isBig, isNanoseconds, snapLength } = this.#settings;
    encodePcapFileHeader({
      isBig,
      isNanoseconds,
      versionMajor: PCAP_VERSION_MAJOR,
      versionMinor: PCAP_VERSION_MINOR,
      snapLength,
      linkType: this.#linkType ?? LinkType.ETHERNET,
      fcsLength: undefined,
    }, into);
    return PCAP_FILE_HEADER_LENGTH;
  }

  /** See {@linkcode PacketEncoder.writeRecord}. */
  writeRecord(into: Uint8Array, at: number, packet: Packet, captured: number): number {
    const { isBig, isNanoseconds } = this.#settings;
    const { bytes, seconds, nanoseconds, originalLength } = packet;
    const fraction = isNanoseconds ? nanoseconds : Math.floor(nanoseconds / 1000);
    encodePcapRecordHeader(into, at, isBig, seconds, fraction, captured, Math.max(originalLength, bytes.length));
    into.set(captured === bytes.length ? bytes : bytes.subarray(0, captured), at + PCAP_RECORD_HEADER_LENGTH);
    return at + PCAP_RECORD_HEADER_LENGTH + captured;
  }
}
