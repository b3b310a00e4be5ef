/**
 * Apache Thrift, framed transport (thrift/doc/specs/thrift-rpc.md): a signed 32-bit length in front of each message.
 *
 * Unframed transport has no lengths; the binary and the compact protocol begin with a byte that makes the length
 * negative, and are refused with that reason. Not here: what is in frames, THeader's inside included.
 *
 * @module
 */
import type { Encoder } from "../encoder.ts";
import type { Parser } from "../parser.ts";
import { type SignedPrefix, signedPrefix, signedPrefixEncoder } from "./signed_prefix.ts";

/** Options of {@linkcode thrift} and {@linkcode thriftEncoder}. */
export interface ThriftOptions {
  /** Longest frame without its length, in bytes. @default {16384000} */
  maxFrameBytes?: number | undefined;
}

const THRIFT: SignedPrefix = {
  name: "thrift",
  limit: "maxFrameBytes",
  fallback: 16384000,
  min: 1,
  negative(word) {
    if (word >>> 16 === 0x8001) return "unframed transport: begins as the binary protocol does, not with a length";
    if (word >>> 24 === 0x82) return "unframed transport: begins as the compact protocol does, not with a length";
    return undefined;
  },
};

/**
 * Parser for framed Thrift, the same in both directions.
 *
 * @throws {TypeError | RangeError} when an option is wrong
 * @example
 * ```ts
 * import { thrift } from "@leat/streams/parsers";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(thrift().parse(Uint8Array.of(0, 0, 0, 17), 0, 4, undefined), 21);
 * ```
 */
export function thrift(options: ThriftOptions = {}): Parser {
  return signedPrefix(THRIFT, options.maxFrameBytes);
}

/**
 * Encoder for framed Thrift.
 *
 * @throws {TypeError | RangeError} when an option is wrong
 * @example
 * ```ts
 * import { thriftEncoder } from "@leat/streams/parsers";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(thriftEncoder().encode(new Uint8Array(17))[0], Uint8Array.of(0, 0, 0, 17));
 * ```
 */
export function thriftEncoder(options: ThriftOptions = {}): Encoder {
  return signedPrefixEncoder(THRIFT, options.maxFrameBytes);
}
