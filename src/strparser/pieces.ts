/**
 * The pieces of one message as views of the chunks that they came in.
 *
 * Small pieces are copied into blocks on arrival, once there are many: a message of 10 MB that comes byte by byte must
 * not become ten million views.
 *
 * @module
 */
import { partOf } from "../bytes/known_base.ts";

/** Pieces from here on are always kept as views; a view costs about 200 bytes itself. */
const VIEW_AT = 2 * 1024;
const BLOCK = 16 * 1024;

/** No bytes. */
export const NOTHING: Uint8Array = new Uint8Array(0);

/** A growing list of views. */
export class Pieces {
  /** How many bytes were added. */
  length = 0;
  readonly #keep: number;
  readonly #copies: boolean;
  #views: Uint8Array[] = [];
  #block: Uint8Array = NOTHING;
  #blockUsed = 0;
  #lastChunk: Uint8Array | undefined;
  #lastFrom = 0;
  #lastTo = 0;

  /** The first `keep` pieces are kept as views whatever their size; none is when it `copies`. */
  constructor(keep: number, copies: boolean) {
    this.#keep = keep;
    this.#copies = copies;
  }

  /** Adds the bytes of `chunk` from `from` to `to`; as a view, whatever their number, if it `isStable`. */
  add(chunk: Uint8Array, from: number, to: number, isStable = false): void {
    this.length += to - from;
    const views = this.#views;
    if (chunk === this.#lastChunk && from === this.#lastTo) {
      this.#lastTo = to;
      views[views.length - 1] = partOf(chunk, this.#lastFrom, to);
    } else if (this.#copies && !isStable && to - from >= VIEW_AT) {
      this.#closeBlock();
      views.push(new Uint8Array(partOf(chunk, from, to)));
      this.#lastChunk = undefined;
    } else if (isStable || to - from >= VIEW_AT || (views.length < this.#keep && !this.#copies)) {
      this.#closeBlock();
      views.push(partOf(chunk, from, to));
      this.#lastChunk = chunk;
      this.#lastFrom = from;
      this.#lastTo = to;
    } else {
      this.#lastChunk = undefined;
      this.#fillBlock(chunk, from, to);
    }
  }

  /**
   * Takes the first `length` bytes out and forgets the rest; `undefined` when some are not there any more, because the
   * buffer of a chunk was transferred or has shrunk.
   */
  take(length: number): Uint8Array[] | undefined {
    this.#closeBlock();
    const views = this.#views;
    let sum = 0;
    for (const view of views) sum += view.length;
    const isWhole = sum === this.length;
    while (sum > length) {
      const last = views.pop()!;
      sum -= last.length;
      if (sum < length) {
        views.push(last.subarray(0, length - sum));
        break;
      }
    }
    this.clear();
    return isWhole ? views : undefined;
  }

  /** Forgets everything. What is left of a block serves the next message. */
  clear(): void {
    this.length = 0;
    this.#views = [];
    this.#blockUsed = 0;
    this.#lastChunk = undefined;
  }

  #fillBlock(chunk: Uint8Array, from: number, to: number): void {
    if (this.#block.length - this.#blockUsed < to - from) {
      this.#closeBlock();
      this.#block = new Uint8Array(BLOCK);
    }
    this.#block.set(chunk.subarray(from, to), this.#blockUsed);
    this.#blockUsed += to - from;
  }

  #closeBlock(): void {
    const used = this.#blockUsed;
    this.#blockUsed = 0;
    // shorter: a consumer has transferred an earlier message that has its bytes there, too
    if (used === 0 || this.#block.length < used) return;
    this.#views.push(this.#block.subarray(0, used));
    this.#block = this.#block.subarray(used);
  }
}
