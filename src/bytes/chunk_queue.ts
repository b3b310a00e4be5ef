/**
 * A rope of byte views: chunks in at the back, any number of bytes out at the front, each byte touched a constant
 * number of times.
 *
 * Views are kept, not copied; whoever pushes a chunk must not change it until it has come out.
 *
 * @module
 */

/** Spent slots at the front are dropped once there are this many and they are half of all. */
const COMPACT_AT = 64;

/** A first-in-first-out queue of bytes made of views. */
export class ChunkQueue {
  #chunks: Uint8Array[] = [];
  /** Index of the first chunk that still has bytes. */
  #first = 0;
  #length = 0;

  /** Number of bytes held. */
  get length(): number {
    return this.#length;
  }

  /** Number of views held. */
  get chunks(): number {
    return this.#chunks.length - this.#first;
  }

  /** Appends a view; an empty one is ignored. */
  push(chunk: Uint8Array): void {
    if (chunk.length === 0) return;
    this.#chunks.push(chunk);
    this.#length += chunk.length;
  }

  /** The first view, which stays; `undefined` when the queue is empty. */
  peek(): Uint8Array | undefined {
    return this.#chunks[this.#first];
  }

  /** Puts a view in front of everything; an empty one is ignored. */
  unshift(chunk: Uint8Array): void {
    if (chunk.length === 0) return;
    if (this.#first === 0) this.#makeRoom();
    this.#chunks[--this.#first] = chunk;
    this.#length += chunk.length;
  }

  /** Takes the first view out, whole; `undefined` when the queue is empty. */
  shift(): Uint8Array | undefined {
    if (this.#length === 0) return undefined;
    const chunk = this.#chunks[this.#first]!;
    this.#drop();
    this.#length -= chunk.length;
    return chunk;
  }

  /**
   * Takes the first `count` bytes out: a view where they lie in one chunk, else a copy.
   *
   * @throws {RangeError} when fewer are held, or `count` is not a non-negative integer
   */
  take(count: number): Uint8Array {
    this.#check(count);
    if (count === 0) return new Uint8Array(0);
    const first = this.#chunks[this.#first]!;
    if (first.length >= count) {
      this.skip(count);
      return first.subarray(0, count);
    }
    const joined = new Uint8Array(count);
    this.takeInto(joined);
    return joined;
  }

  /**
   * Takes as many bytes out as `into` has room for, and copies them there.
   *
   * @throws {RangeError} when fewer are held
   */
  takeInto(into: Uint8Array): void {
    this.peekInto(into);
    this.skip(into.length);
  }

  /**
   * Copies the first bytes into `into` and leaves them in the queue.
   *
   * @throws {RangeError} when fewer are held
   */
  peekInto(into: Uint8Array): void {
    this.#check(into.length);
    let at = 0;
    for (let i = this.#first; at < into.length; i++) {
      const chunk = this.#chunks[i]!;
      const room = into.length - at;
      into.set(chunk.length <= room ? chunk : chunk.subarray(0, room), at);
      at += chunk.length;
    }
  }

  /**
   * Drops the first `count` bytes.
   *
   * @throws {RangeError} when fewer are held, or `count` is not a non-negative integer
   */
  skip(count: number): void {
    this.#check(count);
    let left = count;
    while (left > 0) {
      const chunk = this.#chunks[this.#first]!;
      if (chunk.length > left) {
        this.#chunks[this.#first] = chunk.subarray(left);
        break;
      }
      left -= chunk.length;
      this.#drop();
    }
    this.#length -= count;
  }

  /** Drops everything. */
  clear(): void {
    this.#chunks = [];
    this.#first = 0;
    this.#length = 0;
  }

  #drop(): void {
    this.#chunks[this.#first++] = EMPTY;
    if (this.#first < COMPACT_AT || this.#first * 2 < this.#chunks.length) return;
    this.#chunks = this.#chunks.slice(this.#first);
    this.#first = 0;
  }

  /** Free slots in front, in proportion: an array's own `unshift` moves everything each time. */
  #makeRoom(): void {
    this.#first = (this.#chunks.length >> 2) + 1;
    this.#chunks = Array<Uint8Array>(this.#first).fill(EMPTY).concat(this.#chunks);
  }

  #check(count: number): void {
    if (Number.isSafeInteger(count) && count >= 0 && count <= this.#length) return;
    throw new RangeError(`cannot take ${count} bytes of ${this.#length}`);
  }
}

/** Stands in a spent slot, so that the slot pins nothing. */
const EMPTY = new Uint8Array(0);
