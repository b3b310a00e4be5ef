/**
 * What has come on one connection and was not read yet: the chunks of `data` events, or the filled buffers of `onread`.
 *
 * @module
 */

/** Bytes that may wait on one connection before it is not read any more. One chunk more may be under way. */
export const READ_AHEAD_BYTES: number = 64 * 1024;

/** What a chunk counts besides its bytes, so that many tiny ones cannot fill the memory. */
export const CHUNK_OVERHEAD = 128;

/** Buffer that a quiet connection holds ready to be read into. */
export const SMALL_READ_BYTES: number = 4 * 1024;

/** Buffer of a connection on which much comes. */
export const LARGE_READ_BYTES: number = 64 * 1024;

/** Up to so many bytes are copied one by one: 5 ns for 4 bytes on Node 20, where `subarray` and `set` take 45. */
const SINGLE_BYTES = 32;

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
    this.#chunks.length = 0;
    this.#head =
      this.#offset =
      this.#length =
      this.#cost =
        0;
  }

  /** Moves as many bytes as there are and fit into `into`; returns how many. */
  read(into: Uint8Array): number {
    let at = 0;
    while (at < into.length && this.#head < this.#chunks.length) {
      const chunk = this.#chunks[this.#head]!;
      const left = chunk.length - this.#offset;
      const taken = Math.min(left, into.length - at);
      copy(chunk, this.#offset, taken, into, at);
      at += taken;
      if (taken < left) this.#offset += taken;
      else this.#dropHead(chunk);
    }
    this.#length -= at;
    this.#cost -= at;
    return at;
  }

  /** Everything in it, which it forgets. */
  takeAll(): Uint8Array {
    const all = new Uint8Array(this.#length);
    this.read(all);
    return all;
  }

  #dropHead(chunk: Uint8Array): void {
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

/** Copies a piece of a chunk. A view of a few bytes costs more than to copy them one by one. */
function copy(chunk: Uint8Array, from: number, count: number, into: Uint8Array, at: number): void {
  if (count <= SINGLE_BYTES) { for (let i = 0; i < count; i++) into[at + i] = chunk[from + i]!; }
  else if (count === chunk.length) into.set(chunk, at);
  else into.set(new Uint8Array(chunk.buffer, chunk.byteOffset + from, count), at);
}
