/**
 * A message that was not put together.
 *
 * @module
 */
import { concat } from "../bytes/concat.ts";
import { lostBytesError } from "./errors.ts";

/**
 * One message as the views that it came in.
 *
 * @example
 * ```ts
 * import { lengthPrefix, type MessageParts, StreamParser } from "@leat/streams/strparser";
 * import { assertEquals } from "@std/assert";
 *
 * const messages: MessageParts[] = [];
 * const parser = new StreamParser({ parser: lengthPrefix(1), parts: true }, {
 *   item: (message) => messages.push(message),
 *   error: () => {},
 *   end: () => {},
 * });
 * parser.push(Uint8Array.of(3, 65), 0);
 * parser.push(Uint8Array.of(66, 67), 0);
 * assertEquals(messages[0]?.parts, [Uint8Array.of(3, 65), Uint8Array.of(66, 67)]);
 * assertEquals(messages[0]?.toUint8Array(), Uint8Array.of(3, 65, 66, 67));
 * ```
 */
export class MessageParts implements Iterable<Uint8Array> {
  /** The views, in order; none is empty. Many small pieces in a row are put together to fewer. */
  readonly parts: readonly Uint8Array[];
  /** Length of the message in bytes. */
  readonly length: number;
  #whole: Uint8Array | undefined;

  /** A message of the given views, which have `length` bytes together. */
  constructor(parts: readonly Uint8Array[], length: number) {
    this.parts = parts;
    this.length = length;
  }

  /** The views one by one. */
  [Symbol.iterator](): Iterator<Uint8Array> {
    return this.parts[Symbol.iterator]();
  }

  /**
   * The message in one piece: the view itself where there is only one, else a copy, made once.
   *
   * @throws {StreamParserError} `EFAULT` when the buffer of a view was transferred or has shrunk since
   */
  toUint8Array(): Uint8Array {
    if (this.#whole === undefined) {
      let sum = 0;
      for (const part of this.parts) sum += part.length;
      if (sum !== this.length) throw lostBytesError();
      this.#whole = this.parts.length === 1 ? this.parts[0]! : concat(this.parts);
    }
    return this.#whole;
  }
}

/** What a parser hands out. */
export type MessageOf<Parts extends boolean> = Parts extends true ? MessageParts : Uint8Array;
