/**
 * RTP and RTCP over connections (RFC 4571), and what ICE sends over TCP in the same frames (RFC 6544, RFC 7983).
 *
 * A length of 0 is a packet of its own, to be ignored. Not here: what is in packets.
 *
 * @module
 */
import { readU16, writeU16 } from "../../bytes/integers.ts";
import type { Encoder } from "../encoder.ts";
import type { ParseFailure, Parser } from "../parser.ts";
import { hexByte } from "./hex_byte.ts";
import { payloadTooBig, refuse, unencodable } from "./refusal.ts";

/** Options of {@linkcode rtpTcp} and {@linkcode rtpTcpEncoder}. */
export interface RtpTcpOptions {
  /** Whether STUN, ZRTP, DTLS and TURN channels may come besides RTP and RTCP, as with ICE. @default {false} */
  multiplexed?: boolean | undefined;
}

const PREFIX = 2;
/** RTCP's header. */
const SHORTEST = 4;

/** First bytes by protocol (RFC 7983): STUN, ZRTP, DTLS, TURN channels; then RTP and RTCP. */
const OTHERS: readonly (readonly [from: number, to: number])[] = [[0, 3], [16, 19], [20, 63], [64, 79]];
const RTP_FROM = 0x80;
const RTP_TO = 0xbf;

/**
 * Parser for RTP over TCP, the same in both directions. Each packet has to begin with version 2 of RTP.
 *
 * @example
 * ```ts
 * import { rtpTcp } from "@leat/streams/parsers";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(rtpTcp().parse(Uint8Array.of(0, 172, 0x80), 0, 3, undefined), 174);
 * ```
 */
export function rtpTcp(options: RtpTcpOptions = {}): Parser {
  const multiplexed = options.multiplexed ?? false;
  return {
    name: "rtpTcp",
    maxMessageLength: PREFIX + 0xffff,
    parse(bytes: Uint8Array, start: number, end: number): number | ParseFailure {
      if (end - start < PREFIX) return -PREFIX;
      const length = readU16(bytes, start);
      if (length === 0) return PREFIX;
      if (length < SHORTEST) return refuse(`packet of ${length} bytes is shorter than any header`);
      if (end - start <= PREFIX) return -(PREFIX + 1);
      const first = bytes[start + PREFIX]!;
      return isAllowed(first, multiplexed) ? PREFIX + length : refuseFirst(first, multiplexed);
    },
  };
}

function isAllowed(first: number, multiplexed: boolean): boolean {
  if (first >= RTP_FROM && first <= RTP_TO) return true;
  return multiplexed && isOther(first);
}

function isOther(first: number): boolean {
  return OTHERS.some(([from, to]) => first >= from && first <= to);
}

function refuseFirst(first: number, multiplexed: boolean): ParseFailure {
  const hint = !multiplexed && isOther(first) ? "; ICE needs multiplexed" : "";
  return refuse(`packet begins with ${hexByte(first)}, not with version 2 of RTP${hint}`);
}

/**
 * Encoder for RTP over TCP.
 *
 * @example
 * ```ts
 * import { rtpTcpEncoder } from "@leat/streams/parsers";
 * import { assertEquals } from "@std/assert";
 *
 * const packet = new Uint8Array(172).fill(0x80, 0, 1);
 * assertEquals(rtpTcpEncoder().encode(packet)[0], Uint8Array.of(0, 172));
 * ```
 */
export function rtpTcpEncoder(options: RtpTcpOptions = {}): Encoder {
  const multiplexed = options.multiplexed ?? false;
  return {
    name: "rtpTcp",
    encode(payload: Uint8Array): readonly Uint8Array[] {
      if (payload.length > 0xffff) throw payloadTooBig("rtpTcp", payload.length, 0xffff);
      const prefix = new Uint8Array(PREFIX);
      if (payload.length === 0) return [prefix];
      if (payload.length < SHORTEST) throw unencodable("rtpTcp", `packet of ${payload.length} bytes has no header`);
      const first = payload[0]!;
      if (!isAllowed(first, multiplexed)) throw unencodable("rtpTcp", refuseFirst(first, multiplexed).reason);
      writeU16(prefix, 0, payload.length);
      return [prefix, payload];
    },
  };
}
