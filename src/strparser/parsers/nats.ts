/**
 * NATS client protocol, both directions (NATS documentation, "Client Protocol"): control lines, of which PUB, HPUB, MSG
 * and HMSG are followed by so many bytes as they say, and another line end.
 *
 * Not here: the JSON of INFO and CONNECT; the protocols between servers (routes, gateways, leaf nodes); TLS, to which a
 * connection changes behind INFO where that says so: what follows is then refused as looking like TLS.
 *
 * @module
 */
import { limitOption } from "../../core/limits.ts";
import type { ParseFailure, Parser, ParserContext } from "../parser.ts";
import { asciiBytes, CR, DECIMAL_LONG, indexOfByte, isWord, LF, readDecimal, SP } from "./ascii.ts";
import { likelyCauseOfByte, refuse, tooBig } from "./refusal.ts";

/** Options of {@linkcode nats}. */
export interface NatsOptions {
  /** Longest payload, headers of the message included, in bytes: the server's `max_payload`. @default {1048576} */
  maxPayloadBytes?: number | undefined;
  /** Longest control line, in bytes, line end included: the server's `max_control_line`. @default {4096} */
  maxLineBytes?: number | undefined;
  /** Longest INFO or CONNECT line, which can name many servers, in bytes. @default {65536} */
  maxInfoBytes?: number | undefined;
  /**
   * Wait for the line end behind a payload, and refuse other bytes in its place. Without it the length is told as soon
   * as it is known, and the line end is not looked at. @default {true}
   */
  checksEnd?: boolean | undefined;
}

interface NatsState {
  readonly commands: readonly Command[];
  /** The command of the message, once its word was seen. */
  command: Command | undefined;
  /** How far the search for the line's end came. */
  scanned: number;
  /** The whole length, once the line was read. */
  total: number;
}

interface Command {
  /** In capital letters; case does not count on the wire. */
  readonly word: Uint8Array;
  /** Which end sends it. */
  readonly by: "client" | "server" | "both";
  /** Words behind it at least and at most; the last says how long the payload is. Absent where there is none. */
  readonly words?: readonly [min: number, max: number];
  /** How many of the last words are sizes: with two, that of the headers, and that of everything. */
  readonly sizes?: 1 | 2;
  readonly isInfo?: boolean;
}

const COMMANDS: readonly Command[] = [
  { word: asciiBytes("INFO"), by: "server", isInfo: true },
  { word: asciiBytes("CONNECT"), by: "client", isInfo: true },
  { word: asciiBytes("PUB"), by: "client", words: [2, 3], sizes: 1 },
  { word: asciiBytes("HPUB"), by: "client", words: [3, 4], sizes: 2 },
  { word: asciiBytes("SUB"), by: "client" },
  { word: asciiBytes("UNSUB"), by: "client" },
  { word: asciiBytes("MSG"), by: "server", words: [3, 4], sizes: 1 },
  { word: asciiBytes("HMSG"), by: "server", words: [4, 5], sizes: 2 },
  { word: asciiBytes("PING"), by: "both" },
  { word: asciiBytes("PONG"), by: "both" },
  { word: asciiBytes("+OK"), by: "server" },
  { word: asciiBytes("-ERR"), by: "server" },
];
const LONGEST_WORD = 7;
const MAX_DIGITS = 15;
const TAB = 9;

interface Limits {
  readonly payload: number;
  readonly line: number;
  readonly info: number;
  readonly checksEnd: boolean;
}

/**
 * Parser for NATS. A message is a control line, with the payload where it has one.
 *
 * @throws {TypeError | RangeError} when an option is wrong
 * @example
 * ```ts
 * import { nats } from "@leat/streams/parsers";
 * import { assertEquals } from "@std/assert";
 *
 * const parser = nats();
 * const bytes = new TextEncoder().encode("PUB greet 5\r\nhello\r\nPING\r\n");
 * assertEquals(parser.parse(bytes, 0, bytes.length, parser.start?.({ direction: "client" })), 20);
 * ```
 */
