/** The parts below the reader and the writer, each by itself. */
import { test } from "node:test";
import { assert, assertEquals, assertNotStrictEquals, assertStrictEquals } from "@std/assert";
import fc from "fast-check";
import { toHex } from "../../src/bytes/mod.ts";
import { getI64, getU16, getU32, getU64, setU16, setU32 } from "../../src/pcap/byte_order.ts";
import { ByteSlab } from "../../src/pcap/byte_slab.ts";
import { PartialRecord } from "../../src/pcap/partial_record.ts";
import {
  decodePcapFileHeader,
  decodePcapMagic,
  encodePcapFileHeader,
  PCAP_FILE_HEADER_LENGTH,
  type PcapFileHeader,
} from "../../src/pcap/pcap_wire.ts";
import { decodeFcsLength, decodeResolution, decodeText, walkOptions } from "../../src/pcap/pcapng_options.ts";
import {
  encodeEnhancedPacket,
  encodeInterfaceDescription,
  encodeSectionHeader,
  enhancedPacketLength,
  INTERFACE_LENGTH,
  padded,
  SECTION_LENGTH,
} from "../../src/pcap/pcapng_wire.ts";
import { EPB_BIG, hex, idbBig, SHB_BIG } from "./support/pcapng_blocks.ts";
import { unaligned } from "./support/read_all.ts";

test("integers are read and written in both byte orders, at odd offsets too", () => {
  const bytes = unaligned(hex("00 0102030405060708"));
  assertEquals([getU16(bytes, 1, true), getU16(bytes, 1, false)], [0x0102, 0x0201]);
  assertEquals([getU32(bytes, 1, true), getU32(bytes, 1, false)], [0x01020304, 0x04030201]);
  assertEquals(getU64(bytes, 1, true), 0x01020304 * 2 ** 32 + 0x05060708);
  assertEquals(getU64(bytes, 1, false), 0x08070605 * 2 ** 32 + 0x04030201);
  const into = unaligned(new Uint8Array(6));
  setU16(into, 0, 0x0102, true);
  setU32(into, 2, 0xfffefdfc, true);
  assertEquals(toHex(into), "0102fffefdfc");
  setU16(into, 0, 0x0102, false);
  setU32(into, 2, 0xfffefdfc, false);
  assertEquals(toHex(into), "0201fcfdfeff");
});

test("signed 64 bits are read with their sign in both byte orders", () => {
  for (const value of [0n, 1n, -1n, -2n, 2n ** 40n, -(2n ** 40n), 2n ** 52n + 1n, -(2n ** 52n) - 1n]) {
    const bytes = new Uint8Array(8);
    const view = new DataView(bytes.buffer);
    for (const isBig of [true, false]) {
      view.setBigInt64(0, value, !isBig);
      assertEquals(getI64(bytes, 0, isBig), Number(value), `${value}`);
    }
  }
});

test("a pcap file header is read back as it was written", () => {
  const anyHeader = fc.record({
    isBig: fc.boolean(),
    isNanoseconds: fc.boolean(),
    versionMajor: fc.integer({ min: 0, max: 0xffff }),
    versionMinor: fc.integer({ min: 0, max: 0xffff }),
    snapLength: fc.integer({ min: 0, max: 0xffffffff }),
    linkType: fc.integer({ min: 0, max: 0xffff }),
    fcsLength: fc.constantFrom(undefined, 0, 2, 4, 30),
  });
  fc.assert(fc.property(anyHeader, (header: PcapFileHeader) => {
    const bytes = new Uint8Array(PCAP_FILE_HEADER_LENGTH).fill(0xee);
    encodePcapFileHeader(header, bytes);
    const magic = decodePcapMagic(bytes, 0);
    assert(magic !== undefined);
    assertEquals(magic.isBig, header.isBig);
    assertEquals(decodePcapFileHeader(bytes, 0, magic), header);
  }));
});

test("only the three magic numbers of the family are known, in either byte order", () => {
  const known = ["a1b2c3d4", "d4c3b2a1", "a1b23c4d", "4d3cb2a1", "a1b2cd34", "34cdb2a1"];
  for (const magic of known) assert(decodePcapMagic(hex(magic), 0) !== undefined, magic);
  for (const magic of ["a1b2c3d5", "00000000", "ffffffff", "c3d4a1b2", "0a0d0d0a"]) {
    assertEquals(decodePcapMagic(hex(magic), 0), undefined, magic);
  }
});

test("lengths are padded to 32 bits", () => {
  assertEquals([0, 1, 2, 3, 4, 5].map(padded), [0, 4, 4, 4, 4, 8]);
  assertEquals([0, 1, 4, 5].map(enhancedPacketLength), [32, 36, 36, 40]);
});

