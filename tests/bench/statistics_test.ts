import { test } from "node:test";
import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { measure } from "../../bench/harness.ts";
import {
  formatNumber,
  formatResult,
  isMet,
  limited,
  pairedRatio,
  type Result,
  spreadOf,
} from "../../bench/statistics.ts";

test("the median of an odd number of values is the middle one, whatever their order", () => {
  assertEquals(spreadOf([9, 1, 5]), { median: 5, min: 1, max: 9 });
});

test("the median of an even number of values lies between the middle two", () => {
  assertEquals(spreadOf([4, 1, 100, 2]), { median: 3, min: 1, max: 100 });
});

test("numbers are ordered as numbers, not as text", () => {
  assertEquals(spreadOf([10, 9, 100]), { median: 10, min: 9, max: 100 });
});

test("a spread leaves the values as they were and refuses none at all", () => {
  const values = [3, 1, 2];
  spreadOf(values);
  assertEquals(values, [3, 1, 2]);
  assertThrows(() => spreadOf([]), RangeError);
});

test("a moment that slows both of a pair does not move the ratio", () => {
  assertEquals(pairedRatio([80, 8, 80], [100, 10, 100]), 0.8);
});

test("one outlier on one side does not move the ratio", () => {
  assertEquals(pairedRatio([50, 1, 50], [100, 100, 100]), 0.5);
});

test("a ratio needs as many baselines as values", () => {
  assertThrows(() => pairedRatio([1, 2], [1]), RangeError);
  assertThrows(() => pairedRatio([], []), RangeError);
});

test("a goal is met at its border, from the right side", () => {
  assert(isMet(0.75, { ratio: 0.75 }));
  assert(!isMet(0.7499, { ratio: 0.75 }));
  assert(isMet(1, { ratio: 1, bound: "at most" }));
  assert(!isMet(1.01, { ratio: 1, bound: "at most" }));
});

test("numbers have three digits and a prefix", () => {
  const expected: [number, string][] = [
    [0, "0 "],
    [0.1234, "0.123 "],
    [7, "7.00 "],
    [999.6, "1.00 k"],
    [9_999, "10.0 k"],
    [23_149_000, "23.1 M"],
    [1.5e9, "1.50 G"],
    [123e9, "123 G"],
    [-4_000_000, "-4.00 M"],
  ];
  for (const [value, text] of expected) assertEquals(formatNumber(value), text);
});

const result: Result = {
  name: "stages/batch",
  runtime: "node 20.0.0",
  value: 20e6,
  unit: "messages/s",
  min: 19e6,
  max: 21e6,
  baselineName: "engine",
  baseline: 25e6,
  ratio: 0.8,
  goal: 0.75,
  bound: "at least",
  least: null,
  met: true,
};

test("a line for people has figure, spread, baseline, ratio, goal and whether it is met", () => {
  const line = formatResult(result);
  for (const part of ["stages/batch", "20.0 Mmessages/s", "[19.0 M .. 21.0 M]", "0.800 of engine", "25.0 M"]) {
    assertStringIncludes(line, part);
  }
  assert(line.endsWith("goal at least 0.75: met"));
  assert(formatResult({ ...result, met: false }).endsWith("MISSED"));
});

test("a line without goal or baseline says nothing about them", () => {
  assert(!formatResult({ ...result, goal: null, bound: null, met: null }).includes("goal"));
  const alone = formatResult({ ...result, baselineName: null, baseline: null, ratio: null });
  assert(alone.endsWith("[19.0 M .. 21.0 M]"));
});

test("a goal may be a number of its own, beside a ratio or without one", () => {
  assert(formatResult({ ...result, least: 20e6 }).endsWith("goal at least 0.75 and at least 20.0 Mmessages/s: met"));
  const alone = { ...result, baselineName: null, baseline: null, ratio: null, goal: null, bound: null, least: 30e6 };
  assert(
    formatResult({ ...alone, met: false }).endsWith("[19.0 M .. 21.0 M]    goal at least 30.0 Mmessages/s: MISSED"),
  );
});

test("a number that is scaled to the machine is printed as it is, too, and not judged", async () => {
  assert(formatResult({ ...result, whenQuiet: 20e6 }).endsWith("met, unscaled 20.0 Mmessages/s: reached"));
  assert(formatResult({ ...result, whenQuiet: 21e6 }).endsWith("met, unscaled 21.0 Mmessages/s: not reached here"));
  const baseline = { name: "scaled", run: () => 1 };
  const figure = { name: "x", unit: "B/s", run: () => 1, baseline, goal: { ratio: 0 }, whenQuiet: 1e30 };
  const measured = await measure(figure, once);
  assertEquals([measured.whenQuiet, measured.met], [1e30, true]);
});

