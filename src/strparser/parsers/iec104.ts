/**
 * IEC 60870-5-104 APDUs (clause 5).
 *
 * The control field is checked as far as its format goes, which shows lost synchronisation. Not here: sequence numbers,
 * what ASDUs say, the TLS profile of IEC 62351-3.
 *
 * @module
 */
import type { Encoder } from "../encoder.ts";
import type { ParseFailure, Parser } from "../parser.ts";
import { hexByte } from "./hex_byte.ts";
import { likelyCauseOfByte, payloadTooBig, refuse, unencodable } from "./refusal.ts";

const START = 0x68;
/** Start byte, length and the control field: the shortest APDU. */
const APCI = 6;
const CONTROL = 4;
const MAX_COUNTED = 253;
/** An ASDU begins with type, qualifier, cause and address, of one byte each at least. */
const MIN_I_COUNTED = CONTROL + 4;

/** First control bytes of U format: start, stop and test of data transfer, each to be confirmed or confirming. */
const U_FUNCTIONS: readonly number[] = [0x07, 0x0b, 0x13, 0x23, 0x43, 0x83];

/**
 * Parser for IEC 60870-5-104, the same in both directions.
 *
 * @example
 * ```ts
 * import { iec104 } from "@leat/streams/parsers";
 * import { assertEquals } from "@std/assert";
 *
 * const startDt = Uint8Array.of(0x68, 4, 7, 0, 0, 0);
 * assertEquals(iec104().parse(startDt, 0, 6, undefined), 6);
 * ```
 */
export function iec104(): Parser {
  return { name: "iec104", maxMessageLength: 2 + MAX_COUNTED, parse: parseApdu };
}

function parseApdu(bytes: Uint8Array, start: number, end: number): number | ParseFailure {
  const seen = end - start;
  const first = bytes[start]!;
  if (first !== START) {
    return refuse(`start byte ${hexByte(first)} instead of ${hexByte(START)}${likelyCauseOfByte(first)}`);
  }
  if (seen < 2) return -2;
  const counted = bytes[start + 1]!;
  if (counted < CONTROL || counted > MAX_COUNTED) {
    return refuse(`length ${counted} is not within ${CONTROL} to ${MAX_COUNTED}`);
  }
  if (seen < APCI) return -APCI;
  return checkControl(bytes, start + 2, counted) ?? 2 + counted;
}

function checkControl(bytes: Uint8Array, at: number, counted: number): ParseFailure | undefined {
  const format = bytes[at]!;
  if ((format & 1) === 0) {
    return counted < MIN_I_COUNTED ? refuse(`I format of length ${counted} has no ASDU`) : undefined;
  }
  if (counted !== CONTROL) {
    return refuse(`control byte ${hexByte(format)} with length ${counted} instead of ${CONTROL}`);
  }
  const isS = format === 1;
  if (!isS && !U_FUNCTIONS.includes(format)) return refuse(`control byte ${hexByte(format)} is of no format`);
  if (bytes[at + 1] !== 0 || (!isS && (bytes[at + 2] !== 0 || bytes[at + 3] !== 0))) {
    return refuse(`${isS ? "S" : "U"} format with bits where zeros belong`);
  }
  return undefined;
}

/**
 * Encoder for IEC 60870-5-104: a payload is the control field of four bytes and the ASDU, if any.
 *
 * @example
 * ```ts
 * import { iec104Encoder } from "@leat/streams/parsers";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(iec104Encoder().encode(Uint8Array.of(7, 0, 0, 0))[0], Uint8Array.of(0x68, 4));
 * ```
 */
export function iec104Encoder(): Encoder {
  return {
    name: "iec104",
    encode(payload: Uint8Array): readonly Uint8Array[] {
      if (payload.length > MAX_COUNTED) throw payloadTooBig("iec104", payload.length, MAX_COUNTED);
      if (payload.length < CONTROL) throw unencodable("iec104", "payload without a control field");
      const failure = checkControl(payload, 0, payload.length);
      if (failure !== undefined) throw unencodable("iec104", failure.reason);
      return [Uint8Array.of(START, payload.length), payload];
    },
  };
}
