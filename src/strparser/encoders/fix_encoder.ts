/**
 * Encoder for FIX messages: BeginString, BodyLength and CheckSum around a body of fields.
 *
 * @module
 */
import { limitOption } from "../../core/limits.ts";
import type { Encoder } from "../encoder.ts";
import { asciiBytes } from "../parsers/ascii.ts";
import type { FixOptions } from "../parsers/fix.ts";
import { payloadTooBig, unencodable } from "../parsers/refusal.ts";

/** Options of {@linkcode fixEncoder}. */
export interface FixEncoderOptions extends Pick<FixOptions, "maxBodyBytes"> {
  /** What all messages begin with. @default {"FIX.4.4"} */
  beginString?: string | undefined;
}

const SOH = 1;
/** The parser looks for its end within 16 bytes, `8=` included. */
const BEGIN = /^FIX[\x21-\x7e]{0,10}$/;
/** BodyLength has at most nine digits. */
const LARGEST_BODY = 999_999_999;

/**
 * Encoder for FIX messages: a payload is the fields from MsgType on, the end of the last one included.
 *
 * @throws {TypeError | RangeError} when an option is wrong
 * @example
 * ```ts
 * import { fixEncoder } from "@leat/streams/parsers";
 * import { assertEquals } from "@std/assert";
 *
 * const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes).replaceAll("\x01", "|");
 * const message = fixEncoder({ beginString: "FIX.4.2" }).encode(new TextEncoder().encode("35=0\x01"));
 * assertEquals(message.map(text).join(""), "8=FIX.4.2|9=5|35=0|10=161|");
 * ```
 */
export function fixEncoder(options: FixEncoderOptions = {}): Encoder {
  const { beginString = "FIX.4.4" } = options;
  const max = Math.min(limitOption("maxBodyBytes", options.maxBodyBytes, 64 * 1024), LARGEST_BODY);
  if (!BEGIN.test(beginString)) throw new RangeError("beginString must be FIX and up to 10 characters");
  return {
    name: "fix",
    encode(payload: Uint8Array): readonly Uint8Array[] {
      if (payload.length > max) throw payloadTooBig("fix", payload.length, max);
      if (payload.length > 0 && payload[payload.length - 1] !== SOH) {
        throw unencodable("fix", "body does not end with a field's end");
      }
      const head = asciiBytes(`8=${beginString}\x019=${payload.length}\x01`);
      const sum = (sumOf(head) + sumOf(payload)) & 255;
      return [head, payload, asciiBytes(`10=${String(sum).padStart(3, "0")}\x01`)];
    },
  };
}

function sumOf(bytes: Uint8Array): number {
  let sum = 0;
  for (let i = 0; i < bytes.length; i++) sum = (sum + bytes[i]!) & 255;
  return sum;
}
