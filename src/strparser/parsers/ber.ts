/**
 * Messages that are one BER element each (ITU-T X.690 section 8.1): LDAP (RFC 4511 section 5.1) and SNMP over TCP
 * (RFC 3430 section 2).
 *
 * Both allow definite lengths only. Lengths that could be shorter are BER and accepted, up to four bytes. Not here:
 * tags of more than one byte, what is in messages, LDAP behind StartTLS or a SASL security layer (the first byte that
 * is not a message's is refused).
 *
 * @module
 */
import { limitOption } from "../../core/limits.ts";
import { byteCount } from "../../core/words.ts";
import type { Encoder } from "../encoder.ts";
import type { ParseFailure, Parser } from "../parser.ts";
import { hexByte } from "./hex_byte.ts";
import { likelyCauseOfByte, payloadTooBig, refuse, tooBig } from "./refusal.ts";

/** Options of {@linkcode ldap} and {@linkcode snmp}. */
export interface BerMessageOptions {
  /** Longest content of a message, in bytes, tag and length not counted. @default {4194304} */
  maxContentBytes?: number | undefined;
}

/** Options of {@linkcode ber} and {@linkcode berEncoder}. */
export interface BerOptions extends BerMessageOptions {
  /** Tag of every message, one byte. @default {0x30} (SEQUENCE) */
  tag?: number | undefined;
}

/** What a protocol demands of the content. */
interface Content {
  readonly name: string;
  readonly tag: number;
  readonly min: number;
  /** Tag that the content begins with; undefined where that is open. */
  readonly first: number | undefined;
}

const SEQUENCE = 0x30;
const INTEGER = 2;
const INDEFINITE = 0x80;
const WIDEST = 4;
const LARGEST = 0xffffffff;
const DEFAULT_MAX = 4 * 1024 * 1024;
/** A message number and an operation without content. */
const LDAP: Content = { name: "ldap", tag: SEQUENCE, min: 5, first: INTEGER };
/** A version, and two elements more. */
const SNMP: Content = { name: "snmp", tag: SEQUENCE, min: 7, first: INTEGER };

/**
 * Parser for BER elements that all have the same tag.
 *
 * @throws {TypeError | RangeError} when an option is wrong
 * @example
 * ```ts
 * import { ber } from "@leat/streams/parsers";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(ber().parse(Uint8Array.of(0x30, 0x81, 200), 0, 3, undefined), 203);
 * ```
 */
export function ber(options: BerOptions = {}): Parser {
  return parserOf({ name: "ber", tag: tagOf(options), min: 0, first: undefined }, options);
}

/**
 * Parser for LDAP, the same in both directions.
 *
 * @throws {TypeError | RangeError} when an option is wrong
 * @example
 * ```ts
 * import { ldap } from "@leat/streams/parsers";
 * import { assertEquals } from "@std/assert";
 *
 * const unbind = Uint8Array.of(0x30, 5, 2, 1, 3, 0x42, 0);
 * assertEquals(ldap().parse(unbind, 0, 7, undefined), 7);
 * ```
 */
export function ldap(options: BerMessageOptions = {}): Parser {
  return parserOf(LDAP, options);
}

/**
 * Parser for SNMP over TCP, the same in both directions.
 *
 * @throws {TypeError | RangeError} when an option is wrong
 * @example
 * ```ts
 * import { snmp } from "@leat/streams/parsers";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(snmp().parse(Uint8Array.of(0x30, 0x29, 2, 1, 1), 0, 5, undefined), 43);
 * ```
 */
export function snmp(options: BerMessageOptions = {}): Parser {
  return parserOf(SNMP, options);
}

function tagOf({ tag = SEQUENCE }: BerOptions): number {
  if (!Number.isInteger(tag) || tag < 0 || tag > 255 || (tag & 31) === 31) {
    throw new RangeError(`tag must be one of a single byte, got ${tag}`);
  }
  return tag;
}

function parserOf(content: Content, options: BerMessageOptions): Parser {
  const { name, tag, min, first } = content;
  const max = Math.min(limitOption("maxContentBytes", options.maxContentBytes, DEFAULT_MAX), LARGEST);
  return {
    name,
    maxMessageLength: 2 + WIDEST + max,
    parse(bytes: Uint8Array, start: number, end: number): number | ParseFailure {
      if (bytes[start] !== tag) return refuseTag(bytes[start]!, tag);
      if (end - start < 2) return -2;
      const short = bytes[start + 1]!;
      if (short === INDEFINITE) return refuse("indefinite length");
      const width = short > INDEFINITE ? short - INDEFINITE : 0;
      if (width > WIDEST) return refuse(`length of ${width} bytes, at most ${WIDEST} are possible`);
      const header = 2 + width;
      if (end - start < header) return -header;
      const length = width === 0 ? short : readBig(bytes, start + 2, width);
      if (length < min) return refuse(`message of ${byteCount(length)} is shorter than any`);
      if (length > max) return tooBig(`message of ${length} bytes exceeds maxContentBytes ${max}`);
      if (first === undefined) return header + length;
      if (end - start <= header) return -(header + 1);
      const inner = bytes[start + header]!;
      return inner === first ? header + length : refuse(`message begins with tag ${hexByte(inner)}, not an integer`);
    },
  };
}

function refuseTag(seen: number, tag: number): ParseFailure {
  // a text would begin with letters, and SEQUENCE is the digit 0
  return refuse(`tag ${hexByte(seen)} instead of ${hexByte(tag)}${likelyCauseOfByte(seen)}`);
}

function readBig(bytes: Uint8Array, at: number, width: number): number {
  let value = 0;
  for (let i = 0; i < width; i++) value = value * 256 + bytes[at + i]!;
  return value;
}

/**
 * Encoder for BER elements, LDAP's and SNMP's messages among them: a payload is the content of one.
 *
 * @throws {TypeError | RangeError} when an option is wrong
 * @example
 * ```ts
 * import { berEncoder } from "@leat/streams/parsers";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(berEncoder().encode(new Uint8Array(200))[0], Uint8Array.of(0x30, 0x81, 200));
 * ```
 */
export function berEncoder(options: BerOptions = {}): Encoder {
  const tag = tagOf(options);
  const max = Math.min(limitOption("maxContentBytes", options.maxContentBytes, DEFAULT_MAX), LARGEST);
  return {
    name: "ber",
    encode(payload: Uint8Array): readonly Uint8Array[] {
      if (payload.length > max) throw payloadTooBig("ber", payload.length, max);
      return [Uint8Array.of(tag, ...lengthOf(payload.length)), payload];
    },
  };
}

/** The shortest form. */
function lengthOf(length: number): number[] {
  if (length < INDEFINITE) return [length];
  const octets: number[] = [];
  for (let rest = length; rest > 0; rest = Math.floor(rest / 256)) octets.unshift(rest % 256);
  return [INDEFINITE + octets.length, ...octets];
}
