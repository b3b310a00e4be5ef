import { test } from "node:test";
import { assert, assertEquals, assertRejects, assertStrictEquals } from "@std/assert";
import { Outlet } from "../../src/stream/outlet.ts";
import { collect, drain } from "../support/streams.ts";
import { isSettled } from "../support/turns.ts";

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
