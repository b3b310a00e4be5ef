/**
 * The easiest way to a parser of one's own: a function of the bytes that are there.
 *
 * @module
 */
import type { ParseFailure, Parser, ParserContext } from "./parser.ts";

/** Options of {@linkcode parserFromView}. */
export interface ParserFromViewOptions<State = undefined> extends Pick<Parser, "maxMessageLength" | "maxHeaderBytes"> {
  /** Short name for people and for error messages. @default {"custom"} */
  name?: string | undefined;
  /** Makes what the function has to remember about one byte stream. @default {nothing} */
  start?: ((context: ParserContext) => State) | undefined;
}

/**
 * Makes a parser of a function that is given a view whose byte 0 is the message's first byte and whose end is the end
 * of what is there.
 *
 * The function returns what a {@linkcode Parser} returns; `undefined` means more bytes are needed, like 0. The view
 * costs some 30 ns a call: where that counts, write the `Parser`, which is told positions instead.
 *
 * @throws {TypeError} when `parse` is no function
 * @example
 * ```ts
 * import { parserFromView } from "@leat/streams/strparser";
 * import { assertEquals } from "@std/assert";
 *
 * // a count of 16-bit words, then the words
 * const words = parserFromView((bytes) => 1 + 2 * bytes[0]!, { name: "words" });
 * assertEquals(words.parse(Uint8Array.of(9, 3, 0, 1), 1, 4, undefined), 7);
 * ```
 */
export function parserFromView<State = undefined>(
  parse: (bytes: Uint8Array, state: State) => number | ParseFailure | undefined,
  options: ParserFromViewOptions<State> = {},
): Parser {
  if (typeof parse !== "function") throw new TypeError(`parse must be a function, got ${typeof parse}`);
  const { name = "custom", start, maxMessageLength, maxHeaderBytes } = options;
  return {
    name,
    ...(start && { start }),
    ...(maxMessageLength !== undefined && { maxMessageLength }),
    ...(maxHeaderBytes !== undefined && { maxHeaderBytes }),
    parse: (bytes: Uint8Array, from: number, end: number, state: unknown): number | ParseFailure =>
      parse(bytes.subarray(from, end), state as State) ?? 0,
  };
}
