/**
 * The way back of `typeByte`: a byte that says what comes, then one of several framings.
 *
 * @module
 */
import { limitOption, needObject } from "../../core/limits.ts";
import type { Encoder } from "../encoder.ts";
import { hexByte } from "../parsers/hex_byte.ts";
import { payloadTooBig, unencodable } from "../parsers/refusal.ts";

/** What {@linkcode typeByteEncoder} writes. */
export interface TypedPayload {
  /** The type byte. */
  readonly type: number;
  /** What is behind it, without its framing. */
  readonly payload: Uint8Array;
}

/** Options of {@linkcode typeByteEncoder}. */
export interface TypeByteEncoderOptions {
  /** For all types that are not named. @default {undefined} (refused) */
  otherwise?: Encoder | number | undefined;
}

/**
 * Encoder for messages that `typeByte` delineates with the same table, a parser's encoder in place of each parser: the
 * type byte, then what the encoder of that type makes, or just so many bytes. Not for tables with `includesType`, whose
 * framings have the type byte in them already.
 *
 * @throws {TypeError | RangeError} when an entry of the table is wrong
 * @example
 * ```ts
 * import { typeByteEncoder } from "@leat/streams/parsers";
 * import { lengthPrefixEncoder } from "@leat/streams/strparser";
 * import { assertEquals } from "@std/assert";
 *
 * const encoder = typeByteEncoder({ 1: lengthPrefixEncoder(2), 2: 0 });
 * const payload = Uint8Array.of(65);
 * assertEquals(encoder.encode({ type: 1, payload }), [Uint8Array.of(1), Uint8Array.of(0, 1), payload]);
 * ```
 */
export function typeByteEncoder(
  types: Readonly<Record<number, Encoder | number>>,
  options: TypeByteEncoderOptions = {},
): Encoder<TypedPayload> {
  needObject("types", types);
  const { otherwise } = options;
  if (otherwise !== undefined) checkEntry(otherwise, "otherwise");
  const entries = new Map<number, Encoder | number>();
  for (const [key, value] of Object.entries(types)) {
    const type = Number(key);
    if (!isByte(type)) throw new RangeError(`type must be a byte, got ${key}`);
    checkEntry(value, `type ${hexByte(type)}`);
    entries.set(type, value);
  }
  if (entries.size === 0 && otherwise === undefined) throw new RangeError("types must name at least one");
  return {
    name: "typeByte",
    encode({ type, payload }: TypedPayload): readonly Uint8Array[] {
      const entry = isByte(type) ? entries.get(type) ?? otherwise : undefined;
      if (entry === undefined) throw unencodable("typeByte", `type ${type} is none of the protocol's`);
      if (typeof entry !== "number") return [Uint8Array.of(type), ...entry.encode(payload)];
      if (payload.length > entry) throw payloadTooBig("typeByte", payload.length, entry);
      if (payload.length < entry) throw unencodable("typeByte", `payload of ${payload.length} bytes, not ${entry}`);
      return [Uint8Array.of(type), payload];
    },
  };
}

function checkEntry(value: Encoder | number, name: string): void {
  if (typeof value === "number") limitOption(name, value, 0, 0);
  else if (typeof value?.encode !== "function") throw new TypeError(`${name} must be an encoder or a number of bytes`);
}

function isByte(value: number): boolean {
  return Number.isInteger(value) && value >= 0 && value <= 255;
}
