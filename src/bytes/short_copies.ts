/**
 * Short copies out of one large array into the same small one, again and again: what reading small messages is.
 *
 * @module
 */
import { copyInto } from "./copy_into.ts";

/** Up to so many bytes are copied one by one. */
const SINGLE_BYTES = 16;

/** Up to so many bytes are copied word by word; above that `set` is as fast. */
const WORDS_BYTES = 128;

/** Words are worth two views once a target has come so often. */
const REPEATS = 4;

/**
 * Copies like {@linkcode copyInto}, the reference for what it does. That makes a view of the source for each copy of more
 * than a few bytes, which takes longer than the copy: 55 ns for 64 bytes on Node 20. Here the views are kept as long as
 * source and target stay the same, and that takes 22 ns.
 */
export class ShortCopies {
  #source: Uint8Array | undefined = undefined;
  #target: Uint8Array | undefined = undefined;
  #length = 0;
  #repeats = 0;
  #sourceWords: DataView = NOTHING;
  #targetWords: DataView = NOTHING;

  /** Copies the bytes of `source` from `from` to `to` to the beginning of `into`. */
  copy(into: Uint8Array, source: Uint8Array, from: number, to: number): void {
    const count = to - from;
    if (count <= SINGLE_BYTES) {
      for (let i = 0; i < count; i++) into[i] = source[from + i]!;
    } else if (
      this.#repeats === REPEATS && into === this.#target && source === this.#source && this.#fits(into, count)
    ) {
      this.#copyWords(into, source, from, to);
    } else {
      copyInto(into, 0, source, from, to);
      if (count <= WORDS_BYTES) this.#remember(into, source);
    }
  }

  /** Lets go of both arrays. */
  forget(): void {
    if (this.#source === undefined) return;
    this.#source = this.#target = undefined;
    this.#repeats = 0;
    this.#sourceWords = this.#targetWords = NOTHING;
  }

  /** A resizable buffer may have got another length since. */
  #fits(into: Uint8Array, count: number): boolean {
    return into.length === this.#length && count <= WORDS_BYTES;
  }

  #remember(into: Uint8Array, source: Uint8Array): void {
    if (into !== this.#target || source !== this.#source || into.length !== this.#length) {
      this.#target = into;
      this.#source = source;
      this.#length = into.length;
      this.#repeats = 0;
      return;
    }
    if (++this.#repeats < REPEATS) return;
    this.#repeats = REPEATS;
    this.#sourceWords = new DataView(source.buffer, source.byteOffset, source.length);
    this.#targetWords = new DataView(into.buffer, into.byteOffset, into.length);
  }

  #copyWords(into: Uint8Array, source: Uint8Array, from: number, to: number): void {
    const sourceWords = this.#sourceWords;
    const targetWords = this.#targetWords;
    let i = from;
    let at = 0;
    for (; i + 16 <= to; i += 16, at += 16) {
      targetWords.setInt32(at, sourceWords.getInt32(i, true), true);
      targetWords.setInt32(at + 4, sourceWords.getInt32(i + 4, true), true);
      targetWords.setInt32(at + 8, sourceWords.getInt32(i + 8, true), true);
      targetWords.setInt32(at + 12, sourceWords.getInt32(i + 12, true), true);
    }
    for (; i < to; i++, at++) into[at] = source[i]!;
  }
}

const NOTHING: DataView = new DataView(new ArrayBuffer(0));
