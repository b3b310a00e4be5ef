/**
 * Randomness as an argument.
 *
 * @module
 */

/** Fills the given array with random bytes. Engines that need randomness take one of these. */
export type FillRandom = (into: Uint8Array) => void;

/** The runtime's secure randomness. Engines don't know it; stages draw from it what their engines need. */
export const systemRandom: FillRandom = (into: Uint8Array): void => {
  crypto.getRandomValues(into as Uint8Array<ArrayBuffer>);
};

/** A random integer from 0 to 2^48 - 1: a key for hash tables whose keys an adversary may choose. */
export function randomSeed(random: FillRandom = systemRandom): number {
  const bytes = new Uint8Array(6);
  random(bytes);
  return bytes.reduce((seed, byte) => seed * 256 + byte, 0);
}
