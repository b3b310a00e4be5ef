/**
 * Frames behind a signed 32-bit length that counts what follows: Thrift and Kafka.
 *
 * Internal to the parsers.
 *
 * @module
 */
import { readU32, writeU32 } from "../../bytes/integers.ts";
import { limitOption } from "../../core/limits.ts";
import { byteCount } from "../../core/words.ts";
import type { Encoder } from "../encoder.ts";
import type { ParseFailure, Parser } from "../parser.ts";
import { likelyCause, payloadTooBig, refuse, tooBig, unencodable } from "./refusal.ts";

/** What such protocols differ in. */
export interface SignedPrefix {
  /** Name of the parser. */
  readonly name: string;
  /** Name of the option that limits frames. */
  readonly limit: string;
  /** Its default. */
  readonly fallback: number;
  /** Shortest frame without its prefix. */
  readonly min: number;
  /** What a negative length means, where the protocol knows. */
  readonly negative?: (word: number) => string | undefined;
}

const PREFIX = 4;
const LARGEST = 0x7fffffff;

/** Makes the parser; `limit` is the value of the limiting option. */
export function signedPrefix(kind: SignedPrefix, limit: number | undefined): Parser {
  const { name, min, negative } = kind;
  const max = limitOption(kind.limit, limit, kind.fallback);
  return {
    name,
    maxMessageLength: PREFIX + Math.min(max, LARGEST),
    parse(bytes: Uint8Array, start: number, end: number): number | ParseFailure {
      if (end - start < PREFIX) return -PREFIX;
      const length = readU32(bytes, start);
      if (length > LARGEST) return refuse(negative?.(length) ?? "length is negative");
      if (length < min) return refuse(`frame of ${byteCount(length)}, the shortest has ${min}`);
      if (length > max) {
        return tooBig(`frame of ${length} bytes exceeds ${kind.limit} ${max}${likelyCause(length)}`);
      }
      return PREFIX + length;
    },
  };
}

/** Makes the encoder for the same frames. */
export function signedPrefixEncoder(kind: SignedPrefix, limit: number | undefined): Encoder {
  const max = Math.min(limitOption(kind.limit, limit, kind.fallback), LARGEST);
  return {
    name: kind.name,
    encode(payload: Uint8Array): readonly Uint8Array[] {
      if (payload.length > max) throw payloadTooBig(kind.name, payload.length, max);
      if (payload.length < kind.min) throw unencodable(kind.name, `payload of ${byteCount(payload.length)}`);
      const prefix = new Uint8Array(PREFIX);
      writeU32(prefix, 0, payload.length);
      return [prefix, payload];
    },
  };
}
