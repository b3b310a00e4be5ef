/**
 * A keyed hash of a few numbers: HalfSipHash by Aumasson and Bernstein, with words and output of 32 bits.
 *
 * @module
 */

/** Most words that are hashed at a time. */
const MAX_WORDS = 16;

/**
 * HalfSipHash with one key. Two forms are in use: 1-3 for tables, whose keys nobody may aim at one chain, and 2-4 for what
 * is shown to peers that must not guess it.
 */
export class HalfSipHash {
  /** What is hashed, from the first on. */
  readonly words: Int32Array = new Int32Array(MAX_WORDS);
  readonly #key0: number;
  readonly #key1: number;
  readonly #rounds: number;
  readonly #finalRounds: number;

  /** A hash under a key of twice 32 bits. */
  constructor(key0: number, key1: number, rounds = 1, finalRounds = 3) {
    this.#key0 = key0 | 0;
    this.#key1 = key1 | 0;
    this.#rounds = rounds;
    this.#finalRounds = finalRounds;
  }

  /** The hash of the first `count` words, a signed 32-bit integer. */
  hash(count: number): number {
    const { words } = this;
    const rounds = this.#rounds;
    const last = count + this.#finalRounds;
    let v0 = this.#key0;
    let v1 = this.#key1;
    let v2 = 0x6c796765 ^ this.#key0;
    let v3 = 0x74656462 ^ this.#key1;
    for (let i = 0; i < last; i++) {
      const word = i < count ? words[i]! : 0;
      if (i === count) v2 ^= 0xff;
      v3 ^= word;
      for (let round = i < count ? rounds : 1; round > 0; round--) {
        v0 = (v0 + v1) | 0;
        v1 = ((v1 << 5) | (v1 >>> 27)) ^ v0;
        v0 = (v0 << 16) | (v0 >>> 16);
        v2 = (v2 + v3) | 0;
        v3 = ((v3 << 8) | (v3 >>> 24)) ^ v2;
        v0 = (v0 + v3) | 0;
        v3 = ((v3 << 7) | (v3 >>> 25)) ^ v0;
        v2 = (v2 + v1) | 0;
        v1 = ((v1 << 13) | (v1 >>> 19)) ^ v2;
        v2 = (v2 << 16) | (v2 >>> 16);
      }
      v0 ^= word;
    }
    return v1 ^ v3;
  }
}
