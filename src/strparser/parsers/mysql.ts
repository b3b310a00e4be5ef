/**
 * The client/server protocol of MySQL and MariaDB (MySQL internals manual, "MySQL Packets", "Connection Phase" and
 * "Compression").
 *
 * A payload of 2^24 - 1 bytes goes on in the next packet. A message of this parser is one packet, or with `whole` all
 * packets of one payload. Where a client asks for TLS, what follows is not readable here and is `EPROTO` with that
 * reason. With compression, which begins behind the authentication, a message is one compressed packet. A client's own
 * bytes tell whether it is in use, a server's don't: there it is an option. Not here: payloads, decompression, the X
 * protocol.
 *
 * @module
 */
import { readU16le, readU24le } from "../../bytes/integers.ts";
import { byteCount } from "../../core/words.ts";
import type { ParseFailure, Parser, ParserContext } from "../parser.ts";
import { hexByte } from "./hex_byte.ts";
import { refuse } from "./refusal.ts";
import { parseWhole, type WholeState } from "./whole.ts";

/** Options of {@linkcode mysql}. */
export interface MysqlOptions {
  /** Deliver whole payloads instead of packets. @default {false} */
  whole?: boolean | undefined;
  /**
   * Whether packets are compressed behind the authentication.
   *
   * @default {undefined} (what the client's capabilities say; in the other direction: no)
   */
  compressed?: boolean | undefined;
}

interface MysqlState extends WholeState {
  /** What the next packet is. */
  phase: "unknown" | "client start" | "client login" | "client" | "tls" | "server start" | "server login" | "server";
  /** Whether packets are, or after the login will be, compressed. */
  isCompressed: boolean | undefined;
  /** Sequence number that a continuation has to have; -1 where none is due. */
  continues: number;
  readonly isLast: () => boolean;
}

const HEADER = 4;
const COMPRESSED_HEADER = 7;
const LARGEST_PAYLOAD = 0xffffff;
/** What a TLS record header begins with. */
const TLS_HANDSHAKE = 0x16;
const GREETING_VERSION = 10;
const OLD_GREETING_VERSION = 9;
const OK = 0x00;
const ERROR = 0xff;
/** Capabilities of the client, as bits of the first two bytes. */
const CLIENT_COMPRESS = 0x20;
const CLIENT_PROTOCOL_41 = 0x200;
const CLIENT_SSL = 0x800;
/** One of the two bytes behind those, which only the present form of the login has. */
const CLIENT_ZSTD = 0x400;
/** Lengths of a request for TLS, in the old and in the present form; a login is never as long. */
const OLD_TLS_REQUEST = 5;
const TLS_REQUEST = 32;
const ENCRYPTED = "TLS after SSLRequest; the rest of this connection is encrypted";

/**
 * Parser for MySQL connections from their first byte on. Where the direction is unknown the first packet tells it.
 *
 * @example
 * ```ts
 * import { mysql } from "@leat/streams/parsers";
 * import { assertEquals } from "@std/assert";
 *
 * const parser = mysql();
 * const greeting = Uint8Array.of(74, 0, 0, 0, 10, 56, 46, 48);
 * assertEquals(parser.parse(greeting, 0, 8, parser.start?.({ direction: "server" })), 78);
 * ```
 */
export function mysql(options: MysqlOptions = {}): Parser {
  const whole = options.whole === true;
  const parser = {
    name: "mysql",
    start({ direction }: ParserContext): MysqlState {
      const phase = direction === undefined ? "unknown" as const : `${direction} start` as const;
      const state: MysqlState = {
        at: 0,
        phase,
        isCompressed: options.compressed,
        continues: -1,
        isLast: () => state.continues < 0,
      };
      return state;
    },
    parse(bytes: Uint8Array, start: number, end: number, state: MysqlState): number | ParseFailure {
      return whole
        ? parseWhole(bytes, start, end, state, parsePacket, state.isLast)
        : parsePacket(bytes, start, end, state);
    },
  };
  return whole
    ? { ...parser, maxHeaderBytes: Infinity }
    : { ...parser, maxMessageLength: COMPRESSED_HEADER + LARGEST_PAYLOAD };
}

