/**
 * The bytes that a flow holds: written at the back, or at a place beyond it, taken from the front.
 *
 * Has no buffer while it is empty, so an idle flow costs nothing here, and grows by doubling.
 *
 * @module
 */
import { copyInto } from "../../bytes/copy_into.ts";
import type { BufferPool } from "./buffer_pool.ts";

/** More than any ring holds. Not `Infinity`, which is an object of its own in each ring. */
const MAX_BYTES = 2 ** 30;

const NOTHING: Uint8Array = new Uint8Array(0);

/** A ring. */
export class ByteRing {
  /** Bytes from the front to the back. */
  length = 0;
  readonly #pool: BufferPool;
  readonly #ownBytes: number;
  #buffer: Uint8Array = NOTHING;
  #head = 0;
  #isDetached = false;
  /** Bytes from the front to behind whatever was written beyond the back. */
  #span = 0;

  /** An empty one. What it grows beyond `ownBytes` is spare (`BufferPool.take`). */
  constructor(pool: BufferPool, ownBytes: number = MAX_BYTES) {
    this.#pool = pool;
    this.#ownBytes = ownBytes;
  }

  /** Bytes from the front to behind whatever was written. */
  get span(): number {
    return this.#span;
  }

  /** Bytes of memory in use. */
  get capacity(): number {
    return this.#buffer.length;
  }

  /**
   * Writes the bytes from `start` to `end` of `bytes` at `offset` from the front; the back stays where it is. `false` when
   * no buffer is to be had, and nothing was written then.
   */
  writeAt(offset: number, bytes: Uint8Array, start: number, end: number): boolean {
    const stop = offset + end - start;
    if (stop > this.#buffer.length && !this.#grow(stop, offset > this.length || stop > this.#ownBytes)) return false;
    const buffer = this.#buffer;
    const at = (this.#head + offset) & (buffer.length - 1);
    const first = Math.min(end - start, buffer.length - at);
    copyInto(buffer, at, bytes, start, start + first);
    if (start + first < end) copyInto(buffer, 0, bytes, start + first, end);
    if (stop > this.#span) this.#span = stop;
    return true;
  }

  /** The next `count` bytes behind the back were written: the back moves behind them. */
  extend(count: number): void {
    this.length += count;
  }

  /** Copies `count` bytes from `offset` on to `into`. */
  copyTo(offset: number, count: number, into: Uint8Array, at: number): void {
    const buffer = this.#buffer;
    const from = (this.#head + offset) & (buffer.length - 1);
    const first = Math.min(count, buffer.length - from);
    copyInto(into, at, buffer, from, from + first);
    if (first < count) copyInto(into, at + first, buffer, 0, count - first);
  }

  /** As many bytes from the front on as lie in one piece: a view, which `drop` and `writeAt` make worthless. */
  peek(): Uint8Array {
    const buffer = this.#buffer;
    return buffer.subarray(this.#head, Math.min(this.#head + this.length, buffer.length));
  }

  /** Drops `count` bytes from the front. */
  drop(count: number): void {
    this.length -= count;
    this.#span -= count;
    if (this.#span === 0) return this.free();
    this.#head = (this.#head + count) & (this.#buffer.length - 1);
  }

  /** Forgets what was written beyond the back. */
  cut(): void {
    this.#span = this.length;
    if (this.#span === 0) this.free();
  }

  /** Nothing more is written: what is left moves to memory of its own, which goes with whoever holds the ring. */
  detach(): void {
    this.cut();
    if (this.length === 0 || this.#isDetached) return;
    const rest = new Uint8Array(2 ** (32 - Math.clz32(this.length - 1)));
    this.copyTo(0, this.length, rest, 0);
    this.#pool.give(this.#buffer);
    this.#buffer = rest;
    this.#head = 0;
    this.#isDetached = true;
  }

  /** Drops everything, and the buffer. */
  free(): void {
    this.length = 0;
    this.#span = 0;
    this.#head = 0;
    if (this.#buffer.length > 0 && !this.#isDetached) this.#pool.give(this.#buffer);
    this.#buffer = NOTHING;
  }

  #grow(needed: number, isSpare: boolean): boolean {
    const larger = this.#pool.take(needed, isSpare);
    if (larger === null) return false;
    const old = this.#buffer;
    if (old.length > 0) {
      this.copyTo(0, this.#span, larger, 0);
      this.#pool.give(old);
    }
    this.#buffer = larger;
    this.#head = 0;
    return true;
  }
}
