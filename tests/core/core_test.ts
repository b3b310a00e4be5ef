import { test } from "node:test";
import { assert, assertEquals, assertInstanceOf, assertStrictEquals, assertThrows } from "@std/assert";
import {
  choiceOption,
  durationOption,
  LeatError,
  limitOption,
  randomSeed,
  Reasons,
  systemClock,
  systemRandom,
} from "../../src/core/mod.ts";

test("LeatError says what, where and whose fault", () => {
  const cause = new Error("underneath");
  const error = new LeatError("too long", { code: "EMSGSIZE", layer: "strparser", blame: "remote", offset: 7, cause });
  assertInstanceOf(error, Error);
  assertEquals(
    [error.name, error.message, error.code, error.layer, error.blame, error.offset],
    ["LeatError", "too long", "EMSGSIZE", "strparser", "remote", 7],
  );
  assertStrictEquals(error.cause, cause);
});

test("LeatError without cause has no cause member", () => {
  const error = new LeatError("x", { code: "EPROTO", layer: "pcap", blame: "local" });
  assertEquals("cause" in error, false);
  assertEquals(error.offset, undefined);
});

test("limitOption takes integers of at least min, and Infinity, else the default", () => {
  assertEquals(limitOption("max", undefined, 5), 5);
  assertEquals(limitOption("max", 1, 5), 1);
  assertEquals(limitOption("max", Infinity, 5), Infinity);
  assertEquals(limitOption("max", 0, 5, 0), 0);
});

test("limitOption names the option that is wrong and the value", () => {
  assertThrows(() => limitOption("maxFlows", 0, 5), RangeError, "maxFlows must be at least 1, got 0");
  assertThrows(() => limitOption("maxFlows", 1.5, 5), RangeError, "maxFlows must be an integer or Infinity, got 1.5");
  assertThrows(() => limitOption("maxFlows", NaN, 5), RangeError, "got NaN");
  assertThrows(() => limitOption("maxFlows", -Infinity, 5), RangeError);
  assertThrows(() => limitOption("maxFlows", "9" as unknown as number, 5), TypeError, "got string");
});

test("durationOption takes fractions and zero, not negatives", () => {
  assertEquals(durationOption("idleMs", undefined, 5), 5);
  assertEquals(durationOption("idleMs", 0, 5), 0);
  assertEquals(durationOption("idleMs", 0.5, 5), 0.5);
  assertThrows(() => durationOption("idleMs", -1, 5), RangeError, "idleMs");
  assertThrows(() => durationOption("idleMs", NaN, 5), RangeError);
  assertThrows(() => durationOption("idleMs", "1" as unknown as number, 5), TypeError);
});

test("choiceOption lists what is allowed", () => {
  assertEquals(choiceOption("gaps", undefined, "error", ["error", "skip"]), "error");
  assertEquals(choiceOption("gaps", "skip", "error", ["error", "skip"]), "skip");
  assertThrows(
    () => choiceOption("gaps", "ignore" as "skip", "error", ["error", "skip"]),
    RangeError,
    "gaps must be one of error, skip, got ignore",
  );
});

test("Reasons counts by reason and in total, in order of appearance", () => {
  const reasons = new Reasons();
  reasons.count("b");
  reasons.count("a", 3);
  reasons.count("b");
  assertEquals([reasons.get("a"), reasons.get("b"), reasons.get("c"), reasons.total], [3, 2, 0, 5]);
  assertEquals(Object.keys(reasons.toJSON()), ["b", "a"]);
});

test("a reason named like a member of Object is only a reason", () => {
  const reasons = new Reasons();
  assertEquals(reasons.get("constructor"), 0);
  reasons.count("__proto__");
  assertEquals(reasons.get("__proto__"), 1);
});

test("systemClock goes forward and rings", async () => {
  const before = systemClock.now();
  await new Promise<void>((resolve) => systemClock.setTimer(before, resolve));
  assert(systemClock.now() >= before);
});

test("systemClock does not ring when cancelled, nor early for a deadline beyond 32 bits", async () => {
  let rang = 0;
  const cancels = [
    systemClock.setTimer(systemClock.now(), () => rang++),
    systemClock.setTimer(systemClock.now() + 2 ** 40, () => rang++),
    systemClock.setTimer(Number.MAX_SAFE_INTEGER, () => rang++),
  ];
  cancels[0]!();
  await new Promise<void>((resolve) => systemClock.setTimer(systemClock.now(), resolve));
  for (const cancel of cancels) cancel();
  assertEquals(rang, 0);
});

test("randomSeed makes a safe integer of 48 bits from the bytes it is given", () => {
  assertEquals(randomSeed((into) => into.fill(0xff)), 2 ** 48 - 1);
  assertEquals(randomSeed((into) => into.fill(0)), 0);
  assertEquals(randomSeed((into) => into.set([1, 0, 0, 0, 0, 2])), 2 ** 40 + 2);
  assert(randomSeed() !== randomSeed());
});

test("systemRandom fills the whole array", () => {
  const bytes = new Uint8Array(64);
  systemRandom(bytes);
  assert(new Set(bytes).size > 16);
});
