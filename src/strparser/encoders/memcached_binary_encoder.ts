/**
 * Encoder for memcached's binary protocol (memcached wiki, "BinaryProtocolRevamped").
 *
 * @module
 */
import { writeU16, writeU32 } from "../../bytes/integers.ts";
import type { Encoder } from "../encoder.ts";
import { memcachedBinary, type MemcachedBinaryOptions } from "../parsers/memcached_binary.ts";
import { checkEncoded, unencodable } from "../parsers/refusal.ts";

/** What {@linkcode memcachedBinaryEncoder} writes. */
export interface MemcachedBinaryMessage {
  /** The command. */
  readonly opcode: number;
  /** Status of a response, 16 bits; absent for a request. */
  readonly status?: number | undefined;
  /** What the answer repeats, 32 bits. @default {0} */
  readonly opaque?: number | undefined;
  /** Version of the item, 64 bits. @default {0n} */
  readonly cas?: bigint | undefined;
  /** What the command has in front of the key. @default {nothing} */
  readonly extras?: Uint8Array | undefined;
  /** The key. @default {nothing} */
  readonly key?: Uint8Array | undefined;
  /** The value. @default {nothing} */
  readonly value?: Uint8Array | undefined;
}

const HEADER = 24;
const NOTHING = new Uint8Array(0);

/**
 * Encoder for requests, or with a status responses. Refuses what the parser would.
 *
 * @throws {TypeError | RangeError} when an option is wrong
 * @example
 * ```ts
 * import { memcachedBinaryEncoder } from "@leat/streams/parsers";
 * import { assertEquals } from "@std/assert";
 *
 * const [header] = memcachedBinaryEncoder().encode({ opcode: 0, key: new TextEncoder().encode("Hello") });
 * assertEquals(header!.subarray(0, 12), Uint8Array.of(0x80, 0, 0, 5, 0, 0, 0, 0, 0, 0, 0, 5));
 * ```
 */
export function memcachedBinaryEncoder(options: MemcachedBinaryOptions = {}): Encoder<MemcachedBinaryMessage> {
  const parser = memcachedBinary(options);
  return {
    name: "memcachedBinary",
    encode(message: MemcachedBinaryMessage): readonly Uint8Array[] {
      const { opcode, status, opaque = 0, cas = 0n, extras = NOTHING, key = NOTHING, value = NOTHING } = message;
      if (opcode !== (opcode & 255)) throw unencodable("memcachedBinary", `opcode ${opcode} is no byte`);
      const isOfBits = status === undefined || status === (status & 0xffff);
      if (!isOfBits) throw unencodable("memcachedBinary", `status ${status} is not of 16 bits`);
      if (opaque !== opaque >>> 0) throw unencodable("memcachedBinary", `opaque ${opaque} is not of 32 bits`);
      if (cas !== BigInt.asUintN(64, cas)) throw unencodable("memcachedBinary", `cas ${cas} is not of 64 bits`);
      if (extras.length > 255) throw unencodable("memcachedBinary", `extras of ${extras.length} bytes, at most 255`);
      const body = extras.length + key.length + value.length;
      const header = new Uint8Array(HEADER);
      header[0] = status === undefined ? 0x80 : 0x81;
      header[1] = opcode;
      writeU16(header, 2, Math.min(key.length, 0xffff));
      header[4] = extras.length;
      writeU16(header, 6, status ?? 0);
      writeU32(header, 8, Math.min(body, 0xffffffff));
      writeU32(header, 12, opaque);
      new DataView(header.buffer).setBigUint64(16, cas);
      checkEncoded("memcachedBinary", parser.parse(header, 0, HEADER, parser.start!({})), HEADER + body);
      return [header, extras, key, value];
    },
  };
}
