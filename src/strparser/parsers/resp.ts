/**
 * RESP, the protocol of Redis: version 2 and 3, both directions, inline commands and streamed values included
 * (Redis documentation, "Redis serialization protocol specification"; the RESP3 specification for streaming).
 *
 * The grammar is recursive, so the end of a message is found by walking through it. Theory: a stack holds, for each
 * aggregate that is open, how many values it still lacks; the outermost entry is the message itself and lacks one. A
 * value counts when it begins; an attribute never counts. The message ends when no entry lacks anything. `at` and
 * `scanned` say how far the walk has come, so a call that ends for want of bytes is continued, not repeated.
 *
 * The length is told as soon as it is certain: the bytes of the last string need not be there, and the line end
 * behind them is not looked at. Not here: the values.
 *
 * @module
 */
import { limitOption } from "../../core/limits.ts";
import type { ParseFailure, Parser, ParserContext } from "../parser.ts";
import { hexByte } from "./hex_byte.ts";

/** Options of {@linkcode resp}. */
export interface RespOptions {
  /** How deep aggregates may be nested. Deeper is `EMSGSIZE`. @default {32} */
  maxDepth?: number | undefined;
  /** How many elements an aggregate may have (a map two for each entry). More is `EMSGSIZE`. @default {1048576} */
  maxElements?: number | undefined;
  /** Longest string, in bytes. A longer one is `EMSGSIZE`. @default {536870912} */
  maxStringLength?: number | undefined;
}

interface RespState {
  /** Whether a message may be a bare line. */
  readonly inline: "always" | "for letters" | "never";
  /** Start of the next value, counted from the start of the message. */
  at: number;
  /** How far the line at `at` was searched for its end. */
  scanned: number;
  /** Whether a string ends at `at`, whose line end was not there yet to be checked. */
  isBehindString: boolean;
  /** Whether the pieces of a streamed string come next. */
  isStreaming: boolean;
  /** Missing values by depth; `STREAMED` where only the end mark tells. */
  readonly missing: number[];
}

/** What one value means for the walk: bytes of a string behind its line, values in it, or something wrong. */
type Step = ParseFailure | undefined;

interface Limits {
  readonly maxDepth: number;
  readonly maxElements: number;
  readonly maxStringLength: number;
}

const MAX_LINE = 64 * 1024;
const STREAMED = -1;
const LF = 10;
const CR = 13;
const QUESTION = 63;
const STAR = 42;

/** What a type byte stands for. */
const Kind = { NONE: 0, LINE: 1, STRING: 2, LIST: 3, MAP: 4, ATTRIBUTE: 5, PIECE: 6, END: 7 } as const;
const KINDS = new Uint8Array(256);
for (const c of "+-:,(#_") KINDS[c.charCodeAt(0)] = Kind.LINE;
for (const c of "$!=") KINDS[c.charCodeAt(0)] = Kind.STRING;
for (const c of "*~>") KINDS[c.charCodeAt(0)] = Kind.LIST;
KINDS[37] = Kind.MAP; // %
KINDS[124] = Kind.ATTRIBUTE; // |
KINDS[59] = Kind.PIECE; // ;
KINDS[46] = Kind.END; // .

/**
 * Parser for RESP. A message is one whole top-level value (a command, a reply, a push), with the attributes in front
 * of it, or one inline command.
 *
 * Its length can be unknown until its end, so `maxMessageLength` bounds what is held, not `maxHeaderBytes`.
 *
 * @throws {TypeError | RangeError} when an option is wrong
 * @example
 * ```ts
 * import { resp } from "@leat/streams/parsers";
 * import { assertEquals } from "@std/assert";
 *
 * const parser = resp();
 * const bytes = new TextEncoder().encode("*2\r\n$3\r\nGET\r\n$3\r\nkey\r\n+OK\r\n");
 * assertEquals(parser.parse(bytes, 0, bytes.length, parser.start?.({})), 22);
 * ```
 */
