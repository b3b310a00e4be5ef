/**
 * Layer pcap, stage: capture files into packets.
 *
 * @module
 */
import type { Packet } from "../packet/packet.ts";
import { type Batched, byteSize, createStage, type StageOptions, type StreamPair } from "../stream/mod.ts";
import type { CaptureFormat, CaptureInterface, InterfaceStatistics, NameRecord } from "./capture_interface.ts";
import { CaptureReader, type CaptureReaderOptions, type CaptureReaderStats } from "./capture_reader.ts";

/** Options of {@linkcode CaptureStream}. */
export interface CaptureStreamOptions<Batch extends boolean = false>
  extends CaptureReaderOptions, StageOptions<Batch> {}

/**
 * Reads a capture file, pcap or pcapng, as it comes: bytes in, packets out. See {@linkcode CaptureReader}.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { CaptureStream } from "@leat/streams/pcap";
 *
 * const header = [0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 0, 101, 0, 0, 0];
 * const record = [1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0, 3, 0, 0, 0, 0x45, 0, 0];
 * const capture = new Blob([Uint8Array.from([...header, ...record])]).stream();
 * for await (const packet of capture.pipeThrough(new CaptureStream())) {
 *   assertEquals(packet.bytes, Uint8Array.of(0x45, 0, 0));
 *   assertEquals([packet.seconds, packet.nanoseconds], [1, 2000]);
 * }
 * ```
 */
export class CaptureStream<Batch extends boolean = false>
  implements StreamPair<Batched<Packet, Batch>, Uint8Array | readonly Uint8Array[]> {
  /** Packets, or arrays of them with `batch`. */
  readonly readable: ReadableStream<Batched<Packet, Batch>>;
  /** The file's bytes. */
  readonly writable: WritableStream<Uint8Array | readonly Uint8Array[]>;
  readonly #engine: CaptureReader;

  /**
   * Makes a stage.
   *
   * @throws {TypeError | RangeError} when an option is wrong
   */
  constructor(options: CaptureStreamOptions<Batch> = {}) {
    const stage = createStage<Uint8Array, Packet, Batch, CaptureReader>(
      (sink) => new CaptureReader(options, sink),
      options,
      byteSize,
    );
    this.readable = stage.readable;
    this.writable = stage.writable;
    this.#engine = stage.engine;
  }

  /** Kind of file; `undefined` until its first four bytes have come. */
  get format(): CaptureFormat | undefined {
    return this.#engine.format;
  }

  /** All interfaces described so far; the index is the packets' `interfaceId`. */
  get interfaces(): readonly CaptureInterface[] {
    return this.#engine.interfaces;
  }

  /** The latest statistics of each interface that has any. */
  get statistics(): readonly InterfaceStatistics[] {
    return this.#engine.statistics;
  }

  /** Name records so far, up to the limits. */
  get names(): readonly NameRecord[] {
    return this.#engine.names;
  }

  /** A copy of the counters. */
  get stats(): CaptureReaderStats {
    return this.#engine.stats;
  }
}
