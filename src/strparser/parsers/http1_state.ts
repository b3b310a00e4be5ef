/**
 * What the parser of HTTP/1.1 remembers: about one direction, and about the requests that the other one answers.
 *
 * Internal.
 *
 * @module
 */
import type { ParserContext } from "../parser.ts";

/** Where in a message the walk is. */
export type Phase =
  | "start line"
  | "fields"
  | "body"
  | "chunk size"
  | "chunk data"
  | "trailers"
  | "until close"
  | "asked"
  | "switched";

/** What a request means for its answer. */
export interface Asked {
  readonly method: "HEAD" | "CONNECT" | "other";
  /** Whether the connection may change to another protocol. */
  readonly maySwitch: boolean;
  /** What the answer said to that. */
  isSwitched: boolean | undefined;
}

/** How the body is delineated, as the fields say. */
export type Coding = "none" | "chunked" | "other";

/** Requests that wait for their answers, the oldest first. */
export interface Exchange {
  readonly asked: Asked[];
}

/** The settings that options make. */
export interface Http1Settings {
  readonly maxHeadBytes: number;
  readonly maxBodyBytes: number;
  readonly maxPieceBytes: number;
  readonly inPieces: boolean;
  readonly maxUnanswered: number;
  readonly hasNext: boolean;
}

/** State of one direction of a connection. */
export interface Http1State {
  readonly context: ParserContext;
  readonly exchange: Exchange | undefined;
  phase: Phase;
  /** Undefined until the first start line tells. */
  isRequest: boolean | undefined;
  /** Start of the line or of the chunk's end in work, counted from the start of the message. */
  at: number;
  /** How far the search for the line's end came. */
  scanned: number;
  /** Where the head or the trailers began. */
  section: number;
  /** Bytes of the body so far, or of it that are still to come in pieces. */
  bodyBytes: number;
  /** Of the head in work. */
  minor: number;
  status: number;
  method: Asked["method"];
  length: number;
  coding: Coding;
  hasUpgrade: boolean;
  /** The request that may have switched protocols. */
  asked: Asked | undefined;
  /** State of the parser of what the connection was switched to. */
  next: unknown;
}

/** The state at the beginning of a connection. */
export function newHttp1State(context: ParserContext, exchange: Exchange | undefined): Http1State {
  const { direction } = context;
  return {
    context,
    exchange,
    phase: "start line",
    isRequest: direction === undefined ? undefined : direction === "client",
    at: 0,
    scanned: 0,
    section: 0,
    bodyBytes: 0,
    minor: 1,
    status: 0,
    method: "other",
    length: -1,
    coding: "none",
    hasUpgrade: false,
    asked: undefined,
    next: undefined,
  };
}

/** A message of `length` bytes has ended; the next begins in `phase`. */
export function finish(state: Http1State, length: number, phase: Phase): number {
  state.phase = phase;
  state.at = 0;
  state.scanned = 0;
  state.section = 0;
  return length;
}
