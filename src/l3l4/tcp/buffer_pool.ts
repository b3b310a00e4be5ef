/**
 * Buffers of flows under one limit for all of them. Freed ones are kept for the next, because a new one is filled with
 * zeros first, which costs more than the copy into it.
 *
 * @module
 */

/** Smallest buffer: 2^12 bytes. */
const MIN_SHIFT = 12;

/** Freed bytes that are kept, at most. */
const MAX_KEPT_BYTES = 8 * 1024 * 1024;

const SPARE_SHARE = 0.75;

/** Hands out buffers whose sizes are powers of two. */
export class BufferPool {
  readonly #maxBytes: number;
  readonly #free: Uint8Array[][] = [];
  #keptBytes = 0;
  #usedBytes = 0;

  /** A pool that gives out at most so many bytes at a time. */
  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** Bytes that are given out. */
  get usedBytes(): number {
    return this.#usedBytes;
  }

  /**
   * A buffer of at least `size` bytes with garbage in it, or `null` when that would break the limit. What is `spare`, such
   * as bytes that came out of order, gets three quarters of all at most: few bytes far ahead take a large buffer each, and
   * would else leave none for those that are next in order.
   */
  take(size: number, isSpare = false): Uint8Array | null {
    const shift = Math.max(MIN_SHIFT, 32 - Math.clz32(size - 1));
    const length = 1 << shift;
    if (this.#usedBytes + length > (isSpare ? SPARE_SHARE : 1) * this.#maxBytes) return null;
    this.#usedBytes += length;
    const kept = this.#free[shift]?.pop();
    if (kept === undefined) return new Uint8Array(length);
    this.#keptBytes -= length;
    return kept;
  }

  /** Takes a buffer back, which nobody may use any more. */
  give(buffer: Uint8Array): void {
    const { length } = buffer;
    this.#usedBytes -= length;
    if (this.#keptBytes + length > MAX_KEPT_BYTES) return;
    this.#keptBytes += length;
    const shift = 31 - Math.clz32(length);
    (this.#free[shift] ??= []).push(buffer);
  }
}
