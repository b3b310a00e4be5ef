/**
 * Single items out of a stream of batches, without a stream read for each.
 *
 * @module
 */
import { typeName } from "../core/words.ts";
import { type BatchReader, batchReader, type BatchReceiver } from "./through.ts";

/** Options of {@linkcode items}. */
export interface ItemsOptions {
  /**
   * Leave the stream alone when the loop is left early, instead of cancelling it.
   *
   * @default {false}
   */
  preventCancel?: boolean | undefined;
}

/**
 * Iterates over the single items of a stream of arrays. Within an array no stream is asked, which makes it several
 * times as fast as a stream of single items; iterating over the arrays themselves is faster still.
 *
 * Leaving the loop early cancels the stream. A chunk that is no array fails the loop with a `TypeError`.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { items } from "@leat/streams/stream";
 *
 * const batches = new ReadableStream<number[]>({
 *   start(controller) {
 *     controller.enqueue([1, 2]);
 *     controller.enqueue([3]);
 *     controller.close();
 *   },
 * });
 * let sum = 0;
 * for await (const item of items(batches)) sum += item;
 * assertEquals(sum, 6);
 * ```
 */
export function items<T>(
  readable: ReadableStream<readonly T[]>,
  options: ItemsOptions = {},
): AsyncIterableIterator<T> {
  return new BatchItems(batchReader(readable), options.preventCancel ?? false);
}

const NOTHING: readonly never[] = [];

class BatchItems<T> implements AsyncIterableIterator<T> {
  readonly #reader: BatchReader<T>;
  readonly #preventCancel: boolean;
  #batch: readonly T[] = NOTHING;
  #next = 0;
  /** How far `next` may go without asking: the length of the batch while no call waits, else 0. */
  #open = 0;
  #isOver = false;
  /** How many calls wait for a read or a return; those that come meanwhile line up behind the latest. */
  #waiting = 0;
  #latest: Promise<unknown> | undefined;
  /** What settles the call that waits for `#receiver`. */
  #resolve: ((result: IteratorResult<T>) => void) | undefined;
  #reject: ((error: unknown) => void) | undefined;
  /** Both made once and not for each batch, which may be of one item. */
  readonly #waits = (resolve: (result: IteratorResult<T>) => void, reject: (error: unknown) => void): void => {
    this.#resolve = resolve;
    this.#reject = reject;
  };
  readonly #receiver: BatchReceiver<T> = {
    batch: (items) => {
      this.#batch = items;
      this.#next = 1;
      this.#served();
      this.#resolve!({ done: false, value: items[0]! });
    },
    end: () => {
      this.#release();
      this.#served();
      this.#resolve!({ done: true, value: undefined });
    },
    fail: (error) => {
      this.#release();
      this.#served();
      this.#reject!(error);
    },
  };

  constructor(reader: BatchReader<T>, preventCancel: boolean) {
    this.#reader = reader;
    this.#preventCancel = preventCancel;
  }

  [Symbol.asyncIterator](): AsyncIterableIterator<T> {
    return this;
  }

  next(): Promise<IteratorResult<T>> {
    const next = this.#next;
    if (next < this.#open) {
      this.#next = next + 1;
      return Promise.resolve({ done: false, value: this.#batch[next]! });
    }
    if (this.#reader.request === undefined || this.#waiting > 0 || this.#isOver) {
      return this.#queue(() => this.#advance());
    }
    return this.#request();
  }

  return(): Promise<IteratorResult<T>> {
    return this.#queue(async () => {
      await this.#leave();
      return { done: true, value: undefined };
    });
  }

  #queue(run: () => Promise<IteratorResult<T>>): Promise<IteratorResult<T>> {
    const turn = async (): Promise<IteratorResult<T>> => {
      try {
        return await run();
      } finally {
        this.#served();
      }
    };
    const result = this.#waiting === 0 ? turn() : this.#latest!.then(turn, turn);
    this.#waiting++;
    this.#open = 0;
    this.#latest = result;
    return result;
  }

  /** Called before the caller hears of it, so that its next call finds the fast path open. */
  #served(): void {
    if (--this.#waiting === 0) this.#open = this.#batch.length;
  }

  /** Asks for the next batch, with one promise for the caller and none behind it. */
  #request(): Promise<IteratorResult<T>> {
    this.#batch = NOTHING;
    this.#next = 0;
    this.#open = 0;
    this.#waiting = 1;
    const result = new Promise<IteratorResult<T>>(this.#waits);
    this.#latest = result;
    this.#reader.request!(this.#receiver);
    return result;
  }

  async #advance(): Promise<IteratorResult<T>> {
    while (this.#next >= this.#batch.length) {
      if (this.#isOver) return { done: true, value: undefined };
      this.#batch = NOTHING;
      this.#next = 0;
      try {
        const { done, value } = await this.#reader.read();
        if (done) this.#release();
        else this.#batch = this.#checked(value);
      } catch (error) {
        this.#release();
        throw error;
      }
    }
    return { done: false, value: this.#batch[this.#next++]! };
  }

  /** Whoever forgets `batch: true` gets a stream of items, over whose properties nothing useful could be iterated. */
  #checked(value: readonly T[]): readonly T[] {
    if (Array.isArray(value)) return value;
    const error = new TypeError(`items needs a stream of arrays, got ${typeName(value)}`);
    this.#reader.cancel(error).catch(() => {});
    throw error;
  }

  async #leave(): Promise<void> {
    this.#batch = NOTHING;
    this.#next = 0;
    if (this.#isOver) return;
    const cancelled = this.#preventCancel ? undefined : this.#reader.cancel();
    this.#release();
    await cancelled;
  }

  #release(): void {
    this.#isOver = true;
    this.#reader.releaseLock();
  }
}
