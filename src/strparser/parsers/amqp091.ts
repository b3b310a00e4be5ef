/**
 * AMQP 0-9-1 frames (AMQP Version 0-9-1 specification, sections 4.2.2 and 4.2.3), as RabbitMQ and others speak it.
 *
 * The client begins with a protocol header of 8 bytes, which is a message; so is the one that a server answers instead
 * of a frame, if it wants another version. The last byte of a frame is checked, since a receiver must look at it first;
 * the length of a frame is therefore told only when all of it is there. Not here: methods, content spread over frames,
 * AMQP 1.0 (a parser of its own).
 *
 * @module
 */
import { readU16, readU32, writeU16, writeU32 } from "../../bytes/integers.ts";
import { limitOption } from "../../core/limits.ts";
import { byteCount } from "../../core/words.ts";
import type { Encoder } from "../encoder.ts";
import type { ParseFailure, Parser, ParserContext } from "../parser.ts";
import { hexByte } from "./hex_byte.ts";
import { likelyCauseOfByte, payloadTooBig, refuse, tooBig, unencodable } from "./refusal.ts";

/** Options of {@linkcode amqp091} and {@linkcode amqp091Encoder}. */
export interface Amqp091Options {
  /** Longest frame with its header and end, in bytes: the negotiated `frame-max`, 4096 at least. @default {131072} */
  maxFrameBytes?: number | undefined;
}

interface AmqpState {
  /** What the next message may be. */
  expects: "header" | "header or frame" | "frame" | "nothing";
  readonly direction: "client" | "server" | undefined;
}

const PROTOCOL_HEADER = Uint8Array.of(0x41, 0x4d, 0x51, 0x50, 0, 0, 9, 1);
const HEADER = 7;
/** Header and end. */
const AROUND = 8;
const FRAME_END = 0xce;
const SMALLEST_FRAME_MAX = 4096;
const DEFAULT_MAX = 131072;
const HEARTBEAT = 8;

/** Shortest payload by frame type: method, header, body, heartbeat. */
const SHORTEST: ReadonlyMap<number, number> = new Map([[1, 4], [2, 14], [3, 0], [HEARTBEAT, 0]]);

/**
 * Parser for AMQP 0-9-1 connections from their first byte on.
 *
 * @throws {TypeError | RangeError} when an option is wrong
 * @example
 * ```ts
 * import { amqp091 } from "@leat/streams/parsers";
 * import { assertEquals } from "@std/assert";
 *
 * const parser = amqp091();
 * const heartbeat = Uint8Array.of(8, 0, 0, 0, 0, 0, 0, 0xce);
 * assertEquals(parser.parse(heartbeat, 0, 8, parser.start?.({ direction: "server" })), 8);
 * ```
 */
export function amqp091(options: Amqp091Options = {}): Parser {
  const max = limitOption("maxFrameBytes", options.maxFrameBytes, DEFAULT_MAX, SMALLEST_FRAME_MAX);
  return {
    name: "amqp091",
    maxMessageLength: Math.min(max, 0xffffffff),
    maxHeaderBytes: Math.min(max, 0xffffffff),
    start({ direction }: ParserContext): AmqpState {
      return { expects: direction === "client" ? "header" : "header or frame", direction };
    },
    parse(bytes: Uint8Array, start: number, end: number, state: AmqpState): number | ParseFailure {
      if (state.expects === "nothing") return refuse("bytes behind the server's answer that it wants another version");
      if (state.expects === "header") return parseHeader(bytes, start, end, state);
      if (state.expects === "header or frame" && bytes[start] === PROTOCOL_HEADER[0]) {
        return parseHeader(bytes, start, end, state);
      }
      return parseFrame(bytes, start, end, state, max);
    },
  };
}

