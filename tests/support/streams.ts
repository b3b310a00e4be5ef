/** Small helpers to feed and drain web streams in tests. */

/** A stream of the given chunks; fails with `error` behind them if that is given. */
export function source<T>(chunks: Iterable<T>, error?: unknown): ReadableStream<T> {
  const iterator = chunks[Symbol.iterator]();
  return new ReadableStream<T>({
    pull(controller) {
      const { done, value } = iterator.next();
      if (!done) controller.enqueue(value);
      else if (error !== undefined) controller.error(error);
      else controller.close();
    },
  }, { highWaterMark: 0 });
}

/** Everything that a stream gives, and what it failed with, if it did. */
export async function drain<T>(readable: ReadableStream<T>): Promise<{ chunks: T[]; error: unknown }> {
  const chunks: T[] = [];
  const reader = readable.getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return { chunks, error: undefined };
      chunks.push(value);
    }
  } catch (error) {
    return { chunks, error };
  }
}

/** All chunks of a stream that must end well. */
export async function collect<T>(readable: ReadableStream<T>): Promise<T[]> {
  const { chunks, error } = await drain(readable);
  if (error !== undefined) throw error;
  return chunks;
}

/** Writes all and closes, ignoring what the writable thinks of it; for tests that look at the readable end. */
export async function feed<T>(writable: WritableStream<T>, chunks: Iterable<T>): Promise<unknown> {
  const writer = writable.getWriter();
  try {
    for (const chunk of chunks) await writer.write(chunk);
    await writer.close();
    return undefined;
  } catch (error) {
    return error;
  }
}
