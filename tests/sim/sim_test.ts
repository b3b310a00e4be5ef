import { test } from "node:test";
import { assert, assertEquals, assertThrows } from "@std/assert";
import { concat } from "../../src/bytes/mod.ts";
import { ManualClock, mutate, SeededRandom, splitEvery, splitRandomly, splits } from "../../src/sim/mod.ts";

test("ManualClock runs timers in order of time, at their time", () => {
  const clock = new ManualClock(10);
  const rang: string[] = [];
  clock.setTimer(30, () => rang.push(`late at ${clock.now()}`));
  clock.setTimer(20, () => rang.push(`early at ${clock.now()}`));
  const cancel = clock.setTimer(25, () => rang.push("never"));
  cancel();
  assertEquals([clock.timers, clock.nextAt], [2, 20]);
  clock.advance(100);
  assertEquals(rang, ["early at 20", "late at 30"]);
  assertEquals([clock.now(), clock.timers, clock.nextAt], [110, 0, Infinity]);
});

test("ManualClock runs a timer that a timer sets, when it falls due on the way", () => {
  const clock = new ManualClock();
  const rang: number[] = [];
  clock.setTimer(5, () => {
    rang.push(clock.now());
    clock.setTimer(7, () => rang.push(clock.now()));
    clock.setTimer(50, () => rang.push(clock.now()));
  });
  clock.advance(10);
  assertEquals(rang, [5, 7]);
});

test("ManualClock does not go back", () => {
  const clock = new ManualClock();
  assertThrows(() => clock.advance(-1), RangeError);
  assertThrows(() => clock.advance(NaN), RangeError);
  let at = -1;
  clock.advance(10);
  clock.setTimer(5, () => at = clock.now());
  clock.advance(0);
  assertEquals(at, 10);
});

test("SeededRandom gives the same numbers for the same seed, on every runtime", () => {
  const random = new SeededRandom(1);
  assertEquals([random.bits(), random.bits(), random.bits()], [2527132011, 314344336, 2535364964]);
  assertEquals(new SeededRandom(2).bits() === new SeededRandom(3).bits(), false);
});

test("SeededRandom stays in range and reaches both ends", () => {
  const random = new SeededRandom(5);
  const seen = new Set<number>();
  for (let i = 0; i < 1000; i++) seen.add(random.between(3, 6));
  assertEquals([...seen].sort(), [3, 4, 5, 6]);
  for (const bad of [0, -1, 1.5, NaN, 2 ** 33]) assertThrows(() => random.below(bad), RangeError);
  assertEquals(random.below(1), 0);
});

test("SeededRandom is even enough: each of 16 buckets gets its share", () => {
  const random = new SeededRandom(9);
  const buckets = new Array<number>(16).fill(0);
  for (let i = 0; i < 16000; i++) buckets[random.below(16)]!++;
  for (const count of buckets) assert(count > 850 && count < 1150, `${buckets}`);
});

test("SeededRandom shuffles without losing anything", () => {
  const values = [1, 2, 3, 4, 5, 6, 7, 8];
  const shuffled = new SeededRandom(3).shuffle([...values]);
  assert(shuffled.join() !== values.join());
  assertEquals(shuffled.sort(), values);
});

test("splits always add up to the input and cover every point", () => {
  const bytes = new SeededRandom(4).bytes(37);
  const names = new Set<string>();
  for (const { name, chunks } of splits(bytes)) {
    names.add(name);
    assertEquals(concat(chunks), bytes);
  }
  assertEquals(names.size, 2 + 36 + 50);
  for (const name of ["whole", "byte by byte", "in two at 1", "in two at 36", "seed 49"]) assert(names.has(name), name);
});

test("splits of long input take random points", () => {
  const bytes = new Uint8Array(5000);
  assertEquals([...splits(bytes, { maxPoints: 10, seeds: 3 })].length, 2 + 10 + 3);
});

test("a quarter of the random splits have empty chunks", () => {
  const chunks = splitRandomly(new Uint8Array(1000), 1, true);
  assert(chunks.some((chunk) => chunk.length === 0));
  assert(splitRandomly(new Uint8Array(1000), 1).every((chunk) => chunk.length > 0));
  assertEquals(splitEvery(new Uint8Array(5), 2).map((chunk) => chunk.length), [2, 2, 1]);
  for (const size of [0, -1, 1.5, NaN, Infinity]) {
    assertThrows(() => splitEvery(new Uint8Array(5), size), RangeError, "size");
  }
});

test("mutate leaves its input alone, repeats by seed, and nearly always changes something", () => {
  const original = new SeededRandom(8).bytes(50);
  const kept = original.slice();
  let changed = 0;
  for (let seed = 0; seed < 500; seed++) {
    const damaged = mutate(original, new SeededRandom(seed));
    assertEquals(damaged, mutate(original, new SeededRandom(seed)));
    if (concat([damaged]).join() !== kept.join()) changed++;
  }
  assertEquals(original, kept);
  assert(changed > 480, `${changed}`);
  assert(mutate(new Uint8Array(0), new SeededRandom(1)).length < 8);
});
