/**
 * Encoder for RESP, the protocol of Redis: commands, and the replies that have a binary or nested content.
 *
 * Not here: simple strings and errors, which are lines of text as they are; the types that only RESP3 has.
 *
 * @module
 */
import { limitOption } from "../../core/limits.ts";
import type { Encoder } from "../encoder.ts";
import { asciiBytes } from "../parsers/ascii.ts";
import { payloadTooBig, refusedAs, tooBig, unencodable } from "../parsers/refusal.ts";
import type { RespOptions } from "../parsers/resp.ts";

/** A bulk string (text as UTF-8), an integer, the null of RESP2, or an array; a command is an array of strings. */
export type RespValue = Uint8Array | string | number | bigint | null | readonly RespValue[];

interface Limits {
  readonly maxDepth: number;
  readonly maxElements: number;
  readonly maxStringLength: number;
}

const LINE_END = Uint8Array.of(13, 10);
const NULL = asciiBytes("$-1\r\n");

/**
 * Encoder for RESP. Limits are those of the parser.
 *
 * @throws {TypeError | RangeError} when an option is wrong
 * @example
 * ```ts
 * import { respEncoder } from "@leat/streams/parsers";
 * import { assertEquals } from "@std/assert";
 *
 * const text = (pieces: readonly Uint8Array[]) => pieces.map((piece) => new TextDecoder().decode(piece)).join("");
 * assertEquals(text(respEncoder().encode(["GET", "key"])), "*2\r\n$3\r\nGET\r\n$3\r\nkey\r\n");
 * ```
 */
export function respEncoder(options: RespOptions = {}): Encoder<RespValue> {
  const limits: Limits = {
    maxDepth: limitOption("maxDepth", options.maxDepth, 32),
    maxElements: limitOption("maxElements", options.maxElements, 1024 * 1024),
    maxStringLength: limitOption("maxStringLength", options.maxStringLength, 512 * 1024 * 1024),
  };
  return {
    name: "resp",
    encode(value: RespValue): readonly Uint8Array[] {
      const pieces: Uint8Array[] = [];
      addValue(pieces, value, 0, limits);
      return pieces;
    },
  };
}

function addValue(pieces: Uint8Array[], value: RespValue, depth: number, limits: Limits): void {
  if (value === null) {
    pieces.push(NULL);
  } else if (typeof value === "string") {
    addString(pieces, new TextEncoder().encode(value), limits);
  } else if (value instanceof Uint8Array) {
    addString(pieces, value, limits);
  } else if (typeof value === "number" || typeof value === "bigint") {
    if (typeof value === "number" && !Number.isSafeInteger(value)) throw unencodable("resp", `${value} is no integer`);
    pieces.push(asciiBytes(`:${value}\r\n`));
  } else if (Array.isArray(value)) {
    addArray(pieces, value, depth, limits);
  } else {
    throw unencodable("resp", `value of type ${typeof value}`);
  }
}

function addString(pieces: Uint8Array[], bytes: Uint8Array, { maxStringLength }: Limits): void {
  if (bytes.length > maxStringLength) throw payloadTooBig("resp", bytes.length, maxStringLength);
  pieces.push(asciiBytes(`$${bytes.length}\r\n`), bytes, LINE_END);
}

function addArray(pieces: Uint8Array[], values: readonly RespValue[], depth: number, limits: Limits): void {
  const { maxDepth, maxElements } = limits;
  if (values.length > maxElements) {
    throw refusedAs(tooBig(`array of ${values.length} elements exceeds maxElements ${maxElements}`), "resp");
  }
  if (depth >= maxDepth) throw refusedAs(tooBig(`arrays nested deeper than maxDepth ${maxDepth}`), "resp");
  pieces.push(asciiBytes(`*${values.length}\r\n`));
  for (const value of values) addValue(pieces, value, depth + 1, limits);
}
