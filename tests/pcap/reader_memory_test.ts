/** What the reader holds: views where it can, copies where it must, room only for bytes that have come. */
import { test } from "node:test";
import { assert, assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import { concat } from "../../src/bytes/mod.ts";
import { CaptureReader } from "../../src/pcap/mod.ts";
import { CaptureState } from "../../src/pcap/capture_state.ts";
import { PartialRecord } from "../../src/pcap/partial_record.ts";
import { PcapngRecords } from "../../src/pcap/pcapng_records.ts";
import { hex, IDB_LITTLE, SHB_BIG, SHB_LITTLE } from "./support/pcapng_blocks.ts";
import { readAll, readChunks, unaligned } from "./support/read_all.ts";

const PCAP = hex("d4c3b2a1 0200 0400 00000000 00000000 00000400 01000000");

function record(bytes: Uint8Array): Uint8Array {
  const length = Uint8Array.of(bytes.length, bytes.length >> 8, bytes.length >> 16, 0);
  return concat([hex("01000000 02000000"), length, length, bytes]);
}

test("a packet that lies in one chunk is a view of it", () => {
  const chunk = concat([PCAP, record(Uint8Array.of(1, 2, 3))]);
  const { packets } = readAll(chunk);
  assertStrictEquals(packets[0]?.bytes.buffer, chunk.buffer);
  assertEquals(packets[0]?.bytes.byteOffset, 24 + 16);
  const shifted = unaligned(chunk);
  assertStrictEquals(readAll(shifted).packets[0]?.bytes.buffer, shifted.buffer);
});

test("a packet that straddles chunks is a copy, untouched by what happens to the chunks", () => {
  const chunk = concat([PCAP, record(Uint8Array.of(1, 2, 3))]);
  const first = chunk.slice(0, 41);
  const second = chunk.slice(41);
  const { packets } = readChunks([first, second]);
  first.fill(0xff);
  second.fill(0xff);
  assertEquals(packets[0]?.bytes, Uint8Array.of(1, 2, 3));
});

test("packets that were copied are not overwritten by later ones", () => {
  const bodies = Array.from({ length: 500 }, (_, i) => new Uint8Array(300 + (i % 7)).fill(i));
  const file = concat([PCAP, ...bodies.map(record)]);
  const chunks: Uint8Array[] = [];
  for (let at = 0; at < file.length; at += 111) chunks.push(file.slice(at, at + 111));
  const { packets } = readChunks(chunks);
  assertEquals(packets.map((packet) => packet.bytes), bodies);
});

test("packets larger than what is taken at once are joined whole", () => {
  const body = Uint8Array.from({ length: 900_000 }, (_, i) => i * 7);
  const file = concat([PCAP, record(body), record(Uint8Array.of(9))]);
  for (const size of [1000, 65536, 500_000]) {
    const chunks: Uint8Array[] = [];
    for (let at = 0; at < file.length; at += size) chunks.push(file.subarray(at, at + size));
    const { packets, ended } = readChunks(chunks);
    assertEquals(ended, true);
    assertEquals(packets.length, 2);
    assert(packets[0]!.bytes.every((byte, i) => byte === body[i]), `pieces of ${size}`);
  }
});

test("room for a long record is made as its bytes come", () => {
  const partial = new PartialRecord();
  partial.start(0, 16);
  partial.fill(new Uint8Array(16), 0);
  partial.want(16 * 1024 * 1024);
  assert(partial.buffer.length < 1000);
  partial.fill(new Uint8Array(100), 0);
  assert(partial.buffer.length <= 256 * 1024);
  partial.fill(new Uint8Array(1024 * 1024), 0);
  assert(partial.buffer.length <= 4 * 1024 * 1024);
  assertEquals(partial.length, 16 + 100 + 1024 * 1024);
});

test("a skipped block of any length is passed over without being held", () => {
  const length = 12 + 64 * 1024 * 1024;
  const head = concat([hex(SHB_BIG, "0000000a"), Uint8Array.of(length >>> 24, length >>> 16, length >>> 8, length)]);
  const body = new Uint8Array(1024 * 1024);
  const reader = new CaptureReader({ maxBlockLength: Infinity }, { item: () => {}, error: fail, end: () => {} });
  reader.push(head);
  for (let i = 0; i < 64; i++) reader.push(body);
  assertEquals(reader.stats.blocksSkipped, 0);
  reader.push(head.subarray(head.length - 4));
  assertEquals(reader.stats.blocksSkipped, 1);
  reader.end();
});

test("of blocks that are not read, all but the closing length may be passed over; of those that are, nothing", () => {
  const sink = { item: () => {}, error: fail, end: () => {} };
  const records = new PcapngRecords(new CaptureState({}, sink));
  records.read(hex(SHB_BIG), 0, 0);
  for (const type of ["00000000", "0000000a", "00000bad", "40000bad", "80000001"]) {
    assertEquals(records.skippable(hex(type), 0, 4096), 4092, type);
  }
  for (const type of ["0a0d0d0a", "00000001", "00000002", "00000003", "00000004", "00000005", "00000006"]) {
    assertEquals(records.skippable(hex(type), 0, 4096), 0, type);
  }
});

test("a skipped block that is cut says how much of it is missing", () => {
  const { error } = readChunks([hex(SHB_BIG, "0000000a 00001000 00000000"), new Uint8Array(100)]);
  assertEquals([error?.code, error?.offset], ["ETRUNCATED", 28]);
  assertEquals((error as { missing?: number }).missing, 0x1000 - 12 - 100);
});

test("shared memory is read like any other", () => {
  const file = hex(
    SHB_LITTLE,
    IDB_LITTLE.replace(/14000000/g, "1c000000").replace(/ 1c000000$/, " 02000300 65746800 1c000000"),
  );
  const shared = new Uint8Array(new SharedArrayBuffer(file.length));
  shared.set(file);
  const { reader, ended } = readAll(shared);
  assertEquals(ended, true);
  assertEquals(reader.interfaces[0]?.name, "eth");
});

test("wrong options are refused at once", () => {
  const sink = { item: () => {}, error: () => {}, end: () => {} };
  const names = [
    "maxPacketLength",
    "maxBlockLength",
    "maxInterfaces",
    "maxNameRecords",
    "maxNameBytes",
    "maxTextBytes",
  ];
  for (const name of names) {
    assertThrows(() => new CaptureReader({ [name]: -1 }, sink), RangeError, name);
    assertThrows(() => new CaptureReader({ [name]: 1.5 }, sink), RangeError, name);
    assertThrows(() => new CaptureReader({ [name]: "1" as unknown as number }, sink), TypeError, name);
  }
  for (const name of ["onInterface", "onBlock"]) {
    assertThrows(() => new CaptureReader({ [name]: 1 as unknown as undefined }, sink), TypeError, name);
  }
});

function fail(error: Error): void {
  throw error;
}
