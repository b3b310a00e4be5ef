/**
 * fcrypt, the cipher of rxkad: 64-bit blocks, a key of 56 bits, 16 Feistel rounds.
 *
 * Made in 1988 to be faster than DES in software. Weak by today's measure: its key can be searched, and it has no proof
 * of integrity. Here because AFS servers speak it.
 *
 * @module
 */
import { sboxes } from "./fcrypt_tables.ts";
import type { BlockCipher } from "./block_cipher.ts";

const ROUNDS = 16;
const KEY_MASK = (1n << 56n) - 1n;

function rotateRight5(word: number): number {
  return (word >>> 5) | (word << 27);
}

/** A substitution with its place in the word, and the rotation behind it, already done. */
function roundTable(sbox: string, shift: number): Int32Array {
  return Int32Array.from(
    { length: 256 },
    (_, at) => rotateRight5(parseInt(sbox.slice(2 * at, 2 * at + 2), 16) << shift),
  );
}

const [table0, table1, table2, table3] = [
  roundTable(sboxes[0], 8),
  roundTable(sboxes[1], 0),
  roundTable(sboxes[2], 16),
  roundTable(sboxes[3], 24),
];

function substitute(word: number): number {
  return table0[word >>> 24]! ^ table1[(word >>> 16) & 255]! ^ table2[(word >>> 8) & 255]! ^ table3[word & 255]!;
}

/**
 * The 16 round keys: of each byte of the key the upper seven bits count, as with DES; 56 bits that are rotated by 11
 * from round to round.
 */
export function fcryptSchedule(key: Uint8Array): Int32Array {
  let bits = 0n;
  for (const byte of key) bits = bits << 7n | BigInt(byte >>> 1);
  const schedule = new Int32Array(ROUNDS);
  for (let round = 0; round < ROUNDS; round++) {
    schedule[round] = Number(BigInt.asIntN(32, bits));
    bits = (bits >> 11n | bits << 45n) & KEY_MASK;
  }
  return schedule;
}

/** fcrypt under one key. */
export class Fcrypt implements BlockCipher {
  left = 0;
  right = 0;
  readonly #schedule: Int32Array;

  /**
   * Takes a key of 8 bytes; there are no weak ones.
   *
   * @throws {RangeError} when it is longer or shorter
   */
  constructor(key: Uint8Array) {
    if (key.length !== 8) throw new RangeError(`a key of fcrypt has 8 bytes, got ${key.length}`);
    this.#schedule = fcryptSchedule(key);
  }

  encrypt(left: number, right: number): void {
    const schedule = this.#schedule;
    for (let round = 0; round < ROUNDS; round += 2) {
      left ^= substitute(right ^ schedule[round]!);
      right ^= substitute(left ^ schedule[round + 1]!);
    }
    this.left = left;
    this.right = right;
  }

  decrypt(left: number, right: number): void {
    const schedule = this.#schedule;
    for (let round = ROUNDS - 1; round > 0; round -= 2) {
      right ^= substitute(left ^ schedule[round]!);
      left ^= substitute(right ^ schedule[round - 1]!);
    }
    this.left = left;
    this.right = right;
  }
}
