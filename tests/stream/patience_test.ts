import { test } from "node:test";
import { assertEquals } from "@std/assert";
import { ManualClock } from "../../src/sim/mod.ts";
import { FanOut } from "../../src/stream/fan_out.ts";
import type { Outlet } from "../../src/stream/outlet.ts";
import { Patience } from "../../src/stream/patience.ts";
import { isSettled, turns } from "../support/turns.ts";

function setUp() {
  const clock = new ManualClock();
  return { clock, fan: new FanOut("test", { maxBytes: 100, starveMs: 100, clock }), patience: new Patience() };
}

function wait(outlet: Outlet<string, false>): void {
  outlet.readable.getReader().read().catch(() => {});
}

test("it is not patient at first, and tells its listeners whenever it ceases to be, until they stop", () => {
  const patience = new Patience();
  let calls = 0;
  const stop = patience.onImpatient(() => calls++);
  assertEquals(patience.isPatient, false);
  for (const isPatient of [false, true, true, false, true]) patience.set(isPatient);
  assertEquals([calls, patience.isPatient], [1, true]);
  stop();
  patience.set(false);
  assertEquals(calls, 1);
});

test("nobody gives way for a reader that is patient, until it no longer is", async () => {
  const { clock, fan, patience } = setUp();
  patience.set(true);
  const [waiting, unread] = [fan.outlet<string, false>(false, undefined, () => patience), fan.outlet(false)];
  wait(waiting);
  await turns();
  unread.push("x", 100);
  const room = fan.room()!;
  await turns();
  clock.advance(10_000);
  assertEquals([fan.starved, clock.timers, await isSettled(room)], [0, 0, false]);
  patience.set(false);
  assertEquals([await isSettled(room), fan.starved, fan.heldBytes], [true, 1, 0]);
});

test("a patient reader does not cover for another one that starves", async () => {
  const { fan, patience } = setUp();
  patience.set(true);
  const outlets = [fan.outlet<string, false>(false, undefined, () => patience), fan.outlet<string, false>(false)];
  outlets.forEach(wait);
  await turns();
  fan.outlet(false).push("x", 100);
  await fan.room();
  assertEquals(fan.starved, 1);
});

test("patience that becomes known only while the reader waits counts", async () => {
  const { clock, fan, patience } = setUp();
  patience.set(true);
  const known: { patience?: Patience } = {};
  wait(fan.outlet<string, false>(false, undefined, () => known.patience));
  await turns();
  known.patience = patience;
  fan.outlet(false).push("x", 100);
  const room = fan.room()!;
  await turns();
  assertEquals([fan.starved, clock.timers], [0, 0]);
  patience.set(false);
  assertEquals([await isSettled(room), fan.starved], [true, 1]);
});

test("a reader that becomes patient while the time runs is not starving when it is up", async () => {
  const { clock, fan, patience } = setUp();
  const [waiting, slow] = [
    fan.outlet<string, false>(false, undefined, () => patience),
    fan.outlet<string, false>(false),
  ];
  wait(waiting);
  wait(slow);
  await turns();
  slow.push("first", 1);
  await turns();
  slow.push("x", 100);
  fan.room();
  await turns();
  assertEquals(clock.timers, 1);
  patience.set(true);
  clock.advance(100);
  assertEquals([fan.starved, clock.timers], [0, 0]);
  patience.set(false);
  await turns();
  clock.advance(100);
  assertEquals(fan.starved, 1);
});

test("a budget that is closed listens no more", async () => {
  const { fan, patience } = setUp();
  patience.set(true);
  wait(fan.outlet<string, false>(false, undefined, () => patience));
  await turns();
  fan.outlet(false).push("x", 100);
  fan.room();
  fan.close();
  patience.set(false);
  await turns();
  assertEquals(fan.starved, 0);
});
