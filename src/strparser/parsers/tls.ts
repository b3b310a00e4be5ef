/**
 * TLS records (RFC 8446 section 5.1, RFC 5246 section 6.2).
 *
 * A record is not a handshake message: those may span records. Not here: anything inside records.
 *
 * @module
 */
import { readU16 } from "../../bytes/integers.ts";
import type { ParseFailure, Parser } from "../parser.ts";
import { hexByte } from "./hex_byte.ts";

const HEADER = 5;
/** Content types: change_cipher_spec, alert, handshake, application_data, heartbeat. */
const FIRST_TYPE = 20;
const LAST_TYPE = 24;
const APPLICATION_DATA = 23;
/** 2^14 of content and what TLS 1.2 allows encryption to add (TLS 1.3: 256). */
const MAX_FRAGMENT = 16384 + 2048;

/**
 * Parser for TLS records, the same in both directions. Whatever can't be a record header is `EPROTO`, with a reason of
 * its own for the hello of SSL 2.
 *
 * @example
 * ```ts
 * import { tls } from "@leat/streams/parsers";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(tls().parse(Uint8Array.of(22, 3, 1, 0, 215), 0, 5, undefined), 220);
 * ```
 */
export function tls(): Parser {
  return { name: "tls", maxMessageLength: HEADER + MAX_FRAGMENT, parse: parseRecord };
}

/** Tells the length of a record from its header. Internal to the parser and its encoder. */
export function parseRecord(bytes: Uint8Array, start: number, end: number): number | ParseFailure {
  const seen = end - start;
  const type = bytes[start]!;
  if (type < FIRST_TYPE || type > LAST_TYPE) {
    if (type >= 0x80 && seen < 3) return -3;
    const isSsl2 = type >= 0x80 && bytes[start + 2] === 1;
    return refuse(isSsl2 ? "hello of SSL 2, which has no TLS records" : `record type ${hexByte(type)} is none of TLS`);
  }
  if (seen >= 2 && bytes[start + 1] !== 3) return refuse(`record version ${bytes[start + 1]}.x is none of TLS`);
  if (seen < HEADER) return -HEADER;
  const length = readU16(bytes, start + 3);
  if (length > MAX_FRAGMENT) return refuse(`record of ${length} bytes exceeds the ${MAX_FRAGMENT} that TLS allows`);
  if (length === 0 && type !== APPLICATION_DATA) return refuse(`record of type ${hexByte(type)} is empty`);
  return HEADER + length;
}

function refuse(reason: string): ParseFailure {
  return { code: "EPROTO", reason };
}
