/**
 * 9P: 9P2000, 9P2000.u and 9P2000.L (Plan 9 manual, section 5, `intro` and `version`).
 *
 * A connection begins with a version message, in which both ends agree on the longest message (the client's stream shows
 * what it has offered, the server's what it has settled on); that bound is kept. Clients send even types, servers odd
 * ones. Not here: the contents of messages.
 *
 * @module
 */
import { readU16le, readU32, readU32le } from "../../bytes/integers.ts";
import { limitOption } from "../../core/limits.ts";
import { byteCount } from "../../core/words.ts";
import type { ParseFailure, Parser, ParserContext } from "../parser.ts";
import { likelyCause, refuse, tooBig } from "./refusal.ts";

/** Options of {@linkcode ninep}. */
export interface NinepOptions {
  /** Longest message, in bytes, however much more the ends agree on. @default {1048576} */
  maxMessageBytes?: number | undefined;
}

interface NinepState {
  direction: "client" | "server" | undefined;
  /** Longest message as the ends agree on it, 0 before that. */
  msize: number;
}

/** Size, type and tag. */
const HEADER = 7;
const TVERSION = 100;
const RVERSION = 101;
/** What a server without the wanted version may answer: Rlerror, Rerror. */
const RLERROR = 7;
const RERROR = 107;
/** Header, size and the length of the version's name. */
const VERSION_HEAD = 13;
/** Names of versions are short; everything before the agreement is. */
const LONGEST_VERSION = 256;

/**
 * Parser for 9P.
 *
 * @throws {TypeError | RangeError} when an option is wrong
 * @example
 * ```ts
 * import { ninep } from "@leat/streams/parsers";
 * import { assertEquals } from "@std/assert";
 *
 * const parser = ninep();
 * const version = Uint8Array.of(19, 0, 0, 0, 100, 255, 255, 0, 32, 0, 0, 6, 0, 0x39, 0x50, 0x32, 0x30, 0x30, 0x30);
 * assertEquals(parser.parse(version, 0, 19, parser.start?.({ direction: "client" })), 19);
 * ```
 */
export function ninep(options: NinepOptions = {}): Parser {
  const max = limitOption("maxMessageBytes", options.maxMessageBytes, 1024 * 1024, LONGEST_VERSION);
  return {
    name: "ninep",
    maxMessageLength: max,
    start: ({ direction }: ParserContext): NinepState => ({ direction, msize: 0 }),
    parse(bytes: Uint8Array, start: number, end: number, state: NinepState): number | ParseFailure {
      if (end - start < HEADER) return -HEADER;
      const size = readU32le(bytes, start);
      const type = bytes[start + 4]!;
      // a later version message begins a new session
      const isVersion = type === TVERSION || type === RVERSION;
      if (state.msize === 0 || isVersion) return parseFirst(bytes, start, end, state, size, type);
      if (size < HEADER) return refuse(`message of ${byteCount(size)} is shorter than its header`);
      const isAnswer = (type & 1) === 1;
      if (isAnswer !== (state.direction === "server")) {
        return refuse(`message type ${type} is not the ${state.direction}'s`);
      }
      if (size > state.msize) return tooBig(`message of ${size} bytes exceeds the msize of ${state.msize}`);
      return size;
    },
  };
}

function parseFirst(
  bytes: Uint8Array,
  start: number,
  end: number,
  state: NinepState,
  size: number,
  type: number,
): number | ParseFailure {
  const isServer = type === RVERSION || type === RLERROR || type === RERROR;
  const direction = isServer ? "server" : type === TVERSION ? "client" : undefined;
  if (direction === undefined || (state.direction ?? direction) !== direction) {
    return refuse(`message type ${type} does not begin a connection${likelyCause(readU32(bytes, start))}`);
  }
  if (size < HEADER || size > LONGEST_VERSION) return refuse(`first message of ${byteCount(size)}`);
  if (type === RLERROR || type === RERROR) return size;
  if (size < VERSION_HEAD) return refuse(`version message of ${size} bytes`);
  if (end - start < VERSION_HEAD) return -VERSION_HEAD;
  const msize = readU32le(bytes, start + HEADER);
  const name = readU16le(bytes, start + 11);
  if (size !== VERSION_HEAD + name) return refuse(`version message of ${size} bytes with a name of ${name}`);
  if (msize < VERSION_HEAD) return refuse(`messages of at most ${byteCount(msize)} are asked for`);
  state.msize = msize;
  state.direction = direction;
  return size;
}
