/**
 * RTSP 1.0 and 2.0 with interleaved data (RFC 2326, RFC 7826 section 14).
 *
 * Requests, responses and `$` frames share a connection in both directions; an empty line between them is a message of
 * its own. Of headers only Content-Length is read. Not here: RTSP tunnelled in HTTP, which is refused; RTP itself.
 *
 * @module
 */
import { readU16, writeU16 } from "../../bytes/integers.ts";
import { limitOption, needObject } from "../../core/limits.ts";
import type { Encoder } from "../encoder.ts";
import type { ParseFailure, Parser } from "../parser.ts";
import { asciiBytes, COLON, CR, DECIMAL_BAD, indexOfByte, isWord, LF, readDecimal, SP } from "./ascii.ts";
import { hexByte } from "./hex_byte.ts";
import { likelyCauseOfByte, payloadTooBig, refuse, tooBig } from "./refusal.ts";

/** Options of {@linkcode rtsp}. */
export interface RtspOptions {
  /** Longest first line and headers of a message, in bytes. @default {65536} */
  maxHeadBytes?: number | undefined;
  /** Longest body of a message, in bytes. @default {1048576} */
  maxBodyBytes?: number | undefined;
}

interface RtspState {
  /** Start of the line that is read, counted from the start of the message; 0 for the first. */
  line: number;
  /** How far that line was searched for its end. */
  scanned: number;
  /** The message's Content-Length, -1 without one. */
  bodyBytes: number;
}

const DOLLAR = 0x24;
const TAB = 9;
const FRAME_HEADER = 4;
const CONTENT_LENGTH = asciiBytes("CONTENT-LENGTH");
const RTSP_SLASH = asciiBytes("RTSP/");
const HTTP_SLASH = asciiBytes("HTTP/");
/** `RTSP/1.0` */
const VERSION_BYTES = 8;
const MAX_DIGITS = 15;

/**
 * Parser for RTSP, the same in both directions.
 *
 * @throws {TypeError | RangeError} when an option is wrong
 * @example
 * ```ts
 * import { rtsp } from "@leat/streams/parsers";
 * import { assertEquals } from "@std/assert";
 *
 * const parser = rtsp();
 * const state = parser.start?.({});
 * const bytes = new TextEncoder().encode("RTSP/1.0 200 OK\r\nCSeq: 1\r\n\r\n$\0\0\x10");
 * assertEquals(parser.parse(bytes, 0, bytes.length, state), 28);
 * assertEquals(parser.parse(bytes, 28, bytes.length, state), 20);
 * ```
 */
export function rtsp(options: RtspOptions = {}): Parser {
  const maxHeadBytes = limitOption("maxHeadBytes", options.maxHeadBytes, 64 * 1024);
  const maxBodyBytes = limitOption("maxBodyBytes", options.maxBodyBytes, 1024 * 1024, 0);
  return {
    name: "rtsp",
    maxMessageLength: Math.max(maxHeadBytes + maxBodyBytes, FRAME_HEADER + 0xffff),
    maxHeaderBytes: maxHeadBytes,
    start: (): RtspState => ({ line: 0, scanned: 0, bodyBytes: -1 }),
    parse(bytes: Uint8Array, start: number, end: number, state: RtspState): number | ParseFailure {
      const first = bytes[start]!;
      if (first === DOLLAR) {
        return end - start < FRAME_HEADER ? -FRAME_HEADER : FRAME_HEADER + readU16(bytes, start + 2);
      }
      if (first === CR || first === LF) return parseEmptyLine(bytes, start, end);
      return parseText(bytes, start, end, state, maxBodyBytes);
    },
  };
}

function parseEmptyLine(bytes: Uint8Array, start: number, end: number): number | ParseFailure {
  if (bytes[start] === LF) return 1;
  if (end - start < 2) return -2;
  return bytes[start + 1] === LF ? 2 : refuse("carriage return without a line feed");
}

function parseText(
  bytes: Uint8Array,
  start: number,
  end: number,
  state: RtspState,
  maxBodyBytes: number,
): number | ParseFailure {
  const first = bytes[start]!;
  const isLetter = (first >= 65 && first <= 90) || (first >= 97 && first <= 122);
  if (!isLetter) return refuse(`${hexByte(first)} begins neither a message nor a frame${likelyCauseOfByte(first)}`);
  for (;;) {
    const lineFeed = indexOfByte(bytes, LF, start + Math.max(state.line, state.scanned), end);
    if (lineFeed < 0) {
      state.scanned = end - start;
      return -(end - start + 1);
    }
    const from = start + state.line;
    const to = lineFeed > from && bytes[lineFeed - 1] === CR ? lineFeed - 1 : lineFeed;
    const next = lineFeed + 1 - start;
    if (from === to) return endHead(state, next);
    const failure = state.line === 0
      ? checkFirstLine(bytes, from, to)
      : takeHeader(bytes, from, to, lineFeed + 1, state, maxBodyBytes);
    if (failure !== undefined) return failure;
    state.line = next;
  }
}

