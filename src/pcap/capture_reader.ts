/**
 * Layer pcap, engine: capture files of either format, in chunks of any size, into packets.
 *
 * Follows draft-ietf-opsawg-pcap and draft-ietf-opsawg-pcapng. Not here: what is in the packets, and compression.
 *
 * How it works. The records that lie whole in a chunk are read in place by the format's {@linkcode RecordReader}; the
 * one that the chunk's end cuts is joined in a {@linkcode PartialRecord} as the next chunks bring its bytes, and read
 * from there. Blocks that nobody wants are counted down (`#skipping`) and not joined.
 *
 * @module
 */
import type { Engine, EngineFactory, Sink } from "../core/engine.ts";
import { byteCount } from "../core/words.ts";
import type { Packet } from "../packet/packet.ts";
import { getU32 } from "./byte_order.ts";
import { CaptureError, refuseReentry } from "./capture_error.ts";
import type { CaptureFormat, CaptureInterface, InterfaceStatistics, NameRecord } from "./capture_interface.ts";
import { type CaptureReaderOptions, type CaptureReaderStats, CaptureState } from "./capture_state.ts";
import { PartialRecord } from "./partial_record.ts";
import { PcapRecords } from "./pcap_records.ts";
import { decodePcapMagic, PCAP_MAGIC_MODIFIED } from "./pcap_wire.ts";
import { PcapngRecords } from "./pcapng_records.ts";
import { BlockType } from "./pcapng_wire.ts";
import type { RecordReader } from "./record_reader.ts";

export type { CaptureReaderOptions, CaptureReaderStats } from "./capture_state.ts";

const MAGIC_LENGTH = 4;

/**
 * Reads a capture file, pcap or pcapng, whose bytes come in chunks of any size.
 *
 * Every packet that is whole comes out in the `push` that completed it. A packet's bytes are a view of the chunk it
 * came in where it lies in one, else of a buffer of its own: `slice()` what you want to keep while the rest may go.
 * Simple packet blocks of pcapng carry no time; theirs is 1970-01-01.
 *
 * Fails with a {@linkcode CaptureError}, after all packets before the place of failure.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { CaptureReader } from "@leat/streams/pcap";
 *
 * const packets: number[] = [];
 * const reader = new CaptureReader({}, {
 *   item: (packet) => packets.push(packet.bytes.length),
 *   error: (error) => console.error(error.code, error.offset),
 *   end: () => {},
 * });
 * const header = [0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 0, 101, 0, 0, 0];
 * const record = [1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0, 3, 0, 0, 0, 0x45, 0, 0];
 * reader.push(Uint8Array.from([...header, ...record]));
 * reader.end();
 * assertEquals(packets, [3]);
 * assertEquals(reader.interfaces[0]?.linkType, 101);
 * ```
 */
export class CaptureReader implements Engine<Uint8Array> {
  readonly #sink: Sink<Packet>;
  readonly #state: CaptureState;
  readonly #partial = new PartialRecord();
  #records: RecordReader | undefined;
  #format: CaptureFormat | undefined;
  /** Offset in the capture of the next chunk. */
  #offset = 0;
  /** Bytes yet to be passed over, of a record of `#skippedLength` bytes at `#skippedOffset`. */
  #skipping = 0;
  #skippedLength = 0;
  #skippedOffset = 0;
  /** Set while `push` runs, so that a sink that throws leaves the engine closed. */
  #isOver = false;
  /** Set while `push` runs, so that input from a callback is noticed. */
  #isBusy = false;

  /**
   * Makes a reader that hands packets to `sink`.
   *
   * @throws {TypeError | RangeError} when an option is wrong
   */
  constructor(options: CaptureReaderOptions, sink: Sink<Packet>) {
    this.#state = new CaptureState(options, sink);
    this.#sink = sink;
  }

  /** The same as a factory, for `through` and `fuse`; wrong options are noticed when it is called. */
  static with(options: CaptureReaderOptions = {}): EngineFactory<Uint8Array, Packet> {
    return (sink) => new CaptureReader(options, sink);
  }

  /** Kind of file; `undefined` until its first four bytes have come. */
  get format(): CaptureFormat | undefined {
    return this.#format;
  }

  /** All interfaces described so far; the index is the packets' `interfaceId`. */
  get interfaces(): readonly CaptureInterface[] {
    return this.#state.interfaces;
  }

