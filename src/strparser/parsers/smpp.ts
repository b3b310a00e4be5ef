/**
 * SMPP (Short Message Peer-to-Peer Protocol Specification v3.4, section 3.2; command identifiers of v5.0 too).
 *
 * Not here: bodies of PDUs, TLV parameters.
 *
 * @module
 */
import { readU32, writeU32 } from "../../bytes/integers.ts";
import { limitOption } from "../../core/limits.ts";
import { byteCount } from "../../core/words.ts";
import type { Encoder } from "../encoder.ts";
import type { ParseFailure, Parser } from "../parser.ts";
import { likelyCause, payloadTooBig, refuse, tooBig, unencodable } from "./refusal.ts";

/** Options of {@linkcode smpp} and {@linkcode smppEncoder}. */
export interface SmppOptions {
  /** Longest PDU, in bytes. The default has room for a payload of 64 KiB beside the rest. @default {131072} */
  maxPduBytes?: number | undefined;
}

const LENGTH = 4;
/** As far as the command identifier. */
const CHECKED = 8;
const HEADER = 16;
const DEFAULT_MAX = 128 * 1024;
const LARGEST = 0xffffffff;
const RESPONSE = 0x80000000;
const GENERIC_NACK = 0x80000000;
const VENDOR_FIRST = 0x10200;
const VENDOR_LAST = 0x102ff;

/** Requests that have a response, by command identifier. */
const ANSWERED: ReadonlySet<number> = new Set([1, 2, 3, 4, 5, 6, 7, 8, 9, 0x15, 0x21, 0x103, 0x111, 0x112, 0x113]);
/** Outbind and alert notification, which have none. */
const UNANSWERED: ReadonlySet<number> = new Set([0x0b, 0x102]);

/**
 * Parser for SMPP, the same in both directions.
 *
 * @throws {TypeError | RangeError} when an option is wrong
 * @example
 * ```ts
 * import { smpp } from "@leat/streams/parsers";
 * import { assertEquals } from "@std/assert";
 *
 * const enquireLink = Uint8Array.of(0, 0, 0, 16, 0, 0, 0, 0x15);
 * assertEquals(smpp().parse(enquireLink, 0, 8, undefined), 16);
 * ```
 */
export function smpp(options: SmppOptions = {}): Parser {
  const max = Math.min(limitOption("maxPduBytes", options.maxPduBytes, DEFAULT_MAX, HEADER), LARGEST);
  return {
    name: "smpp",
    maxMessageLength: max,
    parse(bytes: Uint8Array, start: number, end: number): number | ParseFailure {
      if (end - start < LENGTH) return -LENGTH;
      const length = readU32(bytes, start);
      if (length < HEADER) return refuse(`PDU of ${byteCount(length)} is shorter than its header`);
      if (length > max) return tooBig(`PDU of ${length} bytes exceeds maxPduBytes ${max}${likelyCause(length)}`);
      if (end - start < CHECKED) return -CHECKED;
      const command = readU32(bytes, start + LENGTH);
      return isCommand(command) ? length : refuse(`command identifier 0x${command.toString(16)} is unknown`);
    },
  };
}

function isCommand(command: number): boolean {
  if (command === GENERIC_NACK || UNANSWERED.has(command)) return true;
  const request = command >= RESPONSE ? command - RESPONSE : command;
  return ANSWERED.has(request) || (request >= VENDOR_FIRST && request <= VENDOR_LAST);
}

/**
 * Encoder for SMPP: a payload is everything behind the length, from the command identifier on.
 *
 * @throws {TypeError | RangeError} when an option is wrong
 * @example
 * ```ts
 * import { smppEncoder } from "@leat/streams/parsers";
 * import { assertEquals } from "@std/assert";
 *
 * const enquireLink = Uint8Array.of(0, 0, 0, 0x15, 0, 0, 0, 0, 0, 0, 0, 1);
 * assertEquals(smppEncoder().encode(enquireLink)[0], Uint8Array.of(0, 0, 0, 16));
 * ```
 */
export function smppEncoder(options: SmppOptions = {}): Encoder {
  const max = Math.min(limitOption("maxPduBytes", options.maxPduBytes, DEFAULT_MAX, HEADER), LARGEST) - LENGTH;
  return {
    name: "smpp",
    encode(payload: Uint8Array): readonly Uint8Array[] {
      if (payload.length < HEADER - LENGTH) throw unencodable("smpp", "payload is shorter than the header");
      if (payload.length > max) throw payloadTooBig("smpp", payload.length, max);
      if (!isCommand(readU32(payload, 0))) throw unencodable("smpp", "payload has an unknown command identifier");
      const length = new Uint8Array(LENGTH);
      writeU32(length, 0, LENGTH + payload.length);
      return [length, payload];
    },
  };
}
