/**
 * Encoders for messages that say their length in a field of fixed width: the reverse of `lengthField`, under the same
 * options.
 *
 * @module
 */
import { writeU16, writeU16le, writeU24, writeU32, writeU32le } from "../../bytes/integers.ts";
import type { Encoder } from "../encoder.ts";
import {
  type LengthFieldOptions,
  type LengthFieldSize,
  lengthLayout,
  type LengthPrefixOptions,
} from "../parsers/length_field.ts";
import { payloadTooBig, unencodable } from "../parsers/refusal.ts";

type Writer = (bytes: Uint8Array, at: number, value: number) => void;

const TWO_32 = 0x100000000;

/** By width: big-endian, little-endian. */
const WRITERS: Readonly<Record<LengthFieldSize, readonly [Writer, Writer]>> = {
  1: [writeU8, writeU8],
  2: [writeU16, writeU16le],
  3: [writeU24, writeU24le],
  4: [writeU32, writeU32le],
  8: [writeU64, writeU64le],
};

function writeU8(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value;
}

function writeU24le(bytes: Uint8Array, at: number, value: number): void {
  writeU16le(bytes, at, value);
  bytes[at + 2] = value >>> 16;
}

function writeU64(bytes: Uint8Array, at: number, value: number): void {
  writeU32(bytes, at, Math.floor(value / TWO_32));
  writeU32(bytes, at + 4, value % TWO_32);
}

function writeU64le(bytes: Uint8Array, at: number, value: number): void {
  writeU32le(bytes, at, value % TWO_32);
  writeU32le(bytes, at + 4, Math.floor(value / TWO_32));
}

/**
 * Encoder that puts the payload's length in front of it.
 *
 * @throws {TypeError | RangeError} when an option is wrong
 * @example
 * ```ts
 * import { lengthPrefixEncoder } from "@leat/streams/strparser";
 * import { assertEquals } from "@std/assert";
 *
 * const payload = Uint8Array.of(7, 8, 9);
 * assertEquals(lengthPrefixEncoder(2).encode(payload), [Uint8Array.of(0, 3), payload]);
 * ```
 */
export function lengthPrefixEncoder(size: LengthFieldSize, options: LengthPrefixOptions = {}): Encoder {
  return lengthFieldEncoder({ ...options, offset: 0, size });
}

/**
 * Encoder that puts the length field into the payload, which is all of the message but the field: the `offset` bytes in
 * front of the field first, then what follows it.
 *
 * @throws {TypeError | RangeError} when an option is wrong
 * @example A type byte, then a length that counts itself but not the type
 * ```ts
 * import { lengthFieldEncoder } from "@leat/streams/strparser";
 * import { assertEquals } from "@std/assert";
 *
 * const encoder = lengthFieldEncoder({ offset: 1, size: 4, adjustment: -4 });
 * const [type, length, body] = encoder.encode(Uint8Array.of(0x5a, 0x49));
 * assertEquals([type, length, body], [Uint8Array.of(0x5a), Uint8Array.of(0, 0, 0, 5), Uint8Array.of(0x49)]);
 * ```
 */
export function lengthFieldEncoder(options: LengthFieldOptions): Encoder {
  const { name, max, header, added, unit } = lengthLayout(options);
  const { size, littleEndian = false } = options;
  const offset = header - size;
  const write = WRITERS[size][littleEndian ? 1 : 0];
  const largest = (size === 8 ? Math.floor(Number.MAX_SAFE_INTEGER / unit) : 2 ** (8 * size) - 1) * unit + added;
  const limit = Math.min(max, largest, Number.MAX_SAFE_INTEGER) - size;
  return {
    name,
    encode(payload: Uint8Array): readonly Uint8Array[] {
      const { length } = payload;
      if (length > limit) throw payloadTooBig(name, length, limit);
      if (length < offset) {
        throw unencodable(name, `payload of ${length} bytes does not fill the ${offset} before the field`);
      }
      const value = (length + size - added) / unit;
      if (!(value >= 0)) throw unencodable(name, `payload of ${length} bytes would have the length ${value}`);
      if (!Number.isInteger(value)) {
        throw unencodable(name, `payload of ${length} bytes is no multiple of ${unit} in all`);
      }
      const field = new Uint8Array(size);
      write(field, 0, value);
      return offset === 0 ? [field, payload] : [payload.subarray(0, offset), field, payload.subarray(offset)];
    },
  };
}
