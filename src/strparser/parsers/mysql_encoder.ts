/**
 * The writing side of {@linkcode mysql}: payloads into packets.
 *
 * @module
 */
import type { Encoder } from "../encoder.ts";
import { unencodable } from "./refusal.ts";

/** What {@linkcode mysqlEncoder} puts into packets. */
export interface MysqlPayload {
  /** Sequence number of the first packet, 0 to 255: 0 for a command, otherwise one more than the last of the peer's. */
  readonly sequence: number;
  /** The payload, of any length. */
  readonly payload: Uint8Array;
}

const LARGEST_PAYLOAD = 0xffffff;

/**
 * Encoder for MySQL packets without compression: a payload of 2^24 - 1 bytes or more takes several, which only `whole`
 * parsers join again.
 *
 * @example
 * ```ts
 * import { mysqlEncoder } from "@leat/streams/parsers";
 * import { assertEquals } from "@std/assert";
 *
 * const [header] = mysqlEncoder().encode({ sequence: 0, payload: Uint8Array.of(14) });
 * assertEquals(header, Uint8Array.of(1, 0, 0, 0));
 * ```
 */
export function mysqlEncoder(): Encoder<MysqlPayload> {
  return {
    name: "mysql",
    encode({ sequence, payload }: MysqlPayload): readonly Uint8Array[] {
      if (!Number.isInteger(sequence) || sequence < 0 || sequence > 255) {
        throw unencodable("mysql", `sequence number ${sequence} is not within 0 to 255`);
      }
      const parts: Uint8Array[] = [];
      let number = sequence;
      for (let at = 0;;) {
        const length = Math.min(LARGEST_PAYLOAD, payload.length - at);
        parts.push(Uint8Array.of(length, length >>> 8, length >>> 16, number++ & 0xff));
        if (length > 0) parts.push(length === payload.length ? payload : payload.subarray(at, at + length));
        at += length;
        // a full packet is always followed by another, if need be an empty one
        if (length < LARGEST_PAYLOAD) return parts;
      }
    },
  };
}
