/**
 * The binary protocol of memcached (memcached wiki, "BinaryProtocolRevamped").
 *
 * Not here: the text protocol, which shares the port (and is refused with that reason); Couchbase's extensions of the
 * header; commands themselves.
 *
 * @module
 */
import { readU16, readU32 } from "../../bytes/integers.ts";
import { limitOption } from "../../core/limits.ts";
import { byteCount } from "../../core/words.ts";
import type { ParseFailure, Parser, ParserContext } from "../parser.ts";
import { hexByte } from "./hex_byte.ts";
import { likelyCauseOfByte, refuse, tooBig } from "./refusal.ts";

/** Options of {@linkcode memcachedBinary}. */
export interface MemcachedBinaryOptions {
  /** Longest body (extras, key and value), in bytes: about the server's item size. @default {1048576} */
  maxBodyBytes?: number | undefined;
}

interface MemcachedState {
  /** The magic that this direction has; 0 until it is known. */
  magic: number;
}

const HEADER = 24;
/** Up to the length of the body. */
const NEEDED = 12;
const REQUEST = 0x80;
const RESPONSE = 0x81;
const LONGEST_KEY = 250;

/**
 * Parser for memcached's binary protocol. Where the direction is unknown the first message tells it.
 *
 * @throws {TypeError | RangeError} when an option is wrong
 * @example
 * ```ts
 * import { memcachedBinary } from "@leat/streams/parsers";
 * import { assertEquals } from "@std/assert";
 *
 * const parser = memcachedBinary();
 * const get = Uint8Array.of(0x80, 0, 0, 5, 0, 0, 0, 0, 0, 0, 0, 5);
 * assertEquals(parser.parse(get, 0, 12, parser.start?.({ direction: "client" })), 29);
 * ```
 */
export function memcachedBinary(options: MemcachedBinaryOptions = {}): Parser {
  const max = limitOption("maxBodyBytes", options.maxBodyBytes, 1024 * 1024);
  return {
    name: "memcachedBinary",
    maxMessageLength: HEADER + Math.min(max, 0xffffffff),
    start({ direction }: ParserContext): MemcachedState {
      return { magic: direction === undefined ? 0 : direction === "client" ? REQUEST : RESPONSE };
    },
    parse(bytes: Uint8Array, start: number, end: number, state: MemcachedState): number | ParseFailure {
      const magic = bytes[start]!;
      if (state.magic === 0 ? magic !== REQUEST && magic !== RESPONSE : magic !== state.magic) {
        return refuseMagic(magic);
      }
      if (end - start < NEEDED) return -NEEDED;
      state.magic = magic;
      const key = readU16(bytes, start + 2);
      const extras = bytes[start + 4]!;
      const dataType = bytes[start + 5]!;
      const body = readU32(bytes, start + 8);
      if (dataType !== 0) return refuse(`data type ${hexByte(dataType)} is unknown`);
      if (key > LONGEST_KEY) return refuse(`key of ${key} bytes, at most ${LONGEST_KEY} are possible`);
      if (key + extras > body) {
        return refuse(`body of ${byteCount(body)} is shorter than its key of ${key} and extras of ${extras}`);
      }
      return body > max ? tooBig(`body of ${body} bytes exceeds maxBodyBytes ${max}`) : HEADER + body;
    },
  };
}

function refuseMagic(magic: number): ParseFailure {
  if (magic === REQUEST || magic === RESPONSE) {
    return refuse(`magic ${hexByte(magic)} is that of a ${magic === REQUEST ? "request" : "response"}`);
  }
  const cause = magic >= 0x20 && magic < 0x7f ? " (looks like the text protocol)" : likelyCauseOfByte(magic);
  return refuse(`magic ${hexByte(magic)} is none of the binary protocol${cause}`);
}
