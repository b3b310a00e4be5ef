/**
 * X11 (X Window System Protocol, version 11, "Message formats" and "Connection setup"; BIG-REQUESTS; generic events of
 * XGE).
 *
 * The client's first byte says the byte order of both directions; in the server's stream the major version in its
 * answer shows it. Setup messages, requests, replies, events and errors are one message each. Not here: what requests
 * mean; an "authenticate" answer, which no server gives, but its byte order is guessed.
 *
 * @module
 */
import { readU16, readU16le, readU32, readU32le } from "../../bytes/integers.ts";
import type { ParseFailure, Parser, ParserContext } from "../parser.ts";
import { hexByte } from "./hex_byte.ts";
import { likelyCauseOfByte, refuse } from "./refusal.ts";

interface X11State {
  phase: "setup" | "client setup" | "server setup" | "requests" | "answers" | "refused";
  isLittle: boolean;
}

const MAJOR = 11;
const BIG = 0x42;
const LITTLE = 0x6c;
const SETUP = 12;
const ANSWER = 8;
const EVENT = 32;
const FAILED = 0;
const SUCCESS = 1;
const AUTHENTICATE = 2;
const REPLY = 1;
const GENERIC_EVENT = 35;
/** Core requests are 1 to 119 and 127, extensions have 128 on. */
const LAST_CORE = 119;
const NO_OPERATION = 127;

/**
 * Parser for X11 connections from their first byte on. Where the direction is unknown the first byte tells it.
 *
 * @example
 * ```ts
 * import { x11 } from "@leat/streams/parsers";
 * import { assertEquals } from "@std/assert";
 *
 * const parser = x11();
 * const setup = Uint8Array.of(0x6c, 0, 11, 0, 0, 0, 18, 0, 16, 0, 0, 0);
 * assertEquals(parser.parse(setup, 0, 12, parser.start?.({ direction: "client" })), 48);
 * ```
 */
export function x11(): Parser {
  return {
    name: "x11",
    start({ direction }: ParserContext): X11State {
      return { phase: direction === undefined ? "setup" : `${direction} setup`, isLittle: false };
    },
    parse: parseMessage,
  };
}

function parseMessage(bytes: Uint8Array, start: number, end: number, state: X11State): number | ParseFailure {
  switch (state.phase) {
    case "requests":
      return parseRequest(bytes, start, end, state.isLittle);
    case "answers":
      return parseAnswer(bytes, start, end, state.isLittle);
    case "refused":
      return refuse("bytes after the connection was refused");
    case "setup":
      return bytes[start]! <= AUTHENTICATE
        ? parseServerSetup(bytes, start, end, state)
        : parseClientSetup(bytes, start, end, state);
    case "client setup":
      return parseClientSetup(bytes, start, end, state);
    case "server setup":
      return parseServerSetup(bytes, start, end, state);
  }
}

function parseClientSetup(bytes: Uint8Array, start: number, end: number, state: X11State): number | ParseFailure {
  const order = bytes[start]!;
  if (order !== BIG && order !== LITTLE) {
    return refuse(`byte order ${hexByte(order)} is neither B nor l${likelyCauseOfByte(order)}`);
  }
  if (end - start < SETUP) return -SETUP;
  const read = order === LITTLE ? readU16le : readU16;
  const major = read(bytes, start + 2);
  if (major !== MAJOR) return refuse(`protocol version ${major} instead of ${MAJOR}`);
  state.isLittle = order === LITTLE;
  state.phase = "requests";
  return SETUP + padded(read(bytes, start + 6)) + padded(read(bytes, start + 8));
}

function parseServerSetup(bytes: Uint8Array, start: number, end: number, state: X11State): number | ParseFailure {
  const status = bytes[start]!;
  if (status > AUTHENTICATE) {
    return refuse(`answer ${hexByte(status)} to the connection setup is unknown${likelyCauseOfByte(status)}`);
  }
  if (end - start < ANSWER) return -ANSWER;
  if (status === AUTHENTICATE) {
    // has no field that shows the byte order; the length is small
    return ANSWER + 4 * Math.min(readU16(bytes, start + 6), readU16le(bytes, start + 6));
  }
  const isLittle = readU16le(bytes, start + 2) === MAJOR;
  const read = isLittle ? readU16le : readU16;
  const major = read(bytes, start + 2);
  if (major !== MAJOR) return refuse(`protocol version ${major} instead of ${MAJOR}`);
  const length = 4 * read(bytes, start + 6);
  // a success has at least 32 bytes, a failure its reason
  const least = status === SUCCESS ? 32 : bytes[start + 1]!;
  if (length < least) return refuse(`connection setup of ${length} bytes, at least ${least} belong there`);
  state.isLittle = isLittle;
  state.phase = status === FAILED ? "refused" : "answers";
  return ANSWER + length;
}

function parseRequest(bytes: Uint8Array, start: number, end: number, isLittle: boolean): number | ParseFailure {
  const opcode = bytes[start]!;
  if (opcode === 0 || (opcode > LAST_CORE && opcode < NO_OPERATION)) {
    return refuse(`request ${opcode} is unknown`);
  }
  if (end - start < 4) return -4;
  const units = (isLittle ? readU16le : readU16)(bytes, start + 2);
  if (units > 0) return 4 * units;
  // BIG-REQUESTS: the real length follows
  if (end - start < 8) return -8;
  const bigUnits = (isLittle ? readU32le : readU32)(bytes, start + 4);
  return bigUnits < 2 ? refuse(`big request of ${bigUnits} units is shorter than its header`) : 4 * bigUnits;
}

function parseAnswer(bytes: Uint8Array, start: number, end: number, isLittle: boolean): number | ParseFailure {
  const type = bytes[start]!;
  const code = type & 0x7f;
  if (type !== code && code <= REPLY) return refuse(`event ${hexByte(type)} is sent by nobody`);
  if (type !== REPLY && code !== GENERIC_EVENT) return EVENT;
  if (end - start < 8) return -8;
  return EVENT + 4 * (isLittle ? readU32le : readU32)(bytes, start + 4);
}

function padded(length: number): number {
  return (length + 3) & ~3;
}
