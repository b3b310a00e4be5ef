/**
 * ZooKeeper's client protocol (ZooKeeper's jute records, each behind a signed 32-bit length).
 *
 * Not here: the four-letter words, which are bare text on the same port and refused with that reason; the protocols of
 * ZooKeeper's servers among each other; what is in packets.
 *
 * @module
 */
import { readU32, writeU32 } from "../../bytes/integers.ts";
import { limitOption } from "../../core/limits.ts";
import { byteCount } from "../../core/words.ts";
import type { Encoder } from "../encoder.ts";
import type { ParseFailure, Parser, ParserContext } from "../parser.ts";
import { likelyCause, payloadTooBig, refuse, tooBig, unencodable } from "./refusal.ts";

/** Options of {@linkcode zookeeper} and {@linkcode zookeeperEncoder}. */
export interface ZookeeperOptions {
  /** Longest packet without its length, in bytes: `jute.maxbuffer` of the receiver. @default {1048575} */
  maxPacketBytes?: number | undefined;
}

const PREFIX = 4;
const DEFAULT_MAX = 0xfffff;
const LARGEST = 0x7fffffff;
/** By sender: a request has its number and type, a reply its number, transaction and error. */
const SHORTEST = { client: 8, server: 16, either: 8 } as const;

/**
 * Parser for ZooKeeper.
 *
 * @throws {TypeError | RangeError} when an option is wrong
 * @example
 * ```ts
 * import { zookeeper } from "@leat/streams/parsers";
 * import { assertEquals } from "@std/assert";
 *
 * const parser = zookeeper();
 * assertEquals(parser.parse(Uint8Array.of(0, 0, 0, 45), 0, 4, parser.start?.({ direction: "client" })), 49);
 * ```
 */
export function zookeeper(options: ZookeeperOptions = {}): Parser {
  const max = limitOption("maxPacketBytes", options.maxPacketBytes, DEFAULT_MAX);
  return {
    name: "zookeeper",
    maxMessageLength: PREFIX + Math.min(max, LARGEST),
    start: ({ direction }: ParserContext): number => SHORTEST[direction ?? "either"],
    parse(bytes: Uint8Array, start: number, end: number, least: number): number | ParseFailure {
      if (end - start < PREFIX) return -PREFIX;
      const length = readU32(bytes, start);
      if (length >= least && length <= max && length <= LARGEST) return PREFIX + length;
      return refuseLength(length, least, max);
    },
  };
}

function refuseLength(length: number, least: number, max: number): ParseFailure {
  if (length > LARGEST) return refuse(`packet length ${length - 0x100000000} is negative`);
  if (length < least) return refuse(`packet of ${byteCount(length)} is shorter than its header`);
  const cause = likelyCause(length);
  const isWord = cause === " (looks like text)";
  if (isWord) return refuse("four letters instead of a length: a four-letter word or its answer");
  if (cause !== "") return refuse(`packet of ${length} bytes${cause}`);
  return tooBig(`packet of ${length} bytes exceeds maxPacketBytes ${max}`);
}

/**
 * Encoder for ZooKeeper's packets.
 *
 * @throws {TypeError | RangeError} when an option is wrong
 * @example
 * ```ts
 * import { zookeeperEncoder } from "@leat/streams/parsers";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(zookeeperEncoder().encode(new Uint8Array(45))[0], Uint8Array.of(0, 0, 0, 45));
 * ```
 */
export function zookeeperEncoder(options: ZookeeperOptions = {}): Encoder {
  const max = Math.min(limitOption("maxPacketBytes", options.maxPacketBytes, DEFAULT_MAX), LARGEST);
  return {
    name: "zookeeper",
    encode(payload: Uint8Array): readonly Uint8Array[] {
      if (payload.length > max) throw payloadTooBig("zookeeper", payload.length, max);
      if (payload.length < SHORTEST.either) throw unencodable("zookeeper", "packet without a header");
      const prefix = new Uint8Array(PREFIX);
      writeU32(prefix, 0, payload.length);
      return [prefix, payload];
    },
  };
}
