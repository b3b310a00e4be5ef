/**
 * Layer pcap, engine: what the readers of both formats share: limits, counters, interfaces, and the one place where
 * packets and errors are made.
 *
 * @module
 */
import { forgetBase, noteBase } from "../bytes/known_base.ts";
import type { Sink, Stats } from "../core/engine.ts";
import { callbackOption, limitOption, needObject } from "../core/limits.ts";
import { BorrowedPacket, type Packet } from "../packet/packet.ts";
import { CaptureError } from "./capture_error.ts";
import type { CaptureBlock, CaptureInterface, InterfaceStatistics, NameRecord } from "./capture_interface.ts";

const NO_BUFFER = new ArrayBuffer(0);

/** Options of {@linkcode CaptureReader}. */
export interface CaptureReaderOptions {
  /**
   * Longest captured packet in bytes. A longer one is an error (`EMSGSIZE`), because it is garbage in all likelihood;
   * the snap length in the file binds no one.
   *
   * @default {1048576}
   */
  maxPacketLength?: number | undefined;
  /**
   * Longest pcapng block in bytes. A longer one is an error (`EMSGSIZE`). Blocks that are skipped are never held in
   * memory, whatever their length.
   *
   * @default {16777216}
   */
  maxBlockLength?: number | undefined;
  /** Most interfaces in one capture, over all its sections. One more is an error (`ENOBUFS`). @default {65536} */
  maxInterfaces?: number | undefined;
  /** Most name records kept in `names`; those beyond are counted and go to `onBlock` alone. @default {65536} */
  maxNameRecords?: number | undefined;
  /** Most bytes of name records kept in `names`; treated like `maxNameRecords`. @default {4194304} */
  maxNameBytes?: number | undefined;
  /** Most bytes of an interface's name and of its description; the rest is cut off. @default {256} */
  maxTextBytes?: number | undefined;
  /** Called for each interface as it appears, before any of its packets. */
  onInterface?: ((description: CaptureInterface) => void) | undefined;
  /** Called for statistics, names and comments as they appear. Comments cost time, and are read for this only. */
  onBlock?: ((block: CaptureBlock) => void) | undefined;
}

/** Counters of {@linkcode CaptureReader}. */
export interface CaptureReaderStats extends Stats {
  /** Packets handed out. */
  readonly packets: number;
  /** Bytes of captured packets. */
  readonly bytes: number;
  /** Packets longer than their interface's snap length. */
  readonly overSnapLength: number;
  /** Packets whose original length was less than the captured one, and was raised to it. */
  readonly lengthsCorrected: number;
  /** pcapng: sections. */
  readonly sections: number;
  /** pcapng: blocks of all types. */
  readonly blocks: number;
  /** pcapng: blocks of types that are not read. */
  readonly blocksSkipped: number;
  /** pcapng: interface statistics blocks. */
  readonly statisticsBlocks: number;
  /** pcapng: name records. */
  readonly nameRecords: number;
  /** pcapng: name records not kept because of a limit. */
  readonly namesDropped: number;
  /** pcapng: blocks with names, statistics or comments that could not be read to their end. */
  readonly malformedOptions: number;
}

/** The same, to be counted up. */
export type CaptureCounts = { -readonly [Name in keyof CaptureReaderStats]: number };

/** Shared by the readers of both formats. */
export class CaptureState {
  /** Option or default. */
  readonly maxPacketLength: number;
  /** Option or default. */
  readonly maxBlockLength: number;
  /** Option or default. */
  readonly maxInterfaces: number;
  /** Option or default. */
  readonly maxNameRecords: number;
  /** Option or default. */
  readonly maxNameBytes: number;
  /** Option or default. */
  readonly maxTextBytes: number;
  /** Counters so far. */
  readonly counts: CaptureCounts;
  /** All interfaces so far. */
  readonly interfaces: CaptureInterface[] = [];
  /** Latest statistics by interface. */
  readonly statistics: Map<number, InterfaceStatistics> = new Map();
  /** Names kept. */
  readonly names: NameRecord[] = [];
  /** Why reading cannot go on. */
  error: CaptureError | undefined;
  /** Callback for blocks. */
  readonly onBlock: ((block: CaptureBlock) => void) | undefined;
  readonly #onInterface: ((description: CaptureInterface) => void) | undefined;
  readonly #sink: Sink<Packet>;
  /** The one packet of a sink that keeps none. */
  readonly #lent: BorrowedPacket | undefined;
  #nameBytes = 0;
  #chunk: Uint8Array | undefined;
  #buffer: ArrayBufferLike = NO_BUFFER;
  #byteOffset = 0;

