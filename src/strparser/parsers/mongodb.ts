/**
 * MongoDB's wire protocol (MongoDB manual, "Wire Protocol"): the header of each message begins with its length.
 *
 * Not here: what follows the header, the inside of compressed messages included.
 *
 * @module
 */
import { readU32, readU32le, writeU32le } from "../../bytes/integers.ts";
import { limitOption } from "../../core/limits.ts";
import { byteCount } from "../../core/words.ts";
import type { Encoder } from "../encoder.ts";
import type { ParseFailure, Parser } from "../parser.ts";
import { likelyCause, payloadTooBig, refuse, tooBig, unencodable } from "./refusal.ts";

/** Options of {@linkcode mongodb} and {@linkcode mongodbEncoder}. */
export interface MongodbOptions {
  /** Longest message, in bytes: the server's `maxMessageSizeBytes`. @default {48000000} */
  maxMessageBytes?: number | undefined;
}

const LENGTH = 4;
const HEADER = 16;
const LARGEST = 0x7fffffff;
const DEFAULT_MAX = 48_000_000;

/** Reply, old message, update, insert, query, get more, delete, kill cursors, command and its reply, compressed, message. */
const OPCODES: ReadonlySet<number> = new Set([
  1,
  1000,
  2001,
  2002,
  2004,
  2005,
  2006,
  2007,
  2010,
  2011,
  2012,
  2013,
]);

/**
 * Parser for MongoDB, the same in both directions.
 *
 * @throws {TypeError | RangeError} when an option is wrong
 * @example
 * ```ts
 * import { mongodb } from "@leat/streams/parsers";
 * import { assertEquals } from "@std/assert";
 *
 * const header = Uint8Array.of(38, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0xdd, 7, 0, 0);
 * assertEquals(mongodb().parse(header, 0, 16, undefined), 38);
 * ```
 */
export function mongodb(options: MongodbOptions = {}): Parser {
  const max = Math.min(limitOption("maxMessageBytes", options.maxMessageBytes, DEFAULT_MAX, HEADER), LARGEST);
  return {
    name: "mongodb",
    maxMessageLength: max,
    parse(bytes: Uint8Array, start: number, end: number): number | ParseFailure {
      if (end - start < LENGTH) return -LENGTH;
      const length = readU32le(bytes, start);
      const cause = length >= HEADER && length <= max ? "" : likelyCause(readU32(bytes, start));
      if (length > LARGEST) return refuse(`length is negative${cause}`);
      if (length < HEADER) return refuse(`message of ${byteCount(length)} is shorter than its header${cause}`);
      if (length > max) return tooBig(`message of ${length} bytes exceeds maxMessageBytes ${max}${cause}`);
      if (end - start < HEADER) return -HEADER;
      const opcode = readU32le(bytes, start + 12);
      return OPCODES.has(opcode) ? length : refuse(`opcode ${opcode} is unknown`);
    },
  };
}

/**
 * Encoder for MongoDB's messages: a payload is everything behind the length, from the request identifier on.
 *
 * @throws {TypeError | RangeError} when an option is wrong
 * @example
 * ```ts
 * import { mongodbEncoder } from "@leat/streams/parsers";
 * import { assertEquals } from "@std/assert";
 *
 * const rest = Uint8Array.of(1, 0, 0, 0, 0, 0, 0, 0, 0xdd, 7, 0, 0, 0, 0, 0, 0, 0, 5, 0, 0, 0, 0);
 * assertEquals(mongodbEncoder().encode(rest)[0], Uint8Array.of(26, 0, 0, 0));
 * ```
 */
export function mongodbEncoder(options: MongodbOptions = {}): Encoder {
  const max = Math.min(limitOption("maxMessageBytes", options.maxMessageBytes, DEFAULT_MAX, HEADER), LARGEST);
  return {
    name: "mongodb",
    encode(payload: Uint8Array): readonly Uint8Array[] {
      if (payload.length < HEADER - LENGTH) throw unencodable("mongodb", "payload is shorter than the header");
      if (payload.length > max - LENGTH) throw payloadTooBig("mongodb", payload.length, max - LENGTH);
      if (!OPCODES.has(readU32le(payload, 8))) throw unencodable("mongodb", "payload has an unknown opcode");
      const length = new Uint8Array(LENGTH);
      writeU32le(length, 0, LENGTH + payload.length);
      return [length, payload];
    },
  };
}
