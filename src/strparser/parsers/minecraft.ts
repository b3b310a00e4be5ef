/**
 * Minecraft, Java Edition, from protocol 7 (game 1.7) on (community documentation of the protocol, "Packet format" and
 * "Server List Ping"): each packet behind its length as a varint of at most three bytes.
 *
 * Where a connection becomes encrypted (behind the Encryption Response of the client, behind the Encryption Request of
 * the server) the stream is handed over (`ESTRPIPE`): lengths are encrypted too. That is told by packet ids, so only
 * where the direction is known. The list ping of game 1.6, and the answer to it, are one message each. Not here:
 * compression, which is inside the packet; the pings of still older games, `FE` and `FE 01`, which could be lengths.
 *
 * @module
 */
import { handOver, type ParseFailure, type Parser, type ParserContext } from "../parser.ts";
import type { Encoder } from "../encoder.ts";
import { readU16 } from "../../bytes/integers.ts";
import { payloadTooBig, refuse, unencodable } from "./refusal.ts";
import { encodeVarint, readVarint, VARINT_MORE, VARINT_TOO_LONG, varintWidth } from "./varint.ts";

interface MinecraftState {
  readonly direction: "client" | "server" | undefined;
  /** Which packets tell what comes: the first, those of a login, none any more; `encrypted`: hand over. */
  phase: "first" | "login" | "plain" | "encrypted";
}

const LONGEST_PACKET = 2097151;
const MAX_WIDTH = 3;
/** Proxies put up to 32767 characters of their own into the host name. */
const LONGEST_HANDSHAKE = 40_000;
/** First bytes of the old list ping and of its answer. */
const OLD_PING = 0xfe;
const OLD_ANSWER = 0xff;
const PLUGIN_MESSAGE = 0xfa;
/** `FE 01 FA`, the 22 bytes of `MC|PingHost` with their own length, and a length. */
const OLD_PING_HEADER = 3 + 2 + 22 + 2;
const LOGIN = 2;
const TRANSFER = 3;

/**
 * Parser for Minecraft packets.
 *
 * @example
 * ```ts
 * import { minecraft } from "@leat/streams/parsers";
 * import { assertEquals } from "@std/assert";
 *
 * const parser = minecraft();
 * assertEquals(parser.parse(Uint8Array.of(0x80, 0x01, 0), 0, 3, parser.start?.({})), 130);
 * ```
 */
export function minecraft(): Parser {
  return {
    name: "minecraft",
    maxMessageLength: MAX_WIDTH + LONGEST_PACKET,
    start: ({ direction }: ParserContext): MinecraftState => ({ direction, phase: "first" }),
    parse(bytes: Uint8Array, start: number, end: number, state: MinecraftState): number | ParseFailure {
      switch (state.phase) {
        case "first":
          return parseFirst(bytes, start, end, state);
        case "login":
          return parseLogin(bytes, start, end, state);
        case "plain":
          return parsePacket(bytes, start, end);
        case "encrypted":
          return handOver;
      }
    },
  };
}

function parsePacket(bytes: Uint8Array, start: number, end: number): number | ParseFailure {
  const length = readVarint(bytes, start, end, MAX_WIDTH);
  if (length === VARINT_MORE) return -(end - start + 1);
  if (length === VARINT_TOO_LONG) return refuse(`length does not end within ${MAX_WIDTH} bytes`);
  if (length === 0) return refuse("packet is empty");
  return varintWidth(bytes, start) + length;
}

function parseFirst(bytes: Uint8Array, start: number, end: number, state: MinecraftState): number | ParseFailure {
  const { direction } = state;
  const first = bytes[start]!;
  if (first === OLD_PING && direction !== "server") {
    if (end - start < 3) return -3;
    if (bytes[start + 1] === 1 && bytes[start + 2] === PLUGIN_MESSAGE) return parseOldPing(bytes, start, end);
  }
  if (first === OLD_ANSWER && direction !== "client") {
    if (end - start < 3) return -3;
    // as a length it would be in a longer form than any sender writes
    if (bytes[start + 1] === 0) return 3 + 2 * readU16(bytes, start + 1);
  }
  if (direction === "server") return parseLogin(bytes, start, end, state);
  const total = parsePacket(bytes, start, end);
  if (typeof total !== "number" || total <= 0) return total;
  if (direction === undefined) {
    state.phase = "plain";
    return total;
  }
  return parseHandshake(bytes, start, end, total, state);
}

/** The last field of the handshake, in one byte, is what the client wants. */
function parseHandshake(
  bytes: Uint8Array,
  start: number,
  end: number,
  total: number,
  state: MinecraftState,
): number | ParseFailure {
  const at = start + varintWidth(bytes, start);
  if (at >= end) return -(at - start + 1);
  if (bytes[at] !== 0) return refuse("first packet of the client is no handshake");
  if (total > LONGEST_HANDSHAKE) return refuse(`handshake of ${total} bytes`);
  if (end - start < total) return -total;
  const intent = bytes[start + total - 1]!;
  state.phase = intent === LOGIN || intent === TRANSFER ? "login" : "plain";
  return total;
}

/** Packets until it is clear whether the connection becomes encrypted; none of them is compressed. */
function parseLogin(bytes: Uint8Array, start: number, end: number, state: MinecraftState): number | ParseFailure {
  const total = parsePacket(bytes, start, end);
  if (typeof total !== "number" || total <= 0) return total;
  const width = varintWidth(bytes, start);
  if (start + width >= end) return -(width + 1);
  const id = bytes[start + width]!;
  if (state.direction === "client") {
    // 0 begins the login, 2 and 4 answer questions, 3 ends it
    if (id === 1) state.phase = "encrypted";
    else if (id !== 0 && id !== 2 && id !== 4) state.phase = "plain";
    else state.phase = "login";
  } else if (id === 1) {
    // an Encryption Request, or the answer to a ping: one number of 64 bits
    state.phase = total - width === 9 ? "plain" : "encrypted";
  } else {
    // 0 is also the answer to a status request; 4 and 5 are questions; 2 and 3 say that it stays plain
    state.phase = id === 0 || id === 4 || id === 5 ? "login" : "plain";
  }
  return total;
}

function parseOldPing(bytes: Uint8Array, start: number, end: number): number {
  if (end - start < OLD_PING_HEADER) return -OLD_PING_HEADER;
  return OLD_PING_HEADER + readU16(bytes, start + OLD_PING_HEADER - 2);
}

/**
 * Encoder for Minecraft packets: the payload is the packet id and what follows.
 *
 * @example
 * ```ts
 * import { minecraftEncoder } from "@leat/streams/parsers";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(minecraftEncoder().encode(Uint8Array.of(0)), [Uint8Array.of(1), Uint8Array.of(0)]);
 * ```
 */
export function minecraftEncoder(): Encoder {
  return {
    name: "minecraft",
    encode(payload: Uint8Array): readonly Uint8Array[] {
      if (payload.length > LONGEST_PACKET) throw payloadTooBig("minecraft", payload.length, LONGEST_PACKET);
      if (payload.length === 0) throw unencodable("minecraft", "payload is empty");
      return [encodeVarint(payload.length), payload];
    },
  };
}
