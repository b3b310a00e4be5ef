/**
 * The base protocol of the Language Server Protocol (version 3.17) and the Debug Adapter Protocol: header fields, an
 * empty line, and so many bytes of JSON as Content-Length says.
 *
 * Not here: the JSON; the charset of Content-Type, which is UTF-8 in practice.
 *
 * @module
 */
import { limitOption } from "../../core/limits.ts";
import type { Encoder } from "../encoder.ts";
import type { ParseFailure, Parser } from "../parser.ts";
import { asciiBytes, COLON, CR, DECIMAL_MORE, indexOfByte, isWord, LF, readDecimal, SP } from "./ascii.ts";
import { hexByte } from "./hex_byte.ts";
import { payloadTooBig, refuse, tooBig } from "./refusal.ts";

/** Options of {@linkcode lsp} and {@linkcode lspEncoder}. */
export interface LspOptions {
  /** Longest content, in bytes. @default {67108864} */
  maxPayloadBytes?: number | undefined;
}

/** Options of {@linkcode lsp}. */
export interface LspParserOptions extends LspOptions {
  /** Longest header, in bytes, the empty line included. @default {4096} */
  maxHeaderBytes?: number | undefined;
}

interface LspState {
  /** Start of the line in work, counted from the start of the message. */
  line: number;
  /** How far the search for its end came. */
  scanned: number;
  /** Content-Length, -1 until it was seen. */
  length: number;
}

const DEFAULT_MAX = 64 * 1024 * 1024;
const MAX_DIGITS = 15;
const CONTENT_LENGTH = asciiBytes("CONTENT-LENGTH");

/**
 * Parser for messages of LSP and DAP, the same in both directions. The message is header and content.
 *
 * @throws {TypeError | RangeError} when an option is wrong
 * @example
 * ```ts
 * import { lsp } from "@leat/streams/parsers";
 * import { assertEquals } from "@std/assert";
 *
 * const parser = lsp();
 * const bytes = new TextEncoder().encode("Content-Length: 2\r\n\r\n{}");
 * assertEquals(parser.parse(bytes, 0, bytes.length, parser.start?.({})), 23);
 * ```
 */
export function lsp(options: LspParserOptions = {}): Parser {
  const max = limitOption("maxPayloadBytes", options.maxPayloadBytes, DEFAULT_MAX, 0);
  const maxHeaderBytes = limitOption("maxHeaderBytes", options.maxHeaderBytes, 4096);
  return {
    name: "lsp",
    maxMessageLength: maxHeaderBytes + max,
    maxHeaderBytes,
    start: (): LspState => ({ line: 0, scanned: 0, length: -1 }),
    parse(bytes: Uint8Array, start: number, end: number, state: LspState): number | ParseFailure {
      for (;;) {
        const at = start + state.line;
        if (at === start && end > at && !isLetter(bytes[at]!)) return noHeader(bytes[at]!);
        const lineEnd = indexOfByte(bytes, LF, start + Math.max(state.scanned, state.line), end);
        if (lineEnd < 0) {
          state.scanned = end - start;
          return -(end - start + 1);
        }
        if (bytes[lineEnd - 1] !== CR || lineEnd === at) return refuse("header line does not end with CR LF");
        state.line = lineEnd + 1 - start;
        if (lineEnd - at === 1) return endHeader(state);
        const failure = takeField(bytes, at, lineEnd - 1, state, max);
        if (failure !== undefined) return failure;
      }
    },
  };
}

function endHeader(state: LspState): number | ParseFailure {
  const { line, length } = state;
  state.line = 0;
  state.scanned = 0;
  state.length = -1;
  return length < 0 ? refuse("header has no Content-Length") : line + length;
}

function takeField(bytes: Uint8Array, at: number, to: number, state: LspState, max: number): ParseFailure | undefined {
  const colon = indexOfByte(bytes, COLON, at, to);
  if (colon <= at || !isLetter(bytes[at]!)) {
    return refuse("line is no header field; was something printed to the protocol's stream?");
  }
  if (colon - at !== CONTENT_LENGTH.length || !isWord(bytes, at, CONTENT_LENGTH)) return undefined;
  if (state.length >= 0) return refuse("header has Content-Length twice");
  let digits = colon + 1;
  while (digits < to && bytes[digits] === SP) digits++;
  const length = digits < to ? readDecimal(bytes, digits, to + 1, MAX_DIGITS) : DECIMAL_MORE;
  // where the number ends, the line has to: its CR is the byte at `to`
  if (length < 0 || to - digits !== String(length).length) return refuse("Content-Length is no number");
  if (length > max) return tooBig(`content of ${length} bytes exceeds maxPayloadBytes ${max}`);
  state.length = length;
  return undefined;
}

function noHeader(byte: number): ParseFailure {
  const cause = byte === 0x7b ? ": JSON without a header" : byte === CR ? ": header has no Content-Length" : "";
  return refuse(`message begins with ${hexByte(byte)}, not a header field${cause}`);
}

function isLetter(byte: number): boolean {
  const lower = byte | 32;
  return lower >= 97 && lower <= 122;
}

/**
 * Encoder for messages of LSP and DAP: the content is bytes of JSON in UTF-8.
 *
 * @throws {TypeError | RangeError} when an option is wrong
 * @example
 * ```ts
 * import { lspEncoder } from "@leat/streams/parsers";
 * import { assertEquals } from "@std/assert";
 *
 * const content = new TextEncoder().encode("{}");
 * assertEquals(lspEncoder().encode(content), [new TextEncoder().encode("Content-Length: 2\r\n\r\n"), content]);
 * ```
 */
export function lspEncoder(options: LspOptions = {}): Encoder {
  const max = limitOption("maxPayloadBytes", options.maxPayloadBytes, DEFAULT_MAX, 0);
  return {
    name: "lsp",
    encode(payload: Uint8Array): readonly Uint8Array[] {
      if (payload.length > max) throw payloadTooBig("lsp", payload.length, max);
      return [asciiBytes(`Content-Length: ${payload.length}\r\n\r\n`), payload];
    },
  };
}
