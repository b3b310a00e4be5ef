import { test } from "node:test";
import { assert, assertEquals, assertRejects } from "@std/assert";
import { items } from "../../src/stream/items.ts";
import { source } from "../support/streams.ts";

test("items yields every item of every batch in order", async () => {
  const got: number[] = [];
  for await (const item of items(source([[1, 2], [], [3], [4, 5, 6]]))) got.push(item);
  assertEquals(got, [1, 2, 3, 4, 5, 6]);
});

test("items of an empty stream yields nothing", async () => {
  for await (const item of items(source<number[]>([]))) throw new Error(`got ${item}`);
});

test("items asked several times at once answers in order", async () => {
  const iterator = items(source([[1, 2], [3]]));
  const all = await Promise.all(Array.from({ length: 6 }, () => iterator.next()));
  assertEquals(all.map(({ value }) => value), [1, 2, 3, undefined, undefined, undefined]);
  assertEquals(all.map(({ done }) => done), [false, false, false, true, true, true]);
});

test("items passes an error on behind the items before it, and is over then", async () => {
  const iterator = items(source([[1]], new Error("cut")));
  assertEquals((await iterator.next()).value, 1);
  await assertRejects(() => iterator.next(), Error, "cut");
  assert((await iterator.next()).done);
});

test("leaving a loop early cancels the stream and frees it", async () => {
  let isCancelled = false;
  const readable = new ReadableStream<number[]>({
    pull: (controller) => controller.enqueue([1, 2]),
    cancel: () => {
      isCancelled = true;
    },
  });
  for await (const item of items(readable)) {
    if (item === 2) break;
  }
  assertEquals([isCancelled, readable.locked], [true, false]);
});

test("leaving early with preventCancel leaves the rest to the next reader", async () => {
  const readable = source([[1, 2], [3]]);
  for await (const item of items(readable, { preventCancel: true })) {
    if (item === 1) break;
  }
  const rest: number[] = [];
  for await (const item of items(readable)) rest.push(item);
  assertEquals(rest, [3]);
});

test("return before the first next cancels, and next is done after it", async () => {
  let isCancelled = false;
  const iterator = items(
    new ReadableStream<number[]>({
      cancel: () => {
        isCancelled = true;
      },
    }),
  );
  assert((await iterator.return!()).done);
  assert((await iterator.next()).done);
  assert((await iterator.return!()).done);
  assertEquals(isCancelled, true);
});

test("a return called while a next waits comes behind it", async () => {
  const iterator = items(source([[1]]));
  const results = await Promise.all([iterator.next(), iterator.return!(), iterator.next()]);
  assertEquals(results.map(({ done }) => done), [false, true, true]);
});

test("items refuses a stream of single items, and cancels it", async () => {
  for (const chunk of [{}, 7, "text", null, new Uint8Array(2)]) {
    let cancelled: unknown;
    const readable = new ReadableStream<number[]>({
      pull: (controller) => controller.enqueue(chunk as unknown as number[]),
      cancel: (reason) => {
        cancelled = reason;
      },
    });
    const iterator = items(readable);
    const error = await assertRejects(() => iterator.next(), TypeError, "stream of arrays");
    assertEquals([cancelled, readable.locked, (await iterator.next()).done], [error, false, true]);
  }
});
