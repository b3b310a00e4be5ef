/**
 * Messages that end with a delimiter: lines, and everything like them.
 *
 * Each byte is looked at once, however the bytes are cut: how far the search came is kept in the state. One short
 * delimiter is searched natively, by its last byte; several, or a long one, by an Aho-Corasick automaton. The message
 * includes its delimiter, because messages are the whole stream, cut; {@linkcode trimDelimiter} and {@linkcode trimLine}
 * give the content as a view.
 *
 * @module
 */
import { choiceOption, limitOption } from "../../core/limits.ts";
import type { Parser } from "../parser.ts";
import { indexOfByte } from "./ascii.ts";
import { NeedleAutomaton } from "./needle_automaton.ts";

/** Options of {@linkcode delimiter}. */
export interface DelimiterOptions {
  /** Longest message the protocol knows, in bytes, delimiter included. @default {Infinity} */
  max?: number | undefined;
}

/** Options of {@linkcode lines}. */
export interface LinesOptions extends DelimiterOptions {
  /** `lf`: a line ends with LF, which a CR may precede. `crlf`: only CR LF ends one. @default {"lf"} */
  ending?: "lf" | "crlf" | undefined;
}

/** A delimiter: bytes, or a string, which stands for its UTF-8. */
export type Delimiter = Uint8Array | string;

interface ScanState {
  /** How many bytes of the message were searched. */
  scanned: number;
  /** State of the automaton behind them. */
  node: number;
}

/** Up to this length looking back from the last byte is fast enough for hostile bytes too. */
const SHORT = 4;

/**
 * Parser for messages that end with a delimiter, or with any of several: the one that ends first ends the message.
 *
 * The stream's last message must have its delimiter too, otherwise the end is `ETRUNCATED`. As the length is told only
 * by the end, `maxMessageLength` bounds what is held, not `maxHeaderBytes`.
 *
 * @throws {TypeError | RangeError} when an option is wrong, or a delimiter empty, or all together have over 4096 bytes
 * @example
 * ```ts
 * import { delimiter, trimDelimiter } from "@leat/streams/strparser";
 * import { assertEquals } from "@std/assert";
 *
 * const parser = delimiter("\r\n\r\n");
 * const bytes = new TextEncoder().encode("one\r\n\r\ntwo");
 * assertEquals(parser.parse(bytes, 0, bytes.length, parser.start?.({})), 7);
 * assertEquals(trimDelimiter(bytes.subarray(0, 7), "\r\n\r\n"), bytes.subarray(0, 3));
 * ```
 */
export function delimiter(of: Delimiter | readonly Delimiter[], options: DelimiterOptions = {}): Parser {
  const needles = needlesOf(of);
  const max = limitOption("max", options.max, Infinity);
  const parser: Parser = {
    name: "delimiter",
    maxHeaderBytes: Infinity,
    start: (): ScanState => ({ scanned: 0, node: 0 }),
    parse: needles.length === 1 && needles[0]!.length <= SHORT
      ? shortSearch(needles[0]!)
      : automatonSearch(new NeedleAutomaton(needles)),
  };
  return max === Infinity ? parser : { ...parser, maxMessageLength: max };
}

/**
 * Parser for lines. The message includes the line end; {@linkcode trimLine} takes it off.
 *
 * @throws {TypeError | RangeError} when an option is wrong
 * @example
 * ```ts
 * import { lines, MessageStream, trimLine } from "@leat/streams/strparser";
 * import { assertEquals } from "@std/assert";
 *
 * const found: string[] = [];
 * for await (const line of new Blob(["one\r\ntwo\n"]).stream().pipeThrough(new MessageStream({ parser: lines() }))) {
 *   found.push(new TextDecoder().decode(trimLine(line)));
 * }
 * assertEquals(found, ["one", "two"]);
 * ```
 */
export function lines(options: LinesOptions = {}): Parser {
  const ending = choiceOption("ending", options.ending, "lf", ["lf", "crlf"]);
  return { ...delimiter(ending === "lf" ? "\n" : "\r\n", options), name: "lines" };
}

/** The message without the delimiter at its end, as a view: the longest of several that it ends with, if any. */
export function trimDelimiter(message: Uint8Array, of: Delimiter | readonly Delimiter[]): Uint8Array {
  let longest = 0;
  for (const needle of needlesOf(of)) {
    if (needle.length > longest && endsWith(message, needle)) longest = needle.length;
  }
  return message.subarray(0, message.length - longest);
}

/** The line without its LF or CR LF, as a view. */
export function trimLine(line: Uint8Array): Uint8Array {
  const last = line.length - 1;
  if (line[last] !== 10) return line;
  return line.subarray(0, line[last - 1] === 13 ? last - 1 : last);
}

/** The delimiters as bytes of their own. */
export function needlesOf(of: Delimiter | readonly Delimiter[]): readonly Uint8Array[] {
  const all = typeof of === "string" || of instanceof Uint8Array ? [of] : of;
  if (!Array.isArray(all)) throw new TypeError("delimiter must be bytes, a string, or an array of them");
  const needles = all.map((one: unknown) => {
    if (typeof one === "string") return new TextEncoder().encode(one);
    if (one instanceof Uint8Array) return Uint8Array.from(one);
    throw new TypeError(`delimiter must be bytes or a string, got ${typeof one}`);
  });
  if (needles.length === 0 || needles.some((needle) => needle.length === 0)) {
    throw new RangeError("delimiter must not be empty");
  }
  return needles;
}

function endsWith(message: Uint8Array, needle: Uint8Array): boolean {
  const from = message.length - needle.length;
  return from >= 0 && needle.every((byte, i) => message[from + i] === byte);
}

function shortSearch(needle: Uint8Array): Parser<ScanState>["parse"] {
  const size = needle.length;
  const last = needle[size - 1]!;
  return (bytes, start, end, state) => {
    let from = start + Math.max(state.scanned, size - 1);
    for (;;) {
      const at = from < end ? indexOfByte(bytes, last, from, end) : -1;
      if (at < 0) break;
      let back = 1;
      while (back < size && bytes[at - back] === needle[size - 1 - back]) back++;
      if (back === size) {
        state.scanned = 0;
        return at + 1 - start;
      }
      from = at + 1;
    }
    state.scanned = end - start;
    return -Math.max(size, end - start + 1);
  };
}

function automatonSearch(automaton: NeedleAutomaton): Parser<ScanState>["parse"] {
  const { next, isEnd } = automaton;
  return (bytes, start, end, state) => {
    let { node } = state;
    for (let i = start + state.scanned; i < end; i++) {
      node = next[node << 8 | bytes[i]!]!;
      if (isEnd[node] === 1) {
        state.scanned = 0;
        state.node = 0;
        return i + 1 - start;
      }
    }
    state.scanned = end - start;
    state.node = node;
    return -(end - start + automaton.missing[node]!);
  };
}
