/**
 * ZMTP 3, the protocol of ZeroMQ (ZeroMQ RFC 23 and 37).
 *
 * The greeting of 64 bytes is a message of its own. A message of this parser is then one frame, or with `whole` all
 * frames of a ZeroMQ message; commands are always one frame. Not here: ZMTP 1 and 2, which are refused; what a security
 * mechanism has encrypted, whose frames are delineated all the same.
 *
 * @module
 */
import { readU32, writeU32 } from "../../bytes/integers.ts";
import { limitOption } from "../../core/limits.ts";
import type { Encoder } from "../encoder.ts";
import type { ParseFailure, Parser } from "../parser.ts";
import { hexByte } from "./hex_byte.ts";
import { likelyCauseOfByte, payloadTooBig, refuse, tooBig, unencodable } from "./refusal.ts";
import { parseWhole, type WholeState } from "./whole.ts";

/** Options of {@linkcode zmtp}. */
export interface ZmtpOptions {
  /** Deliver whole messages instead of frames. @default {false} */
  whole?: boolean | undefined;
  /** Longest body of a frame, in bytes. @default {Infinity} */
  maxFrameBytes?: number | undefined;
}

interface ZmtpState extends WholeState {
  isGreeted: boolean;
  /** Whether the next frame continues a message. */
  isInside: boolean;
}

const GREETING = 64;
/** As far as the major version. */
const GREETING_HEAD = 11;
const SHORT_HEADER = 2;
const LONG_HEADER = 9;
const MORE = 1;
const LONG = 2;
const COMMAND = 4;
const SHORTEST_COMMAND = 1;
const TWO_32 = 0x100000000;

/**
 * Parser for ZMTP 3, the same in both directions.
 *
 * @throws {TypeError | RangeError} when an option is wrong
 * @example
 * ```ts
 * import { zmtp } from "@leat/streams/parsers";
 * import { assertEquals } from "@std/assert";
 *
 * const parser = zmtp();
 * const state = parser.start?.({});
 * const bytes = new Uint8Array(69);
 * bytes.set([0xff, 0, 0, 0, 0, 0, 0, 0, 1, 0x7f, 3, 1]);
 * bytes.set([0, 3, 97, 98, 99], 64);
 * assertEquals(parser.parse(bytes, 0, 69, state), 64);
 * assertEquals(parser.parse(bytes, 64, 69, state), 5);
 * ```
 */
export function zmtp(options: ZmtpOptions = {}): Parser {
  const max = limitOption("maxFrameBytes", options.maxFrameBytes, Infinity, 0);
  const frame = (bytes: Uint8Array, start: number, end: number, state: ZmtpState) =>
    state.isGreeted ? parseFrame(bytes, start, end, state, max) : parseGreeting(bytes, start, end, state);
  const start = (): ZmtpState => ({ at: 0, isGreeted: false, isInside: false });
  if (options.whole === true) {
    const parse = (bytes: Uint8Array, start: number, end: number, state: ZmtpState) =>
      parseWhole(bytes, start, end, state, frame, isLastFrame);
    return { name: "zmtp", maxHeaderBytes: Infinity, start, parse };
  }
  return { name: "zmtp", start, parse: frame };
}

/** The greeting's first byte is the only one with the top bit. */
function isLastFrame(bytes: Uint8Array, start: number): boolean {
  return (bytes[start]! & MORE) === 0 || bytes[start]! === 0xff;
}

function parseGreeting(bytes: Uint8Array, start: number, end: number, state: ZmtpState): number | ParseFailure {
  const first = bytes[start]!;
  if (first !== 0xff) {
    return refuse(`greeting begins with ${hexByte(first)} instead of 0xff; ZMTP 1${likelyCauseOfByte(first)}`);
  }
  if (end - start < GREETING_HEAD) return -GREETING_HEAD;
  const last = bytes[start + 9]!;
  if (last !== 0x7f) return refuse(`signature ends with ${hexByte(last)} instead of 0x7f`);
  const major = bytes[start + 10]!;
  if (major < 3) return refuse(`version ${major} of ZMTP is older than 3`);
  state.isGreeted = true;
  return GREETING;
}

function parseFrame(
  bytes: Uint8Array,
  start: number,
  end: number,
  state: ZmtpState,
  max: number,
): number | ParseFailure {
  const flags = bytes[start]!;
  const isCommand = (flags & COMMAND) !== 0;
  if (flags > (MORE | LONG | COMMAND)) return refuse(`frame flags ${hexByte(flags)} are reserved`);
  if (isCommand && (flags & MORE) !== 0) return refuse("command that wants to be continued");
  if (isCommand && state.isInside) return refuse("command within a message");
  const header = (flags & LONG) === 0 ? SHORT_HEADER : LONG_HEADER;
  if (end - start < header) return -header;
  const length = header === SHORT_HEADER
    ? bytes[start + 1]!
    : readU32(bytes, start + 1) * TWO_32 + readU32(bytes, start + 5);
  if (length > Number.MAX_SAFE_INTEGER - LONG_HEADER) return tooBig("frame length is beyond 2^53");
  if (length > max) return tooBig(`frame of ${length} bytes exceeds maxFrameBytes ${max}`);
  if (isCommand && length < SHORTEST_COMMAND) return refuse("command without a name");
  state.isInside = (flags & MORE) !== 0;
  return header + length;
}

/** Options of {@linkcode zmtpEncoder}. */
export interface ZmtpEncoderOptions {
  /** Longest body of a frame, in bytes. @default {Infinity} */
  maxFrameBytes?: number | undefined;
}

/**
 * Encoder for ZMTP's messages: a payload is the bodies of its frames, one at least. Only `whole` parsers join several
 * again. The greeting and commands are for the caller to write.
 *
 * @throws {TypeError | RangeError} when an option is wrong
 * @example
 * ```ts
 * import { zmtpEncoder } from "@leat/streams/parsers";
 * import { assertEquals } from "@std/assert";
 *
 * const parts = zmtpEncoder().encode([new Uint8Array(0), Uint8Array.of(7)]);
 * assertEquals(parts.map((part) => [...part]), [[1, 0], [], [0, 1], [7]]);
 * ```
 */
export function zmtpEncoder(options: ZmtpEncoderOptions = {}): Encoder<readonly Uint8Array[]> {
  const max = limitOption("maxFrameBytes", options.maxFrameBytes, Infinity, 0);
  return {
    name: "zmtp",
    encode(frames: readonly Uint8Array[]): readonly Uint8Array[] {
      if (frames.length === 0) throw unencodable("zmtp", "message without frames");
      return frames.flatMap((body, i) => {
        if (body.length > max) throw payloadTooBig("zmtp", body.length, max);
        return [frameHeader(body.length, i < frames.length - 1 ? MORE : 0), body];
      });
    },
  };
}

function frameHeader(length: number, flags: number): Uint8Array {
  if (length <= 0xff) return Uint8Array.of(flags, length);
  const header = new Uint8Array(LONG_HEADER);
  header[0] = flags | LONG;
  writeU32(header, 1, Math.floor(length / TWO_32));
  writeU32(header, 5, length % TWO_32);
  return header;
}
