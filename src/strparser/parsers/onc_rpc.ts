/**
 * ONC RPC over TCP: the record marking of RFC 5531 section 11, as NFS, rpcbind and others have it.
 *
 * A record is cut into fragments. A message of this parser is one fragment, or with `whole` one record, with the marks
 * of its fragments in it. The beginning of a record is checked where its first fragment has it: call or reply, and
 * for a fragment that is the whole record the shortest length that an RPC message has. Not here: RPC itself; RPCSEC_GSS
 * and RPC-with-TLS (RFC 9289), which changes to TLS in mid-stream and is refused there.
 *
 * @module
 */
import { readU32, writeU32 } from "../../bytes/integers.ts";
import { limitOption } from "../../core/limits.ts";
import type { Encoder } from "../encoder.ts";
import type { ParseFailure, Parser } from "../parser.ts";
import { likelyCause, payloadTooBig, refuse, tooBig, unencodable } from "./refusal.ts";
import { parseWhole, type WholeState } from "./whole.ts";

/** Options of {@linkcode oncRpc}. */
export interface OncRpcOptions {
  /** Deliver whole records instead of fragments. @default {false} */
  whole?: boolean | undefined;
  /** Longest fragment without its mark, in bytes. @default {2147483647} */
  maxFragmentBytes?: number | undefined;
}

/** Options of {@linkcode oncRpcEncoder}. */
export interface OncRpcEncoderOptions {
  /** Longer payloads are cut into fragments of so many bytes, which only `whole` parsers join. @default {2147483647} */
  maxFragmentBytes?: number | undefined;
}

interface OncRpcState extends WholeState {
  /** Whether the next fragment continues a record. */
  isInside: boolean;
}

const MARK = 4;
const LAST = 0x80000000;
const LARGEST_FRAGMENT = 0x7fffffff;
/** Mark, transaction and direction: enough to check the beginning of a record. */
const CHECKED = 12;
/** A denied reply: transaction, direction, two states and one reason. */
const SHORTEST_RECORD = 20;

/**
 * Parser for ONC RPC over TCP, the same in both directions.
 *
 * @throws {TypeError | RangeError} when an option is wrong
 * @example
 * ```ts
 * import { oncRpc } from "@leat/streams/parsers";
 * import { assertEquals } from "@std/assert";
 *
 * const parser = oncRpc();
 * const nullCall = Uint8Array.of(0x80, 0, 0, 40, 0, 0, 0, 1, 0, 0, 0, 0);
 * assertEquals(parser.parse(nullCall, 0, 12, parser.start?.({})), 44);
 * ```
 */
export function oncRpc(options: OncRpcOptions = {}): Parser {
  const max = limitOption("maxFragmentBytes", options.maxFragmentBytes, LARGEST_FRAGMENT);
  const frame = (bytes: Uint8Array, start: number, end: number, state: OncRpcState) =>
    parseFragment(bytes, start, end, state, max);
  const start = (): OncRpcState => ({ at: 0, isInside: false });
  if (options.whole === true) {
    const parse = (bytes: Uint8Array, start: number, end: number, state: OncRpcState) =>
      parseWhole(bytes, start, end, state, frame, isLastFragment);
    return { name: "oncRpc", maxHeaderBytes: Infinity, start, parse };
  }
  return { name: "oncRpc", maxMessageLength: MARK + Math.min(max, LARGEST_FRAGMENT), start, parse: frame };
}

function isLastFragment(bytes: Uint8Array, start: number): boolean {
  return bytes[start]! >= 0x80;
}

function parseFragment(
  bytes: Uint8Array,
  start: number,
  end: number,
  state: OncRpcState,
  max: number,
): number | ParseFailure {
  if (end - start < MARK) return -MARK;
  const mark = readU32(bytes, start);
  const length = mark & LARGEST_FRAGMENT;
  const isLast = mark >= LAST;
  if (!state.isInside) {
    const isWhole = isLast && length < SHORTEST_RECORD;
    if (isWhole) return refuse(`record of ${length} bytes is shorter than any RPC message`);
    if (length >= CHECKED - MARK) {
      if (end - start < CHECKED) return -CHECKED;
      const direction = readU32(bytes, start + 8);
      if (direction > 1) return refuse(`record is neither call nor reply${likelyCause(mark)}`);
    }
  }
  if (length > max) return tooBig(`fragment of ${length} bytes exceeds maxFragmentBytes ${max}`);
  state.isInside = !isLast;
  return MARK + length;
}

/**
 * Encoder for ONC RPC over TCP: a payload is one record.
 *
 * @throws {TypeError | RangeError} when an option is wrong
 * @example
 * ```ts
 * import { oncRpcEncoder } from "@leat/streams/parsers";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(oncRpcEncoder().encode(new Uint8Array(40))[0], Uint8Array.of(0x80, 0, 0, 40));
 * ```
 */
export function oncRpcEncoder(options: OncRpcEncoderOptions = {}): Encoder {
  const wanted = limitOption("maxFragmentBytes", options.maxFragmentBytes, LARGEST_FRAGMENT);
  const max = Math.min(wanted, LARGEST_FRAGMENT);
  return {
    name: "oncRpc",
    encode(payload: Uint8Array): readonly Uint8Array[] {
      if (payload.length > Number.MAX_SAFE_INTEGER / 2) throw payloadTooBig("oncRpc", payload.length, max);
      if (payload.length < SHORTEST_RECORD || readU32(payload, 4) > 1) {
        throw unencodable("oncRpc", "payload is neither a call nor a reply");
      }
      const parts: Uint8Array[] = [];
      let at = 0;
      do {
        const to = Math.min(payload.length, at + max);
        const mark = new Uint8Array(MARK);
        writeU32(mark, 0, (to - at) + (to === payload.length ? LAST : 0));
        parts.push(mark, at === 0 && to === payload.length ? payload : payload.subarray(at, to));
        at = to;
      } while (at < payload.length);
      return parts;
    },
  };
}
