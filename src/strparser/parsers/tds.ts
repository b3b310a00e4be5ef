/**
 * TDS, the protocol of SQL Server and Sybase ([MS-TDS] section 2.2.3).
 *
 * A message is cut into packets, of which the last has a status bit. A message of this parser is one packet, or with
 * `whole` all packets of one. TLS in the middle of a connection comes in two ways: its handshake lies in packets of
 * type 0x12 and is delineated; records after it, as with full encryption, and TDS 8.0, which begins with TLS, are
 * refused with that reason. Not here: MARS, whose packets begin with 0x53; tokens and contents.
 *
 * @module
 */
import { readU16, writeU16 } from "../../bytes/integers.ts";
import { limitOption } from "../../core/limits.ts";
import { byteCount } from "../../core/words.ts";
import type { Encoder } from "../encoder.ts";
import type { ParseFailure, Parser, ParserContext } from "../parser.ts";
import { hexByte } from "./hex_byte.ts";
import { likelyCauseOfByte, refuse, unencodable } from "./refusal.ts";
import { parseWhole, type WholeState } from "./whole.ts";

/** Options of {@linkcode tds}. */
export interface TdsOptions {
  /** Deliver whole messages instead of packets. @default {false} */
  whole?: boolean | undefined;
}

interface TdsState extends WholeState {
  readonly types: ReadonlySet<number>;
  /** Type of the message that the next packet continues; 0 in front of one. */
  inside: number;
}

const HEADER = 8;
const LARGEST_PACKET = 32767;
const SMALLEST_PACKET_SIZE = 512;
const END_OF_MESSAGE = 1;

/** Batch, old login, RPC, attention, bulk data, token, transaction manager, login, SSPI, prelogin. */
const CLIENT_TYPES: readonly number[] = [1, 2, 3, 6, 7, 8, 14, 16, 17, 18];
/** Tabular result; prelogin for the handshake of TLS. */
const SERVER_TYPES: readonly number[] = [4, 18];
const TYPES = {
  client: new Set(CLIENT_TYPES),
  server: new Set(SERVER_TYPES),
  either: new Set([...CLIENT_TYPES, ...SERVER_TYPES]),
} as const;
const MARS = 0x53;

/**
 * Parser for TDS.
 *
 * @example
 * ```ts
 * import { tds } from "@leat/streams/parsers";
 * import { assertEquals } from "@std/assert";
 *
 * const parser = tds();
 * const prelogin = Uint8Array.of(0x12, 1, 0, 47, 0, 0, 1, 0);
 * assertEquals(parser.parse(prelogin, 0, 8, parser.start?.({ direction: "client" })), 47);
 * ```
 */
export function tds(options: TdsOptions = {}): Parser {
  const start = ({ direction }: ParserContext): TdsState => ({ at: 0, inside: 0, types: TYPES[direction ?? "either"] });
  if (options.whole === true) {
    const parse = (bytes: Uint8Array, start: number, end: number, state: TdsState) =>
      parseWhole(bytes, start, end, state, parsePacket, isLastPacket);
    return { name: "tds", maxHeaderBytes: Infinity, start, parse };
  }
  return { name: "tds", maxMessageLength: LARGEST_PACKET, start, parse: parsePacket };
}

function isLastPacket(bytes: Uint8Array, start: number): boolean {
  return (bytes[start + 1]! & END_OF_MESSAGE) !== 0;
}

function parsePacket(bytes: Uint8Array, start: number, end: number, state: TdsState): number | ParseFailure {
  const type = bytes[start]!;
  if (!state.types.has(type)) return refuseType(type);
  if (state.inside !== 0 && type !== state.inside) {
    return refuse(`packet type ${hexByte(type)} within a message of type ${hexByte(state.inside)}`);
  }
  if (end - start < 4) return -4;
  const length = readU16(bytes, start + 2);
  if (length < HEADER) return refuse(`packet of ${byteCount(length)} is shorter than its header`);
  if (length > LARGEST_PACKET) return refuse(`packet of ${length} bytes exceeds the ${LARGEST_PACKET} of TDS`);
  state.inside = isLastPacket(bytes, start) ? 0 : type;
  return length;
}

function refuseType(type: number): ParseFailure {
  if (type >= 0x14 && type <= 0x17) return refuse(`TLS record of type ${hexByte(type)}: the connection is encrypted`);
  if (type === MARS) return refuse(`packet type ${hexByte(type)} is that of MARS, which is not read here`);
  return refuse(`packet type ${hexByte(type)} is unknown${likelyCauseOfByte(type)}`);
}

/** What {@linkcode tdsEncoder} puts into packets. */
export interface TdsMessage {
  /** Packet type: 1 for a batch, 3 for RPC, 16 for login, 18 for prelogin, 4 for what a server says. */
  readonly type: number;
  /** Everything behind the packet headers. */
  readonly payload: Uint8Array;
}

/** Options of {@linkcode tdsEncoder}. */
export interface TdsEncoderOptions {
  /** Longest packet with its header, in bytes, 512 to 32767: what the login has negotiated. @default {4096} */
  maxPacketBytes?: number | undefined;
}

/**
 * Encoder for TDS: one message in as many packets as it takes. Only `whole` parsers join them again.
 *
 * @throws {TypeError | RangeError} when an option is wrong
 * @example
 * ```ts
 * import { tdsEncoder } from "@leat/streams/parsers";
 * import { assertEquals } from "@std/assert";
 *
 * const [header] = tdsEncoder().encode({ type: 1, payload: new Uint8Array(22) });
 * assertEquals(header, Uint8Array.of(1, 1, 0, 30, 0, 0, 1, 0));
 * ```
 */
export function tdsEncoder(options: TdsEncoderOptions = {}): Encoder<TdsMessage> {
  const max = limitOption("maxPacketBytes", options.maxPacketBytes, 4096, SMALLEST_PACKET_SIZE);
  if (max > LARGEST_PACKET) throw new RangeError(`maxPacketBytes must be at most ${LARGEST_PACKET}, got ${max}`);
  return {
    name: "tds",
    encode({ type, payload }: TdsMessage): readonly Uint8Array[] {
      if (!TYPES.either.has(type)) throw unencodable("tds", `packet type ${hexByte(type)} is unknown`);
      const parts: Uint8Array[] = [];
      let packet = 0;
      let at = 0;
      do {
        const to = Math.min(payload.length, at + max - HEADER);
        const header = Uint8Array.of(type, to === payload.length ? END_OF_MESSAGE : 0, 0, 0, 0, 0, ++packet, 0);
        writeU16(header, 2, HEADER + to - at);
        parts.push(header, at === 0 && to === payload.length ? payload : payload.subarray(at, to));
        at = to;
      } while (at < payload.length);
      return parts;
    },
  };
}
