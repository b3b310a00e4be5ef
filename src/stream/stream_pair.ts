/**
 * The shape of every stage.
 *
 * The web's own name for it, `ReadableWritablePair`, is declared by the DOM library of TypeScript only, so projects with
 * nothing but Node's types would miss it.
 *
 * @module
 */

/**
 * What `pipeThrough` takes: writes `W`, reads `R`.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { FilterStream, type StreamPair } from "@leat/streams/stream";
 *
 * const positive = (): StreamPair<number, number> => new FilterStream<number>((n) => n > 0);
 * const numbers: number[] = [];
 * for await (const n of ReadableStream.from([1, -1]).pipeThrough(positive())) numbers.push(n);
 * assertEquals(numbers, [1]);
 * ```
 */
export interface StreamPair<R, W> {
  /** What comes out. */
  readonly readable: ReadableStream<R>;
  /** What goes in. */
  readonly writable: WritableStream<W>;
}
