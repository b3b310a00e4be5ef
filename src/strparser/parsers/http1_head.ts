/**
 * Heads of HTTP/1.1 messages, line by line: what of them tells where the message ends (RFC 9112 sections 2 to 6).
 *
 * Strict where leniency is how requests are smuggled: no line ends but CR LF, no space in front of a colon, no folded
 * lines, no length said in two ways. Internal.
 *
 * @module
 */
import type { ParseFailure } from "../parser.ts";
import { asciiBytes, COLON, COMMA, CR, isWord, LF, SP, ZERO } from "./ascii.ts";
import { hexByte } from "./hex_byte.ts";
import type { Http1State } from "./http1_state.ts";
import { likelyCauseOfByte, refuse, tooBig } from "./refusal.ts";

const TAB = 9;
const MAX_DIGITS = 15;
const LONGEST_METHOD = 32;
const VERSION = asciiBytes("HTTP/1.");
const SCHEME = asciiBytes("HTTP/");
const CHUNKED = asciiBytes("CHUNKED");
const CONTENT_LENGTH = asciiBytes("CONTENT-LENGTH");
const TRANSFER_ENCODING = asciiBytes("TRANSFER-ENCODING");
const UPGRADE = asciiBytes("UPGRADE");
const HEAD = asciiBytes("HEAD");
const CONNECT = asciiBytes("CONNECT");
const PRI = asciiBytes("PRI * HTTP/2.0");

/** 1 for the characters of tokens (RFC 9110 section 5.6.2). */
const TOKEN = new Uint8Array(256);
for (const c of asciiBytes("!#$%&'*+-.^_`|~")) TOKEN[c] = 1;
for (let c = 0; c < 256; c++) if ((c >= 48 && c <= 57) || ((c | 32) >= 97 && (c | 32) <= 122)) TOKEN[c] = 1;

/** No line end yet. */
export const NO_LINE = -1;

/**
 * Position of the CR that ends the line at `state.at`, or {@linkcode NO_LINE} after noting how far the search came.
 * `max` bounds the section's bytes, `excess` says in words what is too long then.
 */
export function findLine(
  bytes: Uint8Array,
  start: number,
  end: number,
  state: Http1State,
  max: number,
  excess: string,
): number | ParseFailure {
  const stop = Math.min(end, start + state.section + max);
  for (let i = start + Math.max(state.scanned, state.at); i < stop; i++) {
    const byte = bytes[i]!;
    if (byte >= SP && byte !== 127 || byte === TAB) continue;
    if (byte !== CR) return refuse(byte === LF ? "line ends with LF alone" : `line has a ${hexByte(byte)} in it`);
    state.scanned = i - start;
    if (i + 1 === stop) break;
    return bytes[i + 1] === LF ? i : refuse("line has a CR in it");
  }
  if (stop - start - state.section === max) return tooBig(`${excess} ${max}`);
  state.scanned = Math.max(state.scanned, stop - start - (bytes[stop - 1] === CR ? 1 : 0));
  return NO_LINE;
}

/** What the first byte of a message shows already. */
export function checkFirst(byte: number, state: Http1State): ParseFailure | undefined {
  const isFit = state.isRequest === false ? byte === VERSION[0] : TOKEN[byte] === 1 || byte === CR || byte === LF;
  if (isFit) return undefined;
  const what = state.isRequest === false ? "response" : state.isRequest === true ? "request" : "message";
  return refuse(`no ${what} begins with ${hexByte(byte)}${byte === 0x16 ? likelyCauseOfByte(byte) : ""}`);
}

/** Takes in a start line, from `at` to `to`. */
export function takeStartLine(bytes: Uint8Array, at: number, to: number, state: Http1State): ParseFailure | undefined {
  state.length = -1;
  state.coding = "none";
  state.hasUpgrade = false;
  if (to - at >= PRI.length && isWord(bytes, at, PRI)) return refuse("preface of HTTP/2");
  const isResponse = to - at >= SCHEME.length && isWord(bytes, at, SCHEME);
  state.isRequest ??= !isResponse;
  if (state.isRequest === isResponse) return refuse(isResponse ? "response among requests" : "no status line");
  return isResponse ? takeStatusLine(bytes, at, to, state) : takeRequestLine(bytes, at, to, state);
}

function takeStatusLine(bytes: Uint8Array, at: number, to: number, state: Http1State): ParseFailure | undefined {
  const code = at + VERSION.length + 2;
  const failure = to - at < 12 ? refuse("status line is too short") : takeVersion(bytes, at, state);
  if (failure !== undefined) return failure;
  if (bytes[code - 1] !== SP || (to > code + 3 && bytes[code + 3] !== SP)) return refuse("status line has no status");
  state.status = 0;
  for (let i = code; i < code + 3; i++) {
    if (!isDigit(bytes[i]!)) return refuse("status is no number");
    state.status = state.status * 10 + bytes[i]! - ZERO;
  }
  return state.status >= 100 ? undefined : refuse(`status ${state.status}`);
}

