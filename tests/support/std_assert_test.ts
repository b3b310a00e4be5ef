// What the stand-in promises, each function both ways. Run with deno.jsr.json it says whether the real one agrees.
import { test } from "node:test";
import { deepStrictEqual, ok, rejects, strictEqual, throws } from "node:assert/strict";
import {
  assert,
  assertAlmostEquals,
  assertArrayIncludes,
  assertEquals,
  assertExists,
  assertFalse,
  assertGreater,
  assertGreaterOrEqual,
  assertInstanceOf,
  AssertionError,
  assertIsError,
  assertLess,
  assertLessOrEqual,
  assertMatch,
  assertNotEquals,
  assertNotInstanceOf,
  assertNotMatch,
  assertNotStrictEquals,
  assertObjectMatch,
  assertRejects,
  assertStrictEquals,
  assertStringIncludes,
  assertThrows,
  equal,
  fail,
  unimplemented,
  unreachable,
} from "@std/assert";

/** Runs what must fail and gives back the message. */
function messageOf(run: () => unknown): string {
  let message: string | undefined;
  throws(run, (error: unknown) => {
    ok(error instanceof AssertionError, `not an AssertionError: ${error}`);
    strictEqual(error.name, "AssertionError");
    message = error.message;
    return true;
  });
  return message ?? "";
}

class Point {
  x: number;
  constructor(x: number) {
    this.x = x;
  }
}

const same: [string, unknown, unknown][] = [
  ["zero and minus zero", 0, -0],
  ["NaN and NaN", NaN, NaN],
  ["strings", "a", "a"],
  ["big integers", 12n, 12n],
  ["nested objects", { a: [1, { b: null }] }, { a: [1, { b: null }] }],
  ["keys in another order", { a: 1, b: 2 }, { b: 2, a: 1 }],
  ["symbol keys", { [Symbol.for("k")]: 1 }, { [Symbol.for("k")]: 1 }],
  ["a plain object and one without prototype", { a: 1 }, Object.assign(Object.create(null), { a: 1 })],
  ["bytes", new Uint8Array([1, 2]), new Uint8Array([1, 2])],
  ["a view at an odd offset", new Uint8Array([9, 1, 2]).subarray(1), new Uint8Array([1, 2])],
  ["array buffers", new Uint8Array([1, 2]).buffer, new Uint8Array([1, 2]).buffer],
  ["floats with NaN", new Float64Array([NaN, -0]), new Float64Array([NaN, 0])],
  ["sets in another order", new Set([1, 2]), new Set([2, 1])],
  ["sets of objects in another order", new Set([{ b: 2 }, { a: 1 }]), new Set([{ a: 1 }, { b: 2 }])],
  ["sets with undefined among objects", new Set([undefined, { a: 1 }]), new Set([{ a: 1 }, undefined])],
  ["maps in another order", new Map([["a", 1], ["b", 2]]), new Map([["b", 2], ["a", 1]])],
  ["maps with object keys", new Map([[{ x: 1 }, [1]]]), new Map([[{ x: 1 }, [1]]])],
  ["dates", new Date(5), new Date(5)],
  ["invalid dates", new Date(NaN), new Date(NaN)],
  ["patterns", /a/g, /a/g],
  ["addresses", new URL("http://a.test/b"), new URL("http://a.test/b")],
  ["instances", new Point(1), new Point(1)],
  ["weak references to equal objects", new WeakRef({ a: 1 }), new WeakRef({ a: 1 })],
];

const different: [string, unknown, unknown][] = [
  ["numbers", 1, 2],
  ["a number and its string", 1, "1"],
  ["null and undefined", null, undefined],
  ["null and an object", null, {}],
  ["an extra key", { a: 1 }, { a: 1, b: 2 }],
  ["a missing key and an undefined one", { a: undefined }, {}],
  ["undefined under different names", { a: undefined }, { b: undefined }],
  ["array lengths", [1, 2], [1]],
  ["a hole and undefined", [, 1], [undefined, 1]],
  ["array order", [1, 2], [2, 1]],
  ["an array and an object with its keys", [1], { 0: 1 }],
  ["bytes", new Uint8Array([1, 2]), new Uint8Array([1, 3])],
  ["byte lengths", new Uint8Array([0]), new Uint8Array([0, 0])],
  ["bytes and numbers", new Uint8Array([1]), [1]],
  ["bytes of another element type", new Uint8Array([1]), new Int8Array([1])],
  ["a subclass of Uint8Array", new (class extends Uint8Array {})([1]), new Uint8Array([1])],
  ["array buffers", new Uint8Array([1]).buffer, new Uint8Array([2]).buffer],
  ["sets", new Set([1]), new Set([2])],
  ["sets of objects", new Set([{ a: 1 }, { b: 2 }]), new Set([{ a: 1 }, { b: 3 }])],
  ["a set with undefined and one without", new Set([{ a: 1 }, { b: 1 }]), new Set([{ a: 1 }, undefined])],
  ["map values", new Map([["a", 1]]), new Map([["a", 2]])],
  ["map keys", new Map([[{ x: 1 }, 1]]), new Map([[{ x: 2 }, 1]])],
  ["a set and a map", new Set([1]), new Map([[1, 1]])],
  ["dates", new Date(5), new Date(6)],
  ["flags of patterns", /a/g, /a/i],
  ["addresses", new URL("http://a.test/b"), new URL("http://a.test/c")],
  ["an instance and its plain twin", new Point(1), { x: 1 }],
  ["instances", new Point(1), new Point(2)],
  ["errors by message", new Error("a"), new Error("b")],
  ["functions", () => 1, () => 1],
];

