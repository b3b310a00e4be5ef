/**
 * Packets that an engine builds, gathered as arrays of views of large slabs.
 *
 * A buffer of its own for each packet would cost more than building it (400 ns on V8 where a view costs 26). A slab is
 * not used again: nobody tells when the last of its packets is done with.
 *
 * @module
 */
import type { PacketOut } from "./packet_out.ts";

/** Bytes of a slab. */
const SLAB_BYTES = 64 * 1024;

/** Gathers one batch after the other. */
export class PacketBatches implements PacketOut {
  /** Packets of the batch so far. */
  count = 0;
  readonly #maxPackets: number;
  #slab: Uint8Array<ArrayBuffer> = new Uint8Array(0);
  #used = 0;
  #last: Uint8Array<ArrayBuffer> = this.#slab;
  #batch: Uint8Array<ArrayBuffer>[] = [];

  /** Batches of up to so many packets. */
  constructor(maxPackets: number) {
    this.#maxPackets = maxPackets;
  }

  /** A buffer of exactly `size` bytes, which may hold anything; `null` when the batch is full. */
  alloc(size: number): Uint8Array | null {
    if (this.count >= this.#maxPackets) return null;
    let at = this.#used;
    if (at + size > this.#slab.length) {
      this.#slab = new Uint8Array(Math.max(SLAB_BYTES, size));
      this.#used = 0;
      at = 0;
    }
    return this.#last = this.#slab.subarray(at, at + size);
  }

  /** The first `length` bytes of the last buffer are a packet. */
  commit(length: number): void {
    const last = this.#last;
    this.#batch.push(length === last.length ? last : last.subarray(0, length));
    this.#used += length;
    this.count++;
  }

  /** The batch, which belongs to the caller from now on. */
  take(): Uint8Array<ArrayBuffer>[] {
    const batch = this.#batch;
    this.#batch = [];
    this.count = 0;
    return batch;
  }
}