export function resp(options: RespOptions = {}): Parser {
  const limits: Limits = {
    maxDepth: limitOption("maxDepth", options.maxDepth, 32),
    maxElements: limitOption("maxElements", options.maxElements, 1024 * 1024),
    maxStringLength: limitOption("maxStringLength", options.maxStringLength, 512 * 1024 * 1024),
  };
  return {
    name: "resp",
    maxHeaderBytes: Infinity,
    start({ direction }: ParserContext): RespState {
      const inline = direction === "client" ? "always" : direction === "server" ? "never" : "for letters";
      return { inline, at: 0, scanned: 0, isBehindString: false, isStreaming: false, missing: [1] };
    },
    parse(bytes: Uint8Array, start: number, end: number, state: RespState): number | ParseFailure {
      return walk(bytes, start, end, state, limits);
    },
  };
}

function walk(bytes: Uint8Array, start: number, end: number, state: RespState, limits: Limits): number | ParseFailure {
  while (state.missing.length > 0) {
    const at = start + state.at;
    // a value has a type byte and a line end at least
    if (at >= end) return -(state.at + 3);
    if (state.isBehindString) {
      if (bytes[at - 2] !== CR || bytes[at - 1] !== LF) return refuse("string is not followed by a line end");
      state.isBehindString = false;
    }
    const kind = KINDS[bytes[at]!]!;
    const isInline = state.at === 0 && state.inline !== "never" && isInlineStart(bytes[at]!, kind, state.inline);
    if (kind === Kind.NONE && !isInline) return refuse(`type ${hexByte(bytes[at]!)} begins no value`);
    const lineEnd = findLineEnd(bytes, at, end, start, state);
    if (lineEnd < 0) {
      return end - at > MAX_LINE ? tooBig(`line of more than ${MAX_LINE} bytes`) : -(end - start + 1);
    }
    const failure = isInline
      ? endMessage(state, lineEnd + 1 - start)
      : takeValue(bytes, at, lineEnd, start, kind, state, limits);
    if (failure !== undefined) return failure;
  }
  const length = state.at;
  endMessage(state, 0);
  state.missing.push(1);
  return length;
}

/** Position of the line feed, or -1 after noting how far the search went. */
function findLineEnd(bytes: Uint8Array, at: number, end: number, start: number, state: RespState): number {
  const stop = Math.min(end, at + MAX_LINE + 1);
  for (let i = Math.max(at, start + state.scanned); i < stop; i++) {
    if (bytes[i] === LF) return i;
  }
  state.scanned = stop - start;
  return -1;
}

/** Redis takes every line that is no array as an inline command; without a direction only what starts as a word is. */
function isInlineStart(byte: number, kind: number, inline: "always" | "for letters"): boolean {
  if (inline === "always" ? byte === STAR : kind !== Kind.NONE) return false;
  if (byte === CR || byte === LF || byte === 32 || byte === 9) return true;
  if (inline === "always") return byte > 32 && byte < 127;
  return (byte >= 65 && byte <= 90) || (byte >= 97 && byte <= 122);
}

/** Takes in one value whose line ends at `lineEnd`. */
function takeValue(
  bytes: Uint8Array,
  at: number,
  lineEnd: number,
  start: number,
  kind: number,
  state: RespState,
  limits: Limits,
): Step {
  if (bytes[lineEnd - 1] !== CR || lineEnd - at < 2) return refuse("line does not end with CR LF");
  const next = lineEnd + 1 - start;
  const missing = state.missing;
  const innermost = missing.length - 1;
  state.at = next;
  state.scanned = next;
  if (state.isStreaming !== (kind === Kind.PIECE)) return refuse("pieces of a streamed string are out of place");
  if (kind === Kind.PIECE) return takePiece(bytes, at, lineEnd, state, limits);
  if (kind === Kind.END) {
    if (missing[innermost] !== STREAMED || lineEnd - at !== 2) return refuse("end mark without a streamed aggregate");
    missing.pop();
    return dropComplete(missing);
  }
  if (kind !== Kind.ATTRIBUTE && missing[innermost] !== STREAMED) missing[innermost]!--;
  if (kind === Kind.LINE) return checkLine(bytes, at, lineEnd) ?? dropComplete(missing);
  if (kind === Kind.STRING) return takeString(bytes, at, lineEnd, state, limits);
  return openAggregate(bytes, at, lineEnd, kind, missing, limits);
}

