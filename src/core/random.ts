/**
 * Randomness as an argument.
 *
 * @module
 */

/** Fills the given array with random bytes. Engines that need randomness take one of these. */
export type FillRandom = (into: Uint8Array) => void;
