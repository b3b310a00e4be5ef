/**
 * A simulated link as a stage: packets in, what a bad network leaves of them out.
 *
 * @module
 */
import type { Engine, Sink } from "../core/engine.ts";
import type { Batched } from "../stream/outlet.ts";
import { byteSize, createStage, type StageOptions } from "../stream/stage.ts";
import type { StreamPair } from "../stream/stream_pair.ts";
import { Link, type LinkOptions, type LinkStats } from "./link.ts";

/** Options of {@linkcode ImpairStream}. */
export interface ImpairStreamOptions<Batch extends boolean = false> extends LinkOptions, StageOptions<Batch> {}

/**
 * Packets, one by one or in arrays, go through a {@linkcode Link}. The end of the input delivers what is under way at
 * once. Packets are not copied.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { ImpairStream } from "@leat/streams/testing";
 *
 * const impair = new ImpairStream({ duplication: 1 });
 * const writer = impair.writable.getWriter();
 * writer.write(new Uint8Array([1]));
 * writer.close();
 * let count = 0;
 * for await (const packet of impair.readable) count += packet.length;
 * assertEquals(count, 2);
 * ```
 */
export class ImpairStream<Batch extends boolean = false>
  implements StreamPair<Batched<Uint8Array, Batch>, Uint8Array | readonly Uint8Array[]> {
  /** Packets, or arrays of them with `batch`. */
  readonly readable: ReadableStream<Batched<Uint8Array, Batch>>;
  /** Packets, or arrays of them. Anything else fails the stream with a `TypeError`. */
  readonly writable: WritableStream<Uint8Array | readonly Uint8Array[]>;
  readonly #engine: LinkEngine;

  /**
   * Makes a stage.
   *
   * @throws {TypeError | RangeError} when an option is wrong
   */
  constructor(options: ImpairStreamOptions<Batch> = {}) {
    const stage = createStage<Uint8Array, Uint8Array, Batch, LinkEngine>(
      (sink) => new LinkEngine(options, sink),
      options,
      byteSize,
    );
    this.readable = stage.readable;
    this.writable = stage.writable;
    this.#engine = stage.engine;
  }

  /** Counters so far. */
  get stats(): LinkStats {
    return this.#engine.stats;
  }
}

/** A link in the shape that stages drive. */
class LinkEngine implements Engine<Uint8Array> {
  readonly #link: Link;
  readonly #sink: Sink<Uint8Array>;

  constructor(options: LinkOptions, sink: Sink<Uint8Array>) {
    this.#sink = sink;
    this.#link = new Link(options, { packet: (bytes) => sink.item(bytes) });
  }

  push(packet: Uint8Array, now: number): void {
    this.#link.push(packet, now);
    this.#link.onTimeout(now);
  }

  end(now: number): void {
    this.#link.end(now);
    this.#sink.end();
  }

  stop(): void {
    this.#link.stop();
  }

  timeoutAt(): number {
    return this.#link.timeoutAt();
  }

  onTimeout(now: number): void {
    this.#link.onTimeout(now);
  }

  get stats(): LinkStats {
    return this.#link.stats;
  }
}
