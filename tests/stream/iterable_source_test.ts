/** `through` over async iterables, and `items` that reads past the stream which `through` made. */
import { test } from "node:test";
import { assert, assertEquals, assertRejects, assertStrictEquals, assertThrows } from "@std/assert";
import type { EngineFactory, Sink } from "../../src/core/engine.ts";
import { items } from "../../src/stream/items.ts";
import { through } from "../../src/stream/through.ts";
import { drain, source } from "../support/streams.ts";
import { unhandledRejections } from "../support/unhandled.ts";
import { Delayer, Repeater } from "./support.ts";

const repeat: EngineFactory<number, number> = (sink) => new Repeater(sink);

/** Yields the inputs, then fails with `reason` if there is one; tells when it is left. */
async function* inputs(
  values: readonly (number | number[])[],
  left: () => void = () => {},
  reason?: Error,
): AsyncGenerator<number | number[]> {
  try {
    yield* values;
    if (reason !== undefined) throw reason;
  } finally {
    left();
  }
}

async function all<T>(iterable: AsyncIterable<T>): Promise<{ got: T[]; error: unknown }> {
  const got: T[] = [];
  try {
    for await (const item of iterable) got.push(item);
    return { got, error: undefined };
  } catch (error) {
    return { got, error };
  }
}

test("through reads an async iterable, of inputs or batches, and yields as from a stream", async () => {
  const values = [2, 0, [1, 3], []];
  const { chunks, error } = await drain(through(inputs(values), repeat));
  assertEquals(error, undefined);
  assertEquals(chunks, (await drain(through(source(values), repeat))).chunks);
  assertEquals(chunks, [[2, 2], [1, 3, 3, 3]]);
});

test("through returns the iterator when it is cancelled, and when the engine fails", async () => {
  let times = 0;
  const reader = through(inputs([1, 1, 1], () => times++), repeat).getReader();
  await reader.read();
  await reader.cancel();
  assertEquals(times, 1);
  const { chunks, error } = await drain(through(inputs([1, 13, 1], () => times++), repeat));
  assertEquals([chunks.length, (error as { code?: string }).code, times], [1, "EPROTO", 2]);
});

test("through can be cancelled over an iterator that cannot be returned", async () => {
  const endless = { [Symbol.asyncIterator]: () => ({ next: () => Promise.resolve({ done: false, value: 1 }) }) };
  const reader = through(endless, repeat).getReader();
  assertEquals((await reader.read()).value, [1]);
  await reader.cancel();
});

test("what an iterable gave before it failed comes before its error", async () => {
  const reason = new Error("source died");
  const { chunks, error } = await drain(through(inputs([2, -9], undefined, reason), repeat));
  assertEquals(chunks, [[2, 2], [-9]]);
  assertStrictEquals(error, reason);
});

test("through refuses a source that is neither stream nor async iterable, and a locked stream", () => {
  for (const wrong of [undefined, 3, [1, 2]]) assertThrows(() => through(wrong as never, repeat), TypeError);
  const locked = source([1]);
  locked.getReader();
  assertThrows(() => through(locked, repeat), TypeError);
});

test("items gives all of what through makes, from streams and iterables, and closes the stream", async () => {
  for (const from of [inputs([2, 0, [1, 3]]), source([2, 0, [1, 3]])]) {
    const batches = through(from, repeat);
    assertEquals(await all(items(batches)), { got: [2, 2, 1, 3, 3, 3], error: undefined });
    assertEquals(await drain(batches), { chunks: [], error: undefined });
  }
});

test("items passes errors on from through, behind what came before, and nothing is unhandled", async () => {
  const unhandled = await unhandledRejections(async () => {
    const reason = new Error("source died");
    const batches = through(inputs([2], undefined, reason), repeat);
    const { got, error } = await all(items(batches));
    assertEquals(got, [2, 2]);
    assertStrictEquals(error, reason);
    assertStrictEquals((await drain(batches)).error, reason);
    await assertRejects(() => items(through(source([13]), repeat)).next(), Error);
  });
  assertEquals(unhandled, []);
});

test("leaving items early cancels the source of through", async () => {
  let times = 0;
  for await (const item of items(through(inputs([2, 2, 2], () => times++), repeat))) {
    assertEquals(item, 2);
    break;
  }
  assertEquals(times, 1);
});

test("items that left a stream alone loses no batch to whoever reads on", async () => {
  const batches = through(inputs([1, 2, 3]), repeat);
  for await (const _ of items(batches, { preventCancel: true })) break;
  const reader = batches.getReader();
  assertEquals((await reader.read()).value, [2, 2]);
  reader.releaseLock();
  assertEquals((await all(items(batches))).got, [3, 3, 3]);
});

test("items loses no batch that a reader has asked for and left in the stream", async () => {
  const batches = through(inputs([1, 2]), repeat);
  const reader = batches.getReader();
  const read = reader.read();
  reader.releaseLock();
  await read.catch(() => {});
  assertEquals((await all(items(batches))).got, [1, 2, 2]);
});

test("items gets what a timeout makes while the source is silent", async () => {
  let controller: ReadableStreamDefaultController<number> | undefined;
  const readable = new ReadableStream<number>({ start: (made) => void (controller = made) });
  const iterator = items(through(readable, (sink: Sink<number>) => new Delayer(sink, 1)));
  const reading = iterator.next();
  controller!.enqueue(42);
  assertEquals((await reading).value, 42);
  controller!.close();
  assert((await iterator.next()).done);
});

test("items over through, asked several times at once, answers in order, and leaves behind all that was asked", async () => {
  const iterator = items(through(inputs([2, 0, [1, 3]]), repeat));
  const asked = Array.from({ length: 8 }, () => iterator.next());
  const results = await Promise.all(asked);
  assertEquals(results.map(({ value }) => value), [2, 2, 1, 3, 3, 3, undefined, undefined]);
  assertEquals(results.map(({ done }) => done ?? false), [...Array(6).fill(false), true, true]);
  const another = items(through(inputs([2, 1]), repeat));
  const first = another.next(), left = another.return!(), late = another.next();
  assertEquals((await first).value, 2);
  assertEquals([(await left).done, (await late).done], [true, true]);
});

test("through reads an iterator that answers without a promise, and fails with what one throws", async () => {
  let values = [2, 1];
  const from = (end: () => IteratorResult<number>): AsyncIterable<number> => ({
    [Symbol.asyncIterator]: () => ({
      next: () => {
        const value = values.shift();
        return (value === undefined ? end() : { done: false, value }) as never;
      },
    }),
  });
  const ends = () => ({ done: true as const, value: undefined });
  assertEquals(await all(items(through(from(ends), repeat))), { got: [2, 2, 1], error: undefined });
  values = [2, 1];
  assertEquals((await drain(through(from(ends), repeat))).chunks, [[2, 2], [1]]);
  values = [2];
  const reason = new Error("no more");
  const { got, error } = await all(items(through(
    from(() => {
      throw reason;
    }),
    repeat,
  )));
  assertEquals(got, [2, 2]);
  assertStrictEquals(error, reason);
});

test("an iterator that yields no result fails the stream, and nothing else", async () => {
  for (
    const result of [undefined, null, {
      get done(): boolean {
        throw new TypeError("no end");
      },
    }]
  ) {
    const broken = { [Symbol.asyncIterator]: () => ({ next: () => Promise.resolve(result as never) }) };
    const unhandled = await unhandledRejections(async () => {
      const { got, error } = await all(items(through(broken as AsyncIterable<number>, repeat)));
      assertEquals([got, error instanceof TypeError], [[], true]);
    });
    assertEquals(unhandled, []);
  }
});
