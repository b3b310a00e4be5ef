/**
 * What an engine hands out between two flushes, as one array.
 *
 * The array gets room for as many results as the last one had, and results are put into it by index. Growing from
 * nothing by `push`, a batch of thousands is copied a dozen times, which was a tenth of all garbage of a whole pipeline
 * and 10 ns of the 35 that a small message costs; and `[]` is an array of small integers to V8 until the first `push`,
 * on which code made for it fails.
 *
 * @module
 */

/** In place of an array while there is no result. */
const NOTHING: never[] = [];
/** An array is given at most so much room before its results are there. */
const MOST_ROOM = 16_384;

/** A batch in the making. */
export class Gathered<T> {
  /** How many results there are. */
  count = 0;
  /** As many results as `count`, behind them room. */
  #results: T[] = NOTHING;
  #lastCount = 0;

  /** Adds a result. */
  add(value: T): void {
    // not before there is a result: a stream that waits for input would keep the room
    if (this.count === 0) this.#results = new Array(Math.min(this.#lastCount, MOST_ROOM));
    this.#results[this.count++] = value;
  }

  /** The results so far, for the caller to keep. */
  take(): T[] {
    const results = this.#results;
    if (results.length > this.count) results.length = this.count;
    this.#results = NOTHING;
    this.#lastCount = this.count;
    this.count = 0;
    return results;
  }

  /** Forgets them. */
  clear(): void {
    this.#results = NOTHING;
    this.count = 0;
  }
}
