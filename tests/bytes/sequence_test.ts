import { test } from "node:test";
import fc from "fast-check";
import { assertEquals } from "@std/assert";
import { seqAdd, seqDiff, seqInWindow, seqLess, seqLessOrEqual, seqMax } from "../../src/bytes/mod.ts";

const number = fc.integer({ min: 0, max: 0xffffffff });
const distance = fc.integer({ min: 1, max: 0x7fffffff });

test("a number is behind all that are less than half a circle ahead, across the wrap too", () => {
  fc.assert(fc.property(number, distance, (sequence, ahead) => {
    const later = seqAdd(sequence, ahead);
    assertEquals(later, (sequence + ahead) % 0x100000000);
    assertEquals(seqDiff(later, sequence), ahead);
    assertEquals(seqDiff(sequence, later), -ahead);
    assertEquals([seqLess(sequence, later), seqLess(later, sequence)], [true, false]);
    assertEquals(seqMax(sequence, later), later);
    assertEquals(seqMax(later, sequence), later);
  }));
});

test("a number equals itself", () => {
  fc.assert(fc.property(number, (sequence) => {
    assertEquals(seqDiff(sequence, sequence), 0);
    assertEquals(seqLess(sequence, sequence), false);
    assertEquals(seqLessOrEqual(sequence, sequence), true);
  }));
});

test("exactly half a circle counts as behind, from both sides", () => {
  assertEquals(seqLess(0, 0x80000000), true);
  assertEquals(seqLess(0x80000000, 0), true);
});

test("a window holds its first number and not the one behind its last, across the wrap", () => {
  assertEquals(seqInWindow(0xfffffffe, 0xfffffffe, 4), true);
  assertEquals(seqInWindow(1, 0xfffffffe, 4), true);
  assertEquals(seqInWindow(2, 0xfffffffe, 4), false);
  assertEquals(seqInWindow(0xfffffffd, 0xfffffffe, 4), false);
  assertEquals(seqInWindow(5, 5, 0), false);
});

test("adding wraps and takes negative counts", () => {
  assertEquals(seqAdd(0xffffffff, 1), 0);
  assertEquals(seqAdd(0, -1), 0xffffffff);
});
