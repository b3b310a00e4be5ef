/**
 * Oracle Net's TNS packets. There is no public specification; what is here is what Oracle's open drivers send and
 * expect.
 *
 * The length is 16 bits wide, and 32 bits once both ends agree on version 315 or later: after the server's ACCEPT. Its
 * sender's stream tells that by the version in the ACCEPT; the client's by the bytes: behind a 16-bit length lies a
 * checksum that nobody sends, zeros, while a 32-bit length begins with zeros as long as it is below 65536, as that of
 * the first packets is. Not here: TCPS, which is TLS from the first byte and refused; what is in packets.
 *
 * @module
 */
import { readU16, readU32 } from "../../bytes/integers.ts";
import { limitOption } from "../../core/limits.ts";
import { byteCount } from "../../core/words.ts";
import type { ParseFailure, Parser, ParserContext } from "../parser.ts";
import { hexByte } from "./hex_byte.ts";
import { likelyCause, refuse, tooBig } from "./refusal.ts";

/** Options of {@linkcode tns}. */
export interface TnsOptions {
  /** Longest packet with its header, in bytes: the session data unit. @default {2097152} */
  maxPacketBytes?: number | undefined;
  /** Bytes of the length field, where a connection is read from its middle. @default {undefined} (told from the bytes) */
  lengthBytes?: 2 | 4 | undefined;
}

interface TnsState {
  /** Width of the length field; 0 while either may come. */
  width: 0 | 2 | 4;
  /** Types that the next packet may have; undefined for all. */
  first: readonly number[] | undefined;
}

const HEADER = 8;
/** As far as the version in an ACCEPT. */
const ACCEPT_HEAD = 10;
const CONNECT = 1;
const ACCEPT = 2;
const WIDE_VERSION = 315;
const LARGEST_SDU = 2 * 1024 * 1024;

/** CONNECT to CONTROL, and data descriptors. */
const TYPES: ReadonlySet<number> = new Set([1, 2, 3, 4, 5, 6, 7, 9, 11, 12, 13, 14, 15]);
/** What answers a CONNECT: accept, refuse, redirect, resend; markers and controls may come any time. */
const FIRST_OF_SERVER: readonly number[] = [2, 4, 5, 11, 12, 14];

/**
 * Parser for TNS packets.
 *
 * @throws {TypeError | RangeError} when an option is wrong
 * @example
 * ```ts
 * import { tns } from "@leat/streams/parsers";
 * import { assertEquals } from "@std/assert";
 *
 * const parser = tns();
 * const connect = Uint8Array.of(0, 220, 0, 0, 1, 0, 0, 0);
 * assertEquals(parser.parse(connect, 0, 8, parser.start?.({ direction: "client" })), 220);
 * ```
 */
export function tns(options: TnsOptions = {}): Parser {
  const max = limitOption("maxPacketBytes", options.maxPacketBytes, LARGEST_SDU, 512);
  const { lengthBytes } = options;
  if (lengthBytes !== undefined && lengthBytes !== 2 && lengthBytes !== 4) {
    throw new RangeError(`lengthBytes must be 2 or 4, got ${String(lengthBytes)}`);
  }
  return {
    name: "tns",
    maxMessageLength: max,
    start({ direction }: ParserContext): TnsState {
      if (lengthBytes !== undefined) return { width: lengthBytes, first: undefined };
      if (direction === undefined) return { width: 0, first: [CONNECT, ...FIRST_OF_SERVER] };
      return { width: 0, first: direction === "client" ? [CONNECT] : FIRST_OF_SERVER };
    },
    parse(bytes: Uint8Array, start: number, end: number, state: TnsState): number | ParseFailure {
      return parsePacket(bytes, start, end, state, max);
    },
  };
}

function parsePacket(
  bytes: Uint8Array,
  start: number,
  end: number,
  state: TnsState,
  max: number,
): number | ParseFailure {
  if (end - start < HEADER) return -HEADER;
  const type = bytes[start + 4]!;
  const { first } = state;
  if (first === undefined ? !TYPES.has(type) : !first.includes(type)) {
    const what = `packet type ${hexByte(type)} ${first === undefined ? "is unknown" : "does not begin a connection"}`;
    return refuse(what + likelyCause(readU32(bytes, start)));
  }
  const isWide = state.width === 4 || (state.width === 0 && readU16(bytes, start) === 0);
  if (isWide && first !== undefined) return refuse("a connection begins with a length of 16 bits, not 0");
  const length = isWide ? readU32(bytes, start) : readU16(bytes, start);
  if (length < HEADER) return refuse(`packet of ${byteCount(length)} is shorter than its header`);
  if (length > max) return tooBig(`packet of ${length} bytes exceeds maxPacketBytes ${max}`);
  if (type === ACCEPT) {
    if (length < ACCEPT_HEAD) return refuse(`ACCEPT of ${length} bytes has no version`);
    if (end - start < ACCEPT_HEAD) return -ACCEPT_HEAD;
    state.width = readU16(bytes, start + 8) >= WIDE_VERSION ? 4 : 2;
  } else if (isWide) {
    state.width = 4;
  }
  state.first = undefined;
  return length;
}
