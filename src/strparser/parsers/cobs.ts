/**
 * Consistent Overhead Byte Stuffing: packets without a zero in them, which a zero ends (Cheshire and Baker,
 * "Consistent Overhead Byte Stuffing", IEEE/ACM Transactions on Networking 7(2), 1999).
 *
 * Stuffed packets are blocks: a code byte `c`, then `c - 1` bytes that are not zero, which stand for themselves and,
 * where `c` is below 255 and another block follows, a zero. Not here: COBS/R and COBS/ZPE.
 *
 * @module
 */
import { limitOption } from "../../core/limits.ts";
import type { Encoder } from "../encoder.ts";
import { StreamParserError } from "../errors.ts";
import type { ParseFailure, Parser } from "../parser.ts";
import { indexOfByte } from "./ascii.ts";
import { payloadTooBig, refuse } from "./refusal.ts";

/** Options of {@linkcode cobs} and {@linkcode cobsEncoder}. */
export interface CobsOptions {
  /** Longest packet, in bytes, as it was before stuffing. @default {65536} */
  maxPayloadBytes?: number | undefined;
}

/** Options of {@linkcode cobs}. */
export interface CobsParserOptions extends CobsOptions {
  /**
   * Let packets through whose blocks do not end at the zero, which {@linkcode cobsDecode} then refuses one by one, so
   * that a line with errors can go on with the next packet. @default {false}
   */
  lenient?: boolean | undefined;
}

const DEFAULT_MAX = 64 * 1024;
const LONGEST_BLOCK = 255;

/** Length of the longest packet of `payload` bytes when it is stuffed, its zero included. */
function stuffedLength(payload: number): number {
  return payload + Math.max(1, Math.ceil(payload / (LONGEST_BLOCK - 1))) + 1;
}

/**
 * Parser for COBS packets. The message is the packet as it came, with the zero that ends it; {@linkcode cobsDecode}
 * gives the payload. A zero alone, which some senders put in front to begin afresh, is a message of one byte.
 *
 * @throws {TypeError | RangeError} when an option is wrong
 * @example
 * ```ts
 * import { cobs, cobsDecode } from "@leat/streams/parsers";
 * import { assertEquals } from "@std/assert";
 *
 * const parser = cobs();
 * const bytes = Uint8Array.of(3, 0x11, 0x22, 2, 0x33, 0);
 * assertEquals(parser.parse(bytes, 0, 6, parser.start?.({})), 6);
 * assertEquals(cobsDecode(bytes), Uint8Array.of(0x11, 0x22, 0, 0x33));
 * ```
 */
export function cobs(options: CobsParserOptions = {}): Parser {
  const max = stuffedLength(limitOption("maxPayloadBytes", options.maxPayloadBytes, DEFAULT_MAX, 0));
  const isLenient = options.lenient ?? false;
  return {
    name: "cobs",
    ...(max < Infinity && { maxMessageLength: max }),
    maxHeaderBytes: Infinity,
    start: (): { scanned: number } => ({ scanned: 0 }),
    parse(bytes: Uint8Array, start: number, end: number, state: { scanned: number }): number | ParseFailure {
      const zero = indexOfByte(bytes, 0, start + state.scanned, end);
      if (zero < 0) {
        state.scanned = end - start;
        return -(end - start + 1);
      }
      state.scanned = 0;
      if (!isLenient && blocksEnd(bytes, start, zero) !== zero) {
        return refuse("packet ends inside a block: bytes of it were lost or damaged");
      }
      return zero + 1 - start;
    },
  };
}

/** Where the block ends that reaches `to`. No byte before `to` is zero. */
function blocksEnd(bytes: Uint8Array, from: number, to: number): number {
  let at = from;
  while (at < to) at += bytes[at]!;
  return at;
}

/**
 * The payload of a packet, with or without the zero at its end.
 *
 * @throws {StreamParserError} `EPROTO` when the packet is damaged: empty, a zero in it, or cut
 * @example
 * ```ts
 * import { cobsDecode } from "@leat/streams/parsers";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(cobsDecode(Uint8Array.of(1, 1, 0)), Uint8Array.of(0));
 * ```
 */
export function cobsDecode(packet: Uint8Array): Uint8Array {
  const to = packet[packet.length - 1] === 0 ? packet.length - 1 : packet.length;
  if (to === 0) throw damaged("packet is empty");
  const zero = indexOfByte(packet, 0, 0, to);
  if (zero >= 0) throw damaged(`packet has a zero at ${zero}`, zero);
  const payload = new Uint8Array(to - 1);
  let length = 0;
  for (let at = 0; at < to;) {
    const next = at + packet[at]!;
    if (next > to) throw damaged(`packet of ${to} bytes ends inside a block of ${packet[at]!}`, at);
    payload.set(packet.subarray(at + 1, next), length);
    length += next - at - 1;
    // the zero behind the block is there already
    if (packet[at] !== LONGEST_BLOCK && next < to) length++;
    at = next;
  }
  return payload.subarray(0, length);
}

function damaged(reason: string, offset = 0): StreamParserError {
  return new StreamParserError(`cobs: ${reason}`, { code: "EPROTO", blame: "remote", offset });
}

/**
 * The packet of a payload, with the zero that ends it.
 *
 * @example
 * ```ts
 * import { cobsEncode } from "@leat/streams/parsers";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(cobsEncode(Uint8Array.of(0x11, 0, 0x33)), Uint8Array.of(2, 0x11, 2, 0x33, 0));
 * ```
 */
export function cobsEncode(payload: Uint8Array): Uint8Array {
  const packet = new Uint8Array(stuffedLength(payload.length));
  let code = 0;
  let to = 1;
  payload.forEach((byte, i) => {
    if (byte !== 0) packet[to++] = byte;
    const isFull = to - code === LONGEST_BLOCK;
    if (byte !== 0 && !(isFull && i + 1 < payload.length)) return;
    packet[code] = to - code;
    code = to++;
  });
  packet[code] = to - code;
  return packet.subarray(0, to + 1);
}

/**
 * Encoder for COBS packets.
 *
 * @throws {TypeError | RangeError} when an option is wrong
 * @example
 * ```ts
 * import { cobsEncoder } from "@leat/streams/parsers";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(cobsEncoder().encode(new Uint8Array(0)), [Uint8Array.of(1, 0)]);
 * ```
 */
export function cobsEncoder(options: CobsOptions = {}): Encoder {
  const max = limitOption("maxPayloadBytes", options.maxPayloadBytes, DEFAULT_MAX, 0);
  return {
    name: "cobs",
    encode(payload: Uint8Array): readonly Uint8Array[] {
      if (payload.length > max) throw payloadTooBig("cobs", payload.length, max);
      return [cobsEncode(payload)];
    },
  };
}
