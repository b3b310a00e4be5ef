/**
 * What has come of a message that is not whole yet, kept to be shown should its parser fail.
 *
 * @module
 */
import type { Timestamp } from "../packet/mod.ts";

/** A piece of it. */
export interface BegunPiece {
  /** A copy, so that it keeps no chunk of the file alive. */
  readonly bytes: Uint8Array;
  /** When it was captured. */
  readonly time: Timestamp;
}

/**
 * Blocks grow with the message up to here: most messages are small and of many flows, and to make an array for each
 * packet of a long one costs more than to copy it.
 */
const BLOCK_BYTES = 64 * 1024;
/** What a piece weighs beyond its bytes: about what its objects take. */
const PIECE_WEIGHT = 256;

/** The pieces of one message in order, or no more than how many there are. */
export class BegunMessage {
  /** Bytes kept. */
  length = 0;
  /** Pieces kept. */
  count = 0;
  /** The pieces, where their bytes are wanted. */
  readonly pieces: BegunPiece[] = [];
  readonly #keepsBytes: boolean;
  #block = new Uint8Array(0);
  #used = 0;

  /** `keepsBytes` says whether anybody will look at them. */
  constructor(keepsBytes: boolean) {
    this.#keepsBytes = keepsBytes;
  }

  /** What it takes of memory. */
  get weight(): number {
    return this.#keepsBytes ? this.length + this.count * PIECE_WEIGHT : 0;
  }

  /** Keeps a copy of the next piece. */
  add(bytes: Uint8Array, time: Timestamp): void {
    if (this.#keepsBytes) this.pieces.push({ bytes: this.#copy(bytes), time });
    this.length += bytes.length;
    this.count++;
  }

  #copy(bytes: Uint8Array): Uint8Array {
    if (this.#used + bytes.length > this.#block.length) {
      this.#block = new Uint8Array(Math.max(bytes.length, Math.min(this.length, BLOCK_BYTES)));
      this.#used = 0;
    }
    const copy = this.#block.subarray(this.#used, this.#used += bytes.length);
    copy.set(bytes);
    return copy;
  }
}
