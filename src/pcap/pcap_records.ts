/**
 * Layer pcap, engine: reads classic capture files, "pcap" (draft-ietf-opsawg-pcap).
 *
 * The file header counts as the first record. Not here: chunks; {@linkcode CaptureReader} joins records cut by them.
 *
 * @module
 */
import { getU32 } from "./byte_order.ts";
import type { CaptureInterface } from "./capture_interface.ts";
import type { CaptureState } from "./capture_state.ts";
import {
  decodePcapFileHeader,
  PCAP_FILE_HEADER_LENGTH,
  PCAP_RECORD_HEADER_LENGTH,
  PCAP_VERSION_MAJOR,
  PCAP_VERSION_MINOR,
  type PcapMagic,
} from "./pcap_wire.ts";
import type { RecordReader } from "./record_reader.ts";

/** Reads one classic capture file. */
export class PcapRecords implements RecordReader {
  readonly #state: CaptureState;
  readonly #magic: PcapMagic;
  readonly #isBig: boolean;
  #unitNanoseconds = 1000;
  #unitsPerSecond = 1_000_000;
  /** The file's one interface; `undefined` until the file header has been read. */
  #interface: CaptureInterface | undefined;

  /** For a file that starts with the given magic number. */
  constructor(state: CaptureState, magic: PcapMagic) {
    this.#state = state;
    this.#magic = magic;
    this.#isBig = magic.isBig;
  }

  /** See {@linkcode RecordReader.read}. */
  read(bytes: Uint8Array, start: number, base: number): number {
    let at = start;
    if (this.#interface === undefined) {
      if (bytes.length - at < PCAP_FILE_HEADER_LENGTH) return at;
      if (!this.#readFileHeader(bytes, at, base + at)) return at;
      at += PCAP_FILE_HEADER_LENGTH;
    }
    const state = this.#state;
    const isBig = this.#isBig;
    const capturing = this.#interface!;
    for (;;) {
      const length = this.measure(bytes, at, bytes.length, base + at);
      if (length <= 0 || length > bytes.length - at) return at;
      let seconds = getU32(bytes, at, isBig);
      let fraction = getU32(bytes, at + 4, isBig);
      if (fraction >= this.#unitsPerSecond) {
        // some writers let the fraction run over
        seconds += Math.floor(fraction / this.#unitsPerSecond);
        fraction %= this.#unitsPerSecond;
      }
      const originalLength = getU32(bytes, at + 12, isBig);
      const start = at + PCAP_RECORD_HEADER_LENGTH;
      at += length;
      state.packet(bytes, start, at, capturing, seconds, fraction * this.#unitNanoseconds, originalLength);
    }
  }

  /** See {@linkcode RecordReader.measure}. */
  measure(bytes: Uint8Array, at: number, end: number, offset: number): number {
    if (this.#interface === undefined) return PCAP_FILE_HEADER_LENGTH;
    if (end - at < PCAP_RECORD_HEADER_LENGTH) return -PCAP_RECORD_HEADER_LENGTH;
    const captured = getU32(bytes, at + 8, this.#isBig);
    if (captured <= this.#state.maxPacketLength) return PCAP_RECORD_HEADER_LENGTH + captured;
    const limit = `maxPacketLength ${this.#state.maxPacketLength}`;
    this.#state.fail("EMSGSIZE", offset, `packet record of ${captured} bytes exceeds ${limit}`);
    return 0;
  }

  /** See {@linkcode RecordReader.skippable}: no record is. */
  skippable(): number {
    return 0;
  }

  /** Never called. */
  finishSkipped(): void {}

  #readFileHeader(bytes: Uint8Array, at: number, offset: number): boolean {
    const header = decodePcapFileHeader(bytes, at, this.#magic);
    const { versionMajor, versionMinor, isNanoseconds } = header;
    if (versionMajor !== PCAP_VERSION_MAJOR || versionMinor !== PCAP_VERSION_MINOR) {
      this.#state.fail("ENOTSUP", offset + 4, `pcap version ${versionMajor}.${versionMinor} is not read, only 2.4`);
      return false;
    }
    if (isNanoseconds) {
      this.#unitNanoseconds = 1;
      this.#unitsPerSecond = 1_000_000_000;
    }
    this.#interface = {
      id: 0,
      section: 0,
      linkType: header.linkType,
      snapLength: header.snapLength,
      resolution: { base: 10, exponent: isNanoseconds ? 9 : 6 },
      offsetSeconds: 0,
      fcsLength: header.fcsLength,
      name: undefined,
      description: undefined,
    };
    return this.#state.addInterface(this.#interface, offset);
  }
}
