/**
 * Finds out which protocol a connection speaks, from the first bytes of both directions.
 *
 * Strict on purpose: a wrong guess shows nonsense, no guess shows bytes. Not here: protocols without a parser in this
 * layer; connections that were joined in the middle are recognised only by luck.
 *
 * @module
 */
import { limitOption, needObject } from "../core/limits.ts";
import { probeDns } from "./probes/dns.ts";
import { probeGreeting } from "./probes/greeting.ts";
import { probeHttp1 } from "./probes/http1.ts";
import { probeHttp2 } from "./probes/http2.ts";
import { probeLengthChain } from "./probes/length_chain.ts";
import { probePostgres } from "./probes/postgres.ts";
import type { Probe, Recognition } from "./probes/probe.ts";
import { probeResp } from "./probes/resp.ts";
import { probeTls } from "./probes/tls.ts";

export type { Recognition } from "./probes/probe.ts";

/** What {@linkcode detectParser} looks at. */
export interface DetectInput {
  /** First bytes of the end that opened the connection; empty where nothing of it is known. */
  client: Uint8Array;
  /** First bytes of the other end. */
  server: Uint8Array;
  /** Port of the server, a hint. */
  port?: number | undefined;
  /** Whether no more bytes will come, so that it has to be decided now. @default {false} */
  isComplete?: boolean | undefined;
  /** So many bytes of one direction are enough to decide. @default {16384} */
  maxBytes?: number | undefined;
}

/** Answer of {@linkcode detectParser}. */
export type Detection =
  /** One of the known protocols; see {@linkcode Recognition}. */
  | ({ readonly state: "found" } & Recognition)
  /** More bytes are needed. */
  | { readonly state: "undecided" }
  /** None of the known protocols: the bytes are opaque. */
  | { readonly state: "unknown" };

const MAX_BYTES = 16 * 1024;
/** Signatures first; the guess comes last. */
const PROBES: readonly Probe[] = [
  probeHttp2,
  probeHttp1,
  probeTls,
  probePostgres,
  probeGreeting,
  probeResp,
  probeDns,
  probeLengthChain,
];

/**
 * Says which parser fits a connection, and why. Ask again with more bytes while the answer is `undecided`; any other
 * answer is final. A pure function: the caller keeps the bytes until it is decided.
 *
 * @throws {TypeError | RangeError} when `maxBytes` is wrong
 * @example
 * ```ts
 * import { detectParser } from "@leat/streams/parsers";
 * import { assertEquals } from "@std/assert";
 *
 * const client = new TextEncoder().encode("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
 * const server = new Uint8Array(0);
 * assertEquals(detectParser({ client: client.subarray(0, 5), server }).state, "undecided");
 * const found = detectParser({ client, server });
 * assertEquals(found.state === "found" && found.reason, "client sent the 24-byte HTTP/2 preface");
 * ```
 */
export function detectParser(input: DetectInput): Detection {
  needObject("input", input);
  const maxBytes = limitOption("maxBytes", input.maxBytes, MAX_BYTES);
  const { client, server, port } = input;
  const heard = { client: client.subarray(0, maxBytes), server: server.subarray(0, maxBytes), port };
  const isLast = (input.isComplete ?? false) || client.length >= maxBytes || server.length >= maxBytes;
  let likely: Recognition | undefined;
  let isOpen = client.length === 0 && server.length === 0;
  for (const probe of isOpen ? [] : PROBES) {
    const evidence = probe(heard);
    if (evidence === "maybe") isOpen = true;
    else if (evidence !== "no" && evidence.confidence === "certain") return { state: "found", ...evidence };
    else if (evidence !== "no") likely ??= evidence;
  }
  if (isOpen && !isLast) return { state: "undecided" };
  return likely === undefined ? { state: "unknown" } : { state: "found", ...likely };
}
