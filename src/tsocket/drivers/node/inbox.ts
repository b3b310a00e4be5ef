/**
 * What has come on one connection and was not read yet: the chunks of `data` events, or the filled buffers of `onread`.
 *
 * @module
 */
import { copyInto } from "../../../bytes/copy_into.ts";
import { ShortCopies } from "../../../bytes/short_copies.ts";

/** Bytes that may wait on one connection before it is not read any more. One chunk more may be under way. */
export const READ_AHEAD_BYTES: number = 64 * 1024;

/** What a chunk counts besides its bytes, so that many tiny ones cannot fill the memory. */
export const CHUNK_OVERHEAD = 128;

/** Buffer that a quiet connection holds ready to be read into. */
export const SMALL_READ_BYTES: number = 4 * 1024;

/** Buffer of a connection on which much comes. */
export const LARGE_READ_BYTES: number = 64 * 1024;

/** A queue of chunks that is read by copying out of it. */
export class Inbox {
  /** Told after {@linkcode Inbox.pushRead}. */
  onArrival: (() => void) | undefined;
  #chunks: (Uint8Array | undefined)[] = [];
  #head = 0;
  #offset = 0;
  #length = 0;
  #cost = 0;
  #next: Uint8Array | undefined;
  #spare: Uint8Array | undefined;
  #isBusy = false;
  #isPooled = false;
  readonly #copies: ShortCopies = new ShortCopies();

  /** Bytes in it. */
  get length(): number {
    return this.#length;
  }

  /** Whether no more should be read now. */
  get isFull(): boolean {
    return this.#cost >= READ_AHEAD_BYTES;
  }

  /** Whether it has been read far enough to take more. */
  get hasRoom(): boolean {
    return this.#cost < READ_AHEAD_BYTES / 2;
  }

  /** Appends a chunk, which is the inbox's own from now on. */
  push(chunk: Uint8Array): void {
    if (chunk.length === 0) return;
    this.#chunks.push(chunk);
    this.#length += chunk.length;
    this.#cost += chunk.length + CHUNK_OVERHEAD;
  }

  /** The buffer that the next bytes shall be read into. */
  nextBuffer(): Uint8Array {
    this.#isPooled = true;
    if (this.#next === undefined) {
      this.#next = this.#isBusy ? this.#spare ?? new Uint8Array(LARGE_READ_BYTES) : new Uint8Array(SMALL_READ_BYTES);
      if (this.#next === this.#spare) this.#spare = undefined;
    }
    return this.#next;
  }

  /** Takes what was read into {@linkcode nextBuffer}: the buffer itself if it is well filled, else a copy. */
  pushRead(buffer: Uint8Array, length: number): void {
    const wasBusy = this.#isBusy;
    this.#isBusy = length === buffer.length || length > SMALL_READ_BYTES;
    const isKept = length * 2 >= buffer.length;
    this.push(isKept ? buffer.subarray(0, length) : buffer.slice(0, length));
    // a buffer of the other size than the next one should have is given up as well
    if (isKept || wasBusy !== this.#isBusy) this.#next = undefined;
    if (!this.#isBusy) this.#spare = undefined;
    this.onArrival?.();
  }

  /** Forgets everything in it. */
  clear(): void {
    this.#copies.forget();
    this.#chunks.length = 0;
    this.#head =
      this.#offset =
      this.#length =
      this.#cost =
        0;
  }

  /** Moves as many bytes as there are and fit into `into`; returns how many. */
  read(into: Uint8Array): number {
    const chunk = this.#chunks[this.#head];
    const from = this.#offset;
    const to = from + into.length;
    // most reads of small PDUs end within one chunk
    if (chunk === undefined || to >= chunk.length) return this.#readChunks(into);
    this.#copies.copy(into, chunk, from, to);
    this.#offset = to;
    this.#length -= into.length;
    this.#cost -= into.length;
    return into.length;
  }

  /** Everything in it, which it forgets. */
  takeAll(): Uint8Array {
    const all = new Uint8Array(this.#length);
    this.read(all);
    return all;
  }

  #readChunks(into: Uint8Array): number {
    let at = 0;
    while (at < into.length && this.#head < this.#chunks.length) {
      const chunk = this.#chunks[this.#head]!;
      const left = chunk.length - this.#offset;
      const taken = Math.min(left, into.length - at);
      copyInto(into, at, chunk, this.#offset, this.#offset + taken);
      at += taken;
      if (taken < left) this.#offset += taken;
      else this.#dropHead(chunk);
    }
    this.#length -= at;
    this.#cost -= at;
    return at;
  }

  #dropHead(chunk: Uint8Array): void {
    this.#copies.forget();
    this.#cost -= CHUNK_OVERHEAD;
    this.#offset = 0;
    this.#chunks[this.#head++] = undefined;
    if (this.#head === this.#chunks.length) {
      this.#chunks.length = 0;
      this.#head = 0;
    } else if (this.#head >= 64 && this.#head * 2 >= this.#chunks.length) {
      this.#chunks.splice(0, this.#head);
      this.#head = 0;
    }
    const isWhole = this.#isPooled && this.#isBusy && chunk.buffer.byteLength === LARGE_READ_BYTES;
    if (isWhole) this.#spare = new Uint8Array(chunk.buffer);
  }
}
