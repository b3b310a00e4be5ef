/**
 * HTTP/1.1 and 1.0, requests and responses (RFC 9112): where each message ends, by Content-Length, by chunks with their
 * trailers, or with the connection.
 *
 * What says its length in two ways, or in a way that others read differently, is refused: that is how requests are
 * smuggled. Where an answer's end depends on its request (HEAD, CONNECT), only {@linkcode http1Pair} knows; an answer
 * parsed alone is taken for that to a GET. Bytes of another protocol behind a switch (101, CONNECT) go to the parser
 * `next`, or are handed over (`ESTRPIPE`). Not here: what is in heads and bodies; HTTP/0.9; HTTP/2, which is refused.
 *
 * @module
 */
import { choiceOption, limitOption } from "../../core/limits.ts";
import { handOver, type ParseFailure, type Parser, type ParserContext } from "../parser.ts";
import { bodyPhase, chunkSize, isLineEndBefore } from "./http1_body.ts";
import { checkFirst, findLine, NO_LINE, takeField, takeStartLine } from "./http1_head.ts";
import {
  type Exchange,
  finish,
  type Http1Settings,
  type Http1State,
  newHttp1State,
  type Phase,
} from "./http1_state.ts";
import { parseNested } from "./nested.ts";
import { refuse, tooBig } from "./refusal.ts";

/** Options of {@linkcode http1}. */
export interface Http1Options {
  /**
   * `whole`: a message is head and body. `pieces`: a message is a head, or a piece of a body: a chunk with its size and
   * line end, the last chunk with its trailers, or `maxPieceBytes` of what is longer. @default {"whole"}
   */
  body?: "whole" | "pieces" | undefined;
  /**
   * A body that ends with the connection, whose head is a message of its own in any case: is handed over, or comes in
   * pieces, of whatever has arrived. @default {"handOver"}, or `pieces` with `body: "pieces"`
   */
  untilClose?: "handOver" | "pieces" | undefined;
  /** Reads on behind a switch to another protocol (101, or CONNECT). @default {undefined} (hands over) */
  next?: Parser | undefined;
  /** Longest head, and longest trailers, in bytes. @default {32768} */
  maxHeadBytes?: number | undefined;
  /** Longest body, in bytes of content. @default {Infinity} (whole messages are bound by `maxMessageLength`) */
  maxBodyBytes?: number | undefined;
  /** Longest piece of a body, in bytes. @default {65536} */
  maxPieceBytes?: number | undefined;
}

/** Options of {@linkcode http1Pair}. */
export interface Http1PairOptions extends Http1Options {
  /** How many requests may wait for their answers. @default {1000} */
  maxUnanswered?: number | undefined;
}

/** The parsers of the two directions of one connection. */
export interface Http1Pair {
  /** For what the client sends. */
  readonly requests: Parser;
  /** For what the server sends. */
  readonly responses: Parser;
}

const LONGEST_SIZE_LINE = 4096;
/** The shortest last chunk: `0`, and two line ends. */
const LAST_CHUNK = 5;
const LONGEST_METHOD = 20;
const HEAD_EXCESS = "head exceeds maxHeadBytes";
const TRAILER_EXCESS = "trailers exceed maxHeadBytes";
const LINE_EXCESS = "size line of a chunk exceeds";

/**
 * Parser for HTTP/1.1, one direction at a time; which one, the direction says, or the first line.
 *
 * @throws {TypeError | RangeError} when an option is wrong
 * @example
 * ```ts
 * import { http1 } from "@leat/streams/parsers";
 * import { assertEquals } from "@std/assert";
 *
 * const parser = http1();
 * const bytes = new TextEncoder().encode("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi");
 * assertEquals(parser.parse(bytes, 0, bytes.length, parser.start?.({ direction: "server" })), 40);
 * ```
 */
export function http1(options: Http1Options = {}): Parser {
  return parserWith(options, 0, undefined);
}

/**
 * Parsers for both directions of one connection, of which the responses' is told what the requests were: it knows that
 * the answer to a HEAD has no body and that a CONNECT opened a tunnel. Each request must be parsed before its answer.
 *
 * @throws {TypeError | RangeError} when an option is wrong
 * @example
 * ```ts
 * import { http1Pair } from "@leat/streams/parsers";
 * import { assertEquals } from "@std/assert";
 *
 * const { requests, responses } = http1Pair();
 * const asked = new TextEncoder().encode("HEAD / HTTP/1.1\r\nHost: a\r\n\r\n");
 * assertEquals(requests.parse(asked, 0, 28, requests.start?.({ direction: "client" })), 28);
 * const answer = new TextEncoder().encode("HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\n");
 * assertEquals(responses.parse(answer, 0, 40, responses.start?.({ direction: "server" })), 40);
 * ```
 */
