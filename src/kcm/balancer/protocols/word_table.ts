/**
 * Words of a protocol by their bytes, in any case, without a string for each look.
 *
 * @module
 */

/** A hash table with open addressing over the letters of the words, half empty at least. */
export class WordTable {
  readonly #words: (Uint8Array | undefined)[];
  readonly #values: Int32Array;
  readonly #mask: number;

  /** A table of words in capitals with their values, which are not negative. */
  constructor(entries: readonly (readonly [word: string, value: number])[]) {
    let size = 16;
    while (size < entries.length * 2) size *= 2;
    this.#mask = size - 1;
    this.#words = new Array(size).fill(undefined);
    this.#values = new Int32Array(size);
    for (const [word, value] of entries) this.#add(Uint8Array.from(word, (char) => char.charCodeAt(0)), value);
  }

  /** The value of the word from `from` to `to`, or -1. */
  find(bytes: Uint8Array, from: number, to: number): number {
    const length = to - from;
    if (length > 32) return -1;
    for (let slot = hash(bytes, from, to) & this.#mask;; slot = (slot + 1) & this.#mask) {
      const word = this.#words[slot];
      if (word === undefined) return -1;
      if (word.length === length && isSame(word, bytes, from)) return this.#values[slot]!;
    }
  }

  #add(word: Uint8Array, value: number): void {
    let slot = hash(word, 0, word.length) & this.#mask;
    while (this.#words[slot] !== undefined) slot = (slot + 1) & this.#mask;
    this.#words[slot] = word;
    this.#values[slot] = value;
  }
}

function capital(byte: number): number {
  return byte >= 97 && byte <= 122 ? byte - 32 : byte;
}

function hash(bytes: Uint8Array, from: number, to: number): number {
  let value = to - from;
  for (let i = from; i < to; i++) value = Math.imul(value, 31) + capital(bytes[i]!) | 0;
  return value ^ (value >>> 7);
}

function isSame(word: Uint8Array, bytes: Uint8Array, from: number): boolean {
  for (let i = 0; i < word.length; i++) {
    if (word[i] !== capital(bytes[from + i]!)) return false;
  }
  return true;
}
