/**
 * What a probe is: looks at the first bytes of a connection and says whether they are its protocol.
 *
 * An answer other than `maybe` holds for whatever may follow, so a decision never has to be taken back.
 *
 * @module
 */
import type { Parser } from "../parser.ts";

/** What is known of a connection. */
export interface Heard {
  /** First bytes of the end that opened the connection. */
  readonly client: Uint8Array;
  /** First bytes of the other end. */
  readonly server: Uint8Array;
  /** Port of the server. */
  readonly port: number | undefined;
}

/** A protocol was recognised. */
export interface Recognition {
  /** Name as in the registry. */
  readonly name: string;
  /** Parser for both directions, or where there are `answers`, for what the client sends. */
  readonly parser: Parser;
  /** Parser for what the server sends, where it has to know what was asked. For one connection only, like `parser`. */
  readonly answers?: Parser;
  /** Why, in one sentence. */
  readonly reason: string;
  /** `certain`: a signature that no other protocol has; `likely`: it fits well. */
  readonly confidence: "certain" | "likely";
}

/** Answer of a probe. */
export type Evidence = Recognition | "maybe" | "no";

/** Looks at the bytes for one protocol. */
export type Probe = (heard: Heard) => Evidence;

/** Outcome of a comparison that may run out of bytes. */
export type Match = "yes" | "maybe" | "no";

/** Compares the first bytes with a list of accepted ranges, as far as there are bytes. */
export function matchRanges(bytes: Uint8Array, ranges: readonly (readonly [from: number, to: number])[]): Match {
  for (let i = 0; i < ranges.length; i++) {
    if (i >= bytes.length) return "maybe";
    const [from, to] = ranges[i]!;
    if (bytes[i]! < from || bytes[i]! > to) return "no";
  }
  return "yes";
}

/** The first bytes as text, one character a byte. */
export function asText(bytes: Uint8Array, length: number): string {
  return String.fromCharCode(...bytes.subarray(0, length));
}
