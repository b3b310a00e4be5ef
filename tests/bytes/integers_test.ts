import { test } from "node:test";
import fc from "fast-check";
import { assertEquals } from "@std/assert";
import {
  readU16,
  readU16le,
  readU24,
  readU24le,
  readU32,
  readU32le,
  writeU16,
  writeU16le,
  writeU24,
  writeU32,
  writeU32le,
} from "../../src/bytes/mod.ts";

const eightBytes = fc.uint8Array({ minLength: 8, maxLength: 8 });
const offset = fc.integer({ min: 0, max: 4 });

test("reads agree with DataView at every offset of an unaligned view", () => {
  fc.assert(fc.property(eightBytes, offset, (bytes, at) => {
    const shifted = new Uint8Array(9);
    shifted.set(bytes, 1);
    const view = shifted.subarray(1);
    const data = new DataView(view.buffer, view.byteOffset);
    assertEquals(readU16(view, at), data.getUint16(at));
    assertEquals(readU16le(view, at), data.getUint16(at, true));
    assertEquals(readU32(view, at), data.getUint32(at));
    assertEquals(readU32le(view, at), data.getUint32(at, true));
    assertEquals(readU24(view, at), data.getUint32(at) >>> 8);
    assertEquals(readU24le(view, at), data.getUint32(at, true) & 0xffffff);
  }));
});

test("writes put the low bits where reads find them and touch nothing else", () => {
  const value = fc.integer({ min: 0, max: 0xffffffff });
  const cases = [
    { write: writeU16, read: readU16, mask: 0xffff, size: 2 },
    { write: writeU16le, read: readU16le, mask: 0xffff, size: 2 },
    { write: writeU24, read: readU24, mask: 0xffffff, size: 3 },
    { write: writeU32, read: readU32, mask: 0xffffffff, size: 4 },
    { write: writeU32le, read: readU32le, mask: 0xffffffff, size: 4 },
  ];
  fc.assert(fc.property(eightBytes, offset, value, (bytes, at, number) => {
    for (const { write, read, mask, size } of cases) {
      const into = bytes.slice();
      write(into, at, number);
      assertEquals(read(into, at), (number & mask) >>> 0);
      assertEquals(into.subarray(0, at), bytes.subarray(0, at));
      assertEquals(into.subarray(at + size), bytes.subarray(at + size));
    }
  }));
});
