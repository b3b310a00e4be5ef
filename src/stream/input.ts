/**
 * What the fast way reads: a stream, or any async iterable without a stream around it.
 *
 * @module
 */

/** Something that is read chunk by chunk: the part of a stream's reader that is needed. */
export interface Input<T> {
  /** The next chunk. */
  read(): Promise<{ readonly done?: boolean; readonly value?: T | undefined }>;
  /** Nobody wants more. */
  cancel(reason: unknown): Promise<void>;
}

/**
 * Begins to read.
 *
 * @throws {TypeError} when the source is neither a stream, or is locked, nor an async iterable
 */
export function inputOf<T>(source: ReadableStream<T> | AsyncIterable<T>): Input<T> {
  if (typeof (source as Partial<ReadableStream<T>>)?.getReader === "function") {
    return (source as ReadableStream<T>).getReader();
  }
  if (typeof (source as Partial<AsyncIterable<T>>)?.[Symbol.asyncIterator] === "function") {
    return new IteratorInput((source as AsyncIterable<T>)[Symbol.asyncIterator]());
  }
  throw new TypeError("the source must be a ReadableStream or an async iterable");
}

class IteratorInput<T> implements Input<T> {
  readonly #iterator: AsyncIterator<T>;

  constructor(iterator: AsyncIterator<T>) {
    this.#iterator = iterator;
  }

  read(): Promise<IteratorResult<T>> {
    return this.#iterator.next();
  }

  async cancel(): Promise<void> {
    await this.#iterator.return?.();
  }
}
