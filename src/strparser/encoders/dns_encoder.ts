/**
 * Encoder for DNS messages over TCP and TLS (RFC 1035 section 4.2.2, RFC 7766): a 16-bit length in front.
 *
 * @module
 */
import type { Encoder } from "../encoder.ts";
import { payloadTooBig, unencodable } from "../parsers/refusal.ts";
import { lengthPrefixEncoder } from "./length_field_encoder.ts";

const HEADER = 12;
const LONGEST = 65535;

/**
 * Encoder for DNS messages. RFC 7766 wants length and message in one segment: write them as one chunk, as
 * `MessageEncoderStream` does.
 *
 * @example
 * ```ts
 * import { dnsEncoder } from "@leat/streams/parsers";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(dnsEncoder().encode(new Uint8Array(12))[0], Uint8Array.of(0, 12));
 * ```
 */
export function dnsEncoder(): Encoder {
  const encoder = lengthPrefixEncoder(2);
  return {
    name: "dns",
    encode(payload: Uint8Array): readonly Uint8Array[] {
      if (payload.length < HEADER) {
        throw unencodable("dns", `message of ${payload.length} bytes is shorter than a header`);
      }
      if (payload.length > LONGEST) throw payloadTooBig("dns", payload.length, LONGEST);
      return encoder.encode(payload);
    },
  };
}
