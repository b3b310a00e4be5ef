/**
 * Layer pcap, stage: packets into capture files.
 *
 * @module
 */
import type { Packet } from "../packet/packet.ts";
import { type Batched, createStage, type StageOptions, type StreamPair } from "../stream/mod.ts";
import { CaptureWriter, type CaptureWriterOptions, type CaptureWriterStats } from "./capture_writer.ts";

/** Options of {@linkcode CaptureWriterStream}. */
export interface CaptureWriterStreamOptions<Batch extends boolean = false>
  extends CaptureWriterOptions, StageOptions<Batch> {}

/** What a packet weighs besides its bytes: about the length of its header in the file. */
const HEADER_BYTES = 32;

/**
 * Writes packets, or arrays of them, as a capture file: one chunk of bytes for each packet or array. See
 * {@linkcode CaptureWriter}.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { CaptureStream, CaptureWriterStream, LinkType } from "@leat/streams/pcap";
 *
 * const packet = {
 *   seconds: 1,
 *   nanoseconds: 2,
 *   bytes: Uint8Array.of(0x45, 0, 0),
 *   originalLength: 3,
 *   linkType: LinkType.RAW,
 *   number: 1,
 *   interfaceId: 0,
 * };
 * const file = ReadableStream.from([packet]).pipeThrough(new CaptureWriterStream({ format: "pcapng" }));
 * for await (const read of file.pipeThrough(new CaptureStream())) assertEquals(read, packet);
 * ```
 */
export class CaptureWriterStream<Batch extends boolean = false>
  implements StreamPair<Batched<Uint8Array, Batch>, Packet | readonly Packet[]> {
  /** The file's bytes. */
  readonly readable: ReadableStream<Batched<Uint8Array, Batch>>;
  /** Packets. */
  readonly writable: WritableStream<Packet | readonly Packet[]>;
  readonly #engine: CaptureWriter;

  /**
   * Makes a stage.
   *
   * @throws {TypeError | RangeError} when an option is wrong
   */
  constructor(options: CaptureWriterStreamOptions<Batch> = {}) {
    const stage = createStage<Packet, Uint8Array, Batch, CaptureWriter>(
      (sink) => new CaptureWriter(options, sink),
      options,
      packetSize,
    );
    this.readable = stage.readable;
    this.writable = stage.writable;
    this.#engine = stage.engine;
  }

  /** A copy of the counters. */
  get stats(): CaptureWriterStats {
    return this.#engine.stats;
  }
}

function packetSize(packet: Packet): number {
  if (packet?.bytes instanceof Uint8Array) return packet.bytes.length + HEADER_BYTES;
  throw new TypeError("chunk must be a Packet");
}