function parseHeader(bytes: Uint8Array, start: number, end: number, state: AmqpState): number | ParseFailure {
  const seen = Math.min(end - start, 4);
  for (let i = 0; i < seen; i++) {
    if (bytes[start + i] !== PROTOCOL_HEADER[i]) {
      return refuse(`connection does not begin with a protocol header${likelyCauseOfByte(bytes[start]!)}`);
    }
  }
  if (end - start < PROTOCOL_HEADER.length) return -PROTOCOL_HEADER.length;
  const [id, major, minor, revision] = [bytes[start + 4]!, bytes[start + 5]!, bytes[start + 6]!, bytes[start + 7]!];
  if (id !== 0 || major !== 0 || minor !== 9 || revision !== 1) {
    const version = major === 1 ? "AMQP 1.0" : `AMQP ${major}-${minor}-${revision}`;
    return refuse(`protocol header is that of ${version}${id === 0 ? "" : `, protocol ${id}`}`);
  }
  // a server closes behind its header; without a direction it is taken for a client's
  state.expects = state.direction === "server" ? "nothing" : "frame";
  return PROTOCOL_HEADER.length;
}

function parseFrame(
  bytes: Uint8Array,
  start: number,
  end: number,
  state: AmqpState,
  max: number,
): number | ParseFailure {
  const type = bytes[start]!;
  const shortest = SHORTEST.get(type);
  if (shortest === undefined) return refuse(`frame type ${hexByte(type)} is unknown${likelyCauseOfByte(type)}`);
  if (end - start < HEADER) return -HEADER;
  const channel = readU16(bytes, start + 1);
  const size = readU32(bytes, start + 3);
  if (size < shortest) return refuse(`frame of type ${type} with ${byteCount(size)}`);
  if (type === HEARTBEAT && (size !== 0 || channel !== 0)) {
    return refuse(`heartbeat with ${byteCount(size)} on channel ${channel}`);
  }
  if (size > max - AROUND) return tooBig(`frame of ${size + AROUND} bytes exceeds maxFrameBytes ${max}`);
  const total = size + AROUND;
  if (end - start < total) return -total;
  const last = bytes[start + total - 1]!;
  if (last !== FRAME_END) return refuse(`frame ends with ${hexByte(last)} instead of ${hexByte(FRAME_END)}`);
  state.expects = "frame";
  return total;
}

/** What {@linkcode amqp091Encoder} puts into a frame. */
export interface Amqp091Frame {
  /** 1 method, 2 header, 3 body, 8 heartbeat. */
  readonly type: number;
  /** Channel number. */
  readonly channel: number;
  /** What is between header and end. */
  readonly payload: Uint8Array;
}

/**
 * Encoder for frames of AMQP 0-9-1. The protocol header in front of them is the caller's to write.
 *
 * @throws {TypeError | RangeError} when an option is wrong
 * @example
 * ```ts
 * import { amqp091Encoder } from "@leat/streams/parsers";
 * import { assertEquals } from "@std/assert";
 *
 * const [header] = amqp091Encoder().encode({ type: 3, channel: 1, payload: new Uint8Array(5) });
 * assertEquals(header, Uint8Array.of(3, 0, 1, 0, 0, 0, 5));
 * ```
 */
export function amqp091Encoder(options: Amqp091Options = {}): Encoder<Amqp091Frame> {
  const limit = limitOption("maxFrameBytes", options.maxFrameBytes, DEFAULT_MAX, SMALLEST_FRAME_MAX);
  const max = Math.min(limit, 0xffffffff) - AROUND;
  return {
    name: "amqp091",
    encode({ type, channel, payload }: Amqp091Frame): readonly Uint8Array[] {
      const shortest = SHORTEST.get(type);
      if (shortest === undefined) throw unencodable("amqp091", `frame type ${type} is unknown`);
      if (channel !== (channel & 0xffff)) throw unencodable("amqp091", `channel ${channel} is not of 16 bits`);
      if (payload.length > max) throw payloadTooBig("amqp091", payload.length, max);
      const isOddHeartbeat = type === HEARTBEAT && (payload.length > 0 || channel !== 0);
      if (payload.length < shortest || isOddHeartbeat) {
        throw unencodable("amqp091", `frame of type ${type} with ${byteCount(payload.length)} on channel ${channel}`);
      }
      const header = new Uint8Array(HEADER);
      header[0] = type;
      writeU16(header, 1, channel);
      writeU32(header, 3, payload.length);
      return [header, payload, Uint8Array.of(FRAME_END)];
    },
  };
}
