import { test } from "node:test";
import fc from "fast-check";
import { assert, assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import { ChunkQueue, concat } from "../../src/bytes/mod.ts";

test("an empty queue holds nothing and gives nothing", () => {
  const queue = new ChunkQueue();
  assertEquals([queue.length, queue.chunks], [0, 0]);
  assertEquals(queue.shift(), undefined);
  assertEquals(queue.take(0), new Uint8Array(0));
  assertThrows(() => queue.take(1), RangeError, "cannot take 1 bytes of 0");
});

test("bytes that lie in one chunk come out as a view, others as a copy", () => {
  const queue = new ChunkQueue();
  const first = Uint8Array.of(1, 2, 3);
  queue.push(first);
  queue.push(Uint8Array.of(4, 5));
  assertStrictEquals(queue.take(2).buffer, first.buffer);
  const joined = queue.take(2);
  assertEquals(joined, Uint8Array.of(3, 4));
  assert(joined.buffer !== first.buffer);
  assertEquals(queue.take(1), Uint8Array.of(5));
});

test("empty chunks are not kept", () => {
  const queue = new ChunkQueue();
  queue.push(new Uint8Array(0));
  queue.unshift(new Uint8Array(0));
  assertEquals(queue.chunks, 0);
});

test("wrong counts are refused and change nothing", () => {
  const queue = new ChunkQueue();
  queue.push(Uint8Array.of(1, 2));
  for (const count of [3, -1, 0.5, NaN, Infinity]) {
    assertThrows(() => queue.take(count), RangeError);
    assertThrows(() => queue.skip(count), RangeError);
  }
  assertThrows(() => queue.peekInto(new Uint8Array(3)), RangeError);
  assertEquals(queue.length, 2);
});

test("what was put back comes out first", () => {
  const queue = new ChunkQueue();
  for (let i = 0; i < 200; i++) queue.push(Uint8Array.of(i));
  for (let i = 0; i < 150; i++) queue.shift();
  queue.unshift(Uint8Array.of(7));
  assertEquals(queue.take(2), Uint8Array.of(7, 150));
  queue.clear();
  queue.unshift(Uint8Array.of(8));
  assertEquals([queue.length, queue.chunks], [1, 1]);
});

test("any number of views is put in front of any number, last first", () => {
  const queue = new ChunkQueue();
  for (let i = 0; i < 100; i++) queue.push(Uint8Array.of(i));
  for (let i = 1; i <= 200; i++) {
    queue.unshift(Uint8Array.of(i));
    assertEquals([queue.length, queue.chunks, queue.peek()], [100 + i, 100 + i, Uint8Array.of(i)]);
  }
  const last = Uint8Array.from({ length: 200 }, (_, i) => 200 - i);
  assertEquals(queue.take(300), concat([last, Uint8Array.from({ length: 100 }, (_, i) => i)]));
});

test("the first view is looked at without being taken", () => {
  const queue = new ChunkQueue();
  assertStrictEquals(queue.peek(), undefined);
  const first = Uint8Array.of(1, 2);
  queue.push(first);
  queue.push(Uint8Array.of(3));
  assertStrictEquals(queue.peek(), first);
  queue.skip(1);
  assertEquals(queue.peek(), Uint8Array.of(2));
  assertEquals([queue.length, queue.chunks], [2, 2]);
  queue.clear();
  assertStrictEquals(queue.peek(), undefined);
});

test("a queue does with bytes what an array would", () => {
  const step = fc.oneof(
    fc.record({ kind: fc.constant("push" as const), bytes: fc.uint8Array({ maxLength: 9 }) }),
    fc.record({ kind: fc.constant("unshift" as const), bytes: fc.uint8Array({ maxLength: 9 }) }),
    fc.record({ kind: fc.constantFrom("take" as const, "skip" as const, "peek" as const), count: fc.nat(20) }),
    fc.record({ kind: fc.constant("shift" as const) }),
  );
  fc.assert(fc.property(fc.array(step, { maxLength: 100 }), (steps) => {
    const queue = new ChunkQueue();
    let model: Uint8Array = new Uint8Array(0);
    for (const action of steps) {
      if (action.kind === "push") {
        queue.push(action.bytes);
        model = concat([model, action.bytes]);
      } else if (action.kind === "unshift") {
        queue.unshift(action.bytes);
        model = concat([action.bytes, model]);
      } else if (action.kind === "shift") {
        const first = queue.peek();
        const chunk = queue.shift() ?? new Uint8Array(0);
        assertStrictEquals(first ?? chunk, chunk);
        assertEquals(chunk, model.slice(0, chunk.length));
        assert(chunk.length > 0 || model.length === 0);
        model = model.slice(chunk.length);
      } else {
        const count = Math.min(action.count, model.length);
        const into = new Uint8Array(count);
        if (action.kind === "peek") queue.peekInto(into);
        else if (action.kind === "take") into.set(queue.take(count));
        else queue.skip(count);
        if (action.kind !== "skip") assertEquals(into, model.slice(0, count));
        if (action.kind !== "peek") model = model.slice(count);
      }
      assertEquals(queue.length, model.length);
    }
    assertEquals(queue.take(queue.length), model);
  }));
});

test("a long queue of small chunks keeps no spent slots", () => {
  const queue = new ChunkQueue();
  const chunk = Uint8Array.of(1);
  for (let i = 0; i < 100_000; i++) {
    queue.push(chunk);
    if (i >= 10) queue.skip(1);
  }
  assertEquals([queue.length, queue.chunks], [10, 10]);
});
