/** The fast Internet checksum, against the one that reads byte by byte. */
import { test } from "node:test";
import { assertEquals } from "@std/assert";
import { checksumAdd, checksumFinish } from "../../src/bytes/checksum.ts";
import { foldSum, Summer } from "../../src/bytes/summer.ts";
import { SeededRandom } from "../../src/sim/seeded_random.ts";

test("the fast checksum is that of the loop over bytes, at all alignments and lengths", () => {
  const random = new SeededRandom(7);
  const bytes = new Uint8Array(70_000);
  for (let i = 0; i < bytes.length; i++) bytes[i] = random.below(256);
  const summer = new Summer();
  for (let length = 0; length < 200; length++) {
    for (let start = 0; start < 5; start++) {
      const fast = foldSum(summer.add(9, bytes, start, start + length));
      assertEquals(~fast & 0xffff, checksumFinish(checksumAdd(9, bytes, start, start + length)));
    }
  }
  bytes.fill(0xff);
  for (const end of [32_767, 32_768, 65_536, 69_999]) {
    assertEquals(~foldSum(summer.add(0, bytes, 1, end)) & 0xffff, checksumFinish(checksumAdd(0, bytes, 1, end)));
  }
  const other = new Uint8Array(100).fill(3).subarray(1);
  assertEquals(~foldSum(summer.add(0, other, 0, 99)) & 0xffff, checksumFinish(checksumAdd(0, other, 0, 99)));
});

test("sums beyond 32 bits fold", () => {
  assertEquals(~foldSum(0xffff * 0x20000 + 5) & 0xffff, checksumFinish(0xffff * 0x20000 + 5));
});
