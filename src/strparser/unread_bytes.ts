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
  /** What is left of each: a chunk of which a consumer has transferred the buffer has no length any more. */
  #lengths: number[] = [];

  /** Adds a chunk, which must not be empty. */
  push(chunk: Uint8Array): void {
    this.#chunks.push(chunk);
    this.#lengths.push(chunk.length);
    this.pendingBytes += chunk.length;
  }

  /** The first chunk, or what is left of it. */
  peek(): Uint8Array | undefined {
    return this.#chunks[0];
  }

  /** Takes bytes of the first chunk away, at most all of it. */
  skip(count: number): void {
    if (count === 0) return;
    const [first] = this.#chunks as [Uint8Array];
    const [length] = this.#lengths as [number];
    if (count < first.length) {
      this.#chunks[0] = first.subarray(count);
      this.#lengths[0] = length - count;
      this.pendingBytes -= count;
    } else {
      this.#chunks.shift();
      this.#lengths.shift();
      this.pendingBytes -= length;
    }
  }

  /** Takes everything, in one piece. */
  takeAll(): Uint8Array {
    const all = concat(this.#chunks);
    this.#chunks = [];
    this.#lengths = [];
    this.pendingBytes = 0;
    return all;
  }
}
