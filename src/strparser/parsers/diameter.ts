/**
 * Diameter over TCP (RFC 6733 section 3).
 *
 * Not here: AVPs; TLS on the same port after the capabilities exchange (old peers), which is refused with that reason.
 *
 * @module
 */
import { readU24, writeU24 } from "../../bytes/integers.ts";
import { limitOption } from "../../core/limits.ts";
import { byteCount } from "../../core/words.ts";
import type { Encoder } from "../encoder.ts";
import type { ParseFailure, Parser } from "../parser.ts";
import { hexByte } from "./hex_byte.ts";
import { likelyCauseOfByte, payloadTooBig, refuse, tooBig, unencodable } from "./refusal.ts";

/** Options of {@linkcode diameter} and {@linkcode diameterEncoder}. */
export interface DiameterOptions {
  /** Longest message, in bytes. @default {16777212} (lengths are multiples of 4) */
  maxMessageBytes?: number | undefined;
}

const VERSION = 1;
/** Version and length. */
const NEEDED = 4;
const HEADER = 20;
const LARGEST = 0xfffffc;

/**
 * Parser for Diameter, the same in both directions.
 *
 * @throws {TypeError | RangeError} when an option is wrong
 * @example
 * ```ts
 * import { diameter } from "@leat/streams/parsers";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(diameter().parse(Uint8Array.of(1, 0, 0, 160), 0, 4, undefined), 160);
 * ```
 */
export function diameter(options: DiameterOptions = {}): Parser {
  const max = Math.min(limitOption("maxMessageBytes", options.maxMessageBytes, LARGEST, HEADER), LARGEST);
  return {
    name: "diameter",
    maxMessageLength: max,
    parse(bytes: Uint8Array, start: number, end: number): number | ParseFailure {
      const version = bytes[start]!;
      if (version !== VERSION) return refuse(`version ${hexByte(version)} is unknown${likelyCauseOfByte(version)}`);
      if (end - start < NEEDED) return -NEEDED;
      const length = readU24(bytes, start + 1);
      if (length < HEADER) return refuse(`message of ${byteCount(length)} is shorter than its header`);
      if (length % 4 !== 0) return refuse(`message of ${length} bytes, not a multiple of 4`);
      return length > max ? tooBig(`message of ${length} bytes exceeds maxMessageBytes ${max}`) : length;
    },
  };
}

/**
 * Encoder for Diameter: a payload is everything behind the length, from the flags on.
 *
 * @throws {TypeError | RangeError} when an option is wrong
 * @example
 * ```ts
 * import { diameterEncoder } from "@leat/streams/parsers";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(diameterEncoder().encode(new Uint8Array(16))[0], Uint8Array.of(1, 0, 0, 20));
 * ```
 */
export function diameterEncoder(options: DiameterOptions = {}): Encoder {
  const max = Math.min(limitOption("maxMessageBytes", options.maxMessageBytes, LARGEST, HEADER), LARGEST) - NEEDED;
  return {
    name: "diameter",
    encode(payload: Uint8Array): readonly Uint8Array[] {
      if (payload.length < HEADER - NEEDED || payload.length % 4 !== 0) {
        throw unencodable("diameter", `payload of ${byteCount(payload.length)}: at least 16, in steps of 4`);
      }
      if (payload.length > max) throw payloadTooBig("diameter", payload.length, max);
      const header = new Uint8Array(NEEDED);
      header[0] = VERSION;
      writeU24(header, 1, NEEDED + payload.length);
      return [header, payload];
    },
  };
}
