/**
 * A ring of bytes with a capacity. Memory grows with what is held, by doubling, so that an idle connection costs little.
 *
 * @module
 */

/** Memory that a ring begins with, in bytes. */
const FIRST_BYTES = 1024;

/** A first-in-first-out queue of bytes that copies in and out. */
export class ByteRing {
  readonly #capacity: number;
  #bytes: Uint8Array = new Uint8Array(0);
  #at = 0;
  #length = 0;

  /** An empty ring that holds at most `capacity` bytes. */
  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  /** Bytes held. */
  get length(): number {
    return this.#length;
  }

  /** Bytes that there is room for. */
  get room(): number {
    return this.#capacity - this.#length;
  }

  /** Appends all of `bytes`, for which there is room. */
  push(bytes: Uint8Array): void {
    if (bytes.length > this.#bytes.length - this.#length) this.#grow(this.#length + bytes.length);
    const size = this.#bytes.length;
    const end = this.#at + this.#length;
    const begin = end < size ? end : end - size;
    const first = Math.min(bytes.length, size - begin);
    this.#bytes.set(first === bytes.length ? bytes : bytes.subarray(0, first), begin);
    if (first < bytes.length) this.#bytes.set(bytes.subarray(first), 0);
    this.#length += bytes.length;
  }

  /** Moves the first `count` bytes, which are held, to the start of `into`. */
  take(into: Uint8Array, count: number): void {
    const size = this.#bytes.length;
    const first = Math.min(count, size - this.#at);
    into.set(this.#bytes.subarray(this.#at, this.#at + first), 0);
    if (first < count) into.set(this.#bytes.subarray(0, count - first), first);
    this.#length -= count;
    this.#at = this.#length === 0 ? 0 : (this.#at + count) % size;
  }

  /** Drops everything, the memory too. */
  clear(): void {
    this.#bytes = new Uint8Array(0);
    this.#at = 0;
    this.#length = 0;
  }

  #grow(needed: number): void {
    const length = this.#length;
    const bytes = new Uint8Array(Math.min(this.#capacity, Math.max(FIRST_BYTES, this.#bytes.length * 2, needed)));
    if (length > 0) this.take(bytes, length);
    this.#bytes = bytes;
    this.#at = 0;
    this.#length = length;
  }
}
