/**
 * FIX, tag=value encoding (FIX Session Layer, "StandardHeader" and "StandardTrailer"; FIX 4.0 to 5.0 SP2): BeginString
 * `8=`, BodyLength `9=`, so many bytes, CheckSum `10=nnn`, each field ended by SOH.
 *
 * Not here: fields besides these three; FIX over FAST or SBE; the Simple Open Framing Header.
 *
 * @module
 */
import { limitOption } from "../../core/limits.ts";
import type { ParseFailure, Parser } from "../parser.ts";
import { asciiBytes, sameUpTo, ZERO } from "./ascii.ts";
import { hexByte } from "./hex_byte.ts";
import { likelyCauseOfByte, refuse, tooBig } from "./refusal.ts";

/** Options of {@linkcode fix}. */
export interface FixOptions {
  /** Longest body (what BodyLength counts), in bytes. @default {65536} */
  maxBodyBytes?: number | undefined;
  /**
   * Wait for the trailer, and refuse another field in its place. Without it the length is told as soon as it is known,
   * and the trailer is not looked at. @default {true}
   */
  checksEnd?: boolean | undefined;
  /** Compute the checksum too, with `checksEnd`, and refuse a wrong one. @default {false} */
  checksSum?: boolean | undefined;
}

const SOH = 1;
const BEGIN = asciiBytes("8=FIX");
const BODY_LENGTH = asciiBytes("9=");
const CHECK_SUM = asciiBytes("10=");
/** `10=nnn` and SOH. */
const TRAILER = 7;
/** Longest BeginString known is `FIXT.1.1`. */
const LONGEST_BEGIN = 16;
const MAX_DIGITS = 9;

/**
 * Parser for FIX messages, the same in both directions.
 *
 * @throws {TypeError | RangeError} when an option is wrong
 * @example
 * ```ts
 * import { fix } from "@leat/streams/parsers";
 * import { assertEquals } from "@std/assert";
 *
 * const bytes = new TextEncoder().encode("8=FIX.4.2|9=5|35=0|10=161|".replaceAll("|", "\x01"));
 * assertEquals(fix().parse(bytes, 0, bytes.length, undefined), 26);
 * ```
 */
export function fix(options: FixOptions = {}): Parser {
  const maxBodyBytes = limitOption("maxBodyBytes", options.maxBodyBytes, 64 * 1024);
  const checksEnd = options.checksEnd ?? true;
  const checksSum = options.checksSum ?? false;
  return {
    name: "fix",
    ...(maxBodyBytes < Infinity && { maxMessageLength: LONGEST_BEGIN + 5 + MAX_DIGITS + maxBodyBytes + TRAILER }),
    ...(checksEnd && { maxHeaderBytes: Infinity }),
    parse(bytes: Uint8Array, start: number, end: number): number | ParseFailure {
      const field = bodyLengthAt(bytes, start, end);
      if (typeof field !== "number" || field <= 0) return field;
      const digits = start + field;
      const soh = digitsEnd(bytes, digits, end);
      if (typeof soh !== "number" || soh === end) return soh === end ? -(end - start + 1) : soh;
      const length = valueOf(bytes, digits, soh);
      if (length > maxBodyBytes) return tooBig(`body of ${length} bytes exceeds maxBodyBytes ${maxBodyBytes}`);
      const total = soh + 1 - start + length + TRAILER;
      if (!checksEnd) return total;
      if (end - start < total) return -total;
      return checkTrailer(bytes, start, start + total, checksSum) ?? total;
    },
  };
}

/** Position of the digits of BodyLength, counted from the start, or what is missing or wrong in front of them. */
function bodyLengthAt(bytes: Uint8Array, start: number, end: number): number | ParseFailure {
  const same = sameUpTo(bytes, start, end, BEGIN);
  if (same < Math.min(BEGIN.length, end - start)) {
    const byte = bytes[start + same]!;
    return refuse(`message does not begin with 8=FIX: ${hexByte(byte)} at ${same}${likelyCauseOfByte(bytes[start]!)}`);
  }
  // the shortest version, and what every message has behind it
  if (same < BEGIN.length) return -(BEGIN.length + TRAILER);
  let at = start + BEGIN.length;
  const stop = Math.min(end, start + LONGEST_BEGIN);
  while (at < stop && bytes[at] !== SOH) at++;
  if (at === start + LONGEST_BEGIN) return refuse(`BeginString does not end within ${LONGEST_BEGIN} bytes`);
  if (at === end) return -(end - start + 1);
  const same2 = sameUpTo(bytes, at + 1, end, BODY_LENGTH);
  if (same2 === BODY_LENGTH.length) return at + 1 + BODY_LENGTH.length - start;
  if (at + 1 + same2 < end) return refuse("second field is not BodyLength");
  return -(at + 2 + BODY_LENGTH.length - start);
}

/** Position of the SOH behind the digits at `at`, `end` where it is not there yet. Zeros in front are allowed. */
function digitsEnd(bytes: Uint8Array, at: number, end: number): number | ParseFailure {
  const stop = Math.min(end, at + MAX_DIGITS + 1);
  let to = at;
  while (to < stop && bytes[to]! >= ZERO && bytes[to]! <= ZERO + 9) to++;
  if (to - at > MAX_DIGITS) return tooBig(`BodyLength has more than ${MAX_DIGITS} digits`);
  if (to < end && (to === at || bytes[to] !== SOH)) return refuse(`BodyLength has a ${hexByte(bytes[to]!)} in it`);
  return to;
}

function valueOf(bytes: Uint8Array, at: number, to: number): number {
  let value = 0;
  for (let i = at; i < to; i++) value = value * 10 + bytes[i]! - ZERO;
  return value;
}

function checkTrailer(bytes: Uint8Array, start: number, to: number, checksSum: boolean): ParseFailure | undefined {
  const at = to - TRAILER;
  if (bytes[at - 1] !== SOH) return refuse("body does not end with a field's end: BodyLength is wrong");
  let isTrailer = sameUpTo(bytes, at, to, CHECK_SUM) === CHECK_SUM.length && bytes[to - 1] === SOH;
  const sumAt = at + CHECK_SUM.length;
  for (let i = sumAt; i < to - 1; i++) {
    if (bytes[i]! < ZERO || bytes[i]! > ZERO + 9) isTrailer = false;
  }
  if (!isTrailer) return refuse("body is not followed by CheckSum: BodyLength is wrong");
  if (!checksSum) return undefined;
  let real = 0;
  for (let i = start; i < at; i++) real = real + bytes[i]! & 255;
  const sum = valueOf(bytes, sumAt, to - 1);
  return real === sum ? undefined : refuse(`CheckSum is ${sum}, the bytes have ${real}`);
}
