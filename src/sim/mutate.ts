/**
 * Damaging bytes by seed: bit flips, boundary values, cuts, repeats. The input side of the fuzz tests.
 *
 * @module
 */
import { concat } from "../bytes/concat.ts";
import type { SeededRandom } from "./seeded_random.ts";

/** Values that length fields break on. */
const BOUNDARIES = [0x00, 0x01, 0x7f, 0x80, 0xfe, 0xff];

type Mutation = (bytes: Uint8Array, random: SeededRandom) => Uint8Array;

const MUTATIONS: readonly Mutation[] = [
  function flipBit(bytes, random) {
    const at = random.below(bytes.length);
    bytes[at] = bytes[at]! ^ (1 << random.below(8));
    return bytes;
  },
  function setBoundary(bytes, random) {
    bytes[random.below(bytes.length)] = random.pick(BOUNDARIES);
    return bytes;
  },
  function fillRun(bytes, random) {
    const at = random.below(bytes.length);
    bytes.fill(random.pick(BOUNDARIES), at, at + random.between(1, 8));
    return bytes;
  },
  function cut(bytes, random) {
    return bytes.subarray(0, random.below(bytes.length + 1));
  },
  function remove(bytes, random) {
    const at = random.below(bytes.length);
    return concat([bytes.subarray(0, at), bytes.subarray(at + random.between(1, 16))]);
  },
  function repeat(bytes, random) {
    const at = random.below(bytes.length);
    const end = Math.min(bytes.length, at + random.between(1, 64));
    return concat([bytes.subarray(0, end), bytes.subarray(at, end), bytes.subarray(end)]);
  },
  function insert(bytes, random) {
    const at = random.below(bytes.length + 1);
    return concat([bytes.subarray(0, at), random.bytes(random.between(1, 8)), bytes.subarray(at)]);
  },
];

/**
 * A damaged copy of `bytes`: one to four random mutations.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { mutate, SeededRandom } from "@leat/streams/testing";
 *
 * const original = Uint8Array.of(1, 2, 3, 4);
 * assertEquals(mutate(original, new SeededRandom(1)), mutate(original, new SeededRandom(1)));
 * assertEquals(original, Uint8Array.of(1, 2, 3, 4));
 * ```
 */
export function mutate(bytes: Uint8Array, random: SeededRandom): Uint8Array {
  let damaged: Uint8Array = bytes.slice();
  for (let left = random.between(1, 4); left > 0; left--) {
    if (damaged.length === 0) return random.bytes(random.below(8));
    damaged = random.pick(MUTATIONS)(damaged, random);
  }
  return damaged;
}
