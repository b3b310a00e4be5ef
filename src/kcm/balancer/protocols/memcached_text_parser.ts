/**
 * Where messages of memcached's text protocol end (memcached, "protocol.txt"), both directions.
 *
 * Strict with requests: what the server would answer by one line and then read as something else is refused here.
 *
 * @module
 */
import type { ParseFailure, Parser, ParserContext } from "../../../strparser/parser.ts";

interface TextState {
  readonly isClient: boolean;
  /** How much of the message is known to be whole lines and blocks, from its start. */
  at: number;
  /** Behind `at`, how much was searched for the end of a line. */
  scanned: number;
}

const LF = 10;
const CR = 13;
const SPACE = 32;
/** The server takes this much before it expects a line to end. */
const LONGEST_LINE = 2048;
/** Lines of `get`, which name many keys. */
const LONGEST_GET = 64 * 1024;
/** The server's own bound on an item is 1 MiB unless it is told otherwise. */
const LARGEST_VALUE = 128 * 1024 * 1024;

/** Commands with a block of data, and which word of the line says how long it is. */
const STORES: ReadonlyMap<string, number> = new Map([
  ["set", 4],
  ["add", 4],
  ["replace", 4],
  ["append", 4],
  ["prepend", 4],
  ["cas", 4],
  ["ms", 2],
]);

/** Parser for memcached's text protocol. */
export function memcachedText(): Parser {
  return {
    name: "memcachedtext",
    maxHeaderBytes: Infinity,
    start: ({ direction }: ParserContext): TextState => ({ isClient: direction !== "server", at: 0, scanned: 0 }),
    parse(bytes: Uint8Array, start: number, end: number, state: TextState): number | ParseFailure {
      const answer = state.isClient ? parseRequest(bytes, start, end, state) : parseReply(bytes, start, end, state);
      if (typeof answer === "number" && answer > 0) state.at = state.scanned = 0;
      return answer;
    },
  };
}

function parseRequest(bytes: Uint8Array, start: number, end: number, state: TextState): number | ParseFailure {
  // the server skips it, and then finds a command where none was looked for here
  if (bytes[start] === SPACE) return refuse("line begins with a space");
  const lineEnd = findLineEnd(bytes, start, end, state);
  const failure = tooLong(bytes, start, lineEnd < 0 ? end : lineEnd);
  if (failure !== undefined) return failure;
  if (lineEnd < 0) return -(end - start + 1);
  const [word, words] = splitLine(bytes, start, lineEnd);
  const index = STORES.get(word);
  if (index === undefined) return lineEnd + 1 - start;
  const size = sizeIn(words[index]);
  if (size === undefined) return refuse("data block has no valid length");
  return blockEnd(bytes, start, end, lineEnd + 1 - start, size);
}

function parseReply(bytes: Uint8Array, start: number, end: number, state: TextState): number | ParseFailure {
  for (;;) {
    const at = start + state.at;
    const lineEnd = findLineEnd(bytes, at, end, state);
    if (lineEnd < 0) return end - at > LONGEST_LINE ? refuse("line does not end") : -(end - start + 1);
    const next = lineEnd + 1 - start;
    const kind = bytes[at]!;
    // VALUE, VA, STAT; most other lines are whole messages
    if (kind !== 86 && kind !== 83) return next;
    const [word, words] = splitLine(bytes, at, lineEnd);
    if (word === "VALUE" || word === "VA") {
      const size = sizeIn(words[word === "VA" ? 1 : 3]);
      if (size === undefined) return refuse("data block has no valid length");
      const behind = blockEnd(bytes, start, end, next, size);
      if (typeof behind !== "number" || behind < 0 || word === "VA") return behind;
      state.at = behind;
    } else if (word === "STAT") state.at = next;
    else return next;
    state.scanned = 0;
    if (start + state.at >= end) return -(state.at + 1);
  }
}

/** Where a block of data ends, its line end included, which is checked once it is there. */
function blockEnd(bytes: Uint8Array, start: number, end: number, from: number, size: number): number | ParseFailure {
  const behind = from + size + 2;
  if (start + behind > end) return -behind;
  const isClosed = bytes[start + behind - 2] === CR && bytes[start + behind - 1] === LF;
  return isClosed ? behind : refuse("data block is not followed by a line end");
}

/** Position of the line feed, or -1 after noting how far the search went. */
function findLineEnd(bytes: Uint8Array, at: number, end: number, state: TextState): number {
  for (let i = at + state.scanned; i < end; i++) {
    if (bytes[i] === LF) return i;
  }
  state.scanned = end - at;
  return -1;
}

/** The words of a line, the first of them by itself. Only lines with data blocks have more than a few. */
function splitLine(bytes: Uint8Array, from: number, lineEnd: number): [first: string, words: string[]] {
  const to = Math.min(bytes[lineEnd - 1] === CR ? lineEnd - 1 : lineEnd, from + LONGEST_LINE);
  let space = from;
  while (space < to && bytes[space] !== SPACE) space++;
  const first = String.fromCharCode(...bytes.subarray(from, Math.min(space, from + 12)));
  if (!STORES.has(first) && first !== "VALUE" && first !== "VA") return [first, [first]];
  return [first, String.fromCharCode(...bytes.subarray(from, to)).split(/ +/)];
}

function sizeIn(word: string | undefined): number | undefined {
  if (word === undefined || !/^(0|[1-9][0-9]{0,8})$/.test(word)) return undefined;
  const size = Number(word);
  return size <= LARGEST_VALUE ? size : undefined;
}

function tooLong(bytes: Uint8Array, start: number, end: number): ParseFailure | undefined {
  // get, gets; the server closes for a longer gat
  const isGet = bytes[start] === 103 && bytes[start + 1] === 101;
  const limit = isGet ? LONGEST_GET : LONGEST_LINE;
  return end - start > limit ? { code: "EMSGSIZE", reason: `line of more than ${limit} bytes` } : undefined;
}

function refuse(reason: string): ParseFailure {
  return { code: "EPROTO", reason };
}
