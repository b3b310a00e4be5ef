/**
 * Encoder for Bitcoin's peer-to-peer messages, version 1.
 *
 * Not here: SHA-256. Whoever has one says what the checksum is.
 *
 * @module
 */
import { needObject } from "../../core/limits.ts";
import { writeU32, writeU32le } from "../../bytes/integers.ts";
import type { Encoder } from "../encoder.ts";
import { asciiBytes } from "../parsers/ascii.ts";
import { bitcoin, type BitcoinOptions } from "../parsers/bitcoin.ts";
import { checkEncoded, unencodable } from "../parsers/refusal.ts";

/** What {@linkcode bitcoinEncoder} writes. */
export interface BitcoinMessage {
  /** Name of the command, up to 12 characters. */
  readonly command: string;
  /** Everything behind the header. */
  readonly payload: Uint8Array;
}

/** Options of {@linkcode bitcoinEncoder}. */
export interface BitcoinEncoderOptions extends BitcoinOptions {
  /** The first four bytes of the SHA-256 of the SHA-256 of a payload. */
  checksum: (payload: Uint8Array) => Uint8Array;
}

const HEADER = 24;
const MAINNET = 0xf9beb4d9;

/**
 * Encoder for Bitcoin's messages, of the main network where `magic` names no other. Refuses what the parser would.
 *
 * @throws {TypeError | RangeError} when an option is wrong
 * @example
 * ```ts
 * import { bitcoinEncoder } from "@leat/streams/parsers";
 * import { assertEquals } from "@std/assert";
 *
 * const encoder = bitcoinEncoder({ checksum: () => Uint8Array.of(0x5d, 0xf6, 0xe0, 0xe2) }); // of nothing
 * const [header] = encoder.encode({ command: "verack", payload: new Uint8Array(0) });
 * assertEquals(header!.subarray(16), Uint8Array.of(0, 0, 0, 0, 0x5d, 0xf6, 0xe0, 0xe2));
 * ```
 */
export function bitcoinEncoder(options: BitcoinEncoderOptions): Encoder<BitcoinMessage> {
  needObject("options", options);
  const { magic = MAINNET, checksum } = options;
  if (typeof checksum !== "function") throw new TypeError(`checksum must be a function, got ${typeof checksum}`);
  const parser = bitcoin({ ...options, magic });
  return {
    name: "bitcoin",
    encode({ command, payload }: BitcoinMessage): readonly Uint8Array[] {
      if (!/^[\x21-\x7e]{1,12}$/.test(command)) {
        throw unencodable("bitcoin", "command is no name of up to 12 characters");
      }
      const header = new Uint8Array(HEADER);
      writeU32(header, 0, magic);
      header.set(asciiBytes(command), 4);
      writeU32le(header, 16, Math.min(payload.length, 0xffffffff));
      checkEncoded("bitcoin", parser.parse(header, 0, HEADER, parser.start!({})), HEADER + payload.length);
      const sum = checksum(payload);
      if (sum.length !== 4) throw new TypeError(`checksum must return 4 bytes, got ${sum.length}`);
      header.set(sum, 20);
      return [header, payload];
    },
  };
}
