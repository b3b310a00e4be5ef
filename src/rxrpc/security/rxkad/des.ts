/**
 * DES (FIPS 46-3), for tickets of the Kerberos 4 kind and for keys derived from newer ones. One block at a time, bit by
 * bit: a ticket has a few of them. No runtime offers single DES everywhere.
 *
 * @module
 */
import type { BlockCipher } from "./block_cipher.ts";
import { compression1, compression2, expansion, final, initial, permutation, sboxes, shifts } from "./des_tables.ts";

/** Takes bits out of a number of `width` bits, counted from 1 at the most significant one, as the standard counts. */
function permute(bits: bigint, width: number, places: readonly number[]): bigint {
  let result = 0n;
  for (const place of places) result = result << 1n | bits >> BigInt(width - place) & 1n;
  return result;
}

function rotateLeft28(half: bigint, by: bigint): bigint {
  return (half << by | half >> 28n - by) & 0xfffffffn;
}

function scheduleOf(key: Uint8Array): bigint[] {
  const bits = key.reduce((sum, byte) => sum << 8n | BigInt(byte), 0n);
  const chosen = permute(bits, 64, compression1);
  let left = chosen >> 28n;
  let right = chosen & 0xfffffffn;
  return shifts.map((shift) => {
    left = rotateLeft28(left, BigInt(shift));
    right = rotateLeft28(right, BigInt(shift));
    return permute(left << 28n | right, 56, compression2);
  });
}

function round(half: bigint, key: bigint): bigint {
  const mixed = permute(half, 32, expansion) ^ key;
  let substituted = 0n;
  for (let box = 0; box < 8; box++) {
    const six = Number(mixed >> BigInt(42 - 6 * box) & 63n);
    const row = (six >>> 4) & 2 | six & 1;
    const column = (six >>> 1) & 15;
    substituted = substituted << 4n | BigInt(sboxes[box]![16 * row + column]!);
  }
  return permute(substituted, 32, permutation);
}

/** DES under one key; its parity bits are not looked at. */
export class Des implements BlockCipher {
  left = 0;
  right = 0;
  readonly #schedule: readonly bigint[];

  /**
   * Takes a key of 8 bytes.
   *
   * @throws {RangeError} when it is longer or shorter
   */
  constructor(key: Uint8Array) {
    if (key.length !== 8) throw new RangeError(`a key of DES has 8 bytes, got ${key.length}`);
    this.#schedule = scheduleOf(key);
  }

  encrypt(left: number, right: number): void {
    this.#run(left, right, this.#schedule);
  }

  decrypt(left: number, right: number): void {
    this.#run(left, right, [...this.#schedule].reverse());
  }

  #run(left: number, right: number, schedule: readonly bigint[]): void {
    const block = permute(BigInt(left >>> 0) << 32n | BigInt(right >>> 0), 64, initial);
    let before = block >> 32n;
    let after = block & 0xffffffffn;
    for (const key of schedule) [before, after] = [after, before ^ round(after, key)];
    const result = permute(after << 32n | before, 64, final);
    this.left = Number(result >> 32n);
    this.right = Number(result & 0xffffffffn);
  }
}

/** Sets the lowest bit of each byte so that the number of bits set is odd, as keys of DES are written. */
export function withOddParity(key: Uint8Array): Uint8Array {
  return key.map((byte) => {
    let ones = byte >>> 1;
    ones ^= ones >>> 4;
    ones ^= ones >>> 2;
    ones ^= ones >>> 1;
    return byte & 0xfe | ~ones & 1;
  });
}

const WEAK = new Set([
  "0101010101010101",
  "fefefefefefefefe",
  "1f1f1f1f0e0e0e0e",
  "e0e0e0e0f1f1f1f1",
  "01fe01fe01fe01fe",
  "fe01fe01fe01fe01",
  "1fe01fe00ef10ef1",
  "e01fe01ff10ef10e",
  "01e001e001f101f1",
  "e001e001f101f101",
  "1ffe1ffe0efe0efe",
  "fe1ffe1ffe0efe0e",
  "011f011f010e010e",
  "1f011f010e010e01",
  "e0fee0fef1fef1fe",
  "fee0fee0fef1fef1",
]);

/** Whether a key with odd parity is one of the weak and semi-weak ones. */
export function isWeakDesKey(key: Uint8Array): boolean {
  return WEAK.has(Array.from(key, (byte) => byte.toString(16).padStart(2, "0")).join(""));
}