  /** Checks the options. */
  constructor(options: CaptureReaderOptions, sink: Sink<Packet>) {
    needObject("options", options);
    this.maxPacketLength = limitOption("maxPacketLength", options.maxPacketLength, 1024 * 1024);
    this.maxBlockLength = limitOption("maxBlockLength", options.maxBlockLength, 16 * 1024 * 1024, 12);
    this.maxInterfaces = limitOption("maxInterfaces", options.maxInterfaces, 65536);
    this.maxNameRecords = limitOption("maxNameRecords", options.maxNameRecords, 65536, 0);
    this.maxNameBytes = limitOption("maxNameBytes", options.maxNameBytes, 4 * 1024 * 1024, 0);
    this.maxTextBytes = limitOption("maxTextBytes", options.maxTextBytes, 256, 0);
    this.onBlock = callbackOption("onBlock", options.onBlock);
    this.#onInterface = callbackOption("onInterface", options.onInterface);
    this.#sink = sink;
    this.#lent = sink.borrows === true ? new BorrowedPacket() : undefined;
    this.counts = {
      packets: 0,
      bytes: 0,
      overSnapLength: 0,
      lengthsCorrected: 0,
      sections: 0,
      blocks: 0,
      blocksSkipped: 0,
      statisticsBlocks: 0,
      nameRecords: 0,
      namesDropped: 0,
      malformedOptions: 0,
    };
  }

  /**
   * Hands out the packet in `chunk` from `start` to `end`. The only place that makes packets, so that all have one shape.
   */
  packet(
    chunk: Uint8Array,
    start: number,
    end: number,
    capturing: CaptureInterface,
    seconds: number,
    nanoseconds: number,
    originalLength: number,
  ): void {
    const counts = this.counts;
    const length = end - start;
    counts.packets++;
    counts.bytes += length;
    if (length > capturing.snapLength && capturing.snapLength !== 0) counts.overSnapLength++;
    if (originalLength < length) {
      originalLength = length;
      counts.lengthsCorrected++;
    }
    const { linkType, id } = capturing;
    if (chunk !== this.#chunk) this.#useChunk(chunk);
    const lent = this.#lent;
    if (lent === undefined) {
      const bytes = this.#view(start, length);
      const number = counts.packets;
      return this.#sink.item({ seconds, nanoseconds, bytes, originalLength, linkType, number, interfaceId: id });
    }
    noteBase(chunk, this.#buffer, this.#byteOffset);
    lent.seconds = seconds;
    lent.nanoseconds = nanoseconds;
    lent.originalLength = originalLength;
    lent.linkType = linkType;
    lent.number = counts.packets;
    lent.interfaceId = id;
    lent.start = start;
    lent.end = end;
    this.#sink.item(lent);
  }

  /** No more packets of the chunk in work. */
  forgetChunk(): void {
    this.#chunk = undefined;
    this.#buffer = NO_BUFFER;
    this.#lent?.forget();
    forgetBase();
  }

  #useChunk(chunk: Uint8Array): void {
    this.#chunk = chunk;
    // asking a view for its buffer costs as much as making one: once a chunk
    this.#buffer = chunk.buffer;
    this.#byteOffset = chunk.byteOffset;
    if (this.#lent !== undefined) this.#lent.chunk = chunk;
  }

  /** Half the cost of `subarray`. */
  #view(start: number, length: number): Uint8Array {
    const at = this.#byteOffset + start;
    const bytes = new Uint8Array(this.#buffer, at, length);
    noteBase(bytes, this.#buffer, at);
    return bytes;
  }

  /** Adds an interface to the table. Returns whether there was room. */
  addInterface(description: CaptureInterface, offset: number): boolean {
    if (this.interfaces.length >= this.maxInterfaces) {
      this.fail("ENOBUFS", offset, `more interfaces than maxInterfaces ${this.maxInterfaces}`);
      return false;
    }
    this.interfaces.push(description);
    this.#onInterface?.(description);
    return true;
  }

  /** Counts a name record of `bytes` bytes. Returns whether there is room to keep it. */
  admitName(bytes: number): boolean {
    this.counts.nameRecords++;
    if (this.names.length >= this.maxNameRecords || this.#nameBytes + bytes > this.maxNameBytes) {
      this.counts.namesDropped++;
      return false;
    }
    this.#nameBytes += bytes;
    return true;
  }

  /** Ends reading with an error about the record at `offset`. */
  fail(code: string, offset: number, message: string): void {
    this.error ??= new CaptureError(message, { code, blame: "remote", offset });
  }
}
