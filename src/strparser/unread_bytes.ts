/**
 * What was read from a socket and not parsed yet. Internal to `StreamParserSocket`.
 *
 * Not the rope of `src/bytes`: nothing is ever taken from here across chunks but all of it, and what there is comes
 * piece by piece, to be looked at before it is taken.
 *
 * @module
 */
import { concat } from "../bytes/concat.ts";
import type { ReceiveSource } from "./receive_mode.ts";

/** Chunks in the order in which they came. */
export class UnreadBytes implements ReceiveSource {
  /** Bytes of all chunks. */
  pendingBytes = 0;
  #chunks: Uint8Array[] = [];

  /** Adds a chunk, which must not be empty. */
  push(chunk: Uint8Array): void {
    this.#chunks.push(chunk);
    this.pendingBytes += chunk.length;
  }

  /** The first chunk, or what is left of it. */
  peek(): Uint8Array | undefined {
    return this.#chunks[0];
  }

  /** Takes bytes of the first chunk away, at most all of it. */
  skip(count: number): void {
    if (count === 0) return;
    const first = this.#chunks[0]!;
    this.pendingBytes -= count;
    // a chunk of which a consumer has transferred the buffer has no length any more
    if (count < first.length) this.#chunks[0] = first.subarray(count);
    else this.#chunks.shift();
  }

  /** Takes everything, in one piece. */
  takeAll(): Uint8Array {
    const all = concat(this.#chunks);
    this.#chunks = [];
    this.pendingBytes = 0;
    return all;
  }
}
