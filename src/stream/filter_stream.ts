/**
 * A stage that passes on some of what comes.
 *
 * A plain `TransformStream` does the same until the stream before it fails: then it throws away what it still holds.
 * This one hands everything on before the error, as all stages here do.
 *
 * @module
 */
import type { Engine, Sink, Stats } from "../core/engine.ts";
import type { Batched } from "./outlet.ts";
import { createStage, type StageOptions } from "./stage.ts";
import type { StreamPair } from "./stream_pair.ts";

/**
 * Passes on the items for which `isWanted` says so, in order. What `isWanted` throws fails the stream.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { FilterStream } from "@leat/streams/stream";
 *
 * const odd: number[] = [];
 * const numbers = ReadableStream.from([1, 2, 3]).pipeThrough(new FilterStream<number>((n) => n % 2 === 1));
 * for await (const n of numbers) odd.push(n);
 * assertEquals(odd, [1, 3]);
 * ```
 */
export class FilterStream<T, Batch extends boolean = false> implements StreamPair<Batched<T, Batch>, T | readonly T[]> {
  /** What was let through: items, or arrays of them with `batch`. */
  readonly readable: ReadableStream<Batched<T, Batch>>;
  /** Items, or arrays of them. */
  readonly writable: WritableStream<T | readonly T[]>;
  readonly #engine: Filter<T>;

  /**
   * Makes a stage. `highWaterMark` counts items here, since nobody knows their size.
   *
   * @throws {TypeError | RangeError} when an argument is wrong
   */
  constructor(isWanted: (item: T) => boolean, options: StageOptions<Batch> = {}) {
    if (typeof isWanted !== "function") throw new TypeError("isWanted must be a function");
    const highWaterMark = options.highWaterMark ?? DEFAULT_HIGH_WATER_MARK;
    const stage = createStage<T, T, Batch, Filter<T>>(
      (sink) => new Filter(isWanted, sink),
      { ...options, highWaterMark },
      () => 1,
    );
    this.readable = stage.readable;
    this.writable = stage.writable;
    this.#engine = stage.engine;
  }

  /** Counters so far: items that came, and those let through. */
  get stats(): FilterStreamStats {
    return this.#engine.stats;
  }
}

/** Counters of a {@linkcode FilterStream}. */
export type FilterStreamStats = {
  /** Items that came. */
  readonly taken: number;
  /** Items let through. */
  readonly passed: number;
};

const DEFAULT_HIGH_WATER_MARK = 1024;

class Filter<T> implements Engine<T> {
  readonly stats: { taken: number; passed: number } & Stats = { taken: 0, passed: 0 };
  readonly #isWanted: (item: T) => boolean;
  readonly #sink: Sink<T>;

  constructor(isWanted: (item: T) => boolean, sink: Sink<T>) {
    this.#isWanted = isWanted;
    this.#sink = sink;
  }

  push(item: T): void {
    this.stats.taken++;
    if (!this.#isWanted(item)) return;
    this.stats.passed++;
    this.#sink.item(item);
  }

  end(): void {
    this.#sink.end();
  }

  timeoutAt(): number {
    return Infinity;
  }

  onTimeout(): void {}
}
