import { test } from "node:test";
import { assertEquals } from "@std/assert";
import { Collected } from "../../src/bytes/collected.ts";

test("pieces of any length come out as one", () => {
  for (
    const lengths of [
      [],
      [0],
      [5],
      [1412, 1412],
      [1, 4095, 4096, 4097],
      [300_000, 1, 600_000],
      new Array(500).fill(1412),
    ]
  ) {
    const collected = new Collected();
    const expected: number[] = [];
    for (const length of lengths) {
      const piece = Uint8Array.from({ length }, (_, at) => at + length);
      collected.add(piece);
      for (const byte of piece) expected.push(byte);
      // the caller may do with later ones what he likes
      if (piece.length < expected.length) piece.fill(0);
    }
    assertEquals(collected.take(), Uint8Array.from(expected));
  }
});

test("one piece is not copied, unless it would keep a large buffer", () => {
  const own = new Uint8Array(100);
  const collected = new Collected();
  collected.add(own);
  assertEquals(collected.take() === own, true);
  const other = new Collected();
  other.add(new Uint8Array(65_536).subarray(0, 100));
  assertEquals(other.take().buffer.byteLength, 100);
});

test("what was taken stays as it is when others gather in the same buffers", () => {
  const gathered = (fill: number, length: number): Uint8Array => {
    const collected = new Collected();
    for (let left = length; left > 0; left -= 1000) collected.add(new Uint8Array(1000).fill(fill));
    return collected.take();
  };
  const lengths = [70_000, 1_400_000, 5_000_000];
  const taken = lengths.map((length, at) => gathered(at + 1, length));
  // they are used again, with less and with more
  for (const length of lengths) gathered(9, length);
  taken.forEach((whole, at) => {
    assertEquals(whole.length, lengths[at]);
    assertEquals(whole.every((byte) => byte === at + 1), true);
  });
});
