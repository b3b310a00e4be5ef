/**
 * IKE and ESP in TCP (RFC 9329, before that RFC 8229).
 *
 * The end that opened the connection sends the six bytes `IKETCP` first, a message of their own. Then both ends send
 * messages behind a 16-bit length that counts itself: four zeros and an IKE message, or an ESP packet. Not here: IKE and
 * ESP themselves; TLS around it all.
 *
 * @module
 */
import { readU16, writeU16 } from "../../bytes/integers.ts";
import type { Encoder } from "../encoder.ts";
import type { ParseFailure, Parser, ParserContext } from "../parser.ts";
import { payloadTooBig, refuse, unencodable } from "./refusal.ts";

interface EspInTcpState {
  /** What the next message is or may be. */
  expects: "prefix" | "prefix or message" | "message";
}

/** `IKETCP` */
const PREFIX: readonly number[] = [0x49, 0x4b, 0x45, 0x54, 0x43, 0x50];
const LENGTH = 2;
/** The length itself and an SPI, or the zeros in its place. */
const SHORTEST = 6;
/** A keep-alive for address translators: one byte of ones. Useless in TCP, but to be ignored, not to be refused. */
const KEEP_ALIVE = 3;

/**
 * Parser for IKE and ESP in TCP. Where the direction is unknown a stream may or may not begin with the prefix.
 *
 * @example
 * ```ts
 * import { espInTcp } from "@leat/streams/parsers";
 * import { assertEquals } from "@std/assert";
 *
 * const parser = espInTcp();
 * const state = parser.start?.({ direction: "client" });
 * const bytes = Uint8Array.of(0x49, 0x4b, 0x45, 0x54, 0x43, 0x50, 1, 0);
 * assertEquals(parser.parse(bytes, 0, 8, state), 6);
 * assertEquals(parser.parse(bytes, 6, 8, state), 256);
 * ```
 */
export function espInTcp(): Parser {
  return {
    name: "espInTcp",
    maxMessageLength: 0xffff,
    start({ direction }: ParserContext): EspInTcpState {
      if (direction === undefined) return { expects: "prefix or message" };
      return { expects: direction === "client" ? "prefix" : "message" };
    },
    parse(bytes: Uint8Array, start: number, end: number, state: EspInTcpState): number | ParseFailure {
      return state.expects === "message" ? parseMessage(bytes, start, end) : parsePrefix(bytes, start, end, state);
    },
  };
}

function parsePrefix(bytes: Uint8Array, start: number, end: number, state: EspInTcpState): number | ParseFailure {
  const seen = Math.min(end - start, PREFIX.length);
  let same = 0;
  while (same < seen && bytes[start + same] === PREFIX[same]) same++;
  if (same === seen && seen < PREFIX.length) return -PREFIX.length;
  if (same < seen && state.expects === "prefix") return refuse("client does not begin with IKETCP");
  const length = same === seen ? PREFIX.length : parseMessage(bytes, start, end);
  if (typeof length === "number" && length > 0) state.expects = "message";
  return length;
}

function parseMessage(bytes: Uint8Array, start: number, end: number): number | ParseFailure {
  if (end - start < LENGTH) return -LENGTH;
  const length = readU16(bytes, start);
  if (length >= SHORTEST) return length;
  if (length !== KEEP_ALIVE) return refuse(`message length ${length} has no room for an SPI`);
  if (end - start < KEEP_ALIVE) return -KEEP_ALIVE;
  return bytes[start + LENGTH] === 0xff ? KEEP_ALIVE : refuse(`message length ${length} has no room for an SPI`);
}

/**
 * Encoder for IKE and ESP in TCP: a payload is an ESP packet, or four zeros and an IKE message. The prefix `IKETCP` is
 * for the caller to write.
 *
 * @example
 * ```ts
 * import { espInTcpEncoder } from "@leat/streams/parsers";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(espInTcpEncoder().encode(new Uint8Array(100))[0], Uint8Array.of(0, 102));
 * ```
 */
export function espInTcpEncoder(): Encoder {
  return {
    name: "espInTcp",
    encode(payload: Uint8Array): readonly Uint8Array[] {
      if (payload.length > 0xffff - LENGTH) throw payloadTooBig("espInTcp", payload.length, 0xffff - LENGTH);
      if (payload.length < SHORTEST - LENGTH) throw unencodable("espInTcp", "payload without an SPI");
      const prefix = new Uint8Array(LENGTH);
      writeU16(prefix, 0, LENGTH + payload.length);
      return [prefix, payload];
    },
  };
}
