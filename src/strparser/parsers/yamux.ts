/**
 * Yamux frames (HashiCorp's specification of yamux, version 0).
 *
 * Only a data frame has bytes behind its header; in the others the length field is a window, a ping's number or a reason.
 * Not here: streams, windows.
 *
 * @module
 */
import { readU16, readU32, writeU16, writeU32 } from "../../bytes/integers.ts";
import { limitOption } from "../../core/limits.ts";
import type { Encoder } from "../encoder.ts";
import type { ParseFailure, Parser } from "../parser.ts";
import { hexByte } from "./hex_byte.ts";
import { likelyCauseOfByte, payloadTooBig, refuse, tooBig, unencodable } from "./refusal.ts";

/** Options of {@linkcode yamux} and {@linkcode yamuxEncoder}. */
export interface YamuxOptions {
  /** Longest data of a frame, in bytes: the largest window that the receiver grants. @default {16777216} */
  maxDataBytes?: number | undefined;
}

const HEADER = 12;
const DATA = 0;
const PING = 2;
const GO_AWAY = 3;
/** SYN, ACK, FIN, RST */
const FLAGS = 0x0f;
const DEFAULT_MAX = 16 * 1024 * 1024;

/**
 * Parser for yamux, the same in both directions.
 *
 * @throws {TypeError | RangeError} when an option is wrong
 * @example
 * ```ts
 * import { yamux } from "@leat/streams/parsers";
 * import { assertEquals } from "@std/assert";
 *
 * const ping = Uint8Array.of(0, 2, 0, 1, 0, 0, 0, 0, 0, 0, 0, 7);
 * assertEquals(yamux().parse(ping, 0, 12, undefined), 12);
 * ```
 */
export function yamux(options: YamuxOptions = {}): Parser {
  const max = limitOption("maxDataBytes", options.maxDataBytes, DEFAULT_MAX);
  return {
    name: "yamux",
    maxMessageLength: HEADER + max,
    parse: (bytes: Uint8Array, start: number, end: number) => parseFrame(bytes, start, end, max),
  };
}

function parseFrame(bytes: Uint8Array, start: number, end: number, max: number): number | ParseFailure {
  const version = bytes[start]!;
  if (version !== 0) return refuse(`version ${hexByte(version)} instead of 0${likelyCauseOfByte(version)}`);
  if (end - start < HEADER) return -HEADER;
  const type = bytes[start + 1]!;
  if (type > GO_AWAY) return refuse(`frame type ${hexByte(type)} is unknown`);
  const flags = readU16(bytes, start + 2);
  if ((flags & ~FLAGS) !== 0) return refuse(`flags 0x${flags.toString(16).padStart(4, "0")} are unknown`);
  const isOnStream = readU32(bytes, start + 4) !== 0;
  const isOfSession = type === PING || type === GO_AWAY;
  if (isOnStream === isOfSession) {
    return refuse(`frame of type ${hexByte(type)} ${isOnStream ? "on a stream" : "without a stream"}`);
  }
  if (type !== DATA) return HEADER;
  const length = readU32(bytes, start + 8);
  return length > max ? tooBig(`data of ${length} bytes exceeds maxDataBytes ${max}`) : HEADER + length;
}

/** What {@linkcode yamuxEncoder} puts into a data frame. */
export interface YamuxData {
  /** Number of the stream; not 0. */
  readonly stream: number;
  /** 1 for SYN, 2 for ACK, 4 for FIN, 8 for RST, or their sum. @default {0} */
  readonly flags?: number | undefined;
  /** What the stream carries. */
  readonly data: Uint8Array;
}

/**
 * Encoder for yamux' data frames.
 *
 * @throws {TypeError | RangeError} when an option is wrong
 * @example
 * ```ts
 * import { yamuxEncoder } from "@leat/streams/parsers";
 * import { assertEquals } from "@std/assert";
 *
 * const [header] = yamuxEncoder().encode({ stream: 1, flags: 1, data: new Uint8Array(3) });
 * assertEquals(header, Uint8Array.of(0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 3));
 * ```
 */
export function yamuxEncoder(options: YamuxOptions = {}): Encoder<YamuxData> {
  const max = Math.min(limitOption("maxDataBytes", options.maxDataBytes, DEFAULT_MAX), 0xffffffff);
  return {
    name: "yamux",
    encode({ stream, flags = 0, data }: YamuxData): readonly Uint8Array[] {
      if (stream <= 0 || stream !== stream >>> 0) throw unencodable("yamux", `there is no stream ${stream}`);
      if ((flags & ~FLAGS) !== 0) throw unencodable("yamux", `flags ${flags} are unknown`);
      if (data.length > max) throw payloadTooBig("yamux", data.length, max);
      const header = new Uint8Array(HEADER);
      writeU16(header, 2, flags);
      writeU32(header, 4, stream);
      writeU32(header, 8, data.length);
      return [header, data];
    },
  };
}