function takeRequestLine(bytes: Uint8Array, at: number, to: number, state: Http1State): ParseFailure | undefined {
  let space = at;
  while (space < to && TOKEN[bytes[space]!] === 1) space++;
  const width = space - at;
  if (width === 0 || width > LONGEST_METHOD || bytes[space] !== SP) return refuse("request line has no method");
  const version = to - VERSION.length - 1;
  if (version < space + 3 || bytes[version - 1] !== SP) return refuse("request line has no target and version");
  for (let i = space + 1; i < version - 1; i++) {
    if (bytes[i] === SP || bytes[i] === TAB) return refuse("request line has more than three words");
  }
  state.method = isExactly(bytes, at, width, HEAD)
    ? "HEAD"
    : isExactly(bytes, at, width, CONNECT)
    ? "CONNECT"
    : "other";
  return takeVersion(bytes, version, state);
}

function takeVersion(bytes: Uint8Array, at: number, state: Http1State): ParseFailure | undefined {
  const minor = bytes[at + VERSION.length]!;
  for (let i = 0; i < VERSION.length; i++) if (bytes[at + i] !== VERSION[i]) return refuse("version is not HTTP/1");
  if (!isDigit(minor)) return refuse("version is not HTTP/1");
  state.minor = minor - ZERO;
  return undefined;
}

/** Takes in a field, from `at` to `to`. Of trailers only the form is looked at. */
export function takeField(
  bytes: Uint8Array,
  at: number,
  to: number,
  state: Http1State,
  isTrailer: boolean,
): ParseFailure | undefined {
  let colon = at;
  while (colon < to && TOKEN[bytes[colon]!] === 1) colon++;
  if (colon === at && (bytes[at] === SP || bytes[at] === TAB)) return refuse("field is folded over lines");
  if (colon === at || colon === to || bytes[colon] !== COLON) return refuse("line is no field");
  if (isTrailer) return undefined;
  const width = colon - at;
  let from = colon + 1;
  let until = to;
  while (from < until && isBlank(bytes[from]!)) from++;
  while (until > from && isBlank(bytes[until - 1]!)) until--;
  if (isField(bytes, at, width, CONTENT_LENGTH)) return takeLengths(bytes, from, until, state);
  if (isField(bytes, at, width, TRANSFER_ENCODING)) return takeCodings(bytes, from, until, state);
  if (isField(bytes, at, width, UPGRADE)) state.hasUpgrade = true;
  return undefined;
}

/** One length, or a list of the same one. */
function takeLengths(bytes: Uint8Array, from: number, to: number, state: Http1State): ParseFailure | undefined {
  for (let at = from;; at++) {
    while (at < to && isBlank(bytes[at]!)) at++;
    let length = 0;
    const digits = at;
    for (; at < to && isDigit(bytes[at]!); at++) length = length * 10 + bytes[at]! - ZERO;
    const width = at - digits;
    while (at < to && isBlank(bytes[at]!)) at++;
    if (width === 0 || (at < to && bytes[at] !== COMMA)) return refuse("Content-Length is no number");
    if (width > MAX_DIGITS) return tooBig(`Content-Length has more than ${MAX_DIGITS} digits`);
    if (state.length >= 0 && state.length !== length) {
      return refuse(`Content-Length is ${state.length} and ${length}: smuggling`);
    }
    state.length = length;
    if (at === to) return undefined;
  }
}

function takeCodings(bytes: Uint8Array, from: number, to: number, state: Http1State): ParseFailure | undefined {
  for (let at = from; at <= to; at++) {
    while (at < to && isBlank(bytes[at]!)) at++;
    const coding = at;
    while (at < to && bytes[at] !== COMMA) at++;
    let width = at - coding;
    while (width > 0 && isBlank(bytes[coding + width - 1]!)) width--;
    if (width === 0) continue;
    if (state.coding === "chunked") return refuse("Transfer-Encoding has something behind chunked: smuggling");
    state.coding = isField(bytes, coding, width, CHUNKED) ? "chunked" : "other";
  }
  return state.coding === "none" ? refuse("Transfer-Encoding is empty") : undefined;
}

/** Whether the name of `width` bytes is `name`, in any case. */
function isField(bytes: Uint8Array, at: number, width: number, name: Uint8Array): boolean {
  return width === name.length && isWord(bytes, at, name);
}

/** Methods, unlike names of fields, are what they are in their case. */
function isExactly(bytes: Uint8Array, at: number, width: number, word: Uint8Array): boolean {
  return width === word.length && word.every((byte, i) => bytes[at + i] === byte);
}

function isBlank(byte: number): boolean {
  return byte === SP || byte === TAB;
}

function isDigit(byte: number): boolean {
  return byte >= ZERO && byte <= ZERO + 9;
}
