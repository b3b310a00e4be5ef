/**
 * STUN and TURN over TCP (RFC 8489 sections 5 and 6.2.2, RFC 8656 section 12.5).
 *
 * STUN messages and TURN's ChannelData are told apart by the top bits of the first byte. ChannelData is padded to a
 * multiple of four in TCP, padding that its length does not count and that the message here includes; no connection begins
 * with it, because channels are agreed on with STUN. Not here: classic
 * STUN (RFC 3489), which has no magic cookie; STUN behind the 16-bit lengths of ICE over TCP (`rtpTcp` with
 * `multiplexed`); the raw bytes of a connection that TURN's ConnectionBind has turned into one (RFC 6062).
 *
 * @module
 */
import { needObject } from "../../core/limits.ts";
import { readU16, readU32, writeU16 } from "../../bytes/integers.ts";
import type { Encoder } from "../encoder.ts";
import type { ParseFailure, Parser } from "../parser.ts";
import { hexByte } from "./hex_byte.ts";
import { likelyCause, payloadTooBig, refuse } from "./refusal.ts";

interface StunState {
  /** Whether there was a STUN message. */
  isBegun: boolean;
}

const STUN_HEADER = 20;
const CHANNEL_HEADER = 4;
const COOKIE = 0x2112a442;
/** RFC 8656 ends at 0x4fff, RFC 5766 before it here, and so do programs (coturn's client). */
const FIRST_CHANNEL = 0x4000;
const LAST_CHANNEL = 0x7fff;
const LONGEST_DATA = 0xffff;

/**
 * Parser for STUN and TURN over TCP, the same in both directions.
 *
 * @example
 * ```ts
 * import { stun } from "@leat/streams/parsers";
 * import { assertEquals } from "@std/assert";
 *
 * const parser = stun();
 * const state = parser.start?.({});
 * assertEquals(parser.parse(Uint8Array.of(0, 1, 0, 8, 0x21, 0x12, 0xa4, 0x42), 0, 8, state), 28);
 * assertEquals(parser.parse(Uint8Array.of(0x40, 0, 0, 5), 0, 4, state), 12);
 * ```
 */
export function stun(): Parser {
  const start = (): StunState => ({ isBegun: false });
  return { name: "stun", maxMessageLength: STUN_HEADER + 0xfffc, start, parse: parseMessage };
}

function parseMessage(bytes: Uint8Array, start: number, end: number, state: StunState): number | ParseFailure {
  const first = bytes[start]!;
  if (first >= 0x80) return refuse(`first byte ${hexByte(first)} is neither STUN nor a channel`);
  const seen = end - start;
  if (first >= 0x40) return seen < CHANNEL_HEADER ? -CHANNEL_HEADER : parseChannelData(bytes, start, state);
  if (seen < 8) return -8;
  const cookie = readU32(bytes, start + 4);
  if (cookie !== COOKIE) {
    return refuse(`magic cookie 0x${cookie.toString(16).padStart(8, "0")}${likelyCause(readU32(bytes, start))}`);
  }
  const length = readU16(bytes, start + 2);
  if (length % 4 !== 0) return refuse(`STUN length ${length} is not a multiple of 4`);
  state.isBegun = true;
  return STUN_HEADER + length;
}

function parseChannelData(bytes: Uint8Array, start: number, state: StunState): number | ParseFailure {
  if (!state.isBegun) return refuse(`channel data before any STUN message${likelyCause(readU32(bytes, start))}`);
  return CHANNEL_HEADER + padded(readU16(bytes, start + 2));
}

function padded(length: number): number {
  return (length + 3) & ~3;
}

/** Options of {@linkcode turnChannelEncoder}. */
export interface TurnChannelEncoderOptions {
  /** Number of the channel, 0x4000 to 0x7fff. */
  channel: number;
}

/**
 * Encoder for TURN's ChannelData over TCP: a payload is what the peer shall get.
 *
 * @throws {RangeError} when there is no such channel
 * @example
 * ```ts
 * import { turnChannelEncoder } from "@leat/streams/parsers";
 * import { assertEquals } from "@std/assert";
 *
 * const parts = turnChannelEncoder({ channel: 0x4001 }).encode(new Uint8Array(5));
 * assertEquals(parts.map((part) => part.length), [4, 5, 3]);
 * ```
 */
export function turnChannelEncoder(options: TurnChannelEncoderOptions): Encoder {
  needObject("options", options);
  const { channel } = options;
  if (!Number.isInteger(channel) || channel < FIRST_CHANNEL || channel > LAST_CHANNEL) {
    throw new RangeError(`channel must be within 0x4000 to 0x7fff, got ${String(channel)}`);
  }
  return {
    name: "stun",
    encode(payload: Uint8Array): readonly Uint8Array[] {
      const { length } = payload;
      if (length > LONGEST_DATA) throw payloadTooBig("stun", length, LONGEST_DATA);
      const header = new Uint8Array(CHANNEL_HEADER);
      writeU16(header, 0, channel);
      writeU16(header, 2, length);
      return length % 4 === 0 ? [header, payload] : [header, payload, new Uint8Array(padded(length) - length)];
    },
  };
}
