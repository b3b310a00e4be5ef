import { test } from "node:test";
import fc from "fast-check";
import { assertEquals } from "@std/assert";
import { checksumAdd, checksumFinish, fromHex, internetChecksum } from "../../src/bytes/mod.ts";

/** RFC 1071 as it stands, with arbitrary precision. */
function slowChecksum(bytes: Uint8Array): number {
  let sum = 0n;
  for (let i = 0; i < bytes.length; i += 2) sum += BigInt((bytes[i]! << 8) | (bytes[i + 1] ?? 0));
  while (sum >> 16n) sum = (sum & 0xffffn) + (sum >> 16n);
  return Number(~sum & 0xffffn);
}

test("checksum of the example in RFC 1071 section 3", () => {
  assertEquals(internetChecksum(fromHex("0001 f203 f4f5 f6f7")), ~0xddf2 & 0xffff);
});

test("checksum over a correct IPv4 header is 0", () => {
  const header = fromHex("4500 0073 0000 4000 4011 b861 c0a8 0001 c0a8 00c7");
  assertEquals(internetChecksum(header), 0);
  header[10] = 0;
  header[11] = 0;
  assertEquals(internetChecksum(header), 0xb861);
});

test("checksum agrees with the slow one on any bytes and any start", () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), fc.nat(3), (bytes, start) => {
    assertEquals(internetChecksum(bytes, Math.min(start, bytes.length)), slowChecksum(bytes.subarray(start)));
  }));
});

test("parts of even length add up to the whole", () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 100 }), fc.nat(50), (bytes, half) => {
    const at = Math.min(half * 2, bytes.length - bytes.length % 2);
    const sum = checksumAdd(checksumAdd(0, bytes, 0, at), bytes, at);
    assertEquals(checksumFinish(sum), slowChecksum(bytes));
  }));
});

test("checksum stays exact on a megabyte of 0xff", () => {
  const bytes = new Uint8Array(1 << 20).fill(0xff);
  assertEquals(internetChecksum(bytes), 0);
  assertEquals(internetChecksum(bytes.fill(0xfe, 0, 1)), slowChecksum(bytes));
});
