/**
 * Numbers that tell the datagrams of two hosts apart when they come in fragments (RFC 6864, RFC 7739).
 *
 * A counter for each of many groups of (source, destination, protocol), grouped by a keyed hash: no number comes again
 * before all others of its group did, and what one host sees says nothing of what others get.
 *
 * @module
 */
import { readU32 } from "../bytes/integers.ts";
import type { FillRandom } from "../core/random.ts";

const GROUPS = 2048;

/** Hands out the numbers. */
export class IpIds {
  readonly #counters: Uint32Array = new Uint32Array(GROUPS);
  readonly #key: Uint32Array = new Uint32Array(2);

  /** Starts at numbers that nobody knows. */
  constructor(random: FillRandom) {
    random(new Uint8Array(this.#counters.buffer));
    random(new Uint8Array(this.#key.buffer));
  }

  /** The next number for `protocol` between the two addresses that lie from `start` to `end`: 32 bits. */
  next(bytes: Uint8Array, start: number, end: number, protocol: number): number {
    let hash = this.#key[0]! ^ protocol;
    for (let at = start; at < end; at += 4) hash = this.#mix(hash, readU32(bytes, at));
    return this.#take(hash);
  }

  /** The next number for `protocol` between the two addresses whose words these are. */
  nextFor(words: readonly number[], protocol: number): number {
    let hash = this.#key[0]! ^ protocol;
    for (let i = 0; i < words.length; i++) hash = this.#mix(hash, words[i]!);
    return this.#take(hash);
  }

  #mix(hash: number, word: number): number {
    const mixed = Math.imul(hash ^ word, this.#key[1]! | 1);
    return mixed ^ (mixed >>> 15);
  }

  #take(hash: number): number {
    const group = (Math.imul(hash, 0x9e3779b1) >>> 16) % GROUPS;
    const id = this.#counters[group]!;
    this.#counters[group] = id + 1;
    return id;
  }
}
