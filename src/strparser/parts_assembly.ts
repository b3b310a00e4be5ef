/**
 * The one message that has begun and not ended, for those who want it in parts.
 *
 * Views of the chunks (or copies) are all that is kept. Only while the length is unknown are the bytes copied as well, so that the
 * parser sees them in one piece; that copy is used again for the next message.
 *
 * @module
 */
import { concat } from "../bytes/concat.ts";
import { copyInto } from "../bytes/copy_into.ts";
import type { Holder } from "./assembly.ts";
import { MessageParts } from "./message_parts.ts";
import { NOTHING, Pieces } from "./pieces.ts";

/** So many pieces are views even if they are tiny. */
const KEPT_VIEWS = 64;
const FIRST_SCRATCH = 256;
const LARGEST_SCRATCH = 64 * 1024;

/** Bytes of an unfinished message that is to be in parts. */
export class PartsAssembly implements Holder<MessageParts> {
  slab: Uint8Array = NOTHING;
  readonly start = 0;
  /** What the parser looks at is nobody else's; what else is missing is noticed in the end. */
  readonly isLost = false;
  readonly #pieces: Pieces;

  /** With `copies` nothing of a chunk is used once it is taken. */
  constructor(copies = false) {
    this.#pieces = new Pieces(KEPT_VIEWS, copies);
  }

  get held(): number {
    return this.#pieces.length;
  }

  append(chunk: Uint8Array, from: number, to: number): void {
    const { held } = this;
    const wanted = held + to - from;
    if (wanted > this.slab.length) {
      const scratch = new Uint8Array(Math.max(FIRST_SCRATCH, 2 * wanted));
      scratch.set(this.slab.subarray(0, held));
      this.slab = scratch;
    }
    copyInto(this.slab, held, chunk, from, to);
    this.#pieces.add(chunk, from, to);
  }

  expect(_length: number): void {}

  fill(chunk: Uint8Array, from: number, to: number): void {
    this.#pieces.add(chunk, from, to);
  }

  finish(length: number): MessageParts | undefined {
    if (this.slab.length > LARGEST_SCRATCH) this.slab = NOTHING;
    const views = this.#pieces.take(length);
    return views === undefined ? undefined : new MessageParts(views, length);
  }

  copyFirst(count: number): Uint8Array {
    return concat(this.#pieces.take(count) ?? []);
  }

  clear(): void {
    this.#pieces.clear();
    this.slab = NOTHING;
  }
}
