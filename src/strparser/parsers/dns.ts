/**
 * DNS over TCP and TLS: a 16-bit length in front of each message (RFC 1035 section 4.2.2, RFC 7766).
 *
 * Not here: the messages themselves.
 *
 * @module
 */
import { readU16 } from "../../bytes/integers.ts";
import { byteCount } from "../../core/words.ts";
import type { ParseFailure, Parser } from "../parser.ts";

/** A message has at least its header. */
const HEADER = 12;

/**
 * Parser for DNS over TCP, the same in both directions. A length below that of a DNS header is `EPROTO`.
 *
 * @example
 * ```ts
 * import { dns } from "@leat/streams/parsers";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(dns().parse(Uint8Array.of(0, 57), 0, 2, undefined), 59);
 * ```
 */
export function dns(): Parser {
  return {
    name: "dns",
    maxMessageLength: 2 + 0xffff,
    parse(bytes: Uint8Array, start: number, end: number): number | ParseFailure {
      if (end - start < 2) return -2;
      const length = readU16(bytes, start);
      if (length >= HEADER) return 2 + length;
      return { code: "EPROTO", reason: `message of ${byteCount(length)} is shorter than a DNS header` };
    },
  };
}
