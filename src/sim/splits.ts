/**
 * Ways to cut bytes into chunks: what comes out of a parser must not depend on which one the network chose.
 *
 * @module
 */
import { SeededRandom } from "./seeded_random.ts";

/** One way to cut: its name (for the message of a failing test) and the chunks, which are views. */
export interface Split {
  /** What was done, with the seed or position. */
  readonly name: string;
  /** The pieces, in order. */
  readonly chunks: readonly Uint8Array[];
}

/** Options of {@linkcode splits}. */
export interface SplitsOptions {
  /**
   * Cut in two at every position, up to this many bytes of input; longer input is cut at this many random positions.
   *
   * @default {2048}
   */
  maxPoints?: number;
  /**
   * How many seeded random cuttings, a quarter of them with empty chunks between.
   *
   * @default {50}
   */
  seeds?: number;
}

/**
 * Goes through the ways to cut `bytes`: whole, byte by byte, in two at every point, and at random by seed.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { splits } from "@leat/streams/testing";
 *
 * for (const { chunks } of splits(Uint8Array.of(1, 2, 3))) {
 *   assertEquals(chunks.flatMap((chunk) => [...chunk]), [1, 2, 3]);
 * }
 * ```
 */
export function* splits(bytes: Uint8Array, options: SplitsOptions = {}): Generator<Split> {
  const { maxPoints = 2048, seeds = 50 } = options;
  yield { name: "whole", chunks: [bytes] };
  yield { name: "byte by byte", chunks: splitEvery(bytes, 1) };
  if (bytes.length <= maxPoints) {
    for (let at = 1; at < bytes.length; at++) yield splitAt(bytes, at);
  } else {
    const random = new SeededRandom(bytes.length);
    for (let i = 0; i < maxPoints; i++) yield splitAt(bytes, random.between(1, bytes.length - 1));
  }
  for (let seed = 0; seed < seeds; seed++) {
    yield { name: `seed ${seed}`, chunks: splitRandomly(bytes, seed, seed % 4 === 3) };
  }
}

/**
 * Cuts in pieces of `size` bytes; the last may be shorter.
 *
 * @throws {RangeError} when `size` is not a positive integer
 */
export function splitEvery(bytes: Uint8Array, size: number): Uint8Array[] {
  if (!Number.isSafeInteger(size) || size < 1) throw new RangeError(`size must be a positive integer, got ${size}`);
  const chunks: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; at += size) chunks.push(bytes.subarray(at, at + size));
  return chunks;
}

/** Cuts at random, mostly small pieces and now and then a large one, with empty chunks between if asked for. */
export function splitRandomly(bytes: Uint8Array, seed: number, withEmpty = false): Uint8Array[] {
  const random = new SeededRandom(seed);
  const chunks: Uint8Array[] = [];
  let at = 0;
  while (at < bytes.length) {
    if (withEmpty && random.chance(0.2)) chunks.push(bytes.subarray(at, at));
    const largest = random.chance(0.2) ? bytes.length : Math.min(16, bytes.length);
    const length = random.between(1, largest);
    chunks.push(bytes.subarray(at, at + length));
    at += length;
  }
  return chunks;
}

function splitAt(bytes: Uint8Array, at: number): Split {
  return { name: `in two at ${at}`, chunks: [bytes.subarray(0, at), bytes.subarray(at)] };
}