export function nats(options: NatsOptions = {}): Parser {
  const limits: Limits = {
    payload: limitOption("maxPayloadBytes", options.maxPayloadBytes, 1024 * 1024),
    line: limitOption("maxLineBytes", options.maxLineBytes, 4096, 16),
    info: limitOption("maxInfoBytes", options.maxInfoBytes, 64 * 1024, 16),
    checksEnd: options.checksEnd ?? true,
  };
  const max = Math.max(limits.info, limits.line + limits.payload + 2);
  return {
    name: "nats",
    ...(max < Infinity && { maxMessageLength: max }),
    maxHeaderBytes: limits.checksEnd ? Infinity : Math.max(limits.info, limits.line),
    start({ direction }: ParserContext): NatsState {
      const isOurs = ({ by }: Command) => direction === undefined || by === "both" || by === direction;
      return { commands: COMMANDS.filter(isOurs), command: undefined, scanned: 0, total: 0 };
    },
    parse(bytes: Uint8Array, start: number, end: number, state: NatsState): number | ParseFailure {
      const answer = state.total > 0 ? state.total : parseLine(bytes, start, end, state, limits);
      if (typeof answer !== "number" || answer <= 0) return answer;
      if (limits.checksEnd && state.command!.words !== undefined) {
        state.total = answer;
        if (end - start < answer) return -answer;
        const at = start + answer;
        if (bytes[at - 2] !== CR || bytes[at - 1] !== LF) return refuse("payload is not followed by a line end");
      }
      state.command = undefined;
      state.scanned = 0;
      state.total = 0;
      return answer;
    },
  };
}

/** The length of the message, as the line tells it. */
function parseLine(
  bytes: Uint8Array,
  start: number,
  end: number,
  state: NatsState,
  limits: Limits,
): number | ParseFailure {
  if (state.command === undefined) {
    const found = findCommand(bytes, start, end, state.commands);
    if (typeof found === "number" || "reason" in found) return found;
    state.command = found;
  }
  const { command } = state;
  const max = command.isInfo === true ? limits.info : limits.line;
  const lineEnd = indexOfByte(bytes, LF, start + state.scanned, Math.min(end, start + max));
  if (lineEnd < 0) {
    const limit = command.isInfo === true ? "maxInfoBytes" : "maxLineBytes";
    if (end - start >= max) return tooBig(`control line exceeds ${limit} ${max}`);
    state.scanned = end - start;
    return -(end - start + 1);
  }
  if (bytes[lineEnd - 1] !== CR) return refuse("control line does not end with CR LF");
  if (command.words === undefined) return lineEnd + 1 - start;
  const payload = readSizes(bytes, start + command.word.length, lineEnd - 1, command);
  if (typeof payload !== "number") return payload;
  if (payload > limits.payload) return tooBig(`payload of ${payload} bytes exceeds maxPayloadBytes ${limits.payload}`);
  return lineEnd + 1 - start + payload + 2;
}

/** The command whose word begins the message; the word is ended by a space, or by the line's end. */
function findCommand(
  bytes: Uint8Array,
  start: number,
  end: number,
  commands: readonly Command[],
): Command | ParseFailure | number {
  let at = start;
  const stop = Math.min(end, start + LONGEST_WORD + 1);
  while (at < stop && !isBlank(bytes[at]!) && bytes[at] !== CR) at++;
  const width = at - start;
  const seen = bytes.subarray(start, at);
  for (const command of commands) {
    if (at === stop && width <= LONGEST_WORD ? command.word.length < width : command.word.length !== width) continue;
    if (!isWord(command.word, 0, upper(seen))) continue;
    return at === stop ? -(width + 1) : command;
  }
  return refuse(`no command of this direction begins like this${likelyCauseOfByte(bytes[start]!)}`);
}

function upper(word: Uint8Array): Uint8Array {
  return word.map((byte) => byte >= 97 && byte <= 122 ? byte - 32 : byte);
}

/** The size of the payload that the words from `at` to `to` tell. */
function readSizes(bytes: Uint8Array, at: number, to: number, command: Command): number | ParseFailure {
  let words = 0;
  let before = -1;
  let last = -1;
  for (let i = at; i < to;) {
    while (i < to && isBlank(bytes[i]!)) i++;
    if (i === to) break;
    words++;
    before = last;
    last = i;
    while (i < to && !isBlank(bytes[i]!)) i++;
  }
  const [min, max] = command.words!;
  if (words < min || words > max) return refuse(`control line with ${words} words, not ${min} to ${max}`);
  const size = readSize(bytes, last);
  if (typeof size !== "number" || command.sizes === 1) return size;
  const headers = readSize(bytes, before);
  if (typeof headers !== "number") return headers;
  return headers <= size ? size : refuse(`headers of ${headers} bytes in a message of ${size}`);
}

/** The size at `at`, which a space or the line's CR ends. */
function readSize(bytes: Uint8Array, at: number): number | ParseFailure {
  const size = readDecimal(bytes, at, Infinity, MAX_DIGITS);
  if (size === DECIMAL_LONG) return tooBig(`payload with a size of over ${MAX_DIGITS} digits`);
  if (size < 0) return refuse("size of the payload is no number");
  const byte = bytes[at + String(size).length]!;
  return isBlank(byte) || byte === CR ? size : refuse("size of the payload is no number");
}

function isBlank(byte: number): boolean {
  return byte === SP || byte === TAB;
}
