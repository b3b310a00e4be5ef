import { test } from "node:test";
import { assert, assertEquals, assertRejects, assertStrictEquals } from "@std/assert";
import { Outlet } from "../../src/stream/outlet.ts";
import { collect, drain } from "../support/streams.ts";
import { countAlive } from "../support/garbage.ts";
import { isSettled, turns } from "../support/turns.ts";

test("an outlet makes no stream until someone asks for it", async () => {
  const outlet = new Outlet<number, false>(false);
  outlet.push(1, 10);
  outlet.push(2, 10);
  assertEquals([outlet.heldBytes, outlet.wasRead], [20, false]);
  outlet.end();
  assertEquals(await collect(outlet.readable), [1, 2]);
  assertEquals([outlet.heldBytes, outlet.wasRead, outlet.isOver], [0, true, true]);
});

test("an outlet gathers single items into arrays of at most 256", async () => {
  const outlet = new Outlet<number, true>(true);
  for (let i = 0; i < 600; i++) outlet.push(i, 1);
  outlet.end();
  const batches = await collect(outlet.readable);
  assertEquals(batches.map((batch) => batch.length), [256, 256, 88]);
  assertEquals(batches.flat(), Array.from({ length: 600 }, (_, i) => i));
});

test("an outlet that failed gives what it holds first, then the error", async () => {
  for (const batch of [false, true]) {
    const outlet = new Outlet<number>(batch);
    const error = new Error("late");
    outlet.pushBatch([1, 2, 3], 3);
    outlet.fail(error);
    outlet.push(4, 1);
    const drained = await drain(outlet.readable);
    assertEquals((drained.chunks as (number | number[])[]).flat(), [1, 2, 3]);
    assertStrictEquals(drained.error, error);
  }
});

test("an outlet that failed while a reader waits tells it at once", async () => {
  const outlet = new Outlet<number, false>(false);
  const reading = outlet.readable.getReader().read();
  const error = new Error("now");
  outlet.fail(error);
  assertStrictEquals(await reading.catch((thrown) => thrown), error);
});

test("an aborted outlet drops what it holds and errors at once", async () => {
  const released: number[] = [];
  const outlet = new Outlet<number, true>(true, { released: (bytes) => released.push(bytes) });
  outlet.pushBatch([1], 7);
  outlet.pushBatch([2], 5);
  const reader = outlet.readable.getReader();
  await reader.read();
  outlet.abort(new Error("given up"));
  assertEquals([outlet.heldBytes, released], [0, [7, 5]]);
  await assertRejects(() => reader.read(), Error, "given up");
});

test("cancelling tells the owner once, and not after the end", async () => {
  const reasons: unknown[] = [];
  const open = new Outlet<number, false>(false, { cancelled: (reason) => reasons.push(reason) });
  open.push(1, 1);
  await open.readable.cancel("bored");
  open.cancel("again");
  open.push(2, 1);
  assertEquals([reasons, open.heldBytes], [["bored"], 0]);
  const ended = new Outlet<number, false>(false, { cancelled: (reason) => reasons.push(reason) });
  ended.push(1, 1);
  ended.end();
  await ended.readable.cancel("too late");
  assertEquals(reasons, ["bored"]);
});

test("an outlet cancelled before its stream was made has a closed stream", async () => {
  const outlet = new Outlet<number, false>(false);
  outlet.push(1, 1);
  outlet.cancel();
  assertEquals(await collect(outlet.readable), []);
});

test("an outlet knows that a reader waits on nothing", async () => {
  let wanted = 0;
  const outlet = new Outlet<number, false>(false, { wanted: () => wanted++ });
  const reader = outlet.readable.getReader();
  assertEquals([outlet.isStarving, wanted], [false, 0]);
  const reading = reader.read();
  assertEquals(await isSettled(reading), false);
  assertEquals([outlet.isStarving, wanted], [true, 1]);
  outlet.push(5, 1);
  assertEquals((await reading).value, 5);
  assertEquals(outlet.isStarving, false);
});