export function http1Pair(options: Http1PairOptions = {}): Http1Pair {
  const maxUnanswered = limitOption("maxUnanswered", options.maxUnanswered, 1000);
  const exchange: Exchange = { asked: [] };
  const one = (direction: "client" | "server"): Parser => {
    const parser = parserWith(options, maxUnanswered, exchange);
    return { ...parser, start: () => parser.start!({ direction }) };
  };
  return { requests: one("client"), responses: one("server") };
}

function parserWith(options: Http1Options, maxUnanswered: number, exchange: Exchange | undefined): Parser {
  const inPieces = choiceOption("body", options.body, "whole", ["whole", "pieces"]) === "pieces";
  const settings: Http1Settings = {
    maxHeadBytes: limitOption("maxHeadBytes", options.maxHeadBytes, 32 * 1024, 16),
    maxBodyBytes: limitOption("maxBodyBytes", options.maxBodyBytes, Infinity, 0),
    maxPieceBytes: limitOption("maxPieceBytes", options.maxPieceBytes, 64 * 1024),
    inPieces,
    maxUnanswered,
    hasNext: options.next !== undefined,
  };
  const untilClose = choiceOption("untilClose", options.untilClose, inPieces ? "pieces" : "handOver", [
    "handOver",
    "pieces",
  ]);
  const { next } = options;
  const own = inPieces ? largestPiece(settings) : Infinity;
  const max = Math.max(own, next === undefined ? 0 : next.maxMessageLength ?? Infinity);
  return {
    name: "http1",
    ...(max < Infinity && { maxMessageLength: max }),
    maxHeaderBytes: Infinity,
    start: (context: ParserContext): Http1State => newHttp1State(context, exchange),
    parse(bytes: Uint8Array, start: number, end: number, state: Http1State): number | ParseFailure {
      for (;;) {
        if (state.phase === "switched") return parseNext(bytes, start, end, state, next);
        if (state.phase === "until close") {
          return untilClose === "pieces" ? Math.min(end - start, settings.maxPieceBytes) : handOver;
        }
        const answer = STEPS[state.phase](bytes, start, end, state, settings);
        if (answer !== undefined) return answer;
      }
    },
  };
}

function largestPiece(settings: Http1Settings): number {
  const chunk = LONGEST_SIZE_LINE + settings.maxPieceBytes + 2;
  return Math.max(settings.maxHeadBytes, LONGEST_SIZE_LINE + settings.maxHeadBytes, chunk);
}

function parseNext(
  bytes: Uint8Array,
  start: number,
  end: number,
  state: Http1State,
  next: Parser | undefined,
): number | ParseFailure {
  if (next === undefined) return handOver;
  state.next ??= { state: next.start?.(state.context) };
  return parseNested(next, bytes, start, end, (state.next as { state: unknown }).state);
}

/** Goes on with the walk: a length, a failure, or undefined when there is more to be done. */
type Step = (
  bytes: Uint8Array,
  start: number,
  end: number,
  state: Http1State,
  settings: Http1Settings,
) => number | ParseFailure | undefined;

