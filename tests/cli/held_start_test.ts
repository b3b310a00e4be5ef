import { test } from "node:test";
import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { concat } from "../../src/bytes/mod.ts";
import { HeldStart } from "../../src/cli/held_start.ts";

const TIME = { seconds: 1, nanoseconds: 2 };

test("pieces are kept in order, and joined by direction", () => {
  const piece = fc.tuple(fc.constantFrom("client" as const, "server" as const), fc.uint8Array({ maxLength: 200 }));
  fc.assert(fc.property(fc.array(piece, { maxLength: 30 }), (pieces) => {
    const held = new HeldStart();
    for (const [side, bytes] of pieces) held.add(side, bytes, TIME);
    assertEquals(held.pieces.map(({ side, bytes }) => [side, bytes]), pieces);
    for (const side of ["client", "server"] as const) {
      assertEquals(held[side], concat(pieces.filter((one) => one[0] === side).map((one) => one[1])));
    }
    assertEquals(held.length, pieces.reduce((sum, one) => sum + one[1].length, 0));
  }));
});

test("pieces are copies, so that they keep no chunk of a file alive", () => {
  const held = new HeldStart();
  const chunk = new Uint8Array(1000);
  const view = chunk.subarray(10, 20);
  held.add("client", view, TIME);
  view.fill(7);
  assertEquals(held.pieces[0]!.bytes, new Uint8Array(10));
  assertEquals(held.pieces[0]!.bytes.buffer.byteLength, 10);
});

test("the first bytes are asked about one by one, later ones seldom enough to stay linear", () => {
  const held = new HeldStart();
  let asked = 0;
  let looked = 0;
  for (let i = 0; i < 4096; i++) {
    held.add("client", Uint8Array.of(i), TIME);
    if (!held.isWorthAsking()) continue;
    asked++;
    looked += held.length;
    if (i < 512) assertEquals(asked, i + 1);
  }
  assert(asked > 512 + 14 && asked < 512 + 25, String(asked));
  // 512 small looks, then a geometric series
  assert(looked < 512 * 513 / 2 + 4096 * 9.1, String(looked));
});
