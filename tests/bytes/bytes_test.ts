import { test } from "node:test";
import fc from "fast-check";
import { assertEquals, assertThrows } from "@std/assert";
import { concat, equals, fromHex, indexOfNeedle, toHex } from "../../src/bytes/mod.ts";

const small = fc.uint8Array({ maxLength: 40 });

/** The tiny obvious version of the search. */
function slowIndexOf(source: Uint8Array, needle: Uint8Array, start: number): number {
  if (needle.length === 0) return -1;
  for (let i = start < 0 ? Math.max(0, source.length + start) : start; i + needle.length <= source.length; i++) {
    if (equals(source.subarray(i, i + needle.length), needle)) return i;
  }
  return -1;
}

test("concat joins arrays and views in a new array", () => {
  const view = Uint8Array.of(9, 1, 2, 9).subarray(1, 3);
  assertEquals(concat([view, new Uint8Array(0), Uint8Array.of(3)]), Uint8Array.of(1, 2, 3));
  assertEquals(concat([]), new Uint8Array(0));
  const only = Uint8Array.of(1);
  const copy = concat([only]);
  copy[0] = 2;
  assertEquals(only[0], 1);
});

test("equals compares content, length and every position", () => {
  fc.assert(fc.property(small, small, (a, b) => equals(a, b) === (toHex(a) === toHex(b))));
  assertEquals(equals(Uint8Array.of(1, 2), Uint8Array.of(1, 3)), false);
  assertEquals(equals(Uint8Array.of(1), Uint8Array.of(1, 2)), false);
  assertEquals(equals(Uint8Array.of(0, 1).subarray(1), Uint8Array.of(1)), true);
});

test("indexOfNeedle agrees with the obvious search on few letters", () => {
  const letters = fc.uint8Array({ maxLength: 30, min: 0, max: 1 });
  const needle = fc.uint8Array({ maxLength: 6, min: 0, max: 1 });
  fc.assert(
    fc.property(letters, needle, fc.integer({ min: -35, max: 35 }), (source, wanted, start) => {
      assertEquals(indexOfNeedle(source, wanted, start), slowIndexOf(source, wanted, start));
    }),
    { numRuns: 2000 },
  );
});

test("indexOfNeedle of an empty needle is -1, as in @std/bytes", () => {
  assertEquals(indexOfNeedle(Uint8Array.of(1), new Uint8Array(0)), -1);
});

test("indexOfNeedle does not backtrack on hostile repetitions", () => {
  const source = new Uint8Array(1 << 20);
  const needle = new Uint8Array(1 << 16);
  needle[needle.length - 1] = 1;
  let reads = 0;
  const counted = new Proxy(source, {
    get(target, key) {
      if (typeof key === "string" && /^\d+$/.test(key)) reads++;
      const value = Reflect.get(target, key, target);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
  assertEquals(indexOfNeedle(counted as Uint8Array, needle.subarray(-64)), -1);
  assertEquals(reads, source.length);
});

test("toHex and fromHex are inverse", () => {
  fc.assert(fc.property(small, (bytes) => equals(fromHex(toHex(bytes)), bytes)));
  fc.assert(fc.property(small, (bytes) => equals(fromHex(toHex(bytes, " ").toUpperCase()), bytes)));
});

test("fromHex passes over white space and refuses everything else", () => {
  assertEquals(fromHex(" 00 ff\n1A"), Uint8Array.of(0, 255, 26));
  for (const bad of ["0", "0g", "-1", "+1", "0x", "é0"]) {
    assertThrows(() => fromHex(bad), TypeError);
  }
});
