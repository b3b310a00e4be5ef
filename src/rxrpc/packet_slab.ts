/**
 * Buffers for packets that are kept until they are acknowledged, cut from larger ones: a buffer of its own for each
 * would cost more than everything else that is done to it.
 *
 * @module
 */

const SLAB_BYTES = 64 * 1024;

/** Where packets of one endpoint are put. */
export class PacketSlab {
  #slab: Uint8Array = new Uint8Array(0);
  #used = 0;

  /** A buffer of so many bytes, which are zero. */
  alloc(bytes: number): Uint8Array {
    if (this.#used + bytes > this.#slab.length) {
      this.#slab = new Uint8Array(Math.max(SLAB_BYTES, bytes));
      this.#used = 0;
    }
    const at = this.#used;
    this.#used += bytes;
    return this.#slab.subarray(at, this.#used);
  }

  /** Only the first `bytes` of a buffer are needed, and nothing was written behind them. Returns these. */
  trim(buffer: Uint8Array, bytes: number): Uint8Array {
    const isLast = buffer.buffer === this.#slab.buffer && buffer.byteOffset + buffer.length === this.#used;
    if (isLast) this.#used -= buffer.length - bytes;
    return buffer.subarray(0, bytes);
  }
}