for (const [name, a, b] of same) {
  test(`equal: ${name}`, () => {
    assertEquals(a, b);
    assertEquals(b, a);
    messageOf(() => assertNotEquals(a, b));
    strictEqual(equal([a], [b]), true);
  });
}

for (const [name, a, b] of different) {
  test(`not equal: ${name}`, () => {
    assertNotEquals(a, b);
    assertNotEquals(b, a);
    messageOf(() => assertEquals(a, b));
    strictEqual(equal([a], [b]), false);
  });
}

test("equal: objects that contain themselves", () => {
  const ring = (): { self?: unknown; n: number } => {
    const made: { self?: unknown; n: number } = { n: 1 };
    made.self = made;
    return made;
  };
  assertEquals(ring(), ring());
  assertNotEquals(ring(), { ...ring(), n: 2 });
});

test("equal: getters of instances count", () => {
  class Hidden {
    #value: number;
    constructor(value: number) {
      this.#value = value;
    }
    get value(): number {
      return this.#value;
    }
  }
  assertEquals(new Hidden(1), new Hidden(1));
  assertNotEquals(new Hidden(1), new Hidden(2));
});

test("weak collections cannot be compared", () => {
  throws(() => equal(new WeakMap(), new WeakMap()), TypeError);
  throws(() => equal(new WeakSet(), new WeakSet()), TypeError);
  assertNotEquals<unknown>(new WeakMap(), new WeakSet());
});

test("assertEquals says both values and the caller's message", () => {
  const message = messageOf(() => assertEquals({ a: 1234 }, { a: 5678 }, "sizes"));
  for (const part of ["Values are not equal", "sizes", "1234", "5678"]) ok(message.includes(part), message);
});

test("assert takes what is truthy, assertFalse what is falsy", () => {
  for (const truthy of [1, "0", [], {}, true, -1n]) {
    assert(truthy);
    messageOf(() => assertFalse(truthy));
  }
  for (const falsy of [0, "", null, undefined, false, NaN, 0n]) {
    assertFalse(falsy);
    messageOf(() => assert(falsy));
  }
  strictEqual(messageOf(() => assert(false, "why")), "why");
});

test("assertStrictEquals and assertNotStrictEquals go by Object.is", () => {
  const one = {};
  assertStrictEquals(one, one);
  assertStrictEquals(NaN, NaN);
  messageOf(() => assertStrictEquals({}, {}));
  messageOf(() => assertStrictEquals(0, -0));
  assertNotStrictEquals({}, {});
  assertNotStrictEquals(0, -0);
  messageOf(() => assertNotStrictEquals(one, one));
});

test("assertAlmostEquals allows a ten millionth by default, or the given tolerance", () => {
  assertAlmostEquals(0.1 + 0.2, 0.3);
  assertAlmostEquals(100, 100 + 1e-6);
  assertAlmostEquals(1, 1.5, 0.5);
  assertAlmostEquals(Infinity, Infinity);
  assertAlmostEquals(NaN, NaN);
  messageOf(() => assertAlmostEquals(1, 1.001));
  messageOf(() => assertAlmostEquals(1, 1.6, 0.5));
  messageOf(() => assertAlmostEquals(1, Infinity));
  messageOf(() => assertAlmostEquals(1, NaN));
});

test("the four comparisons of order hold at, above and below", () => {
  const holds = [
    [assertGreater, [false, false, true]],
    [assertGreaterOrEqual, [false, true, true]],
    [assertLess, [true, false, false]],
    [assertLessOrEqual, [true, true, false]],
  ] as const;
  for (const [compare, expected] of holds) {
    const outcome = [1, 2, 3].map((actual) => {
      try {
        compare(actual, 2);
        return true;
      } catch (error) {
        ok(error instanceof AssertionError);
        return false;
      }
    });
    deepStrictEqual(outcome, [...expected]);
  }
});

test("assertExists refuses null and undefined only", () => {
  for (const value of [0, "", false, NaN]) assertExists(value);
  for (const value of [null, undefined]) messageOf(() => assertExists(value));
});