const STEPS: Readonly<Record<Exclude<Phase, "switched" | "until close">, Step>> = {
  "start line"(bytes, start, end, state, settings) {
    const first = state.at === 0 ? checkFirst(bytes[start]!, state) : undefined;
    if (first !== undefined) return first;
    const line = findLine(bytes, start, end, state, settings.maxHeadBytes, HEAD_EXCESS);
    if (typeof line !== "number") return line;
    if (line === NO_LINE) return -(end - start + 1);
    const at = start + state.at;
    state.at = line + 2 - start;
    // empty lines in front of a request belong to it: some clients send one behind a body
    if (line === at) return state.isRequest === false ? refuse("empty line in front of a response") : undefined;
    state.phase = "fields";
    return takeStartLine(bytes, at, line, state);
  },
  fields(bytes, start, end, state, settings) {
    const line = findLine(bytes, start, end, state, settings.maxHeadBytes, HEAD_EXCESS);
    if (typeof line !== "number") return line;
    if (line === NO_LINE) return -(end - start + 1);
    const at = start + state.at;
    state.at = line + 2 - start;
    return line === at ? endHead(state, settings) : takeField(bytes, at, line, state, false);
  },
  body(_bytes, _start, _end, state, settings) {
    const piece = Math.min(state.bodyBytes, settings.maxPieceBytes);
    state.bodyBytes -= piece;
    return finish(state, piece, state.bodyBytes > 0 ? "body" : behind(state));
  },
  "chunk size"(bytes, start, end, state, settings) {
    state.section = state.at;
    const line = findLine(bytes, start, end, state, LONGEST_SIZE_LINE, LINE_EXCESS);
    if (typeof line !== "number") return line;
    if (line === NO_LINE) return -(end - start + (state.at === end - start ? LAST_CHUNK : 1));
    const size = chunkSize(bytes, start + state.at, line);
    if (typeof size !== "number") return size;
    state.at = line + 2 - start;
    state.section = state.at;
    if (size === 0) {
      state.phase = "trailers";
      return undefined;
    }
    state.bodyBytes += size;
    if (state.bodyBytes > settings.maxBodyBytes) {
      return tooBig(`body of ${state.bodyBytes} bytes or more exceeds maxBodyBytes ${settings.maxBodyBytes}`);
    }
    state.length = size + 2;
    state.phase = "chunk data";
    return undefined;
  },
  "chunk data"(bytes, start, end, state, settings) {
    if (settings.inPieces && state.length > settings.maxPieceBytes + 2) {
      state.length -= settings.maxPieceBytes;
      return finish(state, state.at + settings.maxPieceBytes, "chunk data");
    }
    const to = state.at + state.length;
    if (end - start < to) return -(settings.inPieces ? to : to + LAST_CHUNK);
    if (!isLineEndBefore(bytes, start + to)) return refuse("chunk is not followed by a line end");
    if (settings.inPieces) return finish(state, to, "chunk size");
    state.at = to;
    state.phase = "chunk size";
    return undefined;
  },
  trailers(bytes, start, end, state, settings) {
    const line = findLine(bytes, start, end, state, settings.maxHeadBytes, TRAILER_EXCESS);
    if (typeof line !== "number") return line;
    if (line === NO_LINE) return -(end - start + 1);
    const at = start + state.at;
    state.at = line + 2 - start;
    return line === at ? finish(state, state.at, behind(state)) : takeField(bytes, at, line, state, true);
  },
  /** A request asked for another protocol: whether it got it, the answer tells, else what the client goes on with. */
  asked(bytes, start, end, state, settings) {
    const isSwitched = state.asked?.isSwitched ?? isNoRequest(bytes, start, end, settings.hasNext);
    if (isSwitched === undefined) return -(end - start + 1);
    state.phase = isSwitched ? "switched" : "start line";
    return undefined;
  },
};

function endHead(state: Http1State, settings: Http1Settings): number | ParseFailure | undefined {
  const phase = bodyPhase(state, settings);
  if (typeof phase !== "string") return phase;
  const head = state.at;
  state.bodyBytes = 0;
  if (phase === "start line") return finish(state, head, behind(state));
  if (phase === "body" && !settings.inPieces) return finish(state, head + state.length, behind(state));
  if (phase === "body") state.bodyBytes = state.length;
  if (phase !== "chunk size" || settings.inPieces) return finish(state, head, phase);
  state.phase = phase;
  return undefined;
}

/** What follows a whole message. */
function behind(state: Http1State): Phase {
  return state.isRequest === true && state.asked !== undefined ? "asked" : "start line";
}

/**
 * Whether the bytes are not the start of a request; undefined where more are needed to tell. Handing over must not
 * depend on how many are there, so without a parser for what follows only the first one is looked at.
 */
function isNoRequest(bytes: Uint8Array, start: number, end: number, hasNext: boolean): boolean | undefined {
  const stop = Math.min(end, start + LONGEST_METHOD);
  let at = start;
  while (at < stop && bytes[at]! >= 65 && bytes[at]! <= 90) at++;
  if (!hasNext) return at === start;
  if (at === end && at < start + LONGEST_METHOD) return undefined;
  const isPreface = at - start === 3 && bytes[start] === 80 && bytes[start + 1] === 82 && bytes[start + 2] === 73;
  return at - start < 3 || bytes[at] !== 32 || isPreface;
}
