/**
 * The engine that writes messages: payloads in, bytes ready for the wire out. The reverse of `StreamParser`.
 *
 * Web streams and sockets cost per chunk, so what one call makes comes out as few chunks: small pieces are joined by
 * copying, big ones are passed through as they are.
 *
 * @module
 */
import type { Engine, EngineFactory, Sink } from "../core/engine.ts";
import { concat } from "../bytes/concat.ts";
import { LeatError } from "../core/errors.ts";
import { limitOption } from "../core/limits.ts";
import type { Encoder } from "./encoder.ts";
import { busyError, StreamParserError } from "./errors.ts";

/** Options of {@linkcode MessageEncoder}. */
export interface MessageEncoderOptions<Payload = Uint8Array> {
  /** Puts the framing around each payload. */
  encoder: Encoder<Payload>;
  /** Longest message, in bytes, framing included; as with the parser that will read it. @default {1048576} */
  maxMessageLength?: number | undefined;
  /** From so many bytes on a piece (a payload, as a rule) is passed through uncopied. @default {16384} */
  copyBelowBytes?: number | undefined;
}

/** Counters of {@linkcode MessageEncoder}. */
export type MessageEncoderStats = {
  /** Messages written. */
  readonly messages: number;
  /** Bytes written. */
  readonly bytes: number;
  /** Chunks that they were written in. */
  readonly chunks: number;
};

const DEFAULT_MAX_MESSAGE_LENGTH = 1024 * 1024;
const DEFAULT_COPY_BELOW = 16 * 1024;

/**
 * Writes messages.
 *
 * A payload that cannot be sent is `sink.error` with blame `local`, after everything before it; from then on nothing
 * is taken. Bytes that were passed through must not be changed until they are written.
 *
 * @example
 * ```ts
 * import { lengthPrefixEncoder, MessageEncoder } from "@leat/streams/strparser";
 * import { assertEquals } from "@std/assert";
 *
 * const chunks: Uint8Array[] = [];
 * const writer = new MessageEncoder({ encoder: lengthPrefixEncoder(2) }, {
 *   item: (chunk) => chunks.push(chunk),
 *   error: (error) => console.log(error.code, error.message),
 *   end: () => {},
 * });
 * writer.pushBatch([Uint8Array.of(65), Uint8Array.of(66, 67)], 0);
 * writer.end(0);
 * assertEquals(chunks, [Uint8Array.of(0, 1, 65, 0, 2, 66, 67)]);
 * ```
 */
export class MessageEncoder<Payload = Uint8Array> implements Engine<Payload> {
  readonly #encoder: Encoder<Payload>;
  readonly #sink: Sink<Uint8Array>;
  readonly #maxMessageLength: number;
  readonly #copyBelow: number;
  readonly #counts = { messages: 0, bytes: 0, chunks: 0 };
  /** Small pieces that wait to be joined. */
  #small: Uint8Array[] = [];
  #isBusy = false;
  #isOver = false;

  /**
   * Makes an engine that hands its chunks to `sink`.
   *
   * @throws {TypeError | RangeError} when an option is wrong
   */
  constructor(options: MessageEncoderOptions<Payload>, sink: Sink<Uint8Array>) {
    if (typeof options?.encoder?.encode !== "function") {
      throw new TypeError("encoder must be an object with an encode method");
    }
    this.#encoder = options.encoder;
    this.#maxMessageLength = limitOption("maxMessageLength", options.maxMessageLength, DEFAULT_MAX_MESSAGE_LENGTH);
    this.#copyBelow = limitOption("copyBelowBytes", options.copyBelowBytes, DEFAULT_COPY_BELOW);
    this.#sink = sink;
  }

  /** The same as a factory, for `through` and `fuse`; wrong options are noticed when it is called. */
  static with<Payload = Uint8Array>(options: MessageEncoderOptions<Payload>): EngineFactory<Payload, Uint8Array> {
    return (sink) => new MessageEncoder<Payload>(options, sink);
  }

  /** Live counters. */
  get stats(): MessageEncoderStats {
    return this.#counts;
  }

  /**
   * Writes one message.
   *
   * @throws {TypeError} when the payload is none of the encoder's
   * @throws {StreamParserError} `EBUSY` when called from within the sink or the encoder
   */
  push(payload: Payload, now: number): void {
    if (this.#isBusy) throw busyError("push");
    this.pushBatch([payload], now);
  }

  /**
   * Writes messages, in as few chunks as possible; those before one that fails are written.
   *
   * @throws {TypeError} when a payload is none of the encoder's
   * @throws {StreamParserError} `EBUSY` when called from within the sink or the encoder
   */
  pushBatch(payloads: readonly Payload[], _now: number): void {
    if (this.#isBusy) throw busyError("pushBatch");
    if (this.#isOver) return;
    this.#isBusy = true;
    let failure: unknown;
    try {
      failure = this.#encodeAll(payloads);
      this.#flush();
    } finally {
      this.#small = [];
      this.#isBusy = false;
    }
    if (failure === undefined) return;
    this.#isOver = true;
    if (!(failure instanceof LeatError)) throw failure;
    this.#sink.error(failure);
  }

  /** The last payload was written. */
  end(_now: number): void {
    if (this.#isBusy) throw busyError("end");
    if (this.#isOver) return;
    this.#isOver = true;
    this.#sink.end();
  }

  /** Always `Infinity`: nothing is held back. */
  timeoutAt(): number {
    return Infinity;
  }

  /** Does nothing: nothing is held back. */
  onTimeout(_now: number): void {}

  /** Returns what went wrong, if anything. */
  #encodeAll(payloads: readonly Payload[]): unknown {
    for (const payload of payloads) {
      let pieces: readonly Uint8Array[];
      try {
        pieces = this.#encoder.encode(payload);
        this.#check(pieces);
      } catch (thrown) {
        return thrown ?? new TypeError(`encoder ${this.#encoder.name} threw ${String(thrown)}`);
      }
      this.#counts.messages++;
      for (const piece of pieces) this.#add(piece);
    }
    return undefined;
  }

  #check(pieces: readonly Uint8Array[]): void {
    let length = 0;
    for (const piece of pieces) {
      if (!(piece instanceof Uint8Array)) throw new TypeError(`payload of ${this.#encoder.name} must be a Uint8Array`);
      length += piece.length;
    }
    if (length <= this.#maxMessageLength) return;
    const limit = `maxMessageLength ${this.#maxMessageLength}`;
    const name = this.#encoder.name;
    throw new StreamParserError(`${name}: message of ${length} bytes exceeds ${limit}`, {
      code: "EMSGSIZE",
      blame: "local",
      offset: this.#counts.bytes,
    });
  }

  #add(piece: Uint8Array): void {
    this.#counts.bytes += piece.length;
    if (piece.length < this.#copyBelow) {
      if (piece.length > 0) this.#small.push(piece);
      return;
    }
    this.#flush();
    this.#hand(piece);
  }

  #flush(): void {
    const small = this.#small;
    if (small.length === 0) return;
    this.#small = [];
    this.#hand(small.length === 1 ? small[0]! : concat(small));
  }

  #hand(chunk: Uint8Array): void {
    this.#counts.chunks++;
    this.#sink.item(chunk);
  }
}
