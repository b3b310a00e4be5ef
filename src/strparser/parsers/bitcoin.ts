/**
 * Bitcoin's peer-to-peer messages, version 1 (developer reference, "P2P Network", message headers).
 *
 * All messages of a connection have the network's magic number, which the first shows. Not here: the checksum, which
 * would need all of the message and SHA-256; the encrypted transport of BIP 324, which is refused.
 *
 * @module
 */
import { readU32, readU32le } from "../../bytes/integers.ts";
import { limitOption } from "../../core/limits.ts";
import type { ParseFailure, Parser } from "../parser.ts";
import { likelyCause, refuse, tooBig } from "./refusal.ts";

/** Options of {@linkcode bitcoin}. */
export interface BitcoinOptions {
  /**
   * The magic number as its four bytes are read big-endian (0xf9beb4d9 is Bitcoin's own network), for networks other
   * than Bitcoin's main, test, signet and regtest.
   *
   * @default {undefined} (what the first message has, if it is one of those)
   */
  magic?: number | undefined;
  /** Longest payload, in bytes. @default {4000000} */
  maxPayloadBytes?: number | undefined;
}

interface BitcoinState {
  /** The network's magic number; undefined before the first message. */
  magic: number | undefined;
}

const HEADER = 24;
/** The checksum behind the length is not needed. */
const NEEDED = 20;
const COMMAND = 12;
/** main, testnet 3 and 4, signet, regtest */
const NETWORKS: readonly number[] = [0xf9beb4d9, 0x0b110907, 0x1c163f28, 0x0a03cf40, 0xfabfb5da];

/**
 * Parser for Bitcoin's messages, the same in both directions.
 *
 * @throws {TypeError | RangeError} when an option is wrong
 * @example
 * ```ts
 * import { bitcoin } from "@leat/streams/parsers";
 * import { assertEquals } from "@std/assert";
 *
 * const parser = bitcoin();
 * const verack = Uint8Array.of(0xf9, 0xbe, 0xb4, 0xd9, ...new TextEncoder().encode("verack"), ...new Uint8Array(14));
 * assertEquals(parser.parse(verack, 0, 24, parser.start?.({})), 24);
 * ```
 */
export function bitcoin(options: BitcoinOptions = {}): Parser {
  const max = limitOption("maxPayloadBytes", options.maxPayloadBytes, 4_000_000);
  const { magic } = options;
  if (magic !== undefined && magic !== magic >>> 0) throw new RangeError(`magic must be 32 bits, got ${String(magic)}`);
  return {
    name: "bitcoin",
    maxMessageLength: HEADER + max,
    start: (): BitcoinState => ({ magic }),
    parse(bytes: Uint8Array, start: number, end: number, state: BitcoinState): number | ParseFailure {
      if (end - start < 4) return -4;
      const seen = readU32(bytes, start);
      if (state.magic === undefined ? !NETWORKS.includes(seen) : seen !== state.magic) return refuseMagic(seen);
      if (end - start < NEEDED) return -NEEDED;
      if (!isCommand(bytes, start + 4)) return refuse("command is not a name padded with zeros");
      const length = readU32le(bytes, start + 16);
      if (length > max) return tooBig(`payload of ${length} bytes exceeds maxPayloadBytes ${max}`);
      state.magic = seen;
      return HEADER + length;
    },
  };
}

function refuseMagic(magic: number): ParseFailure {
  const hex = magic.toString(16).padStart(8, "0");
  return refuse(`magic number 0x${hex} is not this network's; BIP 324 would encrypt${likelyCause(magic)}`);
}

/** Printable characters, one at least, then zeros. */
function isCommand(bytes: Uint8Array, at: number): boolean {
  let length = 0;
  while (length < COMMAND && bytes[at + length]! > 0x20 && bytes[at + length]! < 0x7f) length++;
  for (let i = length; i < COMMAND; i++) {
    if (bytes[at + i] !== 0) return false;
  }
  return length > 0;
}
