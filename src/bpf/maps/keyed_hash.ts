/**
 * HalfSipHash-1-3 with an output of 32 bits, over a string of bytes.
 *
 * @module
 */

const state = new Int32Array(4);

function round(): void {
  let [v0, v1, v2, v3] = state as unknown as [number, number, number, number];
  v0 = (v0 + v1) | 0;
  v1 = (v1 << 5 | v1 >>> 27) ^ v0;
  v0 = v0 << 16 | v0 >>> 16;
  v2 = (v2 + v3) | 0;
  v3 = (v3 << 8 | v3 >>> 24) ^ v2;
  v0 = (v0 + v3) | 0;
  v3 = (v3 << 7 | v3 >>> 25) ^ v0;
  v2 = (v2 + v1) | 0;
  v1 = (v1 << 13 | v1 >>> 19) ^ v2;
  v2 = v2 << 16 | v2 >>> 16;
  state[0] = v0;
  state[1] = v1;
  state[2] = v2;
  state[3] = v3;
}

/** Hashes `size` bytes from `at` on; `seed` is an integer from 0 to 2^48 - 1. */
export function keyedHash(seed: number, bytes: Uint8Array, at: number, size: number): number {
  const k0 = seed | 0;
  const k1 = Math.floor(seed / 2 ** 32) | 0;
  state[0] = k0;
  state[1] = k1;
  state[2] = 0x6c796765 ^ k0;
  state[3] = 0x74656462 ^ k1;
  let word = 0;
  for (let i = 0; i < size; i++) {
    word |= bytes[at + i]! << (i & 3) * 8;
    if ((i & 3) === 3) word = absorb(word);
  }
  absorb(word | size << 24);
  state[2] = state[2]! ^ 0xff;
  round();
  round();
  round();
  return state[1]! ^ state[3]!;
}

function absorb(word: number): 0 {
  state[3] = state[3]! ^ word;
  round();
  state[0] = state[0]! ^ word;
  return 0;
}
