/**
 * AMQP 1.0 frames (OASIS AMQP Version 1.0, part 2 sections 2.2 and 2.3, part 5 section 5.3).
 *
 * Both ends begin with a protocol header of 8 bytes, which is a message, and with SASL there is a second one behind the
 * SASL frames. Behind the header that asks for TLS nothing is readable here, and is `EPROTO` with that reason. Not
 * here: performatives, transfers spread over frames, AMQP 0-9-1 (a parser of its own).
 *
 * @module
 */
import { readU32, writeU16, writeU32 } from "../../bytes/integers.ts";
import { limitOption } from "../../core/limits.ts";
import { byteCount } from "../../core/words.ts";
import type { Encoder } from "../encoder.ts";
import type { ParseFailure, Parser } from "../parser.ts";
import { hexByte } from "./hex_byte.ts";
import { likelyCause, payloadTooBig, refuse, tooBig, unencodable } from "./refusal.ts";

/** Options of {@linkcode amqp10} and {@linkcode amqp10Encoder}. */
export interface Amqp10Options {
  /** Longest frame, in bytes: the negotiated `max-frame-size`, 512 at least. @default {1048576} */
  maxFrameBytes?: number | undefined;
}

interface Amqp10State {
  /** What the next message may be: a header first, after it frames of its layer, with SASL another header too. */
  layer: "none" | "amqp" | "sasl" | "tls";
}

const SIZE = 4;
const HEADER = 8;
const SMALLEST_MAX = 512;
const DEFAULT_MAX = 1024 * 1024;
const LARGEST = 0xffffffff;
/** "AMQP" as a number, far above the size of any frame. */
const AMQP = 0x414d5150;
/** By protocol id. */
const LAYERS: ReadonlyMap<number, "amqp" | "tls" | "sasl"> = new Map([[0, "amqp"], [2, "tls"], [3, "sasl"]] as const);
const AMQP_FRAME = 0;
const SASL_FRAME = 1;

/**
 * Parser for AMQP 1.0 connections from their first byte on, the same in both directions.
 *
 * @throws {TypeError | RangeError} when an option is wrong
 * @example
 * ```ts
 * import { amqp10 } from "@leat/streams/parsers";
 * import { assertEquals } from "@std/assert";
 *
 * const parser = amqp10();
 * const state = parser.start?.({});
 * const bytes = Uint8Array.of(0x41, 0x4d, 0x51, 0x50, 0, 1, 0, 0, 0, 0, 0, 35, 2, 0, 0, 0);
 * assertEquals(parser.parse(bytes, 0, 16, state), 8);
 * assertEquals(parser.parse(bytes, 8, 16, state), 35);
 * ```
 */
export function amqp10(options: Amqp10Options = {}): Parser {
  const max = Math.min(limitOption("maxFrameBytes", options.maxFrameBytes, DEFAULT_MAX, SMALLEST_MAX), LARGEST);
  return {
    name: "amqp10",
    maxMessageLength: max,
    start: (): Amqp10State => ({ layer: "none" }),
    parse(bytes: Uint8Array, start: number, end: number, state: Amqp10State): number | ParseFailure {
      if (state.layer === "tls") {
        return refuse("TLS after its protocol header; the rest of this connection is encrypted");
      }
      if (end - start < SIZE) return -SIZE;
      const size = readU32(bytes, start);
      if (size === AMQP && state.layer !== "amqp") return parseHeader(bytes, start, end, state);
      if (state.layer === "none") return refuse(`connection does not begin with a protocol header${likelyCause(size)}`);
      return parseFrame(bytes, start, end, size, state.layer, max);
    },
  };
}

function parseHeader(bytes: Uint8Array, start: number, end: number, state: Amqp10State): number | ParseFailure {
  if (end - start < HEADER) return -HEADER;
  const id = bytes[start + 4]!;
  const [major, minor, revision] = [bytes[start + 5]!, bytes[start + 6]!, bytes[start + 7]!];
  if (major !== 1 || minor !== 0 || revision !== 0) {
    return refuse(`protocol header is that of AMQP ${major}-${minor}-${revision}`);
  }
  const layer = LAYERS.get(id);
  if (layer === undefined) return refuse(`protocol id ${id} is unknown`);
  if (layer === state.layer) return refuse("protocol header for SASL within SASL");
  state.layer = layer;
  return HEADER;
}

function parseFrame(
  bytes: Uint8Array,
  start: number,
  end: number,
  size: number,
  layer: "amqp" | "sasl",
  max: number,
): number | ParseFailure {
  if (size < HEADER) return refuse(`frame of ${byteCount(size)} is shorter than its header`);
  if (size > max) return tooBig(`frame of ${size} bytes exceeds maxFrameBytes ${max}${likelyCause(size)}`);
  if (end - start < HEADER) return -HEADER;
  const offset = bytes[start + 4]!;
  const type = bytes[start + 5]!;
  // in units of 4 bytes
  if (offset < 2 || offset * 4 > size) return refuse(`data offset ${offset} in a frame of ${byteCount(size)}`);
  if (type !== (layer === "amqp" ? AMQP_FRAME : SASL_FRAME)) {
    return refuse(`frame type ${hexByte(type)} where ${layer === "amqp" ? "AMQP" : "SASL"} is spoken`);
  }
  return size;
}

/** What {@linkcode amqp10Encoder} puts into a frame. */
export interface Amqp10Frame {
  /** 0 AMQP, 1 SASL. @default {0} */
  readonly type?: number | undefined;
  /** Channel number; SASL has none. @default {0} */
  readonly channel?: number | undefined;
  /** What is behind the header: nothing, for a heartbeat. */
  readonly payload: Uint8Array;
}

/**
 * Encoder for frames of AMQP 1.0. The protocol headers in front of them are the caller's to write.
 *
 * @throws {TypeError | RangeError} when an option is wrong
 * @example
 * ```ts
 * import { amqp10Encoder } from "@leat/streams/parsers";
 * import { assertEquals } from "@std/assert";
 *
 * const [heartbeat] = amqp10Encoder().encode({ payload: new Uint8Array(0) });
 * assertEquals(heartbeat, Uint8Array.of(0, 0, 0, 8, 2, 0, 0, 0));
 * ```
 */
export function amqp10Encoder(options: Amqp10Options = {}): Encoder<Amqp10Frame> {
  const limit = limitOption("maxFrameBytes", options.maxFrameBytes, DEFAULT_MAX, SMALLEST_MAX);
  const max = Math.min(limit, LARGEST) - HEADER;
  return {
    name: "amqp10",
    encode({ type = AMQP_FRAME, channel = 0, payload }: Amqp10Frame): readonly Uint8Array[] {
      if (type !== AMQP_FRAME && type !== SASL_FRAME) throw unencodable("amqp10", `frame type ${type} is unknown`);
      if (channel !== (channel & 0xffff)) throw unencodable("amqp10", `channel ${channel} is not of 16 bits`);
      if (payload.length > max) throw payloadTooBig("amqp10", payload.length, max);
      const header = new Uint8Array(HEADER);
      writeU32(header, 0, HEADER + payload.length);
      header[4] = 2;
      header[5] = type;
      writeU16(header, 6, channel);
      return payload.length === 0 ? [header] : [header, payload];
    },
  };
}