  /** The latest statistics of each interface that has any, in order of first appearance. */
  get statistics(): readonly InterfaceStatistics[] {
    return [...this.#state.statistics.values()];
  }

  /** Name records so far, up to the limits. */
  get names(): readonly NameRecord[] {
    return this.#state.names;
  }

  /** A copy of the counters. */
  get stats(): CaptureReaderStats {
    return { ...this.#state.counts };
  }

  /**
   * Takes a chunk of the file. It must not be changed while packets made of it are in use.
   *
   * @throws {CaptureError} `EBUSY` when called from a callback of the sink or the options
   */
  push(chunk: Uint8Array, _now?: number): void {
    refuseReentry(this.#isBusy);
    if (this.#isOver || chunk.length === 0) return;
    this.#isOver = true;
    // views of a Buffer would be Buffers again: slower to make, and a second shape in everything downstream
    const bytes = chunk.constructor === Uint8Array
      ? chunk
      : new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    this.#isBusy = true;
    try {
      this.#take(bytes);
    } finally {
      this.#isBusy = false;
      this.#state.forgetChunk();
    }
    this.#offset += bytes.length;
    const { error } = this.#state;
    if (error === undefined) this.#isOver = false;
    else this.#sink.error(error);
  }

  /**
   * The file has ended. Inside a record that is `ETRUNCATED`. No bytes at all are an empty capture, no error.
   *
   * @throws {CaptureError} `EBUSY` when called from a callback of the sink or the options
   */
  end(_now?: number): void {
    refuseReentry(this.#isBusy);
    if (this.#isOver) return;
    this.#isOver = true;
    const partial = this.#partial;
    if (this.#skippedLength > 0) {
      const held = this.#skippedLength - this.#skipping - (partial.needed - partial.length);
      this.#truncated(this.#skippedOffset, held, this.#skippedLength);
    } else if (partial.needed > 0) {
      this.#truncated(partial.offset, partial.length, partial.needed);
    } else {
      this.#sink.end();
    }
  }

  /** Never: only input wakes this engine. */
  timeoutAt(): number {
    return Infinity;
  }

  /** Does nothing. */
  onTimeout(_now?: number): void {}

  #take(bytes: Uint8Array): void {
    let at = 0;
    while (at < bytes.length && this.#state.error === undefined) {
      if (this.#skipping > 0) {
        const count = Math.min(this.#skipping, bytes.length - at);
        this.#skipping -= count;
        at += count;
      } else if (this.#partial.needed > 0) {
        at = this.#partial.fill(bytes, at);
        if (this.#partial.length === this.#partial.needed) this.#advancePartial();
      } else if (this.#records === undefined) {
        this.#partial.start(0, MAGIC_LENGTH);
      } else {
        at = this.#records.read(bytes, at, this.#offset);
        if (at < bytes.length && this.#state.error === undefined) at = this.#startPartial(this.#records, bytes, at);
      }
    }
  }

  /** The chunk ends inside the record at `at`. Returns where to go on. */
  #startPartial(records: RecordReader, bytes: Uint8Array, at: number): number {
    const offset = this.#offset + at;
    const length = records.measure(bytes, at, bytes.length, offset);
    if (length === 0) return at;
    const skippable = length < 0 ? 0 : records.skippable(bytes, at, length);
    if (skippable === 0) this.#partial.start(offset, Math.abs(length));
    else this.#startSkip(offset, length, skippable, 0);
    return at;
  }

  #startSkip(offset: number, length: number, skippable: number, done: number): void {
    this.#skippedOffset = offset;
    this.#skippedLength = length;
    this.#skipping = skippable - done;
    this.#partial.start(offset + skippable, length - skippable);
  }

  /** What was needed is there: the magic number, a head, a whole record, or the rest of a skipped one. */
  #advancePartial(): void {
    const partial = this.#partial;
    if (this.#skippedLength > 0) {
      this.#records!.finishSkipped(partial.release(), this.#skippedLength, this.#skippedOffset);
      this.#skippedLength = 0;
      return;
    }
    const { buffer, offset, length } = partial;
    const records = this.#records ??= this.#detect(buffer);
    if (records === undefined) return;
    const total = records.measure(buffer, 0, length, offset);
    if (Math.abs(total) > length) {
      const skippable = total < 0 ? 0 : records.skippable(buffer, 0, total);
      if (skippable > length) this.#startSkip(offset, total, skippable, length);
      else partial.want(Math.abs(total));
    } else if (total !== 0) {
      records.read(partial.release(), 0, offset);
    }
  }

  /** Chooses the reader by the first four bytes of the file. */
  #detect(bytes: Uint8Array): RecordReader | undefined {
    if (getU32(bytes, 0, true) === BlockType.SECTION_HEADER) {
      this.#format = "pcapng";
      return new PcapngRecords(this.#state);
    }
    const magic = decodePcapMagic(bytes, 0);
    if (magic?.magic === PCAP_MAGIC_MODIFIED) {
      this.#state.fail("ENOTSUP", 0, "modified pcap (magic 0xa1b2cd34) is not read; convert it with editcap");
    } else if (magic !== undefined) {
      this.#format = "pcap";
      return new PcapRecords(this.#state, magic);
    }
    this.#state.fail("ENOTSUP", 0, unknownMagic(bytes));
    return undefined;
  }

  #truncated(offset: number, held: number, needed: number): void {
    const missing = needed - held;
    const where = offset === 0 ? "its file header" : `the record at ${offset}`;
    const what = `capture ends ${byteCount(held)} into ${where}`;
    this.#sink.error(
      new CaptureError(`${what}, ${byteCount(missing)} missing`, {
        code: "ETRUNCATED",
        blame: "remote",
        offset,
        missing,
      }),
    );
  }
}

/** Compressed captures are common; all that is missing is a decompressor in front. */
const COMPRESSED: readonly (readonly [prefix: number, mask: number, name: string])[] = [
  [0x1f8b0000, 0xffff0000, "gzip"],
  [0x28b52ffd, 0xffffffff, "zstd"],
  [0x04224d18, 0xffffffff, "lz4"],
  [0xfd377a58, 0xffffffff, "xz"],
];

function unknownMagic(bytes: Uint8Array): string {
  const magic = getU32(bytes, 0, true);
  const text = `not a pcap or pcapng capture: it starts with 0x${magic.toString(16).padStart(8, "0")}`;
  const compressed = COMPRESSED.find(([prefix, mask]) => ((magic & mask) >>> 0) === prefix);
  return compressed === undefined ? text : `${text} (${compressed[2]}: decompress it first)`;
}
