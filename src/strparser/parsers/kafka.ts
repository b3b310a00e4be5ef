/**
 * Kafka's wire protocol (Kafka documentation, "Protocol Primitive Types" and "Request and Response Headers"): a signed
 * 32-bit size in front of each request and response.
 *
 * A size of 0 is legal: answers of old SASL handshakes have it. Not here: requests and responses themselves.
 *
 * @module
 */
import type { Encoder } from "../encoder.ts";
import type { Parser } from "../parser.ts";
import { type SignedPrefix, signedPrefix, signedPrefixEncoder } from "./signed_prefix.ts";

/** Options of {@linkcode kafka} and {@linkcode kafkaEncoder}. */
export interface KafkaOptions {
  /** Longest message without its size, in bytes: the broker's `socket.request.max.bytes`. @default {104857600} */
  maxRequestBytes?: number | undefined;
}

const KAFKA: SignedPrefix = { name: "kafka", limit: "maxRequestBytes", fallback: 104857600, min: 0 };

/**
 * Parser for Kafka, the same in both directions.
 *
 * @throws {TypeError | RangeError} when an option is wrong
 * @example
 * ```ts
 * import { kafka } from "@leat/streams/parsers";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(kafka().parse(Uint8Array.of(0, 0, 0, 36), 0, 4, undefined), 40);
 * ```
 */
export function kafka(options: KafkaOptions = {}): Parser {
  return signedPrefix(KAFKA, options.maxRequestBytes);
}

/**
 * Encoder for Kafka's messages.
 *
 * @throws {TypeError | RangeError} when an option is wrong
 * @example
 * ```ts
 * import { kafkaEncoder } from "@leat/streams/parsers";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(kafkaEncoder().encode(new Uint8Array(36))[0], Uint8Array.of(0, 0, 0, 36));
 * ```
 */
export function kafkaEncoder(options: KafkaOptions = {}): Encoder {
  return signedPrefixEncoder(KAFKA, options.maxRequestBytes);
}
