/**
 * The native protocol of Cassandra (CQL binary protocol, native_protocol_v1.spec to native_protocol_v5.spec).
 *
 * A message is one frame ("envelope" in version 5). From version 5 on, frames lie in checksummed segments as soon as
 * the client has sent STARTUP and the server has answered it; from there on a message is one segment, which may have
 * several frames in it or a part of one. Whether segments are compressed (by LZ4, with a longer header) shows in the
 * checksum of the first header. Not here: the checksum of the payload, decompression, frames inside segments,
 * versions other than 1 to 5.
 *
 * @module
 */
import { readU24le, readU32 } from "../../bytes/integers.ts";
import { limitOption } from "../../core/limits.ts";
import type { ParseFailure, Parser, ParserContext } from "../parser.ts";
import { hexByte } from "./hex_byte.ts";
import { likelyCauseOfByte, refuse, tooBig } from "./refusal.ts";

/** Options of {@linkcode cassandra}. */
export interface CassandraOptions {
  /** Longest body of a frame, in bytes: `native_transport_max_frame_size`. @default {268435456} */
  maxFrameBytes?: number | undefined;
}

interface CassandraState {
  direction: "client" | "server" | undefined;
  /** Header of what comes next: of a frame, of a segment not known which, of one that is plain or LZ4. */
  mode: "frame" | "segment" | "plain" | "lz4";
}

const DEFAULT_MAX = 256 * 1024 * 1024;
const LARGEST_VERSION = 5;
/** Versions before this one number streams with one byte. */
const WIDE_STREAMS = 3;
const RESPONSE = 0x80;
const STARTUP = 1;
const READY = 2;
const AUTHENTICATE = 3;

/** Startup, credentials, options, query, prepare, execute, register, batch, answer to a challenge. */
const REQUESTS: ReadonlySet<number> = new Set([1, 4, 5, 7, 9, 10, 11, 13, 15]);
/** Error, ready, authenticate, supported, result, event, challenge, success. */
const RESPONSES: ReadonlySet<number> = new Set([0, 2, 3, 6, 8, 12, 14, 16]);

const PLAIN_FIELDS = 3;
const LZ4_FIELDS = 5;
const CRC24 = 3;
const CRC32 = 4;
const LENGTH_BITS = 0x1ffff;

/**
 * Parser for Cassandra connections from their first byte on. Where the direction is unknown the first frame tells it.
 *
 * @throws {TypeError | RangeError} when an option is wrong
 * @example
 * ```ts
 * import { cassandra } from "@leat/streams/parsers";
 * import { assertEquals } from "@std/assert";
 *
 * const parser = cassandra();
 * const options = Uint8Array.of(4, 0, 0, 0, 5, 0, 0, 0, 0);
 * assertEquals(parser.parse(options, 0, 9, parser.start?.({ direction: "client" })), 9);
 * ```
 */
export function cassandra(options: CassandraOptions = {}): Parser {
  const max = limitOption("maxFrameBytes", options.maxFrameBytes, DEFAULT_MAX);
  return {
    name: "cassandra",
    start({ direction }: ParserContext): CassandraState {
      return { direction, mode: "frame" };
    },
    parse(bytes: Uint8Array, start: number, end: number, state: CassandraState): number | ParseFailure {
      return state.mode === "frame"
        ? parseFrame(bytes, start, end, state, max)
        : parseSegment(bytes, start, end, state, state.mode);
    },
  };
}

function parseFrame(
  bytes: Uint8Array,
  start: number,
  end: number,
  state: CassandraState,
  max: number,
): number | ParseFailure {
  const first = bytes[start]!;
  const version = first & ~RESPONSE;
  if (version < 1 || version > LARGEST_VERSION) {
    return refuse(`version ${hexByte(first)} is unknown${likelyCauseOfByte(first)}`);
  }
  const direction = first >= RESPONSE ? "server" : "client";
  if (state.direction !== undefined && direction !== state.direction) {
    return refuse(`version ${hexByte(first)} is that of a ${direction === "client" ? "request" : "response"}`);
  }
  const header = version < WIDE_STREAMS ? 8 : 9;
  if (end - start < header) return -header;
  const opcode = bytes[start + header - 5]!;
  if (!(direction === "client" ? REQUESTS : RESPONSES).has(opcode)) {
    return refuse(`opcode ${hexByte(opcode)} is unknown to the ${direction}`);
  }
  const length = readU32(bytes, start + header - 4);
  if (length > 0x7fffffff) return refuse("length of a frame is negative");
  if (length > max) return tooBig(`frame of ${length} bytes exceeds maxFrameBytes ${max}`);
  state.direction = direction;
  const ends = direction === "client" ? opcode === STARTUP : opcode === READY || opcode === AUTHENTICATE;
  if (version === LARGEST_VERSION && ends) state.mode = "segment";
  return header + length;
}

function parseSegment(
  bytes: Uint8Array,
  start: number,
  end: number,
  state: CassandraState,
  mode: "segment" | "plain" | "lz4",
): number | ParseFailure {
  const fields = mode === "lz4" ? LZ4_FIELDS : PLAIN_FIELDS;
  if (end - start < fields + CRC24) return -(fields + CRC24);
  if (hasChecksum(bytes, start, fields)) {
    if (mode === "segment") state.mode = "plain";
  } else if (mode === "segment") {
    if (end - start < LZ4_FIELDS + CRC24) return -(LZ4_FIELDS + CRC24);
    if (!hasChecksum(bytes, start, LZ4_FIELDS)) return refuse("checksum of a segment's header is wrong");
    state.mode = "lz4";
  } else {
    return refuse("checksum of a segment's header is wrong");
  }
  const header = (state.mode === "lz4" ? LZ4_FIELDS : PLAIN_FIELDS) + CRC24;
  // 17 bits: the length, of the compressed payload where there is one
  return header + (readU24le(bytes, start) & LENGTH_BITS) + CRC32;
}

/** Whether the CRC-24 behind the fields of a segment's header is theirs. */
function hasChecksum(bytes: Uint8Array, start: number, fields: number): boolean {
  let crc = 0x875060;
  for (let i = 0; i < fields; i++) {
    crc ^= bytes[start + i]! << 16;
    for (let bit = 0; bit < 8; bit++) {
      crc <<= 1;
      if ((crc & 0x1000000) !== 0) crc ^= 0x1974f0b;
    }
  }
  return crc === readU24le(bytes, start + fields);
}
