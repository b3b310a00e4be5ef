/**
 * The packet layer as a stage: packets in, transport segments out.
 *
 * @module
 */
import { createStage, type StageOptions } from "../stream/stage.ts";
import type { StreamPair } from "../stream/stream_pair.ts";
import type { Batched } from "../stream/outlet.ts";
import type { Reasons } from "../core/reasons.ts";
import { typeName } from "../core/words.ts";
import type { Packet } from "./packet.ts";
import type { Segment } from "./segment.ts";
import { SegmentDecoder } from "./segment_decoder.ts";
import type { SegmentDecoderOptions, SegmentDecoderStats } from "./segment_options.ts";

/** Options of {@linkcode SegmentStream}. */
export interface SegmentStreamOptions<Batch extends boolean = false>
  extends SegmentDecoderOptions, StageOptions<Batch> {}

/**
 * {@linkcode Packet}s, one by one or in arrays, to {@linkcode Segment}s. A bad packet never fails the stream: it is
 * counted in {@linkcode SegmentStream.reasons}. With `{ batch: true }`, yields an array for each chunk of input.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { LinkType, type Packet, SegmentStream } from "@leat/streams/packet";
 *
 * const bytes = new Uint8Array([
 *   0x45, 0, 0, 30, 0, 1, 0, 0, 64, 17, 0, 0, 192, 0, 2, 1, 192, 0, 2, 2, // IPv4
 *   0, 53, 0x30, 0x39, 0, 10, 0, 0, 0x68, 0x69, // UDP
 * ]);
 * const time = { seconds: 0, nanoseconds: 0 };
 * const packet: Packet = { ...time, bytes, originalLength: 30, linkType: LinkType.RAW, number: 1, interfaceId: 0 };
 * for await (const segment of ReadableStream.from([packet]).pipeThrough(new SegmentStream())) {
 *   assertEquals(`${segment.sourceAddress}:${segment.sourcePort}`, "192.0.2.1:53");
 * }
 * ```
 */
export class SegmentStream<Batch extends boolean = false>
  implements StreamPair<Batched<Segment, Batch>, Packet | readonly Packet[]> {
  /** Segments, or arrays of them with `batch`. */
  readonly readable: ReadableStream<Batched<Segment, Batch>>;
  /** Packets, or arrays of them. Anything else fails the stream with a `TypeError`. */
  readonly writable: WritableStream<Packet | readonly Packet[]>;
  readonly #engine: SegmentDecoder;

  /**
   * Makes a stage.
   *
   * @throws {TypeError} when an option has the wrong type
   * @throws {RangeError} when an option is out of range
   */
  constructor(options: SegmentStreamOptions<Batch> = {}) {
    const stage = createStage<Packet, Segment, Batch, SegmentDecoder>(
      (sink) => new SegmentDecoder(options, sink),
      options,
      packetSize,
    );
    this.readable = stage.readable;
    this.writable = stage.writable;
    this.#engine = stage.engine;
  }

  /** Counters so far. */
  get stats(): SegmentDecoderStats {
    return this.#engine.stats;
  }

  /** Packets that gave no segment, by reason. */
  get reasons(): Reasons {
    return this.#engine.reasons;
  }
}

function packetSize(packet: Packet): number {
  if (packet?.bytes instanceof Uint8Array) return packet.bytes.length;
  throw new TypeError(`chunk must be a Packet or an array of them, got ${typeName(packet)}`);
}
