/**
 * The error type of every layer: typed, with blame and position, never with content.
 *
 * Not here: the errors for wrong arguments. Those are plain `TypeError` and `RangeError`, thrown at once.
 *
 * @module
 */

/** Who broke the rules: this program (`local`) or what the peer or the file sent (`remote`). */
export type Blame = "local" | "remote";

/** What a {@linkcode LeatError} is made of. */
export interface LeatErrorOptions {
  /** Stable code for programs: an errno name where the original has one (`EMSGSIZE`), else `ETRUNCATED` and the like. */
  code: string;
  /** Layer that found it: the folder's name (`pcap`, `flow`, `strparser`). */
  layer: string;
  /** Who broke the rules. */
  blame: Blame;
  /** Where: byte offset in the layer's input, counted from the start of the stream. */
  offset?: number;
  /** The error underneath, if any. */
  cause?: unknown;
}

/**
 * Base class of the errors of all layers. Kinds within a layer differ by `code`, not by class.
 *
 * The message names the value that was seen and the limit that it broke. Of the bytes that came it names at most the
 * header field that was found wrong (type, length, version, magic number: 8 bytes at most), never content. On a stream
 * of another protocol than expected, that field may be the first bytes of something else.
 *
 * @example
 * ```ts
 * import { LeatError } from "@leat/streams/stream";
 *
 * const error = new LeatError("message of 70000 bytes exceeds maxMessageLength 65536", {
 *   code: "EMSGSIZE",
 *   layer: "strparser",
 *   blame: "remote",
 *   offset: 128,
 * });
 * console.log(error.code, error.blame, error.offset); // EMSGSIZE remote 128
 * ```
 */
export class LeatError extends Error {
  /** Name of the class, as `Error.prototype.name`. */
  override readonly name: string = "LeatError";
  /** Stable code for programs. */
  readonly code: string;
  /** Layer that found it. */
  readonly layer: string;
  /** Who broke the rules. */
  readonly blame: Blame;
  /** Byte offset in the layer's input, where one is known. */
  readonly offset: number | undefined;

  /** Makes an error from what happened, in words, and its {@linkcode LeatErrorOptions}. */
  constructor(message: string, options: LeatErrorOptions) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = options.code;
    this.layer = options.layer;
    this.blame = options.blame;
    this.offset = options.offset;
  }

  /**
   * Answers `instanceof`: besides subclasses, every error with code, layer and blame is a `LeatError`, so that a layer's
   * error may extend another class where a standard asks for it.
   */
  static override [Symbol.hasInstance](value: unknown): boolean {
    if (this !== LeatError) return Function.prototype[Symbol.hasInstance].call(this, value);
    return value instanceof Error && "code" in value && "layer" in value && "blame" in value;
  }
}
