/**
 * The stream face of the strparser layer. No protocol here.
 *
 * @module
 */
import { type Batched, createStage, type StageOptions, type StreamPair } from "../stream/mod.ts";
import type { MessageOf } from "./message_parts.ts";
import type { StreamParserOptions, StreamParserStats } from "./options.ts";
import { StreamParser } from "./stream_parser.ts";

/** Options of {@linkcode MessageStream}. */
export interface MessageStreamOptions<Batch extends boolean = false, Parts extends boolean = false>
  extends StreamParserOptions<Parts>, StageOptions<Batch> {}

/**
 * A stage from bytes to messages: each chunk that comes out is one whole message, with `batch` an array of them.
 *
 * @example
 * ```ts
 * import { lengthPrefix, MessageStream } from "@leat/streams/strparser";
 * import { assertEquals } from "@std/assert";
 *
 * const bytes = new Blob([Uint8Array.of(0, 1, 65, 0, 2, 66, 67)]).stream();
 * const messages: Uint8Array[] = [];
 * for await (const message of bytes.pipeThrough(new MessageStream({ parser: lengthPrefix(2) }))) {
 *   messages.push(message);
 * }
 * assertEquals(messages, [Uint8Array.of(0, 1, 65), Uint8Array.of(0, 2, 66, 67)]);
 * ```
 */
export class MessageStream<Batch extends boolean = false, Parts extends boolean = false>
  implements StreamPair<Batched<MessageOf<Parts>, Batch>, Uint8Array | readonly Uint8Array[]> {
  /** Messages, or arrays of messages with `batch`. */
  readonly readable: ReadableStream<Batched<MessageOf<Parts>, Batch>>;
  /** The byte stream, in chunks or in arrays of chunks. */
  readonly writable: WritableStream<Uint8Array | readonly Uint8Array[]>;
  readonly #engine: StreamParser<Parts>;

  /**
   * Makes a stage.
   *
   * @throws {TypeError | RangeError} when an option is wrong
   */
  constructor(options: MessageStreamOptions<Batch, Parts>) {
    const stage = createStage<Uint8Array, MessageOf<Parts>, Batch, StreamParser<Parts>>(
      (sink) => new StreamParser<Parts>(options, sink),
      options,
      (bytes) => bytes.length,
    );
    this.readable = stage.readable;
    this.writable = stage.writable;
    this.#engine = stage.engine;
  }

  /** Live counters of the engine. */
  get stats(): StreamParserStats {
    return this.#engine.stats;
  }
}
