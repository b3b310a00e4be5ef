/**
 * Messages that all have the same length.
 *
 * @module
 */
import { limitOption } from "../../core/limits.ts";
import type { Parser } from "../parser.ts";

/**
 * Parser for messages of `length` bytes each.
 *
 * @throws {TypeError | RangeError} when `length` is no positive integer
 * @example
 * ```ts
 * import { fixedLength } from "@leat/streams/strparser";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(fixedLength(188).parse(new Uint8Array(1000), 0, 1000, undefined), 188);
 * ```
 */
export function fixedLength(length: number): Parser {
  if (limitOption("length", length, 0) === Infinity) throw new RangeError("length must be finite");
  if (length === undefined) throw new TypeError("length must be a number, got undefined");
  return { name: `fixed:${length}`, maxMessageLength: length, parse: () => length };
}
