/**
 * Buffers for packets that are kept until they are acknowledged, cut from larger ones: a buffer of its own for each
 * would cost more than everything else that is done to it.
 *
 * Those of full packets are used again once the peer has what was in them. Memory that was never written to is the
 * dearest of all: the system gives it page by page, and on Bun a long call spent more on that than on its packets.
 *
 * @module
 */
import { JUMBO_DATA_BYTES } from "./jumbo.ts";

const SLAB_BYTES = 64 * 1024;
/** Bytes of a full packet. */
const FULL_BYTES = JUMBO_DATA_BYTES;
/** Full packets that one buffer is cut into. */
const FULL_PER_SLAB = 16;
/** Most that wait to be used again: as many as a call may have. */
const MAX_FREE = 256;

/** Where packets of one endpoint are put. */
export class PacketSlab {
  #slab: Uint8Array = new Uint8Array(0);
  #used = 0;
  readonly #free: Uint8Array[] = [];

  /** A buffer of so many bytes, with whatever is in it. */
  alloc(bytes: number): Uint8Array {
    if (this.#used + bytes > this.#slab.length) {
      this.#slab = new Uint8Array(Math.max(SLAB_BYTES, bytes));
      this.#used = 0;
    }
    const at = this.#used;
    this.#used += bytes;
    return this.#slab.subarray(at, this.#used);
  }

  /** A buffer of so many bytes that will be filled: one that was given back, if it is for a full packet. */
  allocFull(bytes: number): Uint8Array {
    if (bytes !== FULL_BYTES) return this.alloc(bytes);
    if (this.#free.length === 0) {
      const slab = new Uint8Array(FULL_PER_SLAB * FULL_BYTES);
      for (let at = 0; at < slab.length; at += FULL_BYTES) this.#free.push(slab.subarray(at, at + FULL_BYTES));
    }
    return this.#free.pop()!;
  }

  /** Nobody needs what is in the buffer any more. Only those of `allocFull` are kept: of others much larger ones would be. */
  giveBack(buffer: Uint8Array): void {
    const isOfHere = buffer.buffer.byteLength === FULL_PER_SLAB * FULL_BYTES;
    if (isOfHere && this.#free.length < MAX_FREE) this.#free.push(buffer);
  }

  /** Only the first `bytes` of a buffer are needed, and nothing was written behind them. Returns these. */
  trim(buffer: Uint8Array, bytes: number): Uint8Array {
    if (buffer.length === bytes) return buffer;
    const isLast = buffer.buffer === this.#slab.buffer && buffer.byteOffset + buffer.length === this.#used;
    if (isLast) this.#used -= buffer.length - bytes;
    return buffer.subarray(0, bytes);
  }
}
