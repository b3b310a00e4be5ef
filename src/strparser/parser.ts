/**
 * What a parser is: the one question that delineation asks, "how long is the message that starts here?".
 *
 * This file is the contract that `strparser`, `kcm` and `bpf` share; it has no code that parses.
 *
 * @module
 */

/** What a parser is told about the byte stream that it will read. */
export interface ParserContext {
  /**
   * Which end sent the bytes: `client` is the end that opened the connection. `undefined` where nobody knows; a parser
   * whose two directions differ then goes by the bytes.
   */
  readonly direction?: "client" | "server" | undefined;
}

/** Why a parser gives up. An object, so that it can't be mistaken for a length. */
export interface ParseFailure {
  /** `EPROTO` for bytes that break the protocol; another stable code where the protocol has one. */
  readonly code: string;
  /** What is wrong, in words; names the header fields seen (8 bytes at most), never content. */
  readonly reason: string;
  /** The code under `compat: "linux"`, where it is another. */
  readonly linuxCode?: string;
}

/**
 * The parser hands the stream back: what begins here is not for it, and whoever attached it goes on reading himself.
 * `ESTRPIPE` as long as nothing of the message was taken, `ENODATA` otherwise; names and meaning are the kernel's.
 */
export const handOver: ParseFailure = { code: "ESTRPIPE", reason: "the parser hands the stream over" };

/** How many bytes it may take until a length is known, where neither options nor the parser say it. */
export const DEFAULT_MAX_HEADER_BYTES: number = 64 * 1024;

/**
 * Delineates one protocol. Stateless itself: what it has to remember between calls is in the state that `start` made.
 *
 * `parse` looks at the bytes from `start` to `end`, of which `start` is the message's first byte; what lies outside
 * must not be touched, and nothing may be changed. It returns
 *
 * - a positive integer: the total length of the message, header included, counted from `start` (it may lie beyond
 *   `end`, the rest will be waited for). A `bigint` that is safe as a number is accepted as well, at some cost;
 * - 0: more bytes are needed, no telling how many;
 * - a negative integer `-n`: at least `n` bytes of the message (counted from `start`) are needed before another call
 *   makes sense;
 * - a {@linkcode ParseFailure}: this is not the protocol, synchronisation is lost; or {@linkcode handOver}.
 *
 * For one message, `parse` is called again with the same `start` byte and more bytes behind it, never with fewer; a
 * parser that scans keeps its position in the state and so looks at each byte once. It is never called with no bytes.
 */
export interface Parser<State = unknown> {
  /** Short name for people and for `--parser`. */
  readonly name: string;
  /** Makes the state for one byte stream. Absent where there is nothing to remember. */
  start?(context: ParserContext): State;
  /** Tells the length of the message at `start`. */
  parse(bytes: Uint8Array, start: number, end: number, state: State): number | ParseFailure;
  /** A protocol's own bound on the total length of a message; the smaller of this and the option counts. */
  readonly maxMessageLength?: number;
  /**
   * How many bytes it may take until the length is known, where the engine's default does not fit; `Infinity` for
   * protocols whose messages tell their length only by ending. Never above the bound on messages.
   */
  readonly maxHeaderBytes?: number;
}
