/**
 * Bytes that wait to be written, gathered into as few pieces as can be: one write for each connection and turn.
 *
 * What was appended is never overwritten, so whoever remembers block and position may read it later: that is how a request
 * is sent again without having been copied beforehand.
 *
 * @module
 */
import { copyInto } from "../../bytes/copy_into.ts";

/** First block of a buffer, in bytes. */
const FIRST_BLOCK = 1024;

/** Blocks grow up to this, in bytes; a longer message has one of its own. */
const LARGEST_BLOCK = 64 * 1024;

const EMPTY = new Uint8Array(0);

/** A queue of bytes, appended to by message, taken as a whole. */
export class OutBuffer {
  /** Where the last message was put. */
  block: Uint8Array = EMPTY;
  /** Where in {@linkcode block} the last message begins. */
  at = 0;
  /** Bytes that wait. */
  bytes = 0;
  #pieces: Uint8Array[] = [];
  /** What waits in the block: from here to {@linkcode #to}. */
  #from = 0;
  #to = 0;
  #nextBlock = FIRST_BLOCK;

  /** Appends a message. */
  append(message: Uint8Array): void {
    this.appendRange(message, 0, message.length);
  }

  /** Appends the bytes of `source` from `from` to `to`. */
  appendRange(source: Uint8Array, from: number, to: number): void {
    const length = to - from;
    if (this.#to + length > this.block.length) this.#newBlock(length);
    copyInto(this.block, this.#to, source, from, to);
    this.at = this.#to;
    this.#to += length;
    this.bytes += length;
  }

  /** Everything that waits, which is the caller's to write; `undefined` when nothing does. */
  take(): Uint8Array[] | undefined {
    if (this.bytes === 0) return undefined;
    const pieces = this.#pieces;
    if (this.#to > this.#from) pieces.push(this.block.subarray(this.#from, this.#to));
    this.#from = this.#to;
    this.#pieces = [];
    this.bytes = 0;
    return pieces;
  }

  /** Forgets everything. */
  clear(): void {
    this.#pieces = [];
    this.block = EMPTY;
    this.#from =
      this.#to =
      this.at =
      this.bytes =
        0;
  }

  #newBlock(length: number): void {
    if (this.#to > this.#from) this.#pieces.push(this.block.subarray(this.#from, this.#to));
    this.block = new Uint8Array(Math.max(length, this.#nextBlock));
    this.#nextBlock = Math.min(this.#nextBlock * 2, LARGEST_BLOCK);
    this.#from = this.#to = 0;
  }
}
