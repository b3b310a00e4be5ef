/**
 * The writing stream face of the strparser layer. No protocol here.
 *
 * @module
 */
import { type Batched, createStage, type StageOptions, type StreamPair } from "../stream/mod.ts";
import { MessageEncoder, type MessageEncoderOptions, type MessageEncoderStats } from "./message_encoder.ts";

/** Options of {@linkcode MessageEncoderStream}. */
export interface MessageEncoderStreamOptions<Payload = Uint8Array, Batch extends boolean = false>
  extends MessageEncoderOptions<Payload>, StageOptions<Batch> {}

/** What a message weighs besides its payload. */
const FRAMING_BYTES = 16;
/** What a payload weighs that is neither bytes nor text. */
const OBJECT_BYTES = 256;

/**
 * A stage from payloads to bytes for the wire: each chunk that comes out is everything that a payload, or an array of
 * them, made; payloads of 16 KiB and more are chunks of their own, uncopied.
 *
 * @example
 * ```ts
 * import { MessageEncoderStream } from "@leat/streams/strparser";
 * import { ndjsonEncoder } from "@leat/streams/parsers";
 * import { assertEquals } from "@std/assert";
 *
 * const values: ReadableStream<unknown> = ReadableStream.from([[{ a: 1 }, { b: 2 }]]);
 * const bytes = values.pipeThrough(new MessageEncoderStream({ encoder: ndjsonEncoder() }));
 * for await (const chunk of bytes) assertEquals(new TextDecoder().decode(chunk), '{"a":1}\n{"b":2}\n');
 * ```
 */
export class MessageEncoderStream<Payload = Uint8Array, Batch extends boolean = false>
  implements StreamPair<Batched<Uint8Array, Batch>, Payload | readonly Payload[]> {
  /** Bytes, or arrays of chunks with `batch`. */
  readonly readable: ReadableStream<Batched<Uint8Array, Batch>>;
  /** Payloads. */
  readonly writable: WritableStream<Payload | readonly Payload[]>;
  readonly #engine: MessageEncoder<Payload>;

  /**
   * Makes a stage.
   *
   * @throws {TypeError | RangeError} when an option is wrong
   */
  constructor(options: MessageEncoderStreamOptions<Payload, Batch>) {
    const stage = createStage<Payload, Uint8Array, Batch, MessageEncoder<Payload>>(
      (sink) => new MessageEncoder<Payload>(options, sink),
      options,
      payloadSize,
    );
    this.readable = stage.readable;
    this.writable = stage.writable;
    this.#engine = stage.engine;
  }

  /** Live counters of the engine. */
  get stats(): MessageEncoderStats {
    return this.#engine.stats;
  }
}

function payloadSize(payload: unknown): number {
  const isSized = payload instanceof Uint8Array || typeof payload === "string";
  return FRAMING_BYTES + (isSized ? payload.length : OBJECT_BYTES);
}
