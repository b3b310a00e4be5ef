/**
 * The PostgreSQL frontend/backend protocol, version 3 (PostgreSQL documentation, "Message Formats").
 *
 * A message is a type byte and a 32-bit length that counts itself but not the type. Before that, at the start of a
 * connection, clients send messages without a type byte (requests for encryption, cancellation, then StartupMessage),
 * and servers answer requests for encryption with one bare byte. What follows a granted request is not readable here
 * and is `EPROTO` with that reason. Not here: the contents of messages.
 *
 * @module
 */
import { readU32 } from "../../bytes/integers.ts";
import { byteCount } from "../../core/words.ts";
import type { ParseFailure, Parser, ParserContext } from "../parser.ts";
import { hexByte } from "./hex_byte.ts";

interface PostgresState {
  /** What the next bytes are. */
  phase: "unknown" | "client start" | "server start" | "client" | "server" | "tls" | "gss";
  /** Bare answers so far, or encryption requests: at most one for TLS and one for GSSAPI. */
  requests: number;
}

/** The server refuses longer start-up messages. */
const MAX_STARTUP = 10000;
const CANCEL_REQUEST = 80877102;
const SSL_REQUEST = 80877103;
const GSSENC_REQUEST = 80877104;
const TLS_HANDSHAKE = 0x16;

const CLIENT_TYPES = typeSet("QPBEDCHSFpdcfX");
const SERVER_TYPES = typeSet("RKSZTDCEN123AInstVGHWdcv");
/** What a server's first real message can be: authentication, error, version negotiation. */
const SERVER_FIRST_TYPES = typeSet("REv");

const ENCRYPTED = {
  tls: "TLS after SSLRequest; the rest of this connection is encrypted",
  gss: "GSSAPI encryption after GSSENCRequest; the rest of this connection is encrypted",
} as const;

/**
 * Parser for PostgreSQL connections from their first byte on. Where the direction is unknown the first byte tells it.
 *
 * @example
 * ```ts
 * import { postgres } from "@leat/streams/parsers";
 * import { assertEquals } from "@std/assert";
 *
 * const parser = postgres();
 * const state = parser.start?.({ direction: "server" });
 * const bytes = Uint8Array.of(0x4e, 0x52, 0, 0, 0, 8, 0, 0, 0, 0);
 * assertEquals(parser.parse(bytes, 0, 10, state), 1); // "N": no TLS
 * assertEquals(parser.parse(bytes, 1, 10, state), 9); // AuthenticationOk
 * ```
 */
export function postgres(): Parser {
  return {
    name: "postgres",
    maxMessageLength: 0x40000000,
    start({ direction }: ParserContext): PostgresState {
      return { phase: direction === undefined ? "unknown" : `${direction} start`, requests: 0 };
    },
    parse: parseMessage,
  };
}

function parseMessage(bytes: Uint8Array, start: number, end: number, state: PostgresState): number | ParseFailure {
  if (state.phase === "unknown") state.phase = looksLikeClient(bytes[start]!) ? "client start" : "server start";
  switch (state.phase) {
    case "client":
      return parseTyped(bytes, start, end, CLIENT_TYPES);
    case "server":
      return parseTyped(bytes, start, end, SERVER_TYPES);
    case "client start":
      return parseStartup(bytes, start, end, state);
    case "server start":
      return parseServerStart(bytes, start, end, state);
    case "tls":
    case "gss":
      return refuse(ENCRYPTED[state.phase]);
  }
}

/** A start-up message begins with the high byte of a small length; servers begin with a letter. */
function looksLikeClient(byte: number): boolean {
  return byte === 0 || byte === TLS_HANDSHAKE;
}

function parseTyped(bytes: Uint8Array, start: number, end: number, types: Uint8Array): number | ParseFailure {
  const type = bytes[start]!;
  if (types[type] === 0) return refuse(`message type ${hexByte(type)} is unknown`);
  if (end - start < 5) return -5;
  const length = readU32(bytes, start + 1);
  return length >= 4 ? 1 + length : refuse(`message length ${length} does not even count itself`);
}

function parseStartup(bytes: Uint8Array, start: number, end: number, state: PostgresState): number | ParseFailure {
  if (bytes[start] === TLS_HANDSHAKE) {
    return refuse(state.requests > 0 ? ENCRYPTED.tls : "TLS from the first byte; the connection is encrypted");
  }
  if (end - start < 4) return -8;
  const length = readU32(bytes, start);
  if (length < 8 || length > MAX_STARTUP) return refuse(`start-up message of ${byteCount(length)}`);
  if (end - start < 8) return -8;
  const code = readU32(bytes, start + 4);
  const isEncryption = code === SSL_REQUEST || code === GSSENC_REQUEST;
  if (isEncryption) {
    if (length !== 8) return refuse(`encryption request of ${byteCount(length)}`);
    if (++state.requests > 2) return refuse("a third encryption request");
    return length;
  }
  const isCancel = code === CANCEL_REQUEST;
  if (!isCancel && code >>> 16 !== 3) {
    return refuse(state.requests > 0 ? ENCRYPTED.gss : `protocol version ${code >>> 16}.${code & 0xffff}`);
  }
  state.phase = "client";
  return length;
}

function parseServerStart(bytes: Uint8Array, start: number, end: number, state: PostgresState): number | ParseFailure {
  const byte = bytes[start]!;
  if (state.requests < 2) {
    const isRefusal = byte === 0x4e; // N
    if (isRefusal) {
      state.requests++;
      return 1;
    }
    if (byte === 0x53 || byte === 0x47) { // S, G
      state.phase = byte === 0x53 ? "tls" : "gss";
      return 1;
    }
  }
  if (SERVER_FIRST_TYPES[byte] === 0) return refuse(`a server does not begin with message type ${hexByte(byte)}`);
  const length = parseTyped(bytes, start, end, SERVER_TYPES);
  if (typeof length === "number" && length > 0) state.phase = "server";
  return length;
}

function typeSet(letters: string): Uint8Array {
  const set = new Uint8Array(256);
  for (const letter of letters) set[letter.charCodeAt(0)] = 1;
  return set;
}

function refuse(reason: string): ParseFailure {
  return { code: "EPROTO", reason };
}
