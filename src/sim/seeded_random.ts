/**
 * Randomness that can be had again: the same seed gives the same numbers on every runtime.
 *
 * Not for secrets.
 *
 * @module
 */
import type { FillRandom } from "../core/random.ts";

/**
 * A small generator (SplitMix32: a Weyl sequence through a 32-bit finaliser) with the draws that tests need.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { SeededRandom } from "@leat/streams/testing";
 *
 * const a = new SeededRandom(7);
 * const b = new SeededRandom(7);
 * assertEquals([a.below(100), a.below(100)], [b.below(100), b.below(100)]);
 * ```
 */
export class SeededRandom {
  #state: number;

  /** A generator that starts at the given seed (its low 32 bits count). */
  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** 32 random bits as an unsigned number. */
  bits(): number {
    this.#state = (this.#state + 0x9e3779b9) >>> 0;
    let z = this.#state;
    z = Math.imul(z ^ (z >>> 16), 0x85ebca6b);
    z = Math.imul(z ^ (z >>> 13), 0xc2b2ae35);
    return (z ^ (z >>> 16)) >>> 0;
  }

  /** A number of at least 0 and less than 1. */
  fraction(): number {
    return this.bits() / 0x100000000;
  }

  /**
   * An integer of at least 0 and less than `limit`.
   *
   * @throws {RangeError} when `limit` is not an integer from 1 to 2^32
   */
  below(limit: number): number {
    if (!Number.isInteger(limit) || limit < 1 || limit > 0x100000000) {
      throw new RangeError(`limit must be an integer from 1 to 2^32, got ${limit}`);
    }
    return Math.floor(this.fraction() * limit);
  }

  /** An integer of at least `min` and at most `max`. */
  between(min: number, max: number): number {
    return min + this.below(max - min + 1);
  }

  /** True with the given probability. */
  chance(probability: number): boolean {
    return this.fraction() < probability;
  }

  /** One of the given values. */
  pick<T>(values: readonly T[]): T {
    return values[this.below(values.length)]!;
  }

  /** Puts the values in random order, in place. */
  shuffle<T>(values: T[]): T[] {
    for (let i = values.length - 1; i > 0; i--) {
      const j = this.below(i + 1);
      [values[i], values[j]] = [values[j]!, values[i]!];
    }
    return values;
  }

  /** `length` random bytes. */
  bytes(length: number): Uint8Array<ArrayBuffer> {
    const bytes = new Uint8Array(length);
    this.fill(bytes);
    return bytes;
  }

  /** Fills an array: the form in which engines take randomness. */
  readonly fill: FillRandom = (into: Uint8Array): void => {
    for (let i = 0; i < into.length; i++) into[i] = this.bits() >>> 24;
  };
}
