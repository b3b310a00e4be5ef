/**
 * A cipher of 64-bit blocks, and the mode in which rxkad uses one.
 *
 * @module
 */
import { readU32, writeU32 } from "../../../bytes/integers.ts";

/** Bytes of a block. */
export const BLOCK_BYTES = 8;

/** Works on one block as two words, most significant first; the result is in `left` and `right`, without sign or not. */
export interface BlockCipher {
  /** First word of the last result. */
  left: number;
  /** Second word of the last result. */
  right: number;
  /** Enciphers a block. */
  encrypt(left: number, right: number): void;
  /** Deciphers a block. */
  decrypt(left: number, right: number): void;
}

/**
 * Propagating cipher block chaining: each block is chained to both forms of the one before. Reads `from`, writes `into`,
 * which may be the same; whole blocks only, a rest stays as it is.
 *
 * @param iv 8 bytes
 */
export function pcbcEncrypt(cipher: BlockCipher, iv: Uint8Array, from: Uint8Array, into: Uint8Array): void {
  let left = readU32(iv, 0);
  let right = readU32(iv, 4);
  for (let at = 0; at + BLOCK_BYTES <= from.length; at += BLOCK_BYTES) {
    const plainLeft = readU32(from, at);
    const plainRight = readU32(from, at + 4);
    cipher.encrypt(plainLeft ^ left, plainRight ^ right);
    writeU32(into, at, cipher.left);
    writeU32(into, at + 4, cipher.right);
    left = plainLeft ^ cipher.left;
    right = plainRight ^ cipher.right;
  }
}

/** The way back of {@linkcode pcbcEncrypt}. */
export function pcbcDecrypt(cipher: BlockCipher, iv: Uint8Array, from: Uint8Array, into: Uint8Array): void {
  let left = readU32(iv, 0);
  let right = readU32(iv, 4);
  for (let at = 0; at + BLOCK_BYTES <= from.length; at += BLOCK_BYTES) {
    const sealedLeft = readU32(from, at);
    const sealedRight = readU32(from, at + 4);
    cipher.decrypt(sealedLeft, sealedRight);
    const plainLeft = cipher.left ^ left;
    const plainRight = cipher.right ^ right;
    writeU32(into, at, plainLeft);
    writeU32(into, at + 4, plainRight);
    left = plainLeft ^ sealedLeft;
    right = plainRight ^ sealedRight;
  }
}
