import { test } from "node:test";
import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { FanOut } from "../../src/stream/fan_out.ts";
import { ManualClock } from "../../src/sim/mod.ts";
import { Patience } from "../../src/stream/patience.ts";
import { countAlive } from "../support/garbage.ts";
import { isSettled, turns } from "../support/turns.ts";

function fanOut(maxBytes: number): { clock: ManualClock; fan: FanOut } {
  const clock = new ManualClock();
  return { clock, fan: new FanOut("test", { maxBytes, starveMs: 100, clock }) };
}

test("maxBytes counts all outlets together and makes the source wait", async () => {
  const { fan } = fanOut(10);
  const a = fan.outlet<number, true>(true);
  const b = fan.outlet<number, true>(true);
  a.push(1, 5);
  assertEquals(fan.room(), undefined);
  b.push(2, 5);
  assertEquals([fan.isFull, fan.heldBytes], [true, 10]);
  const room = fan.room()!;
  assertEquals(await isSettled(room), false);
  await a.readable.getReader().read();
  assert(await isSettled(room));
  assertEquals([fan.isFull, fan.heldBytes], [false, 5]);
});

test("a cancelled outlet gives its bytes back", async () => {
  const { fan } = fanOut(10);
  const a = fan.outlet<number, true>(true);
  a.push(1, 50);
  const room = fan.room()!;
  await a.readable.cancel();
  assert(await isSettled(room));
  assertEquals(fan.heldBytes, 0);
});

test("the largest queue that nobody reads gives way when a reader starves", async () => {
  const { fan } = fanOut(100);
  const read = fan.outlet<number, false>(false);
  const small = fan.outlet<number, false>(false);
  const large = fan.outlet<number, false>(false);
  small.push(1, 30);
  large.push(2, 80);
  const room = fan.room()!;
  assertEquals([await isSettled(room), fan.starved], [false, 0]);
  const reading = read.readable.getReader().read();
  await turns();
  assert(await isSettled(room));
  assertEquals([fan.starved, fan.heldBytes], [1, 30]);
  const error = await assertRejects(() => large.readable.getReader().read());
  assertEquals((error as { code?: string }).code, "ENOBUFS");
  const why = "80 unread bytes dropped because other readers wait and maxBytes 100 is full";
  assertEquals((error as Error).message, `${why}; read all at once, or cancel() what you do not want`);
  assertEquals((await small.readable.getReader().read()).value, 1);
  read.push(3, 1);
  assertEquals((await reading).value, 3);
});

test("a reader that starved before the budget was full is noticed too", async () => {
  const { fan } = fanOut(10);
  const read = fan.outlet<number, false>(false);
  const unread = fan.outlet<number, false>(false);
  read.readable.getReader().read().catch(() => {});
  await turns();
  unread.push(1, 10);
  const room = fan.room()!;
  assertEquals([fan.starved, unread.isOver], [0, false]);
  await room;
  assertEquals([fan.starved, unread.isOver], [1, true]);
});

test("nobody gives way while a reader still takes one queue after the other, however many wait unread", async () => {
  const { fan } = fanOut(10);
  fan.outlet<number, false>(false).readable.getReader().read().catch(() => {});
  await turns();
  const outlets = Array.from({ length: 50 }, () => fan.outlet<number, false>(false));
  for (const outlet of outlets) outlet.push(1, 10);
  const room = fan.room()!;
  for (const outlet of outlets) {
    assertEquals((await outlet.readable.getReader().read()).value, 1);
    // every third time the turn of the event loop ends in between
    if (outlets.indexOf(outlet) % 3 === 0) await new Promise((resolve) => setImmediate(resolve));
  }
  await room;
  assertEquals([fan.starved, fan.heldBytes], [0, 0]);
});

test("a queue of which one item was read does not count as one that nobody reads", async () => {
  const { fan, clock } = fanOut(10);
  const [waiting, slow] = [fan.outlet<number, false>(false), fan.outlet<number, false>(false)];
  slow.pushBatch([1, 2, 3], 30);
  await slow.readable.getReader().read();
  waiting.readable.getReader().read().catch(() => {});
  await turns();
  fan.room();
  await turns();
  assertEquals([fan.starved, clock.timers], [0, 1]);
  clock.advance(100);
  assertEquals(fan.starved, 1);
});

test("a queue that is being read gives way only after starveMs without progress", async () => {
  const { fan, clock } = fanOut(10);
  const waiting = fan.outlet<number, false>(false);
  const slow = fan.outlet<number, true>(true);
  const slowReader = slow.readable.getReader();
  for (let i = 0; i < 3; i++) slow.pushBatch([i], 10);
  waiting.readable.getReader().read().catch(() => {});
  await slowReader.read();
  const room = fan.room()!;
  await turns();
  clock.advance(99);
  assertEquals(fan.starved, 0);
  await slowReader.read();
  await turns();
  clock.advance(99);
  assertEquals([fan.starved, fan.isFull], [0, true]);
  clock.advance(1);
  assertEquals([fan.starved, fan.isFull, clock.timers], [1, false, 0]);
  assert(await isSettled(room));
});

test("nobody gives way while no reader starves", async () => {
  const { fan, clock } = fanOut(10);
  const a = fan.outlet<number, false>(false);
  a.push(1, 100);
  const room = fan.room()!;
  clock.advance(10_000);
  assertEquals([fan.starved, clock.timers, await isSettled(room)], [0, 0, false]);
});

test("closing lets a waiting source go and stops the timer", async () => {
  const { fan, clock } = fanOut(10);
  const read = fan.outlet<number, false>(false);
  const slow = fan.outlet<number, true>(true);
  slow.pushBatch([0], 1);
  await slow.readable.getReader().read();
  slow.pushBatch([1], 10);
  read.readable.getReader().read().catch(() => {});
  await turns();
  const room = fan.room()!;
  await turns();
  assertEquals(clock.timers, 1);
  fan.close();
  assertEquals([clock.timers, await isSettled(room)], [0, true]);
});

test("FanOut refuses wrong limits", () => {
  assertThrows(() => new FanOut("test", { maxBytes: 0 }), RangeError, "maxBytes");
  assertThrows(() => new FanOut("test", { starveMs: -1 }), RangeError, "starveMs");
});

test("outlets that are over are forgotten, though their readers once waited", async () => {
  const { fan } = fanOut(1000);
  const seen: WeakRef<object>[] = [];
  const patience = new Patience();
  for (let i = 0; i < 100; i++) {
    const outlet = fan.outlet<number, false>(false, undefined, i % 2 === 0 ? undefined : () => patience);
    seen.push(new WeakRef(outlet));
    const reader = outlet.readable.getReader();
    const reading = reader.read();
    await Promise.resolve();
    outlet.push(i, 1);
    await reading;
    const end = reader.read();
    outlet.end();
    await end;
  }
  const alive = await countAlive(seen);
  // conservative collectors keep what a stale register points to
  assert(alive < 50, `${alive} of 100 outlets are alive`);
});
