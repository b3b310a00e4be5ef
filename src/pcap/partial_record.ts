/**
 * Layer pcap, engine: the one record that lies across chunks, joined piece by piece in linear time.
 *
 * Room is made for what has come and as much again, never for what a length field merely claims.
 *
 * @module
 */
import { ByteSlab } from "./byte_slab.ts";

/** Records up to this length get all their room at once; longer ones as their bytes come in. */
const EAGER_BYTES = 256 * 1024;
/** Longest head that tells a record's length. */
const MAX_HEAD_BYTES = 32;

/** Collects the bytes of one record. */
export class PartialRecord {
  /** Offset in the capture of the record's first byte. */
  offset = 0;
  /** How many bytes are held. */
  length = 0;
  /** How many bytes are needed before anything can be done. */
  needed = 0;
  readonly #slab = new ByteSlab();
  /** Heads are read here, so that no room is taken before the length is known and checked. */
  readonly #head = new Uint8Array(MAX_HEAD_BYTES);
  #buffer: Uint8Array = this.#head;

  /** What is held, with room behind it. */
  get buffer(): Uint8Array {
    return this.#buffer;
  }

  /** Starts a record of which `needed` bytes are wanted first. */
  start(offset: number, needed: number): void {
    this.offset = offset;
    this.length = 0;
    this.#buffer = this.#head;
    this.want(needed);
  }

  /** Raises what is needed, in all. */
  want(needed: number): void {
    this.needed = needed;
    if (needed > this.#head.length && needed <= EAGER_BYTES) this.#move(this.#slab.take(needed));
  }

  /** Takes bytes from `bytes` at `at` while more are needed; returns where it stopped. */
  fill(bytes: Uint8Array, at: number): number {
    const count = Math.min(this.needed - this.length, bytes.length - at);
    const end = this.length + count;
    if (end > this.#buffer.length) this.#move(new Uint8Array(Math.min(this.needed, Math.max(EAGER_BYTES, 2 * end))));
    copy(bytes, at, count, this.#buffer, this.length);
    this.length = end;
    return at + count;
  }

  /** The record, once all of it is there; its memory is the caller's from now on. */
  release(): Uint8Array {
    // a short record is still in the head, which is used again
    if (this.#buffer === this.#head) this.#move(this.#slab.take(this.length));
    const record = this.#buffer.subarray(0, this.length);
    this.drop();
    return record;
  }

  /** Forgets the record. */
  drop(): void {
    this.length = 0;
    this.needed = 0;
    this.#buffer = this.#head;
  }

  #move(buffer: Uint8Array): void {
    buffer.set(this.#buffer.subarray(0, this.length));
    this.#buffer = buffer;
  }
}

function copy(from: Uint8Array, at: number, count: number, into: Uint8Array, position: number): void {
  // byte-by-byte input: a view each time would cost more than the byte
  if (count <= 8) {
    for (let i = 0; i < count; i++) into[position + i] = from[at + i]!;
  } else {
    into.set(from.subarray(at, at + count), position);
  }
}
