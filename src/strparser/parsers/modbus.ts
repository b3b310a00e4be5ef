/**
 * Modbus/TCP (MODBUS Messaging on TCP/IP Implementation Guide V1.0b, section 3.1.3).
 *
 * Not here: Modbus RTU or ASCII carried over TCP, which have no length; Modbus Security (that is TLS); functions.
 *
 * @module
 */
import { readU16, writeU16 } from "../../bytes/integers.ts";
import type { Encoder } from "../encoder.ts";
import type { ParseFailure, Parser } from "../parser.ts";
import { payloadTooBig, refuse, unencodable } from "./refusal.ts";

/** Transaction, protocol, length. */
const HEADER = 6;
/** Unit and function code. */
const MIN_COUNTED = 2;
/** Unit and the longest PDU of a serial line. */
const MAX_COUNTED = 254;

/** What {@linkcode modbusEncoder} puts into a message. */
export interface ModbusMessage {
  /** Transaction identifier, which the answer repeats. */
  readonly transaction: number;
  /** Unit identifier. */
  readonly unit: number;
  /** Function code and what belongs to it. */
  readonly pdu: Uint8Array;
}

/**
 * Parser for Modbus/TCP, the same in both directions.
 *
 * @example
 * ```ts
 * import { modbus } from "@leat/streams/parsers";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(modbus().parse(Uint8Array.of(0, 1, 0, 0, 0, 6), 0, 6, undefined), 12);
 * ```
 */
export function modbus(): Parser {
  return { name: "modbus", maxMessageLength: HEADER + MAX_COUNTED, parse: parseMessage };
}

function parseMessage(bytes: Uint8Array, start: number, end: number): number | ParseFailure {
  const seen = end - start;
  if (seen < 4) return -4;
  const protocol = readU16(bytes, start + 2);
  if (protocol !== 0) return refuse(`protocol identifier ${protocol} instead of 0; Modbus RTU over TCP has none`);
  if (seen < HEADER) return -HEADER;
  const counted = readU16(bytes, start + 4);
  if (counted < MIN_COUNTED || counted > MAX_COUNTED) {
    return refuse(`length ${counted} is not within ${MIN_COUNTED} to ${MAX_COUNTED}`);
  }
  return HEADER + counted;
}

/**
 * Encoder for Modbus/TCP.
 *
 * @example
 * ```ts
 * import { modbusEncoder } from "@leat/streams/parsers";
 * import { assertEquals } from "@std/assert";
 *
 * const [header] = modbusEncoder().encode({ transaction: 1, unit: 17, pdu: Uint8Array.of(3, 0, 107, 0, 3) });
 * assertEquals(header, Uint8Array.of(0, 1, 0, 0, 0, 6, 17));
 * ```
 */
export function modbusEncoder(): Encoder<ModbusMessage> {
  return {
    name: "modbus",
    encode({ transaction, unit, pdu }: ModbusMessage): readonly Uint8Array[] {
      if (pdu.length === 0) throw unencodable("modbus", "PDU without a function code");
      if (pdu.length >= MAX_COUNTED) throw payloadTooBig("modbus", pdu.length, MAX_COUNTED - 1);
      if (transaction !== (transaction & 0xffff)) {
        throw unencodable("modbus", `transaction ${transaction} is not of 16 bits`);
      }
      if (unit !== (unit & 0xff)) throw unencodable("modbus", `unit ${unit} is no byte`);
      const header = new Uint8Array(HEADER + 1);
      writeU16(header, 0, transaction);
      writeU16(header, 4, pdu.length + 1);
      header[HEADER] = unit;
      return [header, pdu];
    },
  };
}
