/**
 * The error of the strparser layer.
 *
 * @module
 */
import { LeatError, type LeatErrorOptions } from "../core/errors.ts";

/** What a {@linkcode StreamParserError} is made of. */
export interface StreamParserErrorOptions extends Omit<LeatErrorOptions, "layer"> {
  /** Bytes of the message that had arrived. */
  bytesHeld?: number | undefined;
  /** Bytes of the message that had not; at least so many where its length was not known yet. */
  bytesMissing?: number | undefined;
  /** Which deadline has passed. */
  deadline?: "header" | "message" | "idle" | undefined;
}

/**
 * Delineation has failed. `offset` is the position of the failing message's first byte in the stream.
 *
 * | `code` | |
 * |---|---|
 * | `EMSGSIZE` | the message is longer than `maxMessageLength`, or its length still unknown after `maxHeaderBytes` |
 * | `EPROTO` | the bytes break the protocol, or the length is none; blame `local`: the parser itself is wrong, or threw (`cause`) |
 * | `ETRUNCATED` | the stream ended inside a message: see `bytesHeld` and `bytesMissing` |
 * | `ETIMEDOUT` | a deadline has passed inside a message: see `deadline` and `bytesHeld` |
 * | `ESTRPIPE` | the parser hands the stream over; what begins at `offset` is for somebody else, nothing of it was taken |
 * | `ENODATA` | the same, but some of the message had been taken: see `keepConsumed` and `takeover` |
 * | `ENOBUFS` | the `MessageBudget` is spent |
 * | `EFAULT` | the buffer of a chunk, or of a message that was a view, was transferred, or shrank, before all in it was out |
 * | `EBUSY` | `push` or `end` was called from within the sink or the parser, or `setParser` in mid-message (thrown, not reported) |
 * | any other | the parser's own |
 *
 * @example
 * ```ts
 * import { lengthPrefix, StreamParser, type StreamParserError } from "@leat/streams/strparser";
 * import { assertEquals } from "@std/assert";
 *
 * let failure: StreamParserError | undefined;
 * const parser = new StreamParser({ parser: lengthPrefix(2) }, {
 *   item: () => {},
 *   error: (error) => failure = error as StreamParserError,
 *   end: () => {},
 * });
 * parser.push(Uint8Array.of(0, 5, 1, 2), 0);
 * parser.end(0);
 * assertEquals([failure?.code, failure?.bytesHeld, failure?.bytesMissing], ["ETRUNCATED", 4, 3]);
 * ```
 */
export class StreamParserError extends LeatError {
  /** Name of the class. */
  override readonly name: string = "StreamParserError";
  /** Bytes of the message that had arrived; with `ETRUNCATED` and `ETIMEDOUT`. */
  readonly bytesHeld: number | undefined;
  /** Bytes of the message that were missing; where its length was not known yet, at least so many. */
  readonly bytesMissing: number | undefined;
  /** Which deadline has passed; only with `ETIMEDOUT`. */
  readonly deadline: "header" | "message" | "idle" | undefined;

  /** Makes an error from what happened, in words, and its {@linkcode StreamParserErrorOptions}. */
  constructor(message: string, options: StreamParserErrorOptions) {
    super(message, { ...options, layer: "strparser" });
    this.bytesHeld = options.bytesHeld;
    this.bytesMissing = options.bytesMissing;
    this.deadline = options.deadline;
  }
}

/** Makes the `EBUSY` that a call from within a callback earns. */
export function busyError(method: string, when = "while the parser is at work"): StreamParserError {
  return new StreamParserError(`${method} was called ${when}`, { code: "EBUSY", blame: "local" });
}

/** Makes the `EFAULT` for a message of which bytes were taken away. */
export function lostBytesError(): StreamParserError {
  return new StreamParserError("a buffer was transferred or shrank while in use", {
    code: "EFAULT",
    blame: "local",
  });
}
