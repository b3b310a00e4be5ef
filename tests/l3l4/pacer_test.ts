/** Pacing: how bursts are spread. */
import { test } from "node:test";
import { assertAlmostEquals, assertEquals } from "@std/assert";
import { Pacer } from "../../src/l3l4/tcp/congestion/pacer.ts";

const MSS = 1000;

/** Sends segments whenever it may for so long; the times at which they went. */
function run(pacer: Pacer, from: number, ms: number): number[] {
  const times: number[] = [];
  let now = from;
  while (now < from + ms) {
    while (pacer.budget(now) >= MSS) {
      pacer.sent(MSS);
      times.push(now);
    }
    const next = pacer.nextAt(now);
    assertEquals(next > now, true, "it waits for something");
    now = next + 1e-6;
  }
  return times;
}

test("pacing: nothing is spread before a round trip was measured, or over one that is very short", () => {
  const pacer = new Pacer();
  assertEquals(pacer.budget(0), Infinity);
  pacer.sent(1e9);
  pacer.update(100 * MSS, Infinity, -1, MSS, 5);
  assertEquals([pacer.budget(5), pacer.nextAt(5)], [Infinity, 5]);
  pacer.update(100 * MSS, Infinity, 0.5, MSS, 5);
  assertEquals(pacer.budget(6), Infinity);
});

test("pacing: ten segments at once first, then two windows a round trip in slow start", () => {
  const pacer = new Pacer();
  pacer.update(100 * MSS, Infinity, 100, MSS, 1000);
  const times = run(pacer, 1000, 200);
  assertEquals(times.filter((at) => at === 1000).length, 10);
  assertAlmostEquals(times.length, 10 + 400, 3);
});

test("pacing: five quarters of a window a round trip later, evenly", () => {
  const pacer = new Pacer();
  pacer.update(100 * MSS, 50 * MSS, 100, MSS, 0);
  const times = run(pacer, 0, 1000).slice(10);
  assertAlmostEquals(times.length, 1250, 3);
  for (let i = 1; i < times.length; i++) assertAlmostEquals(times[i]! - times[i - 1]!, 0.8, 0.01);
});

test("pacing: after an idle time no more than a small burst goes at once", () => {
  const pacer = new Pacer();
  pacer.update(100 * MSS, 50 * MSS, 100, MSS, 0);
  run(pacer, 0, 100);
  assertEquals(pacer.budget(1e6), 2.5 * MSS);
  pacer.update(10 * MSS, 50 * MSS, 100, MSS, 1e6);
  assertEquals(pacer.budget(2e6), 2 * MSS, "two segments at least");
});

test("pacing: what went too early is made up for", () => {
  const pacer = new Pacer();
  pacer.update(100 * MSS, 50 * MSS, 125, MSS, 0);
  pacer.sent(20 * MSS);
  assertEquals(pacer.budget(0), 0);
  assertEquals(pacer.nextAt(0), 11);
  assertEquals(pacer.budget(11), MSS);
});
