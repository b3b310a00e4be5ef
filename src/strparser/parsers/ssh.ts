/**
 * The plain phase of SSH (RFC 4253 sections 4.2, 6 and 7): the identification line, then binary packets up to and
 * including SSH_MSG_NEWKEYS.
 *
 * Behind that packet lengths are encrypted, so the stream is handed over (`ESTRPIPE`) to whoever has the keys. A guessed
 * key exchange packet that the peer discards is a packet like others. Not here: what is in packets; the lines that a
 * server may send before its identification are messages of their own.
 *
 * @module
 */
import { readU32 } from "../../bytes/integers.ts";
import { limitOption } from "../../core/limits.ts";
import { handOver, type ParseFailure, type Parser, type ParserContext } from "../parser.ts";
import { asciiBytes, CR, indexOfByte, LF, sameUpTo } from "./ascii.ts";
import { likelyCause, refuse, tooBig } from "./refusal.ts";

/** Options of {@linkcode ssh}. */
export interface SshOptions {
  /** Longest packet, in bytes, the length field included; RFC 4253 asks for 35000 at least. @default {35000} */
  maxPacketBytes?: number | undefined;
  /** How many lines a server may send before its identification. @default {1024} */
  maxLinesBefore?: number | undefined;
}

interface SshState {
  phase: "identification" | "packets" | "encrypted";
  readonly isClient: boolean;
  scanned: number;
  lines: number;
}

const IDENTIFICATION = asciiBytes("SSH-");
const VERSIONS = ["SSH-2.0-", "SSH-1.99-"].map(asciiBytes);
/** CR LF included. */
const LONGEST_LINE = 255;
const NEWKEYS = 21;
const HEADER = 6;

/**
 * Parser for the plain phase of SSH. Messages are lines at first, then packets.
 *
 * @throws {TypeError | RangeError} when an option is wrong
 * @example
 * ```ts
 * import { ssh } from "@leat/streams/parsers";
 * import { assertEquals } from "@std/assert";
 *
 * const parser = ssh();
 * const bytes = new TextEncoder().encode("SSH-2.0-Example_1\r\n");
 * assertEquals(parser.parse(bytes, 0, bytes.length, parser.start?.({ direction: "client" })), 19);
 * ```
 */
export function ssh(options: SshOptions = {}): Parser {
  const maxPacketBytes = limitOption("maxPacketBytes", options.maxPacketBytes, 35000, 16);
  const maxLinesBefore = limitOption("maxLinesBefore", options.maxLinesBefore, 1024, 0);
  return {
    name: "ssh",
    maxMessageLength: Math.max(LONGEST_LINE, maxPacketBytes),
    start: ({ direction }: ParserContext): SshState => ({
      phase: "identification",
      isClient: direction === "client",
      scanned: 0,
      lines: 0,
    }),
    parse(bytes: Uint8Array, start: number, end: number, state: SshState): number | ParseFailure {
      if (state.phase === "packets") return parsePacket(bytes, start, end, state, maxPacketBytes);
      if (state.phase === "encrypted") return handOver;
      return parseLine(bytes, start, end, state, maxLinesBefore);
    },
  };
}

function parseLine(bytes: Uint8Array, start: number, end: number, state: SshState, max: number): number | ParseFailure {
  const seen = Math.min(IDENTIFICATION.length, end - start);
  const isIdentification = sameUpTo(bytes, start, end, IDENTIFICATION) === seen;
  if (!isIdentification && (state.isClient || state.lines >= max)) return noIdentification(bytes, start, end, state);
  const found = indexOfByte(bytes, LF, start + state.scanned, Math.min(end, start + LONGEST_LINE));
  if (found < 0) {
    if (end - start >= LONGEST_LINE) return refuse(`line of more than ${LONGEST_LINE} bytes before the packets`);
    state.scanned = end - start;
    return -(end - start + 1);
  }
  state.scanned = 0;
  if (!isIdentification) {
    state.lines++;
    return found + 1 - start;
  }
  const isKnown = VERSIONS.some((version) => sameUpTo(bytes, start, found, version) === version.length);
  if (!isKnown) return refuse("identification is of another version than 2.0");
  state.phase = "packets";
  return found + 1 - start;
}

function noIdentification(bytes: Uint8Array, start: number, end: number, state: SshState): number | ParseFailure {
  if (end - start < 4) return -4;
  if (!state.isClient) return refuse(`no identification within ${state.lines} lines`);
  const cause = bytes[start] === CR ? "" : likelyCause(readU32(bytes, start));
  return refuse(`client does not begin with its identification${cause}`);
}

function parsePacket(
  bytes: Uint8Array,
  start: number,
  end: number,
  state: SshState,
  max: number,
): number | ParseFailure {
  if (end - start < HEADER) return -HEADER;
  const length = readU32(bytes, start);
  const total = length + 4;
  if (total > max && likelyCause(length) !== "") return refuse(`no packet begins like this${likelyCause(length)}`);
  if (total > max) return tooBig(`packet of ${total} bytes exceeds maxPacketBytes ${max}`);
  if (total < 16 || total % 8 !== 0) return refuse(`packet of ${total} bytes is no multiple of 8 from 16 on`);
  const padding = bytes[start + 4]!;
  if (padding < 4 || padding + 2 > length) return refuse(`packet of ${total} bytes with ${padding} of padding`);
  if (bytes[start + 5] === NEWKEYS) state.phase = "encrypted";
  return total;
}