function endHead(state: RtspState, length: number): number {
  const total = length + Math.max(state.bodyBytes, 0);
  state.line = 0;
  state.scanned = 0;
  state.bodyBytes = -1;
  return total;
}

/** A response begins with the version, a request ends with it. */
function checkFirstLine(bytes: Uint8Array, from: number, to: number): ParseFailure | undefined {
  const behind = to - VERSION_BYTES;
  if (behind < from) return refuse("first line is too short for RTSP");
  if (isWord(bytes, from, RTSP_SLASH)) return undefined;
  if (behind > from && bytes[behind - 1] === SP && isWord(bytes, behind, RTSP_SLASH)) return undefined;
  const isHttp = isWord(bytes, from, HTTP_SLASH) || isWord(bytes, behind, HTTP_SLASH);
  return refuse(isHttp ? "HTTP instead of RTSP, perhaps RTSP tunnelled in it" : "first line names no version of RTSP");
}

/** Reads the header in the line from `from` to `to` if it is Content-Length. */
function takeHeader(
  bytes: Uint8Array,
  from: number,
  to: number,
  end: number,
  state: RtspState,
  maxBodyBytes: number,
): ParseFailure | undefined {
  if (isBlank(bytes[from]!)) return undefined; // continues the header above
  const colon = indexOfByte(bytes, COLON, from, to);
  if (colon < 0) return refuse("header line without a colon");
  let nameEnd = colon;
  while (nameEnd > from && isBlank(bytes[nameEnd - 1]!)) nameEnd--;
  if (nameEnd - from !== CONTENT_LENGTH.length || !isWord(bytes, from, CONTENT_LENGTH)) return undefined;
  let at = colon + 1;
  while (at < to && isBlank(bytes[at]!)) at++;
  // the line end ends the number, so it is never cut
  const length = readDecimal(bytes, at, end, MAX_DIGITS);
  if (length < 0) {
    return length === DECIMAL_BAD
      ? refuse("Content-Length is no number")
      : tooBig("Content-Length is beyond all limits");
  }
  while (at < to && bytes[at]! >= 48 && bytes[at]! <= 57) at++;
  while (at < to && isBlank(bytes[at]!)) at++;
  if (at !== to) return refuse("Content-Length is no number");
  if (length > maxBodyBytes) return tooBig(`body of ${length} bytes exceeds maxBodyBytes ${maxBodyBytes}`);
  if (state.bodyBytes >= 0 && state.bodyBytes !== length) return refuse("two different Content-Lengths");
  state.bodyBytes = length;
  return undefined;
}

function isBlank(byte: number): boolean {
  return byte === SP || byte === TAB;
}

/** Options of {@linkcode rtspInterleavedEncoder}. */
export interface RtspInterleavedEncoderOptions {
  /** Number of the channel, 0 to 255. */
  channel: number;
}

/**
 * Encoder for the `$` frames of RTSP: a payload is one RTP or RTCP packet.
 *
 * @throws {RangeError} when there is no such channel
 * @example
 * ```ts
 * import { rtspInterleavedEncoder } from "@leat/streams/parsers";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(rtspInterleavedEncoder({ channel: 1 }).encode(new Uint8Array(28))[0], Uint8Array.of(0x24, 1, 0, 28));
 * ```
 */
export function rtspInterleavedEncoder(options: RtspInterleavedEncoderOptions): Encoder {
  needObject("options", options);
  const { channel } = options;
  if (!Number.isInteger(channel) || channel < 0 || channel > 255) {
    throw new RangeError(`channel must be within 0 to 255, got ${String(channel)}`);
  }
  return {
    name: "rtsp",
    encode(payload: Uint8Array): readonly Uint8Array[] {
      if (payload.length > 0xffff) throw payloadTooBig("rtsp", payload.length, 0xffff);
      const header = Uint8Array.of(DOLLAR, channel, 0, 0);
      writeU16(header, 2, payload.length);
      return [header, payload];
    },
  };
}
