import { test } from "node:test";
import fc from "fast-check";
import { assertEquals } from "@std/assert";
import { copyInto, ShortCopies } from "../../src/bytes/mod.ts";

const counted = (length: number): Uint8Array => Uint8Array.from({ length }, (_, i) => i * 7 + 1);

/** What `into` has to be after a copy, by the reference. */
function reference(into: Uint8Array, source: Uint8Array, from: number, to: number): Uint8Array {
  const copy = into.slice();
  copyInto(copy, 0, source, from, to);
  return copy;
}

test("every length and every offset, as often as the views are made and used", () => {
  const source = counted(512).subarray(3);
  for (let length = 0; length <= 260; length++) {
    const copies = new ShortCopies();
    const into = new Uint8Array(new ArrayBuffer(length + 9), 5, length);
    for (let from = 0; from < 12; from++) {
      into.fill(0xee);
      const expected = reference(into, source, from, from + length);
      copies.copy(into, source, from, from + length);
      assertEquals(into, expected);
    }
    assertEquals(new Uint8Array(into.buffer, 5 + length), new Uint8Array(4));
  }
});

test("targets and sources in any order, longer targets than copies", () => {
  const sources = [counted(300), counted(200).reverse(), counted(400).subarray(17)];
  const step = fc.record({
    target: fc.nat(2),
    source: fc.nat(2),
    from: fc.nat(20),
    count: fc.constantFrom(0, 4, 16, 17, 31, 64, 64, 64, 128, 129, 180),
    times: fc.constantFrom(1, 1, 7),
    forget: fc.boolean(),
  });
  fc.assert(fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
    const copies = new ShortCopies();
    const targets = [new Uint8Array(64), new Uint8Array(180), new Uint8Array(200)];
    for (const { target, source, from, count, times, forget } of steps) {
      const into = targets[target]!;
      const to = from + Math.min(count, into.length, 170);
      for (let i = 0; i < times; i++) {
        const expected = reference(into, sources[source]!, from, to);
        copies.copy(into, sources[source]!, from, to);
        assertEquals(into, expected);
        into.reverse();
      }
      if (forget && times > 1) copies.forget();
    }
  }));
});

test("a target whose buffer has another length since", () => {
  interface Resizable {
    resize(length: number): void;
  }
  const Growing = ArrayBuffer as unknown as new (length: number, options: { maxByteLength: number }) =>
    & ArrayBuffer
    & Resizable;
  const buffer = new Growing(64, { maxByteLength: 128 });
  // Node 20 has them, and so have the others
  const into = new Uint8Array(buffer);
  const source = counted(128);
  const copies = new ShortCopies();
  for (let i = 0; i < 8; i++) copies.copy(into, source, i, i + 64);
  for (const length of [40, 128, 64]) {
    buffer.resize(length);
    for (let i = 0; i < 8; i++) copies.copy(into, source, 0, length);
    assertEquals(into, source.subarray(0, length));
  }
});
