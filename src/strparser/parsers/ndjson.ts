/**
 * Newline-delimited JSON (NDJSON, JSON Lines): a JSON text without line feeds in it, a line feed, each time.
 *
 * Blank lines are messages like others. Only the first byte of a line is looked at; whether the line is JSON is seen
 * by whoever parses it.
 *
 * @module
 */
import { limitOption } from "../../core/limits.ts";
import type { Encoder } from "../encoder.ts";
import type { ParseFailure, Parser } from "../parser.ts";
import { asciiBytes } from "./ascii.ts";
import { type DelimiterOptions, lines } from "./delimiter.ts";
import { hexByte } from "./hex_byte.ts";
import { jsonBytes } from "./json_bytes.ts";
import { payloadTooBig, refuse } from "./refusal.ts";

/** 1 for bytes that a line can begin with: those of a JSON text, white space, the line end. */
const STARTS = new Uint8Array(256);
for (const byte of asciiBytes('{["-0123456789tfn \t\r\n')) STARTS[byte] = 1;

/** What other bytes mean. */
const CAUSES: Readonly<Record<number, string>> = {
  0x16: " (looks like TLS)",
  0x1e: " (a JSON text sequence, for which there is jsonSequence)",
  0x1f: " (looks like gzip)",
  0xef: " (looks like a byte order mark)",
};

/**
 * Parser for newline-delimited JSON. The message is the line with its line feed, which `JSON.parse` takes as it is.
 *
 * @throws {TypeError | RangeError} when an option is wrong
 * @example
 * ```ts
 * import { MessageStream } from "@leat/streams/strparser";
 * import { ndjson } from "@leat/streams/parsers";
 * import { assertEquals } from "@std/assert";
 *
 * const values: unknown[] = [];
 * const bytes = new Blob(['{"a":1}\n[2', "]\n"]).stream();
 * for await (const line of bytes.pipeThrough(new MessageStream({ parser: ndjson() }))) {
 *   values.push(JSON.parse(new TextDecoder().decode(line)));
 * }
 * assertEquals(values, [{ a: 1 }, [2]]);
 * ```
 */
export function ndjson(options: DelimiterOptions = {}): Parser {
  const line = lines(options);
  return {
    ...line,
    name: "ndjson",
    parse(bytes: Uint8Array, start: number, end: number, state: unknown): number | ParseFailure {
      const first = bytes[start]!;
      if (STARTS[first] === 0) return refuse(`no JSON text begins with ${hexByte(first)}${CAUSES[first] ?? ""}`);
      return line.parse(bytes, start, end, state);
    },
  };
}

/**
 * Encoder for newline-delimited JSON: of any value that `JSON.stringify` has a text for.
 *
 * @throws {TypeError | RangeError} when an option is wrong
 * @example
 * ```ts
 * import { ndjsonEncoder } from "@leat/streams/parsers";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(ndjsonEncoder().encode({ a: 1 }), [new TextEncoder().encode('{"a":1}\n')]);
 * ```
 */
export function ndjsonEncoder(options: DelimiterOptions = {}): Encoder<unknown> {
  const max = limitOption("max", options.max, Infinity);
  return {
    name: "ndjson",
    encode(value: unknown): readonly Uint8Array[] {
      const bytes = jsonBytes("ndjson", value, "");
      if (bytes.length > max) throw payloadTooBig("ndjson", bytes.length - 1, max - 1);
      return [bytes];
    },
  };
}
