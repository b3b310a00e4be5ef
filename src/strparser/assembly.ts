/**
 * The one message that has begun and not ended: its bytes from all the chunks it lies across.
 *
 * Two ways, by size:
 *
 * - While the length is unknown, and for lengths up to `SMALL`, bytes are copied behind each other into a slab that
 *   many messages share; the finished message is a view of it. An allocation for each would cost 0.3 to 1 us.
 * - Longer messages are kept as views of the chunks (or as copies) and joined once, when all is there, so that a length that a peer
 *   merely claims allocates nothing.
 *
 * Each byte is copied a constant number of times, however the chunks are cut.
 *
 * @module
 */
import { copyInto } from "../bytes/copy_into.ts";
import { concat } from "../bytes/concat.ts";
import { Pieces } from "./pieces.ts";

/** Longest message that gets its place in a slab as soon as its length is known. */
const SMALL = 32 * 1024;
/**
 * Slabs start small, for the many connections that need little, and double up to the largest. That one is not large
 * either: a slab lives until it is full and its last message is gone. What outlives two collections of young objects
 * waits for a full one, and those that 64 KiB brought about were a twentieth of a whole pipeline on Node 20.
 */
const FIRST_SLAB = 4 * 1024;
const LARGEST_SLAB = 16 * 1024;

const NO_BUFFER = new ArrayBuffer(0);
const NOTHING = new Uint8Array(NO_BUFFER);

/** What holds the bytes of an unfinished message, whichever form that is to have. */
export interface Holder<Message> {
  /** How many bytes of the message are here. */
  readonly held: number;
  /** Where the message is while its length is unknown: from `start`, `held` bytes. */
  readonly slab: Uint8Array;
  /** Position of the message's first byte in `slab`. */
  readonly start: number;
  /** Whether bytes of it are gone: a consumer has transferred a message whose memory they share. */
  readonly isLost: boolean;
  /** Adds bytes while the length of the message is unknown. */
  append(chunk: Uint8Array, from: number, to: number): void;
  /** The length has become known, and is more than what is held; from here on `fill` adds bytes. */
  expect(length: number): void;
  /** Adds bytes of a message whose length is known, never more than it has. */
  fill(chunk: Uint8Array, from: number, to: number): void;
  /** Takes the first `length` bytes out as the finished message and forgets the rest; `undefined`: some are lost. */
  finish(length: number): Message | undefined;
  /** A copy of the first `count` bytes. */
  copyFirst(count: number): Uint8Array;
  /** Frees everything. */
  clear(): void;
}

/** Bytes of an unfinished message that is to be in one piece. */
export class Assembly implements Holder<Uint8Array> {
  held = 0;
  /** Where the message is while it lies in one piece: from `start`, `held` bytes. */
  slab: Uint8Array = NOTHING;
  /** What `slab` is a view of. */
  #buffer: ArrayBufferLike = NO_BUFFER;
  start = 0;
  #slabSize = FIRST_SLAB;
  readonly #copies: boolean;
  #pieces: Pieces | undefined;

  /** With `copies` nothing of a chunk is used once it is taken. */
  constructor(copies = false) {
    this.#copies = copies;
  }

  get isLost(): boolean {
    return this.held > 0 && this.#pieces === undefined && this.slab.length < this.start + this.held;
  }

  append(chunk: Uint8Array, from: number, to: number): void {
    const held = this.held + to - from;
    // twice, so that a message that grows chunk by chunk is moved a logarithmic number of times
    this.#reserve(held, held > LARGEST_SLAB ? 2 * held : held);
    this.#copy(chunk, from, to);
  }

  expect(length: number): void {
    if (length <= SMALL || this.start + length <= this.slab.length) return this.#reserve(length, length);
    this.#pieces = new Pieces(0, this.#copies);
    if (this.held > 0) this.#pieces.add(this.slab, this.start, this.start + this.held, true);
  }

  fill(chunk: Uint8Array, from: number, to: number): void {
    if (this.#pieces === undefined) return this.#copy(chunk, from, to);
    this.held += to - from;
    this.#pieces.add(chunk, from, to);
  }

  finish(length: number): Uint8Array | undefined {
    this.held = 0;
    if (this.#pieces !== undefined) {
      const views = this.#pieces.take(length);
      this.#pieces = undefined;
      return views === undefined ? undefined : concat(views);
    }
    // a view of the buffer takes half the time of `subarray`; a slab starts at its buffer's first byte
    const message = new Uint8Array(this.#buffer, this.start, length);
    this.start += length;
    // one that had to grow for a single message is not kept for the small ones behind it
    if (this.slab.length > LARGEST_SLAB || this.start >= this.slab.length) this.#dropSlab();
    return message;
  }

  copyFirst(count: number): Uint8Array {
    if (this.#pieces !== undefined) return concat(this.#pieces.take(count) ?? []);
    // also where nothing is held the slab may be gone
    if (this.held === 0 || this.isLost) return NOTHING;
    return this.slab.slice(this.start, this.start + Math.min(count, this.held));
  }

  clear(): void {
    this.held = 0;
    this.#dropSlab();
    this.#pieces = undefined;
  }

  #copy(chunk: Uint8Array, from: number, to: number): void {
    copyInto(this.slab, this.start + this.held, chunk, from, to);
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

  #dropSlab(): void {
    this.slab = NOTHING;
    this.#buffer = NO_BUFFER;
    this.start = 0;
  }
}
