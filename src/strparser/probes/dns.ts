/**
 * Recognises DNS over TCP by one whole message that is consistent down to its last byte (RFC 1035 section 4).
 *
 * @module
 */
import { readU16 } from "../../bytes/integers.ts";
import { dns } from "../parsers/dns.ts";
import type { Evidence, Heard, Match } from "./probe.ts";

/** The length in front, and the header. */
const PREFIX = 2;
const HEADER = 12;
/** Root name, type, class. */
const MIN_QUESTION = 5;
/** Root name, type, class, TTL, data length. */
const MIN_RECORD = 11;
const MAX_QUERY = 4096;
/** IN, CH, HS, NONE, ANY. */
const CLASSES: readonly number[] = [1, 3, 4, 254, 255];

/** Looks for a query, or where nothing of the client is known, for a response. */
export function probeDns({ client, server }: Heard): Evidence {
  const isQuery = client.length > 0;
  const match = isQuery ? matchMessage(client, true) : matchMessage(server, false);
  if (match !== "yes") return match;
  const reason = isQuery ? "client sent a well-formed DNS query" : "server sent a well-formed DNS response";
  return { name: "dns", parser: dns(), reason, confidence: isQuery ? "certain" : "likely" };
}

function matchMessage(bytes: Uint8Array, isQuery: boolean): Match {
  if (bytes.length < PREFIX) return "maybe";
  const length = readU16(bytes, 0);
  if (length < HEADER + MIN_QUESTION || (isQuery && length > MAX_QUERY)) return "no";
  if (bytes.length < PREFIX + HEADER) return "maybe";
  const flags = readU16(bytes, 4);
  if (!areFlagsSane(flags, isQuery)) return "no";
  const [questions, answers, authorities, additional] = [6, 8, 10, 12].map((at) => readU16(bytes, at));
  if (questions !== 1) return "no";
  if (isQuery && (answers! > 0 || authorities! > 1 || additional! > 2)) return "no";
  const records = answers! + authorities! + additional!;
  if (HEADER + MIN_QUESTION + records * MIN_RECORD > length) return "no";
  return matchBody(bytes, PREFIX + length, records);
}

/** Opcode QUERY, reserved bit clear; in a query nothing that only answers say. */
function areFlagsSane(flags: number, isQuery: boolean): boolean {
  if (isQuery) return (flags & 0xfecf) === 0;
  return (flags & 0xf840) === 0x8000;
}

/** One question, then `records` records, which end where the message does. */
function matchBody(bytes: Uint8Array, end: number, records: number): Match {
  let at = skipName(bytes, PREFIX + HEADER, end, false);
  if (typeof at !== "number") return at;
  if (at + 4 > end) return "no";
  if (at + 4 > bytes.length) return "maybe";
  if (readU16(bytes, at) === 0 || !CLASSES.includes(readU16(bytes, at + 2))) return "no";
  at += 4;
  for (let i = 0; i < records; i++) {
    const data = skipName(bytes, at, end, true);
    if (typeof data !== "number") return data;
    if (data + 10 > end) return "no";
    if (data + 10 > bytes.length) return "maybe";
    at = data + 10 + readU16(bytes, data + 8);
  }
  if (at !== end) return "no";
  return bytes.length < end ? "maybe" : "yes";
}

/** Position behind a name. A compressed one ends with a pointer. */
function skipName(bytes: Uint8Array, from: number, end: number, mayPoint: boolean): number | Match {
  for (let at = from;;) {
    if (at >= end || at - from > 255) return "no";
    if (at >= bytes.length) return "maybe";
    const label = bytes[at]!;
    if (label === 0) return at + 1;
    if (label >= 0xc0) return mayPoint ? at + 2 : "no";
    if (label > 63) return "no";
    at += 1 + label;
  }
}
