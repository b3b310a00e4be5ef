/**
 * HTTP/2 frames (RFC 9113 sections 3.4, 4.1 and 6).
 *
 * The client's connection preface is a message of its own. A frame is not an HTTP message. Frame headers are checked
 * as far as they go without a stream table, so that lost synchronisation shows early. Not here: payloads, HPACK, the
 * peer's SETTINGS (the frame size that they allow is an option).
 *
 * @module
 */
import { readU24, readU32 } from "../../bytes/integers.ts";
import { limitOption } from "../../core/limits.ts";
import { byteCount } from "../../core/words.ts";
import type { ParseFailure, Parser, ParserContext } from "../parser.ts";

/** Options of {@linkcode http2}. */
export interface Http2Options {
  /** Longest payload of a frame, in bytes: the receiver's SETTINGS_MAX_FRAME_SIZE. @default {16777215} */
  maxFrameSize?: number | undefined;
}

interface Http2State {
  /** What the next message has to be. */
  expects: "preface" | "preface or frame" | "settings" | "frame";
}

/** `PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n` */
const PREFACE = Uint8Array.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", (c) => c.charCodeAt(0));
const HEADER = 9;
const LARGEST_FRAME = 0xffffff;
const SETTINGS = 4;
const ACK = 1;

/** By frame type: shortest and longest payload, and whether it belongs to a stream (undefined: either). */
const FRAMES: readonly (readonly [name: string, min: number, max: number, hasStream: boolean | undefined])[] = [
  ["DATA", 0, LARGEST_FRAME, true],
  ["HEADERS", 0, LARGEST_FRAME, true],
  ["PRIORITY", 5, 5, true],
  ["RST_STREAM", 4, 4, true],
  ["SETTINGS", 0, LARGEST_FRAME, false],
  ["PUSH_PROMISE", 4, LARGEST_FRAME, true],
  ["PING", 8, 8, false],
  ["GOAWAY", 8, LARGEST_FRAME, false],
  ["WINDOW_UPDATE", 4, 4, undefined],
  ["CONTINUATION", 0, LARGEST_FRAME, true],
];

/**
 * Parser for HTTP/2 in clear text.
 *
 * A client has to begin with the preface and then SETTINGS, a server with SETTINGS; where the direction is unknown
 * the bytes decide, and a stream may begin with any frame.
 *
 * @throws {TypeError | RangeError} when an option is wrong
 * @example
 * ```ts
 * import { http2 } from "@leat/streams/parsers";
 * import { assertEquals } from "@std/assert";
 *
 * const parser = http2();
 * const settings = Uint8Array.of(0, 0, 12, 4, 0, 0, 0, 0, 0);
 * assertEquals(parser.parse(settings, 0, 9, parser.start?.({ direction: "server" })), 21);
 * ```
 */
export function http2(options: Http2Options = {}): Parser {
  const maxFrameSize = limitOption("maxFrameSize", options.maxFrameSize, LARGEST_FRAME, 16384);
  return {
    name: "http2",
    maxMessageLength: HEADER + Math.min(maxFrameSize, LARGEST_FRAME),
    start({ direction }: ParserContext): Http2State {
      if (direction === undefined) return { expects: "preface or frame" };
      return { expects: direction === "client" ? "preface" : "settings" };
    },
    parse(bytes: Uint8Array, start: number, end: number, state: Http2State): number | ParseFailure {
      if (state.expects !== "frame") return parseFirst(bytes, start, end, state);
      return parseFrame(bytes, start, end);
    },
  };
}

function parseFirst(bytes: Uint8Array, start: number, end: number, state: Http2State): number | ParseFailure {
  if (state.expects === "settings") return parseSettings(bytes, start, end, state);
  const seen = Math.min(end - start, PREFACE.length);
  let same = 0;
  while (same < seen && bytes[start + same] === PREFACE[same]) same++;
  if (same === PREFACE.length) {
    state.expects = "settings";
    return PREFACE.length;
  }
  if (same === seen) return -PREFACE.length;
  if (state.expects === "preface") return refuse("client does not begin with the HTTP/2 preface");
  const length = parseFrame(bytes, start, end);
  if (typeof length === "number" && length > 0) state.expects = "frame";
  return length;
}

function parseSettings(bytes: Uint8Array, start: number, end: number, state: Http2State): number | ParseFailure {
  if (end - start < HEADER) return -HEADER;
  const isSettings = bytes[start + 3] === SETTINGS && (bytes[start + 4]! & ACK) === 0;
  if (!isSettings) return refuse("first frame is not SETTINGS");
  const length = parseFrame(bytes, start, end);
  if (typeof length === "number") state.expects = "frame";
  return length;
}

/** Tells the length of a frame from its header. Internal to the parser and its encoder. */
export function parseFrame(bytes: Uint8Array, start: number, end: number): number | ParseFailure {
  if (end - start < HEADER) return -HEADER;
  const length = readU24(bytes, start);
  const type = bytes[start + 3]!;
  const frame = FRAMES[type];
  // types unknown here are extensions, and allowed
  if (frame === undefined) return HEADER + length;
  const [name, min, max, hasStream] = frame;
  if (length < min || length > max) return refuse(`${name} frame of ${byteCount(length)}`);
  const onStream = (readU32(bytes, start + 5) & 0x7fffffff) !== 0;
  if (hasStream !== undefined && hasStream !== onStream) {
    return refuse(`${name} frame ${onStream ? "on a stream" : "without a stream"}`);
  }
  if (type === SETTINGS && length % 6 !== 0) return refuse(`SETTINGS frame of ${length} bytes`);
  if (type === SETTINGS && (bytes[start + 4]! & ACK) !== 0 && length !== 0) {
    return refuse("SETTINGS ACK with a payload");
  }
  return HEADER + length;
}

function refuse(reason: string): ParseFailure {
  return { code: "EPROTO", reason };
}
