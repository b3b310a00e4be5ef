import { test } from "node:test";
import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { BegunMessage } from "../../src/cli/begun_message.ts";

const TIME = { seconds: 1, nanoseconds: 2 };

test("pieces of a message are kept in order, as copies, or only counted", () => {
  fc.assert(fc.property(fc.array(fc.uint8Array({ minLength: 1, maxLength: 3000 }), { maxLength: 30 }), (pieces) => {
    for (const keepsBytes of [true, false]) {
      const begun = new BegunMessage(keepsBytes);
      for (const piece of pieces) {
        const given = piece.slice();
        begun.add(given, TIME);
        given.fill(7);
      }
      assertEquals(begun.pieces, keepsBytes ? pieces.map((bytes) => ({ bytes, time: TIME })) : []);
      assertEquals([begun.count, begun.length], [pieces.length, pieces.reduce((sum, { length }) => sum + length, 0)]);
    }
  }));
});

test("a short message takes no large block, a long one few", () => {
  const begun = new BegunMessage(true);
  for (let i = 0; i < 1000; i++) begun.add(new Uint8Array(1460), TIME);
  const blocks = new Set(begun.pieces.map(({ bytes }) => bytes.buffer));
  assertEquals(begun.pieces[0]!.bytes.buffer.byteLength, 1460);
  assert(blocks.size < 35, String(blocks.size));
});

test("a piece weighs more than its bytes: a message in pieces of one byte is soon too heavy", () => {
  const [shown, counted] = [new BegunMessage(true), new BegunMessage(false)];
  for (let i = 0; i < 1000; i++) [shown, counted].forEach((begun) => begun.add(Uint8Array.of(i), TIME));
  assertEquals([shown.length, shown.weight], [1000, 1000 + 1000 * 256]);
  assertEquals([counted.length, counted.weight], [1000, 0]);
});