test("blocks are written whole, whatever was in the buffer", () => {
  const into = new Uint8Array(SECTION_LENGTH + INTERFACE_LENGTH + enhancedPacketLength(3)).fill(0xee);
  encodeSectionHeader(into, 0, true);
  encodeInterfaceDescription(into, SECTION_LENGTH, true, 1, 0xffff, 6);
  const at = SECTION_LENGTH + INTERFACE_LENGTH;
  encodeEnhancedPacket(into, at, true, 0, 0x0005f5e1, 2, Uint8Array.of(0xaa, 0xbb, 0xcc), 60);
  assertEquals(toHex(into), toHex(hex(SHB_BIG, idbBig("0009 0001 06000000 0000 0000"), EPB_BIG)));
});

test("units of time are powers of ten, or of two with the highest bit", () => {
  assertEquals(decodeResolution(0x06), { base: 10, exponent: 6 });
  assertEquals(decodeResolution(0x94), { base: 2, exponent: 20 });
  assertEquals(decodeResolution(0x80), { base: 2, exponent: 0 });
  assertEquals(decodeResolution(0x7f), { base: 10, exponent: 127 });
});

test("the length of the frame check sequence is in bytes, whether the file has it in bytes or in bits", () => {
  for (const [fcslen, bytes] of [[0, 0], [2, 2], [4, 4], [8, 8], [16, 2], [32, 4], [64, 8]] as const) {
    assertEquals(decodeFcsLength(fcslen), bytes, `${fcslen}`);
  }
});

test("text is UTF-8, cut to the limit, and damage in it is replaced", () => {
  const bytes = hex("c3a9 62 ff");
  assertEquals(decodeText(bytes, 0, 4), "éb\ufffd");
  assertEquals(decodeText(bytes, 0, 4, 2), "é");
  assertEquals(decodeText(bytes, 2, 1), "b");
});

function walk(bytes: Uint8Array, start = 0, end = bytes.length): { seen: number[][]; isWhole: boolean } {
  const seen: number[][] = [];
  const isWhole = walkOptions(bytes, start, end, true, (code, at, length) => seen.push([code, at, length]));
  return { seen, isWhole };
}

test("options are walked to their end mark, or to the end of the block", () => {
  const two = "0001 0003 61626300 0002 0000";
  const expected = [[1, 4, 3], [2, 12, 0]];
  assertEquals(walk(hex(two)), { seen: expected, isWhole: true });
  assertEquals(walk(hex(two, "0000 0000 0001 ffff")), { seen: expected, isWhole: true });
  assertEquals(walk(hex("ffffffff", two, "ffffffff"), 4, 16), { seen: [[1, 8, 3], [2, 16, 0]], isWhole: true });
  assertEquals(walk(hex("")), { seen: [], isWhole: true });
});

test("options that overrun their block end the walk before anything outside is touched", () => {
  assertEquals(walk(hex("0001 0000 0002 0005 61626364")), { seen: [[1, 4, 0]], isWhole: false });
  assertEquals(walk(hex("0001 ffff")), { seen: [], isWhole: false });
  assertEquals(walk(hex("0001 0001 61000000 0002")), { seen: [[1, 4, 1]], isWhole: false });
});

test("a slab gives pieces that do not overlap, and large ones memory of their own", () => {
  const slab = new ByteSlab();
  const pieces = Array.from({ length: 2000 }, (_, i) => slab.take(1 + (i * 37) % 500).fill(i));
  pieces.forEach((piece, i) => assert(piece.every((byte) => byte === (i & 0xff)), `piece ${i}`));
  assertStrictEquals(slab.take(10).buffer, slab.take(10).buffer);
  const large = slab.take(16 * 1024);
  assertNotStrictEquals(large.buffer, slab.take(10).buffer);
  assertEquals(large.buffer.byteLength, 16 * 1024);
});

test("a partial record keeps what it has while it learns how much it needs", () => {
  for (const total of [8, 31, 32, 33, 100, 20_000, 256 * 1024, 256 * 1024 + 1, 700_000]) {
    const bytes = Uint8Array.from({ length: total }, (_, i) => i * 31);
    for (const step of [total, 7, 4096]) {
      if (total / step > 20_000) continue;
      const partial = new PartialRecord();
      partial.start(5, 8);
      assertEquals(partial.fill(bytes, 0), 8);
      partial.want(total);
      for (let at = 8; at < total;) at = partial.fill(bytes.subarray(0, Math.min(total, at + step)), at);
      assertEquals([partial.length, partial.needed, partial.offset], [total, total, 5]);
      const record = partial.release();
      assert(record.length === total && record.every((byte, i) => byte === bytes[i]), `${total} by ${step}`);
      assertEquals([partial.length, partial.needed], [0, 0]);
    }
  }
});

test("a released record is not touched by the next one", () => {
  const partial = new PartialRecord();
  const take = (fill: number) => {
    partial.start(0, 12);
    partial.fill(new Uint8Array(12).fill(fill), 0);
    return partial.release();
  };
  const first = take(1);
  take(2);
  assertEquals(first, new Uint8Array(12).fill(1));
});
