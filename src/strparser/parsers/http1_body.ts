/**
 * Which body follows a head of HTTP/1.1 (RFC 9112 section 6.3), and chunked bodies (section 7.1). Internal.
 *
 * @module
 */
import type { ParseFailure } from "../parser.ts";
import { CR, LF, SP } from "./ascii.ts";
import type { Asked, Http1Settings, Http1State, Phase } from "./http1_state.ts";
import { refuse, tooBig } from "./refusal.ts";

const TAB = 9;
const SEMICOLON = 59;
const MAX_HEX_DIGITS = 13;
const PLAIN: Readonly<Record<Asked["method"], Asked>> = {
  HEAD: { method: "HEAD", maySwitch: false, isSwitched: false },
  CONNECT: { method: "CONNECT", maySwitch: true, isSwitched: undefined },
  other: { method: "other", maySwitch: false, isSwitched: false },
};

/** What follows the head that has just ended: the phase; `start line` where there is no body. */
export function bodyPhase(state: Http1State, settings: Http1Settings): Phase | ParseFailure {
  const { coding, length } = state;
  if (coding !== "none" && length >= 0) return refuse("both Transfer-Encoding and Content-Length: smuggling");
  if (coding !== "none" && state.minor === 0) return refuse("Transfer-Encoding in HTTP/1.0: smuggling");
  if (length > settings.maxBodyBytes) {
    return tooBig(`body of ${length} bytes exceeds maxBodyBytes ${settings.maxBodyBytes}`);
  }
  return state.isRequest === true ? requestPhase(state, settings) : responsePhase(state);
}

function requestPhase(state: Http1State, settings: Http1Settings): Phase | ParseFailure {
  const { coding, length, method, exchange } = state;
  if (coding === "other") return refuse("Transfer-Encoding of a request does not end with chunked: smuggling");
  if (method === "CONNECT" && (coding !== "none" || length > 0)) return refuse("CONNECT with a body");
  const maySwitch = method === "CONNECT" || state.hasUpgrade;
  const asked: Asked = maySwitch ? { method, maySwitch, isSwitched: undefined } : PLAIN[method];
  if (exchange !== undefined) {
    if (exchange.asked.length >= settings.maxUnanswered) {
      return tooBig(`more requests without an answer than maxUnanswered ${settings.maxUnanswered}`);
    }
    exchange.asked.push(asked);
  }
  state.asked = maySwitch ? asked : undefined;
  if (coding === "chunked") return "chunk size";
  return length > 0 ? "body" : "start line";
}

function responsePhase(state: Http1State): Phase {
  const { status, exchange, coding, length } = state;
  const isInterim = status < 200 && status !== 101;
  const asked = isInterim ? exchange?.asked[0] : exchange?.asked.shift();
  const isSwitched = status === 101 || (asked?.method === "CONNECT" && status >= 200 && status < 300);
  if (asked?.maySwitch === true && !isInterim) asked.isSwitched = isSwitched;
  if (isSwitched) return "switched";
  if (asked?.method === "HEAD" || isInterim || status === 204 || status === 304) return "start line";
  if (coding === "chunked") return "chunk size";
  if (coding === "other" || length < 0) return "until close";
  return length > 0 ? "body" : "start line";
}

/** The size that the line from `at` to `to` begins with; what follows it, behind a semicolon, is an extension. */
export function chunkSize(bytes: Uint8Array, at: number, to: number): number | ParseFailure {
  let size = 0;
  let i = at;
  for (; i < to; i++) {
    const digit = hexDigit(bytes[i]!);
    if (digit < 0) break;
    if (i - at === MAX_HEX_DIGITS) return tooBig(`chunk with a size of more than ${MAX_HEX_DIGITS} digits`);
    size = size * 16 + digit;
  }
  if (i === at) return refuse("chunk has no size");
  while (i < to && (bytes[i] === SP || bytes[i] === TAB)) i++;
  return i === to || bytes[i] === SEMICOLON ? size : refuse("size of a chunk is followed by something else");
}

function hexDigit(byte: number): number {
  if (byte >= 48 && byte <= 57) return byte - 48;
  const lower = byte | 32;
  return lower >= 97 && lower <= 102 ? lower - 87 : -1;
}

/** Whether CR LF stand before `at`. */
export function isLineEndBefore(bytes: Uint8Array, at: number): boolean {
  return bytes[at - 2] === CR && bytes[at - 1] === LF;
}
