/**
 * Layer pcap, engine: reads the blocks of pcapng files (draft-ietf-opsawg-pcapng).
 *
 * Read: section headers, interface descriptions, packets of all three kinds, name resolution, interface statistics,
 * comments of packets. All else is passed over and counted. Not here: decryption secrets, packet flags, hashes.
 *
 * Each section has a byte order and a numbering of interfaces of its own; outside, interfaces are numbered through.
 *
 * @module
 */
import { byteCount } from "../core/words.ts";
import { getU16, getU32 } from "./byte_order.ts";
import type { NameRecord } from "./capture_interface.ts";
import type { CaptureState } from "./capture_state.ts";
import {
  decodeInterfaceOptions,
  decodeNameRecord,
  decodeStatistics,
  decodeText,
  nameAddressLength,
  walkOptions,
} from "./pcapng_options.ts";
import {
  BLOCK_OVERHEAD,
  BlockType,
  BYTE_ORDER_MAGIC,
  INTERFACE_HEAD_LENGTH,
  OptionCode,
  PACKET_HEAD_LENGTH,
  padded,
  PCAPNG_VERSION_MAJOR,
  SECTION_HEAD_LENGTH,
  SECTION_LENGTH,
  SIMPLE_PACKET_HEAD_LENGTH,
  STATISTICS_HEAD_LENGTH,
} from "./pcapng_wire.ts";
import type { RecordReader } from "./record_reader.ts";
import { MAX_OFFSET_SECONDS, TickClock } from "./tick_clock.ts";

/** Type and length. */
const HEAD_LENGTH = 8;

/** Least length of the blocks that are read, by type. */
const LEAST_LENGTH: ReadonlyMap<number, number> = new Map([
  [BlockType.SECTION_HEADER, SECTION_LENGTH],
  [BlockType.INTERFACE_DESCRIPTION, INTERFACE_HEAD_LENGTH + 4],
  [BlockType.PACKET, PACKET_HEAD_LENGTH + 4],
  [BlockType.SIMPLE_PACKET, SIMPLE_PACKET_HEAD_LENGTH + 4],
  [BlockType.NAME_RESOLUTION, BLOCK_OVERHEAD],
  [BlockType.INTERFACE_STATISTICS, STATISTICS_HEAD_LENGTH + 4],
  [BlockType.ENHANCED_PACKET, PACKET_HEAD_LENGTH + 4],
]);

/** Reads the blocks of one pcapng file. */
export class PcapngRecords implements RecordReader {
  readonly #state: CaptureState;
  #isBig = false;
  /** Number of the current section's first interface. */
  #firstInterface = 0;
  /** Of the current section's interfaces. */
  #clocks: TickClock[] = [];

  /** For a file whose first block is a section header. */
  constructor(state: CaptureState) {
    this.#state = state;
  }