test("assertMatch, assertNotMatch and assertStringIncludes look at the text", () => {
  assertMatch("abc", /b/);
  messageOf(() => assertMatch("abc", /x/));
  assertNotMatch("abc", /x/);
  messageOf(() => assertNotMatch("abc", /b/));
  assertStringIncludes("abc", "bc");
  assertStringIncludes("abc", "");
  messageOf(() => assertStringIncludes("abc", "cb"));
});

test("assertArrayIncludes wants every element, deeply, in any order", () => {
  assertArrayIncludes([{ a: 1 }, { b: 2 }], [{ b: 2 }]);
  assertArrayIncludes([1, 2], []);
  messageOf(() => assertArrayIncludes([1, 2], [2, 3]));
});

test("assertInstanceOf and assertNotInstanceOf go by the class", () => {
  assertInstanceOf(new TypeError("t"), Error);
  assertNotInstanceOf(new Error("e"), TypeError);
  messageOf(() => assertNotInstanceOf(new TypeError("t"), Error));
  for (const wrong of [new Error("e"), null, undefined, 5, "TypeError", Object.create(null)]) {
    messageOf(() => assertInstanceOf(wrong, TypeError));
  }
});

test("assertIsError wants an Error, its class and its text", () => {
  assertIsError(new TypeError("too long"));
  assertIsError(new TypeError("too long"), TypeError, "long");
  assertIsError(new TypeError("too long"), Error, /^too/);
  messageOf(() => assertIsError("too long"));
  messageOf(() => assertIsError(new Error("too long"), TypeError));
  messageOf(() => assertIsError(new Error("too long"), Error, "short"));
  messageOf(() => assertIsError(new Error("too long"), Error, /^long/));
});

test("assertThrows returns what was thrown", () => {
  const error = new RangeError("limit 5");
  const toss = (what: unknown) => () => {
    throw what;
  };
  strictEqual(assertThrows(toss(error)), error);
  strictEqual(assertThrows(toss(error), RangeError, "limit"), error);
  strictEqual(assertThrows(toss("text")), "text");
  strictEqual(assertThrows(toss(undefined)), undefined);
});

test("assertThrows fails without a throw, on another class, another text and on what is no Error", () => {
  const toss = (what: unknown) => () => {
    throw what;
  };
  strictEqual(messageOf(() => assertThrows(() => 1)), "Expected function to throw.");
  strictEqual(messageOf(() => assertThrows(() => 1, "no throw")), "Expected function to throw: no throw");
  messageOf(() => assertThrows(() => 1, Error));
  messageOf(() => assertThrows(toss(new Error("a")), TypeError));
  messageOf(() => assertThrows(toss(new Error("a")), Error, "b"));
  messageOf(() => assertThrows(toss("a"), Error));
  messageOf(() => assertThrows(toss(undefined), Error));
});

test("assertRejects resolves with the reason", async () => {
  const error = new RangeError("limit 5");
  strictEqual(await assertRejects(() => Promise.reject(error)), error);
  strictEqual(await assertRejects(() => Promise.reject(error), RangeError, "limit"), error);
  strictEqual(await assertRejects(() => Promise.reject("text")), "text");
});

test("assertRejects fails on a resolution, a synchronous throw, no promise, another class, another text", async () => {
  const wrong: (() => Promise<unknown>)[] = [
    () => assertRejects(() => Promise.resolve(1)),
    () => assertRejects(() => Promise.resolve(1), Error),
    () => assertRejects(() => Promise.reject(new Error("a")), TypeError),
    () => assertRejects(() => Promise.reject(new Error("a")), Error, "b"),
    () => assertRejects(() => Promise.reject("a"), Error),
    () => assertRejects(() => 5 as unknown as Promise<unknown>),
    () =>
      assertRejects(() => {
        throw new Error("at once");
      }),
  ];
  for (const run of wrong) await rejects(run, AssertionError);
});

test("assertObjectMatch looks only at what is expected, deeply", () => {
  const actual = { a: 1, b: { c: [1, { d: 2, e: 3 }], f: new Uint8Array([1]) }, m: new Map([["x", 1], ["y", 2]]) };
  assertObjectMatch(actual, {});
  assertObjectMatch(actual, { b: { c: [1, { d: 2 }] } });
  assertObjectMatch(actual, { b: { f: new Uint8Array([1]) }, m: new Map([["x", 1]]) });
  assertObjectMatch(new Point(1), { x: 1 });
  messageOf(() => assertObjectMatch(actual, { a: 2 }));
  messageOf(() => assertObjectMatch(actual, { z: undefined }));
  messageOf(() => assertObjectMatch(actual, { b: { c: [1, { d: 9 }] } }));
  messageOf(() => assertObjectMatch(actual, { b: { f: new Uint8Array([2]) } }));
  messageOf(() => assertObjectMatch(actual, { m: new Map([["x", 2]]) }));
});

test("fail, unreachable and unimplemented always fail", () => {
  strictEqual(messageOf(() => fail()), "Failed assertion.");
  strictEqual(messageOf(() => fail("here")), "Failed assertion: here");
  messageOf(() => unreachable());
  messageOf(() => unimplemented());
});
