/**
 * The one message that has begun and not ended: its bytes from all the chunks it lies across.
 *
 * Two ways, by size:
 *
 * - While the length is unknown, and for lengths up to `SMALL`, bytes are copied behind each other into a slab that
 *   many messages share; the finished message is a view of it. An allocation for each would cost 0.3 to 1 us.
 * - Longer messages are kept as views of the chunks and copied once, when all is there, so that a length that a peer
 *   merely claims allocates nothing. Pieces too small to be worth a view are copied into blocks on arrival: a
 *   message of 10 MB that comes byte by byte must not become ten million views.
 *
 * Each byte is copied a constant number of times, however the chunks are cut.
 *
 * @module
 */

/** Longest message that gets its place in a slab as soon as its length is known. */
const SMALL = 16 * 1024;
/** Slabs start small, for the many connections that need little, and double up to the largest. */
const FIRST_SLAB = 4 * 1024;
const LARGEST_SLAB = 64 * 1024;
/** Pieces from here on are kept as views; a view costs about 200 bytes itself. */
const VIEW_AT = 2 * 1024;
const BLOCK = 16 * 1024;

const NO_BUFFER = new ArrayBuffer(0);
const NOTHING = new Uint8Array(NO_BUFFER);

/** Bytes of an unfinished message. */
export class Assembly {
  /** How many bytes of the message are here. */
  held = 0;
  /** Where the message is while it lies in one piece: from `start`, `held` bytes. */
  slab: Uint8Array = NOTHING;
  /** What `slab` is a view of. */
  #buffer: ArrayBufferLike = NO_BUFFER;
  /** Position of the message's first byte in `slab`. */
  start = 0;
  #slabSize = FIRST_SLAB;
  #pieces: Uint8Array[] | undefined;
  #block: Uint8Array = NOTHING;
  #blockUsed = 0;

  /** Adds bytes while the length of the message is unknown. */
  append(chunk: Uint8Array, from: number, to: number): void {
    const held = this.held + to - from;
    // twice, so that a message that grows chunk by chunk is moved a logarithmic number of times
    this.#reserve(held, held > SMALL ? 2 * held : held);
    this.#copy(chunk, from, to);
  }

  /** The length has become known; from here on `fill` adds bytes. */
  expect(length: number): void {
    if (length <= SMALL || this.start + length <= this.slab.length) return this.#reserve(length, length);
    this.#pieces = [];
    if (this.held > 0) this.#pieces.push(this.slab.subarray(this.start, this.start + this.held));
  }

  /** Adds bytes of a message whose length is known, never more than it has. */
  fill(chunk: Uint8Array, from: number, to: number): void {
    const pieces = this.#pieces;
    if (pieces === undefined) return this.#copy(chunk, from, to);
    this.held += to - from;
    if (to - from >= VIEW_AT) {
      this.#closeBlock(pieces);
      pieces.push(chunk.subarray(from, to));
    } else {
      this.#fillBlock(pieces, chunk, from, to);
    }
  }

  /** Takes the first `length` bytes out as the finished message and forgets the rest. */
  finish(length: number): Uint8Array {
    this.held = 0;
    if (this.#pieces !== undefined) return this.#join(this.#pieces, length);
    // a view of the buffer takes half the time of `subarray`; a slab starts at its buffer's first byte
    const message = new Uint8Array(this.#buffer, this.start, length);
    this.start += length;
    // one that had to grow for a single message is not kept for the small ones behind it
    if (this.slab.length > LARGEST_SLAB || this.start >= this.slab.length) this.#dropSlab();
    return message;
  }

  /** Frees everything. */
  clear(): void {
    this.held = 0;
    this.#dropSlab();
    this.#dropPieces();
  }

  #copy(chunk: Uint8Array, from: number, to: number): void {
    const at = this.start + this.held;
    // a handful of bytes is copied faster by hand than by making a view for `set`
    if (to - from <= 32) {
      for (let i = from; i < to; i++) this.slab[at + i - from] = chunk[i]!;
    } else {
      this.slab.set(from === 0 && to === chunk.length ? chunk : chunk.subarray(from, to), at);
    }
    this.held += to - from;
  }

  /** Makes sure that the message can grow to `length` bytes in one piece; a new slab gets room for `wanted`. */
  #reserve(length: number, wanted: number): void {
    if (this.start + length <= this.slab.length) return;
    const slab = new Uint8Array(Math.max(this.#slabSize, wanted));
    if (this.held > 0) slab.set(this.slab.subarray(this.start, this.start + this.held));
    this.#slabSize = Math.min(2 * this.#slabSize, LARGEST_SLAB);
    this.slab = slab;
    this.#buffer = slab.buffer;
    this.start = 0;
  }

  #fillBlock(pieces: Uint8Array[], chunk: Uint8Array, from: number, to: number): void {
    if (this.#block.length - this.#blockUsed < to - from) {
      this.#closeBlock(pieces);
      this.#block = new Uint8Array(BLOCK);
    }
    this.#block.set(chunk.subarray(from, to), this.#blockUsed);
    this.#blockUsed += to - from;
  }

  #closeBlock(pieces: Uint8Array[]): void {
    if (this.#blockUsed === 0) return;
    pieces.push(this.#block.subarray(0, this.#blockUsed));
    this.#block = this.#block.subarray(this.#blockUsed);
    this.#blockUsed = 0;
  }

  #join(pieces: Uint8Array[], length: number): Uint8Array {
    this.#closeBlock(pieces);
    const message = new Uint8Array(length);
    let at = 0;
    for (const piece of pieces) {
      message.set(piece, at);
      at += piece.length;
    }
    this.#dropPieces();
    return message;
  }

  #dropSlab(): void {
    this.slab = NOTHING;
    this.#buffer = NO_BUFFER;
    this.start = 0;
  }

  #dropPieces(): void {
    this.#pieces = undefined;
    this.#block = NOTHING;
    this.#blockUsed = 0;
  }
}
