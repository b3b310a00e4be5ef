import { assertEquals } from "@std/assert";
import { Buffer } from "node:buffer";
import { afterEach, test } from "node:test";
import { forgetBase, innerPartOf, noteBase, partOf } from "../../src/bytes/known_base.ts";
import { CaptureReader } from "../../src/pcap/mod.ts";

afterEach(forgetBase);

/** Counts how often `bytes` is asked for its buffer. */
function watched(bytes: Uint8Array): { bytes: Uint8Array; asked: number } {
  const watch = { bytes, asked: 0 };
  const { buffer } = bytes;
  Object.defineProperty(bytes, "buffer", {
    get: () => {
      watch.asked++;
      return buffer;
    },
  });
  return watch;
}

const eight = (): Uint8Array => Uint8Array.of(9, 0, 1, 2, 3, 4, 5, 6, 7, 9).subarray(1, 9);

test("a part is the same view whether its array is known or not", () => {
  const bytes = eight();
  const unknown = partOf(bytes, 2, 5);
  noteBase(bytes, bytes.buffer, 1);
  const known = partOf(bytes, 2, 5);
  for (const part of [unknown, known]) {
    assertEquals(part, Uint8Array.of(2, 3, 4));
    assertEquals([part.buffer === bytes.buffer, part.byteOffset], [true, 3]);
  }
});

test("a known array is not asked for its buffer, and one is known at a time", () => {
  const watch = watched(eight()), other = eight();
  noteBase(watch.bytes, other.buffer, 1);
  partOf(watch.bytes, 0, 1);
  assertEquals(watch.asked, 0);
  noteBase(other, other.buffer, 1);
  assertEquals(partOf(watch.bytes, 0, 1), Uint8Array.of(0));
  assertEquals(watch.asked, 1);
});

test("a part of a part is known if the whole was", () => {
  const bytes = eight();
  const unknown = watched(innerPartOf(bytes, 2, 6));
  partOf(unknown.bytes, 1, 2);
  assertEquals(unknown.asked, 1);
  noteBase(bytes, bytes.buffer, 1);
  const known = watched(innerPartOf(bytes, 2, 6));
  assertEquals(partOf(known.bytes, 1, 3), Uint8Array.of(3, 4));
  assertEquals([known.bytes.byteOffset, known.asked], [3, 0]);
});

test("a part of a Buffer is a plain array", () => {
  const bytes = Buffer.from([1, 2, 3, 4]);
  assertEquals(partOf(bytes, 1, 3).constructor, Uint8Array);
  noteBase(bytes, bytes.buffer, bytes.byteOffset);
  assertEquals(partOf(bytes, 1, 3), Uint8Array.of(2, 3));
});

test("a capture reader forgets what it made known", () => {
  const packets: Uint8Array[] = [];
  const reader = new CaptureReader({}, { item: ({ bytes }) => packets.push(bytes), error() {}, end() {} });
  const header = [0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 0, 101, 0, 0, 0];
  reader.push(Uint8Array.from([...header, 1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0, 3, 0, 0, 0, 0x45, 0, 0]));
  const packet = watched(packets[0]!);
  partOf(packet.bytes, 0, 1);
  assertEquals(packet.asked, 1);
});
