/**
 * Encoders for messages that end with a delimiter. A payload that has the delimiter in it, or would make one where it
 * meets the delimiter, is refused: it would arrive as two.
 *
 * @module
 */
import { concat } from "../../bytes/concat.ts";
import { limitOption } from "../../core/limits.ts";
import type { Encoder } from "../encoder.ts";
import type { Parser } from "../parser.ts";
import {
  type Delimiter,
  delimiter,
  type DelimiterOptions,
  lines,
  type LinesOptions,
  needlesOf,
} from "../parsers/delimiter.ts";
import { payloadTooBig, unencodable } from "../parsers/refusal.ts";

/**
 * Encoder that puts a delimiter, of several the first, behind each payload.
 *
 * @throws {TypeError | RangeError} when an option is wrong
 * @example
 * ```ts
 * import { delimiterEncoder } from "@leat/streams/strparser";
 * import { assertEquals, assertThrows } from "@std/assert";
 *
 * const encoder = delimiterEncoder("\0");
 * assertEquals(encoder.encode(Uint8Array.of(1)), [Uint8Array.of(1), Uint8Array.of(0)]);
 * assertThrows(() => encoder.encode(Uint8Array.of(1, 0, 2)));
 * ```
 */
export function delimiterEncoder(of: Delimiter | readonly Delimiter[], options: DelimiterOptions = {}): Encoder {
  return encoderFor(delimiter(of), needlesOf(of), options);
}

/**
 * Encoder that puts a line end, LF or CR LF, behind each payload.
 *
 * @throws {TypeError | RangeError} when an option is wrong
 * @example
 * ```ts
 * import { linesEncoder } from "@leat/streams/strparser";
 * import { assertEquals } from "@std/assert";
 *
 * const bytes = new TextEncoder().encode("QUIT");
 * assertEquals(linesEncoder({ ending: "crlf" }).encode(bytes), [bytes, Uint8Array.of(13, 10)]);
 * ```
 */
export function linesEncoder(options: LinesOptions = {}): Encoder {
  return encoderFor(lines(options), needlesOf(options.ending === "crlf" ? "\r\n" : "\n"), options);
}

function encoderFor(parser: Parser, needles: readonly Uint8Array[], options: DelimiterOptions): Encoder {
  const { name } = parser;
  const max = limitOption("max", options.max, Infinity);
  const end = needles[0]!;
  const longest = Math.max(...needles.map((needle) => needle.length));
  const firstEnd = (bytes: Uint8Array): number =>
    bytes.length === 0 ? -1 : parser.parse(bytes, 0, bytes.length, parser.start!({})) as number;
  if (firstEnd(end) !== end.length) throw new RangeError("the first delimiter has another one in it");
  return {
    name,
    encode(payload: Uint8Array): readonly Uint8Array[] {
      const { length } = payload;
      if (length + end.length > max) throw payloadTooBig(name, length, max - end.length);
      // where a delimiter could begin in the payload and end in the one behind it
      const border = longest === 1 ? end : concat([payload.subarray(Math.max(0, length - longest + 1)), end]);
      if (firstEnd(payload) > 0 || firstEnd(border) !== border.length) {
        throw unencodable(name, `payload of ${length} bytes has a delimiter in it, or makes one with that behind it`);
      }
      return [payload, end];
    },
  };
}
