/**
 * Encoder for messages that all have the same length: it checks that they do.
 *
 * @module
 */
import type { Encoder } from "../encoder.ts";
import { fixedLength } from "../parsers/fixed_length.ts";
import { payloadTooBig, unencodable } from "../parsers/refusal.ts";

/**
 * Encoder for messages of `length` bytes each; it pads nothing.
 *
 * @throws {TypeError | RangeError} when `length` is no positive integer
 * @example
 * ```ts
 * import { fixedLengthEncoder } from "@leat/streams/strparser";
 * import { assertThrows } from "@std/assert";
 *
 * assertThrows(() => fixedLengthEncoder(188).encode(new Uint8Array(187)));
 * ```
 */
export function fixedLengthEncoder(length: number): Encoder {
  const { name } = fixedLength(length);
  return {
    name,
    encode(payload: Uint8Array): readonly Uint8Array[] {
      if (payload.length > length) throw payloadTooBig(name, payload.length, length);
      if (payload.length < length) throw unencodable(name, `payload of ${payload.length} bytes, not ${length}`);
      return [payload];
    },
  };
}