function takeString(bytes: Uint8Array, at: number, lineEnd: number, state: RespState, limits: Limits): Step {
  const isPlain = bytes[at] === 36; // $
  if (isPlain && isQuestion(bytes, at, lineEnd)) {
    state.isStreaming = true;
    state.missing.push(1); // until the last piece
    return undefined;
  }
  const length = readCount(bytes, at + 1, lineEnd - 1);
  if (length === -1 && isPlain) return dropComplete(state.missing);
  if (length < 0) return refuse("string has no valid length");
  if (length > limits.maxStringLength) {
    return tooBig(`string of ${length} bytes exceeds maxStringLength ${limits.maxStringLength}`);
  }
  skipString(state, length);
  return dropComplete(state.missing);
}

function takePiece(bytes: Uint8Array, at: number, lineEnd: number, state: RespState, limits: Limits): Step {
  const length = readCount(bytes, at + 1, lineEnd - 1);
  if (length < 0) return refuse("piece of a string has no valid length");
  if (length > limits.maxStringLength) {
    return tooBig(`piece of ${length} bytes exceeds maxStringLength ${limits.maxStringLength}`);
  }
  if (length > 0) {
    skipString(state, length);
    return undefined;
  }
  state.isStreaming = false;
  state.missing.pop();
  return dropComplete(state.missing);
}

function skipString(state: RespState, length: number): void {
  state.at += length + 2;
  state.scanned = state.at;
  state.isBehindString = true;
}

function openAggregate(
  bytes: Uint8Array,
  at: number,
  lineEnd: number,
  kind: number,
  missing: number[],
  limits: Limits,
): Step {
  const isStreamed = kind !== Kind.ATTRIBUTE && isQuestion(bytes, at, lineEnd);
  const count = isStreamed ? STREAMED : readCount(bytes, at + 1, lineEnd - 1);
  const isNull = count === -1 && !isStreamed && bytes[at] === STAR;
  if (isNull) return dropComplete(missing);
  if (count < 0 && !isStreamed) return refuse("aggregate has no valid count");
  const elements = kind === Kind.LIST ? count : 2 * count;
  if (elements > limits.maxElements) {
    return tooBig(`aggregate of ${elements} elements exceeds maxElements ${limits.maxElements}`);
  }
  // the outermost entry is the message, not an aggregate
  if (missing.length > limits.maxDepth) return tooBig(`aggregates nested deeper than maxDepth ${limits.maxDepth}`);
  missing.push(isStreamed ? STREAMED : elements);
  return dropComplete(missing);
}

/** Closes what lacks nothing any more. */
function dropComplete(missing: number[]): undefined {
  while (missing.length > 0 && missing[missing.length - 1] === 0) missing.pop();
}

function endMessage(state: RespState, at: number): undefined {
  state.at = at;
  state.scanned = 0;
  state.isBehindString = false;
  state.missing.length = 0;
}

/** Content checks where they cost little: they show lost synchronisation. */
function checkLine(bytes: Uint8Array, at: number, lineEnd: number): Step {
  const type = bytes[at];
  const length = lineEnd - 2 - at;
  if (type === 95 && length !== 0) return refuse("null with a content"); // _
  if (type === 35 && (length !== 1 || (bytes[at + 1] !== 116 && bytes[at + 1] !== 102))) { // # t f
    return refuse("boolean is neither t nor f");
  }
  if (type === 58 && !isInteger(bytes, at + 1, lineEnd - 1)) return refuse("integer has other characters"); // :
  return undefined;
}

function isInteger(bytes: Uint8Array, from: number, to: number): boolean {
  const digits = bytes[from] === 45 || bytes[from] === 43 ? from + 1 : from;
  for (let i = digits; i < to; i++) {
    if (bytes[i]! < 48 || bytes[i]! > 57) return false;
  }
  return digits < to;
}

/** A count of at most ten digits; -1 for `-1`, -2 for anything else. */
function readCount(bytes: Uint8Array, from: number, to: number): number {
  if (to - from === 2 && bytes[from] === 45 && bytes[from + 1] === 49) return -1;
  if (to <= from || to - from > 10) return -2;
  let value = 0;
  for (let i = from; i < to; i++) {
    const digit = bytes[i]! - 48;
    if (digit < 0 || digit > 9) return -2;
    value = value * 10 + digit;
  }
  return value;
}

function isQuestion(bytes: Uint8Array, at: number, lineEnd: number): boolean {
  return lineEnd - at === 3 && bytes[at + 1] === QUESTION;
}

function refuse(reason: string): ParseFailure {
  return { code: "EPROTO", reason };
}

function tooBig(reason: string): ParseFailure {
  return { code: "EMSGSIZE", reason };
}
