/**
 * Options and counters of the strparser engine.
 *
 * @module
 */
import type { Parser } from "./parser.ts";

/** Options of `StreamParser`. */
export interface StreamParserOptions {
  /** Tells the length of each message. */
  parser: Parser;
  /** Which end sent the bytes, for parsers that want to know. @default {undefined} (unknown) */
  direction?: "client" | "server" | undefined;
  /**
   * Longest message, in bytes, header included; the parser's own bound counts as well. A longer one is `EMSGSIZE`.
   *
   * @default {1048576}
   */
  maxMessageLength?: number | undefined;
  /**
   * How many bytes of a message may arrive with its length still unknown; more is `EMSGSIZE`. Never above
   * `maxMessageLength`. What the parser sees in one call is limited to as many bytes, so that the outcome does not
   * depend on how the stream was cut into chunks.
   *
   * @default {65536} or what the parser says: for protocols whose messages tell their length only by ending, like
   * RESP, it is `maxMessageLength`
   */
  maxHeaderBytes?: number | undefined;
  /**
   * Give every message a buffer of its own. Without it a message is a view: of the chunk that it came in, or of a slab
   * shared with other messages of this stream; it must not be written to, and whoever keeps it keeps all of that
   * memory alive.
   *
   * @default {false}
   */
  copy?: boolean | undefined;
}

/** Counters of a `StreamParser`, under the kernel's names where it has one. */
export type StreamParserStats = {
  /** Messages handed out. Kernel: `msgs`. */
  readonly messages: number;
  /** Bytes taken by finished calls of `push`. Kernel: `bytes`, there counted twice at times. */
  readonly bytes: number;
  /** Chunks that ended with the length of a message still unknown. Kernel: `need_more_hdr`. */
  readonly needMoreHeader: number;
  /** Messages refused because of `maxMessageLength`. Kernel: `msg_too_big`. */
  readonly messageTooBig: number;
  /** Messages refused because of `maxHeaderBytes`. */
  readonly headerTooBig: number;
  /** Lengths that are none, or end within bytes already taken. Kernel: `bad_hdr_len`. */
  readonly badHeaderLength: number;
  /** Failures that the parser reported, or threw. Kernel: `interrupted`. */
  readonly interrupted: number;
  /** Failures of any kind, a cut at the end and `abort` included. Kernel: `aborts`, always 0 there. */
  readonly aborts: number;
};
