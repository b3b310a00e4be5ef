/**
 * The Erlang distribution protocol (ERTS User's Guide, "Distribution Protocol", from OTP 23 on and before).
 *
 * The handshake has lengths of 16 bits, everything behind it of 32; a length of 0 there is a tick, a message of four
 * bytes. The handshake ends with the challenge's reply from the end that opened the connection, and with its
 * acknowledgement from the other. Not here: EPMD; terms; distribution over TLS, which is refused.
 *
 * @module
 */
import { readU16, readU32, writeU32 } from "../../bytes/integers.ts";
import { limitOption } from "../../core/limits.ts";
import { byteCount } from "../../core/words.ts";
import type { Encoder } from "../encoder.ts";
import type { ParseFailure, Parser, ParserContext } from "../parser.ts";
import { hexByte } from "./hex_byte.ts";
import { likelyCause, payloadTooBig, refuse, tooBig, unencodable } from "./refusal.ts";

/** Options of {@linkcode erlang} and {@linkcode erlangEncoder}. */
export interface ErlangOptions {
  /** Longest message after the handshake without its length, in bytes. @default {67108864} */
  maxPayloadBytes?: number | undefined;
}

interface ErlangState {
  direction: "client" | "server" | undefined;
  isConnected: boolean;
}

const DEFAULT_MAX = 64 * 1024 * 1024;
/** Length and tag of a message of the handshake. */
const TAGGED = 3;
const PASS_THROUGH = 112;
const VERSION_MAGIC = 131;

/** Tag, shortest and longest content (tag included), who sends it, whether it is the sender's last. */
type HandshakeRow = readonly [min: number, max: number, sender: "client" | "server" | "both", isLast: boolean];
const HANDSHAKE: Readonly<Record<string, HandshakeRow>> = {
  n: [7, 1 + 2 + 4 + 4 + 255 * 4, "both", false],
  N: [15, 1 + 8 + 4 + 4 + 2 + 255 * 4, "both", false],
  s: [3, 64 + 255 * 4, "both", false],
  c: [9, 9, "client", false],
  r: [21, 21, "client", true],
  a: [17, 17, "server", true],
};

/**
 * Parser for Erlang's distribution protocol from the first byte of a connection on.
 *
 * @throws {TypeError | RangeError} when an option is wrong
 * @example
 * ```ts
 * import { erlang } from "@leat/streams/parsers";
 * import { assertEquals } from "@std/assert";
 *
 * const parser = erlang();
 * const state = parser.start?.({ direction: "server" });
 * const ok = Uint8Array.of(0, 3, 0x73, 0x6f, 0x6b); // sok
 * assertEquals(parser.parse(ok, 0, 5, state), 5);
 * ```
 */
export function erlang(options: ErlangOptions = {}): Parser {
  const max = limitOption("maxPayloadBytes", options.maxPayloadBytes, DEFAULT_MAX);
  return {
    name: "erlang",
    maxMessageLength: 4 + max,
    start: ({ direction }: ParserContext): ErlangState => ({ direction, isConnected: false }),
    parse(bytes: Uint8Array, start: number, end: number, state: ErlangState): number | ParseFailure {
      return state.isConnected ? parseMessage(bytes, start, end, max) : parseHandshake(bytes, start, end, state);
    },
  };
}

function parseHandshake(bytes: Uint8Array, start: number, end: number, state: ErlangState): number | ParseFailure {
  if (end - start < TAGGED) return -TAGGED;
  const length = readU16(bytes, start);
  const tag = bytes[start + 2]!;
  const name = String.fromCharCode(tag);
  const row = Object.hasOwn(HANDSHAKE, name) ? HANDSHAKE[name] : undefined;
  if (row === undefined) {
    return refuse(
      `handshake tag ${hexByte(tag)} is unknown${likelyCause(readU16(bytes, start) * 0x10000 + tag * 256)}`,
    );
  }
  const [min, max, sender, isLast] = row;
  if (sender !== "both" && state.direction !== undefined && sender !== state.direction) {
    return refuse(`handshake tag ${hexByte(tag)} is not the ${state.direction}'s`);
  }
  if (length < min || length > max) return refuse(`handshake message ${hexByte(tag)} of ${byteCount(length)}`);
  state.isConnected = isLast;
  return 2 + length;
}

function parseMessage(bytes: Uint8Array, start: number, end: number, max: number): number | ParseFailure {
  if (end - start < 4) return -4;
  const length = readU32(bytes, start);
  if (length === 0) return 4;
  if (end - start < 5) return -5;
  const kind = bytes[start + 4]!;
  if (kind !== PASS_THROUGH && kind !== VERSION_MAGIC) {
    return refuse(`message begins with ${hexByte(kind)}, which is neither a term nor a header`);
  }
  return length > max ? tooBig(`message of ${length} bytes exceeds maxPayloadBytes ${max}`) : 4 + length;
}

/**
 * Encoder for what follows the handshake; an empty payload is a tick.
 *
 * @throws {TypeError | RangeError} when an option is wrong
 * @example
 * ```ts
 * import { erlangEncoder } from "@leat/streams/parsers";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(erlangEncoder().encode(new Uint8Array(0))[0], new Uint8Array(4));
 * ```
 */
export function erlangEncoder(options: ErlangOptions = {}): Encoder {
  const wanted = limitOption("maxPayloadBytes", options.maxPayloadBytes, DEFAULT_MAX);
  const max = Math.min(wanted, 0xffffffff);
  return {
    name: "erlang",
    encode(payload: Uint8Array): readonly Uint8Array[] {
      if (payload.length > max) throw payloadTooBig("erlang", payload.length, max);
      const kind = payload[0];
      if (kind !== undefined && kind !== PASS_THROUGH && kind !== VERSION_MAGIC) {
        throw unencodable("erlang", "payload begins neither with a term nor with a header");
      }
      const prefix = new Uint8Array(4);
      writeU32(prefix, 0, payload.length);
      return payload.length === 0 ? [prefix] : [prefix, payload];
    },
  };
}
