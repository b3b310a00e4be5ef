/**
 * Syslog over TCP and TLS (RFC 6587, RFC 5425): octet counting (`<digits> <space> <message>`), and the older way,
 * non-transparent framing, where a line feed ends a message. Both occur on one port, even on one connection; the first
 * byte of a message tells them apart, a digit or the `<` of the priority.
 *
 * Not here: what is in messages; senders that end them with NUL or CR LF as a frame of their own.
 *
 * @module
 */
import { choiceOption, limitOption } from "../../core/limits.ts";
import type { Encoder } from "../encoder.ts";
import type { ParseFailure, Parser } from "../parser.ts";
import {
  asciiBytes,
  DECIMAL_BAD,
  DECIMAL_MORE,
  decimalWidth,
  indexOfByte,
  LESS,
  LF,
  readDecimal,
  SP,
  ZERO,
} from "./ascii.ts";
import { hexByte } from "./hex_byte.ts";
import { likelyCauseOfByte, payloadTooBig, refuse, tooBig, unencodable } from "./refusal.ts";

/** How syslog messages are told apart. */
export type SyslogFraming = "counted" | "newline";

/** Options of {@linkcode syslog}. */
export interface SyslogOptions {
  /** Longest message without what frames it, in bytes. @default {8192} */
  maxPayloadBytes?: number | undefined;
  /** `any`: each message by its first byte. @default {"any"} */
  framing?: SyslogFraming | "any" | undefined;
}

/** Options of {@linkcode syslogEncoder}. */
export interface SyslogEncoderOptions {
  /** Longest message without what frames it, in bytes. @default {8192} */
  maxPayloadBytes?: number | undefined;
  /** The framing. @default {"counted"} */
  framing?: SyslogFraming | undefined;
}

const DEFAULT_MAX = 8192;
const MAX_DIGITS = 15;
const LF_BYTES = Uint8Array.of(LF);

/**
 * Parser for syslog messages. The message includes what frames it: the count and the space, or the line feed.
 *
 * @throws {TypeError | RangeError} when an option is wrong
 * @example
 * ```ts
 * import { syslog } from "@leat/streams/parsers";
 * import { assertEquals } from "@std/assert";
 *
 * const parser = syslog();
 * const bytes = new TextEncoder().encode("12 <13>1 - - - <14>old\n");
 * assertEquals(parser.parse(bytes, 0, bytes.length, parser.start?.({})), 15);
 * ```
 */
export function syslog(options: SyslogOptions = {}): Parser {
  const max = limitOption("maxPayloadBytes", options.maxPayloadBytes, DEFAULT_MAX);
  const framing = choiceOption("framing", options.framing, "any", ["any", "counted", "newline"]);
  return {
    name: "syslog",
    ...(max < Infinity && { maxMessageLength: max + Math.max(2, decimalWidth(max) + 1) }),
    maxHeaderBytes: Infinity,
    start: (): { scanned: number } => ({ scanned: 0 }),
    parse(bytes: Uint8Array, start: number, end: number, state: { scanned: number }): number | ParseFailure {
      const first = bytes[start]!;
      const isCounted = first > ZERO && first <= ZERO + 9;
      if (isCounted && framing !== "newline") return parseCounted(bytes, start, end, max);
      if (first === LESS && framing !== "counted") return parseLine(bytes, start, end, max, state);
      return refuse(`message begins with ${hexByte(first)}, not ${EXPECTED[framing]}${likelyCauseOfByte(first)}`);
    },
  };
}

const EXPECTED = { any: "a count or <", counted: "a count", newline: "<" };

function parseCounted(bytes: Uint8Array, start: number, end: number, max: number): number | ParseFailure {
  const maxDigits = max === Infinity ? MAX_DIGITS : decimalWidth(max);
  const length = readDecimal(bytes, start, end, maxDigits);
  if (length === DECIMAL_MORE) return -(end - start + 1);
  if (length === DECIMAL_BAD) return refuse("count is not a number");
  if (length < 0) return tooBig(`message with a count of over ${maxDigits} digits exceeds maxPayloadBytes ${max}`);
  if (length > max) return tooBig(`message of ${length} bytes exceeds maxPayloadBytes ${max}`);
  const width = decimalWidth(length);
  if (bytes[start + width] !== SP) return refuse(`count is followed by ${hexByte(bytes[start + width]!)}, not a space`);
  const at = start + width + 1;
  if (at >= end) return -(width + 2);
  return bytes[at] === LESS ? width + 1 + length : refuse(`count is followed by ${hexByte(bytes[at]!)}, not <`);
}

function parseLine(
  bytes: Uint8Array,
  start: number,
  end: number,
  max: number,
  state: { scanned: number },
): number | ParseFailure {
  const at = indexOfByte(bytes, LF, start + state.scanned, Math.min(end, start + max + 1));
  if (at < 0) {
    if (end - start > max) return tooBig(`line exceeds maxPayloadBytes ${max}`);
    state.scanned = end - start;
    return -(end - start + 1);
  }
  state.scanned = 0;
  return at + 1 - start;
}

/**
 * Encoder for syslog messages, which begin with their priority: `<13>1 2026-...`.
 *
 * @throws {TypeError | RangeError} when an option is wrong
 * @example
 * ```ts
 * import { syslogEncoder } from "@leat/streams/parsers";
 * import { assertEquals } from "@std/assert";
 *
 * const message = new TextEncoder().encode("<13>1 - - - - - -");
 * assertEquals(syslogEncoder().encode(message), [new TextEncoder().encode("17 "), message]);
 * ```
 */
export function syslogEncoder(options: SyslogEncoderOptions = {}): Encoder {
  const max = limitOption("maxPayloadBytes", options.maxPayloadBytes, DEFAULT_MAX);
  const framing = choiceOption("framing", options.framing, "counted", ["counted", "newline"]);
  return {
    name: "syslog",
    encode(payload: Uint8Array): readonly Uint8Array[] {
      if (payload.length > max) throw payloadTooBig("syslog", payload.length, max);
      if (payload[0] !== LESS) throw unencodable("syslog", "payload does not begin with a priority");
      if (framing === "counted") return [asciiBytes(`${payload.length} `), payload];
      if (payload.includes(LF)) throw unencodable("syslog", "payload has a line feed, which would end it");
      return [payload, LF_BYTES];
    },
  };
}
