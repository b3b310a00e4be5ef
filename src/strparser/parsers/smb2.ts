/**
 * SMB 2 and 3 over TCP ([MS-SMB2] section 2.1): direct, as on port 445, or in a NetBIOS session, as on port 139
 * (RFC 1002 section 4.3).
 *
 * A message is what one length covers: one SMB message or a chain of them, encrypted or compressed ones as they are.
 * The negotiation of SMB 1 that old clients begin with is delineated too. Not here: what is in messages.
 *
 * @module
 */
import { readU24, readU32, writeU24 } from "../../bytes/integers.ts";
import { limitOption } from "../../core/limits.ts";
import { byteCount } from "../../core/words.ts";
import type { Encoder } from "../encoder.ts";
import type { ParseFailure, Parser, ParserContext } from "../parser.ts";
import { hexByte } from "./hex_byte.ts";
import { likelyCauseOfByte, payloadTooBig, refuse, tooBig, unencodable } from "./refusal.ts";

/** Options of {@linkcode smb2} and {@linkcode smb2Encoder}. */
export interface Smb2Options {
  /** Whether this is a NetBIOS session, with its requests, keep-alives and shorter messages. @default {false} */
  netbios?: boolean | undefined;
  /** Longest message without the header of the transport, in bytes. @default {16777215, NetBIOS: 131071} */
  maxMessageBytes?: number | undefined;
}

interface Smb2State {
  readonly direction: "client" | "server" | undefined;
}

const HEADER = 4;
/** Header and protocol identifier. */
const CHECKED = 8;
const LARGEST_DIRECT = 0xffffff;
const LARGEST_SESSION = 0x1ffff;

/** Shortest message by its identifier: SMB 1, SMB 2, encrypted, compressed. */
const SMB: ReadonlyMap<number, number> = new Map([
  [0xff534d42, 35],
  [0xfe534d42, 64],
  [0xfd534d42, 52],
  [0xfc534d42, 16],
]);

/** Packets of a NetBIOS session beside messages: name, shortest and longest, who sends them. */
const SESSION: ReadonlyMap<
  number,
  readonly [name: string, min: number, max: number, from: "client" | "server" | "both"]
> = new Map([
  [0x81, ["session request", 2, 2 * 255, "client"]],
  [0x82, ["positive response", 0, 0, "server"]],
  [0x83, ["negative response", 1, 1, "server"]],
  [0x84, ["retarget response", 6, 6, "server"]],
  [0x85, ["keep-alive", 0, 0, "both"]],
]);

/**
 * Parser for SMB over TCP.
 *
 * @throws {TypeError | RangeError} when an option is wrong
 * @example
 * ```ts
 * import { smb2 } from "@leat/streams/parsers";
 * import { assertEquals } from "@std/assert";
 *
 * const parser = smb2();
 * const negotiate = Uint8Array.of(0, 0, 0, 226, 0xfe, 0x53, 0x4d, 0x42);
 * assertEquals(parser.parse(negotiate, 0, 8, parser.start?.({})), 230);
 * ```
 */
export function smb2(options: Smb2Options = {}): Parser {
  const { netbios = false } = options;
  const max = limitOf(options);
  return {
    name: "smb2",
    maxMessageLength: HEADER + max,
    start: ({ direction }: ParserContext): Smb2State => ({ direction }),
    parse(bytes: Uint8Array, start: number, end: number, state: Smb2State): number | ParseFailure {
      const type = bytes[start]!;
      if (type !== 0 && !(netbios && SESSION.has(type))) return refuseType(type);
      if (end - start < HEADER) return -HEADER;
      if (!netbios) return parseMessage(bytes, start, end, readU24(bytes, start + 1), max);
      const flags = bytes[start + 1]!;
      if (flags > 1) return refuse(`flags ${hexByte(flags)} of a NetBIOS session packet`);
      const length = readU24(bytes, start + 1);
      return type === 0 ? parseMessage(bytes, start, end, length, max) : parseSession(type, length, state);
    },
  };
}

function limitOf({ netbios = false, maxMessageBytes }: Smb2Options): number {
  const largest = netbios ? LARGEST_SESSION : LARGEST_DIRECT;
  return Math.min(limitOption("maxMessageBytes", maxMessageBytes, largest), largest);
}

function refuseType(type: number): ParseFailure {
  const isSession = SESSION.has(type);
  const cause = isSession ? " (looks like a NetBIOS session)" : likelyCauseOfByte(type);
  return refuse(`message begins with ${hexByte(type)} instead of 0${cause}`);
}

function parseSession(type: number, length: number, state: Smb2State): number | ParseFailure {
  const [name, min, max, from] = SESSION.get(type)!;
  if (state.direction !== undefined && from !== "both" && from !== state.direction) {
    return refuse(`${name} from the ${state.direction}`);
  }
  return length < min || length > max ? refuse(`${name} with ${byteCount(length)}`) : HEADER + length;
}

function parseMessage(
  bytes: Uint8Array,
  start: number,
  end: number,
  length: number,
  max: number,
): number | ParseFailure {
  if (length < CHECKED - HEADER) return refuse(`message of ${byteCount(length)} is shorter than an SMB header`);
  if (length > max) return tooBig(`message of ${length} bytes exceeds maxMessageBytes ${max}`);
  if (end - start < CHECKED) return -CHECKED;
  const id = readU32(bytes, start + HEADER);
  const shortest = SMB.get(id);
  if (shortest === undefined) return refuse(`protocol identifier 0x${id.toString(16).padStart(8, "0")} is not SMB's`);
  return length < shortest ? refuse(`message of ${byteCount(length)} is shorter than an SMB header`) : HEADER + length;
}

/**
 * Encoder for the transport of SMB: a payload is one SMB message or chain.
 *
 * @throws {TypeError | RangeError} when an option is wrong
 * @example
 * ```ts
 * import { smb2Encoder } from "@leat/streams/parsers";
 * import { assertEquals } from "@std/assert";
 *
 * const message = new Uint8Array(64);
 * message.set([0xfe, 0x53, 0x4d, 0x42]);
 * assertEquals(smb2Encoder().encode(message)[0], Uint8Array.of(0, 0, 0, 64));
 * ```
 */
export function smb2Encoder(options: Smb2Options = {}): Encoder {
  const max = limitOf(options);
  return {
    name: "smb2",
    encode(payload: Uint8Array): readonly Uint8Array[] {
      if (payload.length > max) throw payloadTooBig("smb2", payload.length, max);
      const shortest = payload.length < 4 ? undefined : SMB.get(readU32(payload, 0));
      if (shortest === undefined || payload.length < shortest) throw unencodable("smb2", "payload is no SMB message");
      const header = new Uint8Array(HEADER);
      writeU24(header, 1, payload.length);
      return [header, payload];
    },
  };
}
