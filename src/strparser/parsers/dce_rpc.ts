/**
 * DCE/RPC, connection-oriented (The Open Group C706, chapter 12; [MS-RPCE] section 2.2.2), over TCP.
 *
 * A message of this parser is one PDU, that is one fragment; with `whole` all fragments of one request or response. Not
 * here: DCE/RPC in SMB pipes or in HTTP before its RTS PDUs; joining where calls are multiplexed so that their
 * fragments interleave (refused with that reason); stubs and security.
 *
 * @module
 */
import { readU16, readU16le } from "../../bytes/integers.ts";
import type { ParseFailure, Parser } from "../parser.ts";
import { hexByte } from "./hex_byte.ts";
import { likelyCauseOfByte, refuse } from "./refusal.ts";
import { parseWhole, type WholeState } from "./whole.ts";

/** Options of {@linkcode dceRpc}. */
export interface DceRpcOptions {
  /** Deliver all fragments of a request or response as one message. @default {false} */
  whole?: boolean | undefined;
}

interface DceRpcState extends WholeState {
  /** Type and call of the fragments so far. */
  type: number;
  call: number;
}

const HEADER = 16;
/** A security trailer has eight bytes in front of its token. */
const TRAILER = 8;
const FIRST = 1;
const LAST = 2;
/** Types of the connectionless protocol: 1, 4 to 10. */
const CONNECTIONLESS = 0b0111_1111_0010;
/** Request to orphaned, and RTS. */
const LAST_TYPE = 20;

/**
 * Parser for connection-oriented DCE/RPC, the same in both directions: each header tells its byte order.
 *
 * @example
 * ```ts
 * import { dceRpc } from "@leat/streams/parsers";
 * import { assertEquals } from "@std/assert";
 *
 * const parser = dceRpc();
 * const bind = Uint8Array.of(5, 0, 11, 3, 0x10, 0, 0, 0, 72, 0, 0, 0, 1, 0, 0, 0);
 * assertEquals(parser.parse(bind, 0, 16, parser.start?.({})), 72);
 * ```
 */
export function dceRpc(options: DceRpcOptions = {}): Parser {
  if (options.whole !== true) return { name: "dceRpc", maxMessageLength: 0xffff, parse: parsePdu };
  return {
    name: "dceRpc",
    maxHeaderBytes: Infinity,
    start: (): DceRpcState => ({ at: 0, type: 0, call: 0 }),
    parse: (bytes: Uint8Array, start: number, end: number, state: DceRpcState) =>
      parseWhole(bytes, start, end, state, parseJoined, isLast),
  };
}

function isLast(bytes: Uint8Array, start: number): boolean {
  return (bytes[start + 3]! & LAST) !== 0;
}

function parsePdu(bytes: Uint8Array, start: number, end: number): number | ParseFailure {
  const seen = end - start;
  const version = bytes[start]!;
  if (version !== 5) return refuse(`version ${hexByte(version)} instead of 5${likelyCauseOfByte(version)}`);
  if (seen < HEADER) return seen < 5 ? -5 : checkFields(bytes, start) ?? -HEADER;
  const failure = checkFields(bytes, start);
  if (failure !== undefined) return failure;
  const read = (bytes[start + 4]! & 0xf0) === 0x10 ? readU16le : readU16;
  const length = read(bytes, start + 8);
  const token = read(bytes, start + 10);
  const least = HEADER + (token === 0 ? 0 : TRAILER + token);
  if (length < least) {
    return refuse(`fragment of ${length} bytes cannot hold its header and ${token} of authentication`);
  }
  return length;
}

/** Minor version, type and byte order. */
function checkFields(bytes: Uint8Array, start: number): ParseFailure | undefined {
  const minor = bytes[start + 1]!;
  if (minor > 1) return refuse(`version 5.${minor} is none of the connection-oriented protocol`);
  const type = bytes[start + 2]!;
  if (type > LAST_TYPE || ((CONNECTIONLESS >> type) & 1) !== 0) return refuse(`PDU type ${hexByte(type)} is unknown`);
  const order = bytes[start + 4]!;
  // upper half: byte order, lower half: ASCII or EBCDIC
  return (order & 0xee) === 0 ? undefined : refuse(`data representation ${hexByte(order)} is unknown`);
}

/** A fragment that has to go with those in front of it. Bytes are compared in the order that they have on the wire. */
function parseJoined(bytes: Uint8Array, start: number, end: number, state: DceRpcState): number | ParseFailure {
  const length = parsePdu(bytes, start, end);
  if (typeof length !== "number" || length <= 0) return length;
  const isFirst = (bytes[start + 3]! & FIRST) !== 0;
  if (isFirst !== (state.at === 0)) {
    return refuse(isFirst ? "first fragment within a call; calls interleave" : "fragment of a call that has not begun");
  }
  const type = bytes[start + 2]!;
  const call = readU16(bytes, start + 12) * 0x10000 + readU16(bytes, start + 14);
  if (!isFirst && (type !== state.type || call !== state.call)) {
    return refuse("fragment of another call; calls interleave, which whole can't join");
  }
  state.type = type;
  state.call = call;
  return length;
}