function parsePacket(bytes: Uint8Array, start: number, end: number, state: MysqlState): number | ParseFailure {
  if (end - start < HEADER) return -HEADER;
  const length = readU24le(bytes, start);
  const sequence = bytes[start + 3]!;
  if (state.continues >= 0) return parseContinuation(length, sequence, state);
  if (state.phase === "unknown") state.phase = sequence === 0 ? "server start" : "client start";
  switch (state.phase) {
    case "client start":
      return parseLogin(bytes, start, end, state);
    case "client login":
      if (sequence !== 0) return packetOf(length, sequence, state);
      state.phase = "client";
      return parseCommand(bytes, start, end, state);
    case "client":
    case "server":
      return parseCommand(bytes, start, end, state);
    case "server start":
      return parseGreeting(bytes, start, end, state);
    case "server login":
      return parseLoginAnswer(bytes, start, end, state);
    case "tls":
      return refuse(ENCRYPTED);
  }
}

/** A packet whose header is enough. */
function packetOf(length: number, sequence: number, state: MysqlState): number {
  state.continues = length === LARGEST_PAYLOAD ? (sequence + 1) & 0xff : -1;
  return HEADER + length;
}

function parseContinuation(length: number, sequence: number, state: MysqlState): number | ParseFailure {
  if (sequence !== state.continues) {
    return refuse(`packet ${sequence} where packet ${state.continues} continues a payload`);
  }
  return packetOf(length, sequence, state);
}

function parseCommand(bytes: Uint8Array, start: number, end: number, state: MysqlState): number | ParseFailure {
  const length = readU24le(bytes, start);
  if (state.isCompressed !== true) return packetOf(length, bytes[start + 3]!, state);
  if (end - start < COMPRESSED_HEADER) return -COMPRESSED_HEADER;
  if (length === 0) return refuse("compressed packet without a payload");
  return COMPRESSED_HEADER + length;
}

/** The client's first packet: its login, or a request for TLS and then another login. */
function parseLogin(bytes: Uint8Array, start: number, end: number, state: MysqlState): number | ParseFailure {
  const length = readU24le(bytes, start);
  const sequence = bytes[start + 3]!;
  if (sequence !== 1) return refuse(`client begins with packet ${sequence} instead of 1`);
  if (length < OLD_TLS_REQUEST) return refuse(`login of ${byteCount(length)} is shorter than its fixed part`);
  if (end - start < HEADER + 4) return -(HEADER + 4);
  const capabilities = readU16le(bytes, start + HEADER);
  const more = (capabilities & CLIENT_PROTOCOL_41) === 0 ? 0 : readU16le(bytes, start + HEADER + 2);
  const asksForTls = (capabilities & CLIENT_SSL) !== 0 && (length === TLS_REQUEST || length === OLD_TLS_REQUEST);
  state.phase = asksForTls ? "tls" : "client login";
  state.isCompressed ??= (capabilities & CLIENT_COMPRESS) !== 0 || (more & CLIENT_ZSTD) !== 0;
  return packetOf(length, sequence, state);
}

function parseGreeting(bytes: Uint8Array, start: number, end: number, state: MysqlState): number | ParseFailure {
  const length = readU24le(bytes, start);
  const sequence = bytes[start + 3]!;
  if (sequence !== 0) return refuse(`server begins with packet ${sequence} instead of 0`);
  if (length === 0) return refuse("greeting is empty");
  if (end - start <= HEADER) return -(HEADER + 1);
  const version = bytes[start + HEADER]!;
  if (version !== GREETING_VERSION && version !== OLD_GREETING_VERSION && version !== ERROR) {
    return refuse(`greeting begins with ${hexByte(version)}, which is no version of the protocol`);
  }
  state.phase = "server login";
  return packetOf(length, sequence, state);
}

/** Until the server says OK. Its packets are numbered after the client's, so a 0 is none of them. */
function parseLoginAnswer(bytes: Uint8Array, start: number, end: number, state: MysqlState): number | ParseFailure {
  const length = readU24le(bytes, start);
  const sequence = bytes[start + 3]!;
  // with the minor version: a packet of 790 bytes begins with the same two
  if (bytes[start] === TLS_HANDSHAKE && bytes[start + 1] === 3 && bytes[start + 2] !== 0) return refuse(ENCRYPTED);
  if (sequence === 0) return refuse("packet 0 during the login");
  if (length === 0) return refuse("packet of the login is empty");
  if (end - start <= HEADER) return -(HEADER + 1);
  if (bytes[start + HEADER] === OK) state.phase = "server";
  return packetOf(length, sequence, state);
}
