/**
 * Netstrings (D. J. Bernstein, "Netstrings", 1997): the length in decimal digits, a colon, the string, a comma. SCGI
 * and QMTP are made of them.
 *
 * @module
 */
import { limitOption } from "../../core/limits.ts";
import type { Encoder } from "../encoder.ts";
import type { ParseFailure, Parser } from "../parser.ts";
import { asciiBytes, COLON, COMMA, DECIMAL_BAD, DECIMAL_MORE, decimalWidth, readDecimal } from "./ascii.ts";
import { hexByte } from "./hex_byte.ts";
import { likelyCauseOfByte, payloadTooBig, refuse, tooBig } from "./refusal.ts";

/** Options of {@linkcode netstringEncoder}. */
export interface NetstringOptions {
  /** Longest string, in bytes. @default {1048576} */
  maxPayloadBytes?: number | undefined;
}

/** Options of {@linkcode netstring}. */
export interface NetstringParserOptions extends NetstringOptions {
  /**
   * Wait for the comma, and refuse another byte in its place. Without it the length is told as soon as it is known,
   * which saves a copy of long strings that come in many pieces, and the comma is not looked at. @default {true}
   */
  checksEnd?: boolean | undefined;
}

const DEFAULT_MAX = 1024 * 1024;
/** Beyond 2^53 nothing can be. */
const MAX_DIGITS = 15;
const COMMA_BYTES = Uint8Array.of(COMMA);

/**
 * Parser for netstrings. The message is all from the length to the comma.
 *
 * @throws {TypeError | RangeError} when an option is wrong
 * @example
 * ```ts
 * import { netstring } from "@leat/streams/parsers";
 * import { assertEquals } from "@std/assert";
 *
 * const bytes = new TextEncoder().encode("5:hello,0:,");
 * assertEquals(netstring().parse(bytes, 0, bytes.length, undefined), 8);
 * ```
 */
export function netstring(options: NetstringParserOptions = {}): Parser {
  const max = limitOption("maxPayloadBytes", options.maxPayloadBytes, DEFAULT_MAX, 0);
  const checksEnd = options.checksEnd ?? true;
  const maxDigits = max === Infinity ? MAX_DIGITS : decimalWidth(max);
  return {
    name: "netstring",
    ...(max < Infinity && { maxMessageLength: maxDigits + max + 2 }),
    ...(checksEnd && { maxHeaderBytes: Infinity }),
    parse(bytes: Uint8Array, start: number, end: number): number | ParseFailure {
      const length = readDecimal(bytes, start, end, maxDigits);
      if (length === DECIMAL_MORE) return -(end - start + 1);
      if (length === DECIMAL_BAD) {
        return refuse(`string has no valid length: it begins with ${hexByte(bytes[start]!)}${cause(bytes[start]!)}`);
      }
      if (length < 0) return tooBig(`string with a length of over ${maxDigits} digits exceeds maxPayloadBytes ${max}`);
      if (length > max) return tooBig(`string of ${length} bytes exceeds maxPayloadBytes ${max}`);
      const width = decimalWidth(length);
      if (bytes[start + width] !== COLON) return refuse(`length is followed by ${hexByte(bytes[start + width]!)}`);
      const total = width + length + 2;
      if (!checksEnd) return total;
      if (end - start < total) return -total;
      const last = bytes[start + total - 1]!;
      return last === COMMA ? total : refuse(`string is followed by ${hexByte(last)}, not a comma`);
    },
  };
}

function cause(byte: number): string {
  return byte === 0x30 ? ", which is a zero in front" : likelyCauseOfByte(byte);
}

/**
 * Encoder for netstrings.
 *
 * @throws {TypeError | RangeError} when an option is wrong
 * @example
 * ```ts
 * import { netstringEncoder } from "@leat/streams/parsers";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(netstringEncoder().encode(new Uint8Array(12))[0], new TextEncoder().encode("12:"));
 * ```
 */
export function netstringEncoder(options: NetstringOptions = {}): Encoder {
  const max = limitOption("maxPayloadBytes", options.maxPayloadBytes, DEFAULT_MAX, 0);
  return {
    name: "netstring",
    encode(payload: Uint8Array): readonly Uint8Array[] {
      if (payload.length > max) throw payloadTooBig("netstring", payload.length, max);
      return [asciiBytes(`${payload.length}:`), payload, COMMA_BYTES];
    },
  };
}
