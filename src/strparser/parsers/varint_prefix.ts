/**
 * Messages behind their length as a varint: Protocol Buffers' delimited streams (`writeDelimitedTo`), libp2p and
 * multistream-select (unsigned-varint specification).
 *
 * The width of the prefix is taken from the bytes, not from the value: `81 00` is a length of 1 in two bytes. Protocol
 * Buffers allow such long forms, libp2p does not (`isMinimal`). Not here: what is in messages.
 *
 * @module
 */
import { limitOption } from "../../core/limits.ts";
import type { Encoder } from "../encoder.ts";
import type { ParseFailure, Parser } from "../parser.ts";
import { payloadTooBig, refuse, tooBig } from "./refusal.ts";
import { encodeVarint, isLongVarint, readVarint, VARINT_MORE, VARINT_TOO_LONG, varintWidth } from "./varint.ts";

/** Options of {@linkcode varintPrefix} and {@linkcode varintPrefixEncoder}. */
export interface VarintPrefixOptions {
  /** Longest message without its prefix, in bytes. @default {4194304} */
  maxPayloadBytes?: number | undefined;
  /** Most bytes that a prefix may have, 1 to 10; libp2p allows 9. @default {10} */
  maxPrefixBytes?: number | undefined;
  /** Refuse lengths that are not in their shortest form, as libp2p wants it. @default {false} */
  isMinimal?: boolean | undefined;
}

const DEFAULT_MAX = 4 * 1024 * 1024;
/** A 64-bit number has no more. */
const LONGEST_PREFIX = 10;

interface Limits {
  readonly maxPayloadBytes: number;
  readonly maxPrefixBytes: number;
}

function limitsOf(options: VarintPrefixOptions): Limits {
  const maxPayloadBytes = limitOption("maxPayloadBytes", options.maxPayloadBytes, DEFAULT_MAX);
  const maxPrefixBytes = limitOption("maxPrefixBytes", options.maxPrefixBytes, LONGEST_PREFIX);
  if (maxPrefixBytes > LONGEST_PREFIX) {
    throw new RangeError(`maxPrefixBytes must be at most ${LONGEST_PREFIX}, got ${maxPrefixBytes}`);
  }
  const largest = Math.min(2 ** (7 * maxPrefixBytes) - 1, Number.MAX_SAFE_INTEGER - LONGEST_PREFIX);
  return { maxPayloadBytes: Math.min(maxPayloadBytes, largest), maxPrefixBytes };
}

/**
 * Parser for messages behind their length as a varint, the same in both directions. A length of 0 is a message of its
 * own.
 *
 * @throws {TypeError | RangeError} when an option is wrong
 * @example
 * ```ts
 * import { varintPrefix } from "@leat/streams/strparser";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(varintPrefix().parse(Uint8Array.of(0xac, 0x02), 0, 2, undefined), 302);
 * ```
 */
export function varintPrefix(options: VarintPrefixOptions = {}): Parser {
  const { maxPayloadBytes, maxPrefixBytes } = limitsOf(options);
  const isMinimal = options.isMinimal ?? false;
  return {
    name: "varintPrefix",
    maxMessageLength: maxPrefixBytes + maxPayloadBytes,
    maxHeaderBytes: maxPrefixBytes,
    parse(bytes: Uint8Array, start: number, end: number): number | ParseFailure {
      const length = readVarint(bytes, start, end, maxPrefixBytes);
      if (length === VARINT_MORE) return -(end - start + 1);
      if (length === VARINT_TOO_LONG) return refuse(`length does not end within ${maxPrefixBytes} bytes`);
      const width = varintWidth(bytes, start);
      if (isMinimal && isLongVarint(bytes, start, width)) return refuse("length is not in its shortest form");
      if (length > maxPayloadBytes) return tooBig(tooBigReason(length, maxPayloadBytes));
      return width + length;
    },
  };
}

function tooBigReason(length: number, max: number): string {
  const what = length > Number.MAX_SAFE_INTEGER ? "length is beyond 2^53 and" : `message of ${length} bytes`;
  return `${what} exceeds maxPayloadBytes ${max}`;
}

/**
 * Encoder for messages behind their length as a varint, in its shortest form.
 *
 * @throws {TypeError | RangeError} when an option is wrong
 * @example
 * ```ts
 * import { varintPrefixEncoder } from "@leat/streams/strparser";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(varintPrefixEncoder().encode(new Uint8Array(300))[0], Uint8Array.of(0xac, 0x02));
 * ```
 */
export function varintPrefixEncoder(options: VarintPrefixOptions = {}): Encoder {
  const { maxPayloadBytes } = limitsOf(options);
  return {
    name: "varintPrefix",
    encode(payload: Uint8Array): readonly Uint8Array[] {
      if (payload.length > maxPayloadBytes) throw payloadTooBig("varintPrefix", payload.length, maxPayloadBytes);
      return [encodeVarint(payload.length), payload];
    },
  };
}