test("a number that the baseline does not reach either is missed, and the line says so", () => {
  const missed: Result = { ...result, ratio: 0.6, goal: null, bound: null, met: false };
  const least = result.baseline! * 1.5;
  const end = `${result.baselineName} does not make it either`;
  assert(formatResult({ ...missed, least }).endsWith(`MISSED, ${end}`));
  assert(!formatResult({ ...missed, least: result.baseline! * 0.9 }).includes(end));
  assert(!formatResult({ ...missed, least, met: true }).includes(end));
});

test("a figure that must reach a number does so or not, whatever its baseline does", async () => {
  const verdicts = [];
  for (const least of [100, 0]) {
    let time = 0;
    const run = () => {
      time += 1000;
      return 50;
    };
    verdicts.push((await measure({ name: "x", unit: "B/s", run, least }, { ...once, now: () => time })).met);
  }
  assertEquals(verdicts, [false, true]);
});

const once = { repetitions: 3, repetitionMs: 0, warmUpMs: 0 };

test("figure and baseline take turns, and who goes first alternates", async () => {
  const order: string[] = [];
  const run = (who: string) => () => {
    order.push(who);
    return 1;
  };
  await measure({ name: "x", unit: "rounds/s", run: run("a"), baseline: { name: "b", run: run("b") } }, once);
  assertEquals(order.join(""), "ab" + "ab" + "ba" + "ab");
});

test("work that is a promise is awaited, and speed is amount by time", async () => {
  let time = 0;
  const work = (amount: number, ms: number) => async () => {
    await Promise.resolve();
    time += ms;
    return amount;
  };
  const measured = await measure(
    { name: "x", unit: "B/s", run: work(30, 10), baseline: { name: "b", run: work(5, 5) }, goal: { ratio: 2 } },
    { ...once, repetitionMs: 100, now: () => time },
  );
  assertEquals([measured.value, measured.baseline, measured.ratio, measured.met], [3000, 1000, 3, true]);
  assertEquals([measured.baselineName, measured.goal, measured.bound], ["b", 2, "at least"]);
});

test("turns of a figure may be longer than those of what it is compared to", async () => {
  let time = 0;
  const order: string[] = [];
  const work = (who: string, ms: number) => () => {
    order.push(who);
    time += ms;
    return ms;
  };
  const figure = {
    name: "x",
    unit: "B/s",
    run: work("a", 10),
    baseline: { name: "b", run: work("b", 25) },
    turnMs: 30,
  };
  const measured = await measure(figure, { ...once, repetitions: 1, now: () => time });
  assertEquals([order.join(""), measured.ratio], ["ab" + "aaab", 1]);
});

test("work that times itself counts with its own time", async () => {
  let time = 0;
  const run = () => {
    time += 1000;
    return { amount: 6, ms: 50 };
  };
  const measured = await measure({ name: "x", unit: "B/s", run }, { ...once, repetitionMs: 100, now: () => time });
  assertEquals([measured.value, time], [120, 7000]);
});

test("a figure without baseline has neither ratio nor verdict", async () => {
  const measured = await measure({ name: "x", unit: "rounds/s", run: () => 1 }, once);
  assertEquals([measured.baseline, measured.ratio, measured.goal, measured.met], [null, null, null, null]);
});

test("a goal that the limit does not reach either is missed and out of reach, one that it does reach is missed", () => {
  const missed: Result = { ...result, ratio: 0.5, met: false };
  const beyond = limited(missed, "a bare stream", 0.625);
  assertEquals([beyond.met, beyond.isOutOfReach], [false, true]);
  assert(
    formatResult(beyond).endsWith(
      "goal at least 0.75: MISSED, out of reach of its form, a bare stream makes 0.625 of it, this 0.800 of that",
    ),
  );
  const near = limited(missed, "a bare stream", 0.75);
  assertEquals([near.met, near.isOutOfReach], [false, false]);
  assert(formatResult(near).includes("goal at least 0.75: MISSED, a bare stream makes 0.750 of it"));
  const made = limited(result, "a bare stream", 0.625);
  assertEquals([made.met, made.isOutOfReach], [true, false]);
});