test("bytes in and out of an outlet add up", async () => {
  let held = 0;
  let released = 0;
  const outlet = new Outlet<number, false>(false, {
    held: (bytes) => held += bytes,
    released: (bytes) => released += bytes,
  });
  outlet.pushBatch([1, 2], 10);
  outlet.push(3, 5);
  const reader = outlet.readable.getReader();
  await reader.read();
  assertEquals([held, released, outlet.heldBytes], [15, 0, 15]);
  await reader.read();
  await reader.read();
  outlet.end();
  assert((await reader.read()).done);
  assertEquals([held, released, outlet.heldBytes], [15, 15, 0]);
});

test("an empty batch is nothing", async () => {
  const outlet = new Outlet<number, true>(true);
  outlet.pushBatch([], 10);
  outlet.end();
  assertEquals(await collect(outlet.readable), []);
});

test("several reads that wait are served in order, and nothing of a batch is lost to the error behind it", async () => {
  for (const reads of [1, 2, 3, 4, 5]) {
    for (const length of [1, 2, 3, 4]) {
      const outlet = new Outlet<number, false>(false);
      const reader = outlet.readable.getReader();
      const results = Array.from({ length: reads }, () => reader.read().catch((error) => error));
      await turns();
      const items = Array.from({ length }, (_, i) => i);
      outlet.pushBatch([...items], 10);
      outlet.fail("over");
      const got = await Promise.all(results);
      while (got.at(-1) !== "over") got.push(await reader.read().catch((error) => error));
      const values = got.filter((result) => result !== "over").map(({ value }) => value);
      assertEquals([reads, length, values, outlet.heldBytes], [reads, length, items, 0]);
    }
  }
});

test("what came for a reader that has left goes to the next one, before an error", async () => {
  for (const batch of [false, true]) {
    const outlet = new Outlet<number>(batch);
    const left = outlet.readable.getReader();
    left.read().catch(() => {});
    await turns();
    left.releaseLock();
    outlet.pushBatch([1, 2], 2);
    outlet.fail(new Error("late"));
    const drained = await drain(outlet.readable);
    assertEquals((drained.chunks as (number | number[])[]).flat(), [1, 2]);
    assertEquals((drained.error as Error).message, "late");
  }
});

test("cancelling by the owner ends the stream for a reader that waits", async () => {
  const outlet = new Outlet<number, false>(false);
  const reader = outlet.readable.getReader();
  const reading = reader.read();
  await turns();
  outlet.cancel("nobody wants it");
  assert(await isSettled(reading));
  assertEquals([(await reading).done, (await reader.read()).done], [true, true]);
});

test("all items of a batch read are all its bytes released", async () => {
  const outlet = new Outlet<number, false>(false);
  outlet.pushBatch([1, 2, 3], 30);
  const reader = outlet.readable.getReader();
  await reader.read();
  await reader.read();
  assertEquals(outlet.heldBytes, 30);
  await reader.read();
  assertEquals(outlet.heldBytes, 0);
});

test("an outlet that is never empty forgets what was read", async () => {
  const outlet = new Outlet<object, true>(true);
  const reader = outlet.readable.getReader();
  const seen: WeakRef<object>[] = [];
  outlet.pushBatch([{}], 1);
  for (let i = 0; i < 1000; i++) {
    const item = {};
    seen.push(new WeakRef(item));
    outlet.pushBatch([item], 1);
    await reader.read();
  }
  assertEquals(outlet.heldBytes, 1);
  const alive = await countAlive(seen);
  assert(alive < 100, `${alive} of 1000 items are alive, one is held`);
});

test("an outlet says when a wait is over: served, ended, failed, aborted, cancelled", async () => {
  const endings: ((outlet: Outlet<number, false>) => void)[] = [
    (outlet) => outlet.push(1, 1),
    (outlet) => outlet.end(),
    (outlet) => outlet.fail("reason"),
    (outlet) => outlet.abort("reason"),
    (outlet) => outlet.cancel("reason"),
  ];
  for (const ending of endings) {
    let served = 0;
    const outlet = new Outlet<number, false>(false, { served: () => served++ });
    outlet.readable.getReader().read().catch(() => {});
    await turns();
    assertEquals([outlet.isStarving, served], [true, 0]);
    ending(outlet);
    assertEquals([outlet.isStarving, served], [false, 1]);
  }
});
