/**
 * JSON text sequences (RFC 7464, `application/json-seq`): a record separator, a JSON text, a line feed, each time.
 *
 * A text may have line feeds in it, and the next record separator may be long in coming, so the end is found by
 * walking along the text: the line feed behind the value. Only brackets and quotes are followed; whether the text is
 * JSON is seen by whoever parses it.
 *
 * Not here: RFC 7464 lets a reader drop a text that was cut (its writer died and began anew) and go on. Here that is
 * refused; with `recover` the cut text and the next one are one message, of which the part behind the last record
 * separator is whole.
 *
 * @module
 */
import { limitOption } from "../../core/limits.ts";
import type { Encoder } from "../encoder.ts";
import type { ParseFailure, Parser } from "../parser.ts";
import { CR, LF, SP } from "./ascii.ts";
import { hexByte } from "./hex_byte.ts";
import { jsonBytes } from "./json_bytes.ts";
import { likelyCauseOfByte, payloadTooBig, refuse } from "./refusal.ts";

/** Options of {@linkcode jsonSequence}. */
export interface JsonSequenceOptions {
  /** Longest message, in bytes, separator and line feed included. @default {Infinity} */
  max?: number | undefined;
  /** Let a cut text and the next one through as one message, instead of refusing them. @default {false} */
  recover?: boolean | undefined;
}

type Phase = "separator" | "before" | "inside" | "scalar" | "behind";

interface SequenceState {
  phase: Phase;
  /** How many bytes of the message were walked along. */
  at: number;
  /** Brackets that are open. */
  depth: number;
  isInString: boolean;
  isEscaped: boolean;
}

const RS = 0x1e;
const TAB = 9;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const OPEN = new Set([0x5b, 0x7b]);
const CLOSE = new Set([0x5d, 0x7d]);
const SCALAR_STARTS = new Set([..."-0123456789tfn"].map((c) => c.charCodeAt(0)));

/**
 * Parser for JSON text sequences. The message is all from the record separator to the line feed.
 *
 * @throws {TypeError | RangeError} when an option is wrong
 * @example
 * ```ts
 * import { jsonSequence } from "@leat/streams/parsers";
 * import { assertEquals } from "@std/assert";
 *
 * const parser = jsonSequence();
 * const bytes = new TextEncoder().encode('\x1e{\n"a": 1\n}\n\x1e2\n');
 * assertEquals(parser.parse(bytes, 0, bytes.length, parser.start?.({})), 12);
 * ```
 */
export function jsonSequence(options: JsonSequenceOptions = {}): Parser {
  const max = limitOption("max", options.max, Infinity);
  const recover = options.recover ?? false;
  return {
    name: "jsonSequence",
    ...(max < Infinity && { maxMessageLength: max }),
    maxHeaderBytes: Infinity,
    start: (): SequenceState => ({ phase: "separator", at: 0, depth: 0, isInString: false, isEscaped: false }),
    parse(bytes: Uint8Array, start: number, end: number, state: SequenceState): number | ParseFailure {
      for (let i = start + state.at; i < end; i++) {
        const failure = step(bytes[i]!, state, recover);
        if (failure !== undefined) return failure;
        if (state.phase !== "separator") continue;
        state.at = 0;
        return i + 1 - start;
      }
      state.at = end - start;
      return -(end - start + 1);
    },
  };
}

/** Takes in one byte. The message has ended when the phase is `separator` again. */
function step(byte: number, state: SequenceState, recover: boolean): ParseFailure | undefined {
  if (byte === RS) return separator(state, recover);
  switch (state.phase) {
    case "separator":
      return refuse(`text begins with ${hexByte(byte)}, not a record separator${likelyCauseOfByte(byte)}`);
    case "before":
      return begin(byte, state);
    case "inside":
      return inside(byte, state);
    case "scalar":
      if (byte === LF) state.phase = "separator";
      else if (isSpace(byte)) state.phase = "behind";
      return undefined;
    case "behind":
      if (byte === LF) state.phase = "separator";
      else if (!isSpace(byte)) return refuse("something follows a text on its line");
      return undefined;
  }
}

function separator(state: SequenceState, recover: boolean): ParseFailure | undefined {
  if (state.phase !== "separator" && state.phase !== "before" && !recover) {
    return refuse("record separator inside a text: its writer was cut off");
  }
  state.phase = "before";
  state.depth = 0;
  state.isInString = false;
  state.isEscaped = false;
  return undefined;
}

function begin(byte: number, state: SequenceState): ParseFailure | undefined {
  if (byte === LF || isSpace(byte)) return undefined;
  if (byte === QUOTE || OPEN.has(byte)) {
    state.phase = "inside";
    return inside(byte, state);
  }
  if (!SCALAR_STARTS.has(byte)) return refuse(`no JSON text begins with ${hexByte(byte)}`);
  state.phase = "scalar";
  return undefined;
}

function inside(byte: number, state: SequenceState): undefined {
  if (state.isEscaped) {
    state.isEscaped = false;
  } else if (byte === QUOTE) {
    state.isInString = !state.isInString;
    if (!state.isInString && state.depth === 0) state.phase = "behind";
  } else if (state.isInString) {
    state.isEscaped = byte === BACKSLASH;
  } else if (OPEN.has(byte)) {
    state.depth++;
  } else if (CLOSE.has(byte) && --state.depth === 0) {
    state.phase = "behind";
  }
}

function isSpace(byte: number): boolean {
  return byte === SP || byte === TAB || byte === CR;
}

/**
 * Encoder for JSON text sequences: of any value that `JSON.stringify` has a text for.
 *
 * @throws {TypeError | RangeError} when an option is wrong
 * @example
 * ```ts
 * import { jsonSequenceEncoder } from "@leat/streams/parsers";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(jsonSequenceEncoder().encode([1]), [new TextEncoder().encode("\x1e[1]\n")]);
 * ```
 */
export function jsonSequenceEncoder(options: Pick<JsonSequenceOptions, "max"> = {}): Encoder<unknown> {
  const max = limitOption("max", options.max, Infinity);
  return {
    name: "jsonSequence",
    encode(value: unknown): readonly Uint8Array[] {
      const bytes = jsonBytes("jsonSequence", value, "\x1e");
      if (bytes.length > max) throw payloadTooBig("jsonSequence", bytes.length - 2, max - 2);
      return [bytes];
    },
  };
}
