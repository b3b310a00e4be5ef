/**
 * Messages that say their length in a field of fixed width: the declarative options that users of other frameworks
 * know (Netty's `LengthFieldBasedFrameDecoder`, tokio's `LengthDelimitedCodec`).
 *
 * @module
 */
import { readU16, readU16le, readU24, readU24le, readU32, readU32le } from "../../bytes/integers.ts";
import { limitOption, needObject } from "../../core/limits.ts";
import { byteCount } from "../../core/words.ts";
import type { ParseFailure, Parser } from "../parser.ts";

/** Width of a length field in bytes. */
export type LengthFieldSize = 1 | 2 | 3 | 4 | 8;

/** Options of {@linkcode lengthPrefix}. */
export interface LengthPrefixOptions {
  /** Whether the least significant byte comes first. @default {false} */
  littleEndian?: boolean | undefined;
  /** Whether the value counts the whole message, instead of what follows the field. @default {false} */
  includesHeader?: boolean | undefined;
  /** How many bytes one of the value is worth: 4 where it counts words of 32 bits. @default {1} */
  unit?: number | undefined;
  /** Added to the value in bytes before anything else: for fields that count a part of the header, or not a trailer. @default {0} */
  adjustment?: number | undefined;
  /** Longest message the protocol knows, in bytes, header included. @default {Infinity} */
  max?: number | undefined;
}

/** Options of {@linkcode lengthField}. */
export interface LengthFieldOptions extends LengthPrefixOptions {
  /** How many bytes stand in front of the field. @default {0} */
  offset?: number | undefined;
  /** Width of the field in bytes. */
  size: LengthFieldSize;
}

type Reader = (bytes: Uint8Array, at: number) => number;

const TWO_32 = 0x100000000;

function readU8(bytes: Uint8Array, at: number): number {
  return bytes[at]!;
}

/** Above 2^53 the result is rounded, which does not matter: it is too large either way. */
function readU64(bytes: Uint8Array, at: number): number {
  return readU32(bytes, at) * TWO_32 + readU32(bytes, at + 4);
}

function readU64le(bytes: Uint8Array, at: number): number {
  return readU32le(bytes, at + 4) * TWO_32 + readU32le(bytes, at);
}

/** By width: big-endian, little-endian. */
const READERS: Readonly<Record<number, readonly [Reader, Reader]>> = {
  1: [readU8, readU8],
  2: [readU16, readU16le],
  3: [readU24, readU24le],
  4: [readU32, readU32le],
  8: [readU64, readU64le],
};

/**
 * Parser for messages that begin with their length.
 *
 * @throws {TypeError | RangeError} when an option is wrong
 * @example
 * ```ts
 * import { lengthPrefix } from "@leat/streams/strparser";
 * import { assertEquals } from "@std/assert";
 *
 * const parser = lengthPrefix(4);
 * assertEquals(parser.parse(Uint8Array.of(0, 0, 0, 3, 1), 0, 5, undefined), 7);
 * ```
 */
export function lengthPrefix(size: LengthFieldSize, options: LengthPrefixOptions = {}): Parser {
  return lengthField({ ...options, offset: 0, size });
}

/**
 * Parser for messages with a length field anywhere in a header of fixed layout.
 *
 * The total length is `offset + size + value * unit + adjustment`, or with `includesHeader` `value * unit + adjustment`.
 * A total that does not even cover the field is `EPROTO`, one beyond 2^53 - 1 `EMSGSIZE`. The message is the whole frame;
 * what some frameworks call bytes to strip is `message.subarray(n)`.
 *
 * @throws {TypeError | RangeError} when an option is wrong
 * @example PostgreSQL: a type byte, then a length that counts itself but not the type
 * ```ts
 * import { lengthField } from "@leat/streams/strparser";
 * import { assertEquals } from "@std/assert";
 *
 * const parser = lengthField({ offset: 1, size: 4, adjustment: -4 });
 * assertEquals(parser.parse(Uint8Array.of(0x5a, 0, 0, 0, 5, 0x49), 0, 6, undefined), 6);
 * ```
 */
export function lengthField(options: LengthFieldOptions): Parser {
  const { name, max, header, added, unit } = lengthLayout(options);
  const { size, littleEndian = false } = options;
  const offset = header - size;
  const field = READERS[size]![littleEndian ? 1 : 0];
  const read: Reader = unit === 1 ? field : (bytes, at) => field(bytes, at) * unit;
  const parser: Parser = {
    name,
    parse(bytes: Uint8Array, start: number, end: number): number | ParseFailure {
      if (end - start < header) return -header;
      const total = read(bytes, start + offset) + added;
      return total >= header && total <= Number.MAX_SAFE_INTEGER ? total : refuse(total, header);
    },
  };
  return max === Infinity ? parser : { ...parser, maxMessageLength: max };
}

/** Options that were checked. Internal to this parser and its encoder. */
export interface LengthLayout {
  readonly name: string;
  /** Longest total. */
  readonly max: number;
  /** End of the field. */
  readonly header: number;
  /** Total less the value in bytes. */
  readonly added: number;
  readonly unit: number;
}

/** Checks options. */
export function lengthLayout(options: LengthFieldOptions): LengthLayout {
  needObject("options", options);
  const { size, littleEndian = false, includesHeader = false, adjustment = 0 } = options;
  // a text that reads like a number would be glued to the offset
  if (![1, 2, 3, 4, 8].includes(size)) {
    throw new RangeError(`size must be 1, 2, 3, 4 or 8, got ${typeof size} ${size}`);
  }
  const offset = limitOption("offset", options.offset, 0, 0);
  const max = limitOption("max", options.max, Infinity);
  const unit = limitOption("unit", options.unit, 1);
  const header = offset + size;
  if (!Number.isSafeInteger(adjustment)) throw new RangeError(`adjustment must be an integer, got ${adjustment}`);
  if (!Number.isSafeInteger(header)) throw new RangeError(`offset must be finite, got ${offset}`);
  if (unit === Infinity) throw new RangeError("unit must be finite");
  const added = adjustment + (includesHeader ? 0 : header);
  return { name: `length:${size}${littleEndian ? ",le" : ""}`, max, header, added, unit };
}

function refuse(total: number, header: number): ParseFailure {
  if (total > 0 && total >= header) return { code: "EMSGSIZE", reason: "length field is beyond 2^53" };
  return {
    code: "EPROTO",
    reason: `length field makes a message of ${byteCount(total)}, its header alone has ${header}`,
  };
}