  /** See {@linkcode RecordReader.read}. */
  read(bytes: Uint8Array, start: number, base: number): number {
    const state = this.#state;
    let at = start;
    for (;;) {
      const offset = base + at;
      const length = this.measure(bytes, at, bytes.length, offset);
      if (length <= 0 || length > bytes.length - at) return at;
      const type = getU32(bytes, at, this.#isBig);
      if (type === BlockType.SECTION_HEADER) this.#isBig = getU32(bytes, at + 8, true) === BYTE_ORDER_MAGIC;
      if (this.#isClosed(bytes, at + length - 4, length, offset)) this.#block(type, bytes, at, length, offset);
      if (state.error !== undefined) return at;
      at += length;
    }
  }

  /** See {@linkcode RecordReader.measure}. All lengths are checked here, before anybody makes room for them. */
  measure(bytes: Uint8Array, at: number, end: number, offset: number): number {
    const have = end - at;
    if (have < HEAD_LENGTH) return -HEAD_LENGTH;
    let isBig = this.#isBig;
    const type = getU32(bytes, at, isBig);
    if (type === BlockType.SECTION_HEADER) {
      if (have < SECTION_HEAD_LENGTH) return -SECTION_HEAD_LENGTH;
      isBig = getU32(bytes, at + 8, true) === BYTE_ORDER_MAGIC;
      if (!isBig && getU32(bytes, at + 8, false) !== BYTE_ORDER_MAGIC) {
        return this.#refuse(offset, "section header without the byte-order magic");
      }
    }
    const length = getU32(bytes, at + 4, isBig);
    if (length % 4 !== 0) return this.#refuse(offset, `block length ${length} is not a multiple of 4`);
    const isPacket = type === BlockType.ENHANCED_PACKET || type === BlockType.PACKET;
    if (isPacket && have < PACKET_HEAD_LENGTH && length >= PACKET_HEAD_LENGTH) return -PACKET_HEAD_LENGTH;
    if (length < (isPacket ? PACKET_HEAD_LENGTH + 4 : LEAST_LENGTH.get(type) ?? BLOCK_OVERHEAD)) {
      return this.#refuse(offset, `block of type ${type} has a length of ${length}, which is too short`);
    }
    const { maxBlockLength } = this.#state;
    if (length > maxBlockLength) {
      return this.#refuse(offset, `block of ${length} bytes exceeds maxBlockLength ${maxBlockLength}`, "EMSGSIZE");
    }
    if (!isPacket) return length;
    const captured = getU32(bytes, at + 20, isBig);
    return this.#isPacketLength(captured, length - PACKET_HEAD_LENGTH - 4, offset) ? length : 0;
  }

  /** See {@linkcode RecordReader.skippable}. */
  skippable(bytes: Uint8Array, at: number, length: number): number {
    return LEAST_LENGTH.has(getU32(bytes, at, this.#isBig)) ? 0 : length - 4;
  }

  /** See {@linkcode RecordReader.finishSkipped}. */
  finishSkipped(rest: Uint8Array, length: number, offset: number): void {
    if (!this.#isClosed(rest, 0, length, offset)) return;
    this.#state.counts.blocks++;
    this.#state.counts.blocksSkipped++;
  }

  /** Whether the length behind the block is the one in front of it. */
  #isClosed(bytes: Uint8Array, at: number, length: number, offset: number): boolean {
    const trailing = getU32(bytes, at, this.#isBig);
    if (trailing === length) return true;
    this.#refuse(offset, `block length ${length} is followed by ${trailing} at the block's end`);
    return false;
  }

  #isPacketLength(captured: number, room: number, offset: number): boolean {
    const { maxPacketLength } = this.#state;
    if (captured > maxPacketLength) {
      this.#refuse(offset, `packet of ${captured} bytes exceeds maxPacketLength ${maxPacketLength}`, "EMSGSIZE");
    } else if (captured > room) {
      this.#refuse(offset, `packet of ${byteCount(captured)} in a block with room for ${room}`);
    } else {
      return true;
    }
    return false;
  }

  #block(type: number, bytes: Uint8Array, at: number, length: number, offset: number): void {
    const end = at + length - 4;
    this.#state.counts.blocks++;
    switch (type) {
      case BlockType.ENHANCED_PACKET:
        return this.#packet(bytes, at, end, offset, getU32(bytes, at + 8, this.#isBig));
      case BlockType.PACKET:
        return this.#packet(bytes, at, end, offset, getU16(bytes, at + 8, this.#isBig));
      case BlockType.SIMPLE_PACKET:
        return this.#simplePacket(bytes, at, end, offset);
      case BlockType.SECTION_HEADER:
        return this.#section(bytes, at, offset);
      case BlockType.INTERFACE_DESCRIPTION:
        return this.#interface(bytes, at, end, offset);
      case BlockType.NAME_RESOLUTION:
        return this.#names(bytes, at + HEAD_LENGTH, end);
      case BlockType.INTERFACE_STATISTICS:
        return this.#statistics(bytes, at, end, offset);
      default:
        this.#state.counts.blocksSkipped++;
    }
  }

  /** Enhanced Packet Block, and the obsolete Packet Block, which differs in the interface's number alone. */
  #packet(bytes: Uint8Array, at: number, end: number, offset: number, id: number): void {
    const state = this.#state;
    const isBig = this.#isBig;
    const clock = this.#clocks[id];
    if (clock === undefined) return this.#unknownInterface(id, offset);
    clock.convert(getU32(bytes, at + 12, isBig), getU32(bytes, at + 16, isBig));
    const start = at + PACKET_HEAD_LENGTH;
    const captured = getU32(bytes, at + 20, isBig);
    if (state.onBlock !== undefined) this.#comments(bytes, start + padded(captured), end);
    const capturing = state.interfaces[this.#firstInterface + id]!;
    const originalLength = getU32(bytes, at + 24, isBig);
    state.packet(bytes, start, start + captured, capturing, clock.seconds, clock.nanoseconds, originalLength);
  }

  /** Has no captured length of its own: all of the packet, up to the snap length of the section's first interface. */
  #simplePacket(bytes: Uint8Array, at: number, end: number, offset: number): void {
    if (this.#clocks.length === 0) return this.#unknownInterface(0, offset);
    const capturing = this.#state.interfaces[this.#firstInterface]!;
    const originalLength = getU32(bytes, at + 8, this.#isBig);
    const captured = Math.min(originalLength, capturing.snapLength === 0 ? Infinity : capturing.snapLength);
    const start = at + SIMPLE_PACKET_HEAD_LENGTH;
    if (!this.#isPacketLength(captured, end - start, offset)) return;
    this.#state.packet(bytes, start, start + captured, capturing, 0, 0, originalLength);
  }

  #section(bytes: Uint8Array, at: number, offset: number): void {
    const major = getU16(bytes, at + 12, this.#isBig);
    if (major !== PCAPNG_VERSION_MAJOR) {
      const minor = getU16(bytes, at + 14, this.#isBig);
      this.#refuse(offset, `pcapng version ${major}.${minor} is not read, only 1.0`, "ENOTSUP");
      return;
    }
    this.#state.counts.sections++;
    this.#firstInterface = this.#state.interfaces.length;
    this.#clocks = [];
  }

  #interface(bytes: Uint8Array, at: number, end: number, offset: number): void {
    const state = this.#state;
    const isBig = this.#isBig;
    const options = decodeInterfaceOptions(bytes, at + INTERFACE_HEAD_LENGTH, end, isBig, state.maxTextBytes);
    if (options === undefined || Math.abs(options.offsetSeconds) > MAX_OFFSET_SECONDS) {
      const what = options === undefined ? "malformed options" : `if_tsoffset ${options.offsetSeconds}, out of range`;
      this.#refuse(offset, `interface description with ${what}`);
      return;
    }
    const { resolution, offsetSeconds, fcsLength, name, description } = options;
    this.#clocks.push(new TickClock(resolution, offsetSeconds));
    state.addInterface({
      id: state.interfaces.length,
      section: state.counts.sections - 1,
      linkType: getU16(bytes, at + 8, isBig),
      snapLength: getU32(bytes, at + 12, isBig),
      resolution,
      offsetSeconds,
      fcsLength,
      name,
      description,
    }, offset);
  }

  #statistics(bytes: Uint8Array, at: number, end: number, offset: number): void {
    const state = this.#state;
    const id = getU32(bytes, at + 8, this.#isBig);
    const clock = this.#clocks[id];
    if (clock === undefined) return this.#unknownInterface(id, offset);
    const interfaceId = this.#firstInterface + id;
    const { statistics, isWhole } = decodeStatistics(bytes, at + 12, end, this.#isBig, interfaceId, clock);
    state.counts.statisticsBlocks++;
    if (!isWhole) state.counts.malformedOptions++;
    state.statistics.set(interfaceId, statistics);
    state.onBlock?.(statistics);
  }

  #names(bytes: Uint8Array, at: number, end: number): void {
    const state = this.#state;
    const records: NameRecord[] = [];
    let isSound = true;
    const isWhole = walkOptions(bytes, at, end, this.#isBig, (type, at, length) => {
      const addressLength = nameAddressLength(type);
      if (addressLength === 0) return;
      if (length < addressLength) {
        isSound = false;
        return;
      }
      const isKept = state.admitName(length);
      if (!isKept && state.onBlock === undefined) return;
      const record = decodeNameRecord(bytes, at, length, addressLength);
      if (isKept) state.names.push(record);
      if (state.onBlock !== undefined) records.push(record);
    });
    if (!isWhole || !isSound) state.counts.malformedOptions++;
    state.onBlock?.({ kind: "names", records });
  }

  #comments(bytes: Uint8Array, at: number, end: number): void {
    const state = this.#state;
    const isWhole = walkOptions(bytes, at, end, this.#isBig, (code, at, length) => {
      if (code !== OptionCode.COMMENT) return;
      const text = decodeText(bytes, at, length);
      state.onBlock?.({ kind: "comment", packetNumber: state.counts.packets + 1, text });
    });
    if (!isWhole) state.counts.malformedOptions++;
  }

  #unknownInterface(id: number, offset: number): void {
    this.#refuse(offset, `interface ${id} of a section that describes ${this.#clocks.length}`);
  }

  #refuse(offset: number, message: string, code = "EPROTO"): 0 {
    this.#state.fail(code, offset, message);
    return 0;
  }
}
