/**
 * Layer pcap: many small buffers cut from few large ones, because a `Uint8Array` with memory of its own costs twenty
 * times as much as a view.
 *
 * @module
 */

const SLAB_BYTES = 64 * 1024;
/** Pieces from here on get memory of their own, so that a slab's rest is never a large waste. */
const LARGE_BYTES = 16 * 1024;

/** Hands out memory that is never handed out again. */
export class ByteSlab {
  #slab: Uint8Array = new Uint8Array(0);
  #used = 0;

  /** A zeroed piece of `length` bytes. */
  take(length: number): Uint8Array {
    if (length >= LARGE_BYTES) return new Uint8Array(length);
    if (this.#used + length > this.#slab.length) {
      this.#slab = new Uint8Array(SLAB_BYTES);
      this.#used = 0;
    }
    const start = this.#used;
    this.#used += length;
    return this.#slab.subarray(start, this.#used);
  }
}
