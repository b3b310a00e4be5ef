/**
 * Options and counters of the strparser engine.
 *
 * @module
 */
import type { MessageBudget } from "./message_budget.ts";
import type { ParseFailure, Parser } from "./parser.ts";

/**
 * Finds the place where a stream that has lost synchronisation may go on. It sees the bytes from `start` to `end`, of
 * which `start` is the first byte of what the parser refused, and must not change them. It returns
 *
 * - a positive integer: so many bytes, counted from `start`, are skipped (also beyond `end`), then the parser is asked
 *   again, in a fresh state;
 * - 0: more bytes are needed to tell. They are held; at `maxHeaderBytes` the stream fails after all;
 * - a {@linkcode ParseFailure}: there is no hope; the stream fails with that.
 *
 * For results that do not depend on the chunks it must skip only what cannot be a beginning, however the bytes go on.
 */
export type Resync = (bytes: Uint8Array, start: number, end: number) => number | ParseFailure;

/** Options of `StreamParser`. */
export interface StreamParserOptions<Parts extends boolean = false> {
  /** Tells the length of each message. */
  parser: Parser;
  /** Which end sent the bytes, for parsers that want to know. @default {undefined} (unknown) */
  direction?: "client" | "server" | undefined;
  /**
   * Longest message, in bytes, header included; the parser's own bound counts as well. A longer one is `EMSGSIZE`, or
   * see {@linkcode StreamParserOptions.oversize}.
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
   * What happens to a message whose length is known and above `maxMessageLength`: the stream fails, or the message is
   * swallowed without being stored, counted, and the next one is taken.
   *
   * @default {"abort"}
   */
  oversize?: "abort" | "discard" | undefined;
  /**
   * Give every message a buffer of its own, and use nothing of a chunk once it is taken. Without it a message is a view: of the chunk that it came in, or of a slab
   * shared with other messages of this stream; it must not be written to, its buffer not transferred, the chunk not
   * used again, and whoever keeps it keeps all of that memory alive.
   *
   * @default {false}
   */
  copy?: boolean | undefined;
  /**
   * Give messages up to this many bytes a buffer of their own, so that a small message that is kept never keeps a large
   * chunk alive. In bytes.
   *
   * @default {0}
   */
  copyThreshold?: number | undefined;
  /**
   * Hand out each message as {@linkcode MessageParts}: the views of the chunks that it lies in, not put together.
   *
   * @default {false}
   */
  parts?: Parts | undefined;
  /** How long after its first byte the length of a message must be known. Running out is `ETIMEDOUT`. @default {Infinity} */
  headerTimeoutMs?: number | undefined;
  /** How long after its first byte a message must be complete, whatever comes meanwhile. @default {Infinity} */
  messageTimeoutMs?: number | undefined;
  /** How long no byte may come inside a message. @default {Infinity} */
  idleTimeoutMs?: number | undefined;
  /** Bounds what all parsers that share it hold of unfinished messages; beyond, `ENOBUFS`. @default {undefined} (none) */
  budget?: MessageBudget | undefined;
  /** Finds the next message after bytes that the parser refused, in place of a failure. @default {undefined} (fail) */
  resync?: Resync | undefined;
  /** Keep what was taken of a message that failed, for `takeover`. @default {false} */
  keepConsumed?: boolean | undefined;
  /**
   * Do as Linux does where that differs: a failed or stopped parser goes on parsing what it is offered, deadlines begin
   * and end only where the kernel's do and go on while paused, `bytes` counts some bytes twice, the end inside a message
   * is silent. For comparison with the kernel.
   *
   * @default {undefined} (do it right)
   */
  compat?: "linux" | undefined;
}

/** Counters of a `StreamParser`, with the kernel's name where it has one. */
export type StreamParserStats = {
  /** Messages handed out. Kernel: `msgs`. */
  readonly messages: number;
  /** Bytes taken by finished calls of `push`. Kernel: `bytes`, there counted twice at times. */
  readonly bytes: number;
  /** Times that memory was refused: by `budget`. Kernel: `mem_fail`. */
  readonly memoryFailures: number;
  /** Chunks that ended with the length of a message still unknown. Kernel: `need_more_hdr`. */
  readonly needMoreHeader: number;
  /** Messages refused or discarded because of `maxMessageLength`. Kernel: `msg_too_big`. */
  readonly messageTooBig: number;
  /** Messages refused because of `maxHeaderBytes`. */
  readonly headerTooBig: number;
  /** Deadlines that passed. Kernel: `msg_timeouts`. */
  readonly timeouts: number;
  /** Lengths that are none, or end within bytes already taken. Kernel: `bad_hdr_len`. */
  readonly badHeaderLength: number;
  /** 1 after a failure that the parser reported, or threw. Kernel: `interrupted`. */
  readonly interrupted: number;
  /** 1 after a hand-over that came too late: some of the message had been taken. Kernel: `unrecov_intr`. */
  readonly unrecoverable: number;
  /** Streams that ended inside a message. */
  readonly truncated: number;
  /** Messages swallowed because of `maxMessageLength`. */
  readonly discarded: number;
  /** Bytes of those. */
  readonly discardedBytes: number;
  /** Times that synchronisation was lost, and not given up. */
  readonly resyncs: number;
  /** Bytes skipped to find it again. */
  readonly skippedBytes: number;
  /** Failures of any kind, a cut at the end and `abort` included. Kernel: `aborts`, always 0 there. */
  readonly aborts: number;
};
