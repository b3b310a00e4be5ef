import { test } from "node:test";
import { assert, assertEquals } from "@std/assert";
import type { CaptureBlock, CaptureInterface } from "../../src/pcap/mod.ts";
import {
  blockBig,
  EPB_BIG,
  EPB_LITTLE,
  epbAt,
  hex,
  IDB_BIG,
  IDB_LITTLE,
  idbBig,
  SHB_BIG,
  SHB_LITTLE,
} from "./support/pcapng_blocks.ts";
import { checkSplits, readAll, summary } from "./support/read_all.ts";

/** 0x0005f5e1_00000002 microseconds; this and all times below were worked out with another program's big integers. */
const EPB_TIME = { seconds: 1_677_721_600, nanoseconds: 2_000 };

const PLAIN_INTERFACE: CaptureInterface = {
  id: 0,
  section: 0,
  linkType: 1,
  snapLength: 65535,
  resolution: { base: 10, exponent: 6 },
  offsetSeconds: 0,
  fcsLength: undefined,
  name: undefined,
  description: undefined,
};

for (
  const [order, blocks] of [["big", [SHB_BIG, IDB_BIG, EPB_BIG]], ["little", [
    SHB_LITTLE,
    IDB_LITTLE,
    EPB_LITTLE,
  ]]] as const
) {
  test(`an enhanced packet in a ${order}-endian section is read field by field`, () => {
    const { packets, ended, reader } = readAll(hex(...blocks));
    assertEquals(ended, true);
    assertEquals(reader.format, "pcapng");
    assertEquals(packets, [{
      ...EPB_TIME,
      bytes: Uint8Array.of(0xaa, 0xbb, 0xcc),
      originalLength: 60,
      linkType: 1,
      number: 1,
      interfaceId: 0,
    }]);
    assertEquals(reader.interfaces, [PLAIN_INTERFACE]);
    assertEquals(reader.stats.blocks, 3);
    assertEquals(reader.stats.sections, 1);
    assertEquals(reader.stats.blocksSkipped, 0);
  });

  test(`a ${order}-endian section reads the same however it is split`, () => checkSplits(hex(...blocks, blocks[2])));
}

test("the obsolete packet block is read, with its 16-bit interface number and drop count", () => {
  const pb = "00000002 00000028 0001 ffff 00000000 000f4241 00000005 00000005 0102030405000000 00000028";
  const bytes = hex(SHB_BIG, IDB_BIG, idbBig("", "0065"), pb);
  const { packets } = readAll(bytes);
  assertEquals(packets, [{
    seconds: 1,
    nanoseconds: 1000,
    bytes: Uint8Array.of(1, 2, 3, 4, 5),
    originalLength: 5,
    linkType: 101,
    number: 1,
    interfaceId: 1,
  }]);
  checkSplits(bytes);
});

test("a simple packet has no time, and is as long as the original", () => {
  const bytes = hex(SHB_BIG, IDB_BIG, "00000003 00000018 00000005 0102030405000000 00000018");
  const { packets } = readAll(bytes);
  checkSplits(bytes);
  assertEquals(packets[0]?.bytes, Uint8Array.of(1, 2, 3, 4, 5));
  assertEquals([packets[0]?.seconds, packets[0]?.nanoseconds, packets[0]?.originalLength], [0, 0, 5]);
});

test("a simple packet longer than the snap length is cut to it", () => {
  const idb = idbBig("", "0001", "00000002");
  const { packets } = readAll(hex(SHB_BIG, idb, "00000003 00000014 00000005 01020000 00000014"));
  assertEquals(packets[0]?.bytes, Uint8Array.of(1, 2));
  assertEquals(packets[0]?.originalLength, 5);
});

test("a simple packet with snap length 0 is not cut", () => {
  const idb = idbBig("", "0001", "00000000");
  const { packets } = readAll(hex(SHB_BIG, idb, "00000003 00000018 00000005 0102030405000000 00000018"));
  assertEquals(packets[0]?.bytes.length, 5);
});

/** Name, tsresol option (hex), tsoffset option (hex), high word, low word, seconds, nanoseconds. */
const TIMES: [string, string, string, string, string, number, number][] = [
  ["10^-6", "06", "", "00057c8b", "2b3f2a15", 1_544_312_051, 411_477_000],
  ["10^-9", "09", "", "156d5c4a", "0e3b9acb", 1_543_991_720, 394_070_731],
  ["10^-9, the last nanosecond of a second", "09", "", "00000000", "3b9ac9ff", 0, 999_999_999],
  ["10^-9, a whole second", "09", "", "00000000", "3b9aca00", 1, 0],
  ["10^-9, all bits", "09", "", "ffffffff", "ffffffff", 18_446_744_073, 709_551_615],
  ["10^-6, all bits", "06", "", "ffffffff", "ffffffff", 18_446_744_073_709, 551_615_000],
  ["10^-3", "03", "", "00000167", "8b2c1a00", 1_544_228_182, 528_000_000],
  ["10^0", "00", "", "00000000", "5c07ff00", 1_544_027_904, 0],
  ["10^-12, cut at the nanosecond", "0c", "", "00000000", "ffffffff", 0, 4_294_967],
  ["2^-20", "94", "", "0005c07f", "f0080000", 1_544_027_904, 500_000_000],
  ["2^-1", "81", "", "00000000", "00000003", 1, 500_000_000],
  ["2^-23", "97", "", "00000000", "007fffff", 0, 999_999_880],
  ["2^-32", "a0", "", "5c07ff00", "80000000", 1_544_027_904, 500_000_000],
  ["2^-32, the last unit of a second", "a0", "", "5c07ff00", "ffffffff", 1_544_027_904, 999_999_999],
  ["10^-6 with an offset", "06", "000000005c07ff00", "00000000", "000f4241", 1_544_027_905, 1000],
  ["10^-6 with a negative offset", "06", "fffffffffffffffe", "00000000", "000f4241", -1, 1000],
  ["2^-20 with an offset", "94", "0000000000000064", "00000000", "00100001", 101, 953],
];

for (const [name, tsresol, tsoffset, high, low, seconds, nanoseconds] of TIMES) {
  test(`times in units of ${name} are exact`, () => {
    const offset = tsoffset === "" ? "" : `000e 0008 ${tsoffset}`;
    const idb = idbBig(`0009 0001 ${tsresol}000000 ${offset} 0000 0000`);
    const bytes = hex(SHB_BIG, idb, epbAt(high, low));
    const { packets, error } = readAll(bytes);
    checkSplits(bytes);
    assertEquals(error, undefined);
    assertEquals([packets[0]?.seconds, packets[0]?.nanoseconds], [seconds, nanoseconds]);
  });
}

test("sections of either byte order follow each other, and interfaces are numbered anew in each", () => {
  const bytes = hex(
    SHB_BIG + IDB_BIG + idbBig("0009 0001 09000000", "0065") + epbAt("00000000", "00000001", "00000001"),
    SHB_LITTLE + IDB_LITTLE + EPB_LITTLE,
    SHB_BIG + idbBig("0002 0003 65746800", "0071") + epbAt("00000000", "00000001"),
  );
  const { packets, ended, reader } = readAll(bytes);
  assertEquals(ended, true);
  assertEquals(reader.stats.sections, 3);
  assertEquals(packets.map((packet) => [packet.number, packet.interfaceId, packet.linkType, packet.nanoseconds]), [
    [1, 1, 101, 1],
    [2, 2, 1, EPB_TIME.nanoseconds],
    [3, 3, 113, 1000],
  ]);
  assertEquals(reader.interfaces.map((one) => [one.id, one.section, one.linkType, one.name]), [
    [0, 0, 1, undefined],
    [1, 0, 101, undefined],
    [2, 1, 1, undefined],
    [3, 2, 113, "eth"],
  ]);
  checkSplits(bytes);
});

test("an interface's name, description and frame check sequence are read", () => {
  const seen: CaptureInterface[] = [];
  const idb = idbBig("0002 0004 65746830  0003 0002 c3a90000  000d 0001 04000000  7777 0001 00000000");
  const { reader } = readAll(hex(SHB_BIG, idb), { onInterface: (one) => seen.push(one) });
  assertEquals(seen, [{ ...PLAIN_INTERFACE, name: "eth0", description: "é", fcsLength: 4 }]);
  assertEquals(reader.interfaces, seen);
});

test("a frame check sequence of 32 bits is one of 4 bytes", () => {
  const { reader } = readAll(hex(SHB_BIG, idbBig("000d 0001 20000000")));
  assertEquals(reader.interfaces[0]?.fcsLength, 4);
});

test("blocks of unknown types are passed over and counted", () => {
  const bytes = hex(SHB_BIG, blockBig("0000000a", "01020304"), IDB_BIG, blockBig("00000bad", ""), EPB_BIG);
  const { packets, reader } = readAll(bytes);
  assertEquals(packets.length, 1);
  assertEquals(reader.stats.blocks, 5);
  assertEquals(reader.stats.blocksSkipped, 2);
  checkSplits(bytes);
});

const NRB = blockBig(
  "00000004",
  "0001 0008 0a000001 612e6200" + // 10.0.0.1: a.b
    "0003 0006 010203040506 0000" + // a kind that is not read
    "0002 0015 20010db8000000000000000000000001 6300640065 000000" + // 2001:db8::1: c, d, e
    "0000 0000",
);

test("name records are kept readable", () => {
  const blocks: CaptureBlock[] = [];
  const bytes = hex(SHB_BIG, NRB);
  const { reader } = readAll(bytes, { onBlock: (block) => blocks.push(block) });
  const names = [
    { address: Uint8Array.of(10, 0, 0, 1), names: ["a.b"] },
    { address: hex("20010db8000000000000000000000001"), names: ["c", "d", "e"] },
  ];
  assertEquals(reader.names, names);
  assertEquals(blocks, [{ kind: "names", records: names }]);
  assertEquals(reader.stats.nameRecords, 2);
  assertEquals(reader.stats.malformedOptions, 0);
  checkSplits(bytes);
});

/** Interface 0 at 1 s: from 0 s to 2 s, 3 received, 4 dropped, 2^32 + 5 accepted, 6 dropped by the system, 7 delivered. */
const ISB = blockBig(
  "00000005",
  "00000000 00000000 000f4240" +
    "0002 0008 00000000 00000000  0003 0008 00000000 001e8480" +
    "0004 0008 0000000000000003  0005 0008 0000000000000004  0006 0008 0000000100000005" +
    "0007 0008 0000000000000006  0008 0008 0000000000000007  0000 0000",
);

test("interface statistics are kept readable", () => {
  const blocks: CaptureBlock[] = [];
  const bytes = hex(SHB_BIG, IDB_BIG, ISB);
  const { reader } = readAll(bytes, { onBlock: (block) => blocks.push(block) });
  checkSplits(bytes);
  assertEquals(reader.statistics, [{
    kind: "statistics",
    interfaceId: 0,
    time: { seconds: 1, nanoseconds: 0 },
    startTime: { seconds: 0, nanoseconds: 0 },
    endTime: { seconds: 2, nanoseconds: 0 },
    received: 3,
    dropped: 4,
    accepted: 0x100000005,
    droppedBySystem: 6,
    delivered: 7,
  }]);
  assertEquals(blocks, [...reader.statistics]);
  assertEquals(reader.stats.statisticsBlocks, 1);
});

test("of several statistics of an interface the latest is kept, and what it does not tell is undefined", () => {
  const later = blockBig("00000005", "00000000 00000000 001e8480");
  const { reader } = readAll(hex(SHB_BIG, IDB_BIG, ISB, later));
  assertEquals(reader.statistics.length, 1);
  assertEquals(reader.statistics[0]?.time, { seconds: 2, nanoseconds: 0 });
  assertEquals(reader.statistics[0]?.received, undefined);
  assertEquals(reader.stats.statisticsBlocks, 2);
});

const COMMENTED = blockBig(
  "00000006",
  "00000000 00000000 00000000 00000001 00000001 ff000000  0001 0003 68c3a900  0002 0004 00000000  0001 0001 21000000  0000 0000",
);

test("comments of packets are told before the packet, to those who ask", () => {
  const blocks: CaptureBlock[] = [];
  const bytes = hex(SHB_BIG, IDB_BIG, EPB_BIG, COMMENTED);
  const { packets } = readAll(bytes, { onBlock: (block) => blocks.push(block) });
  assertEquals(packets[1]?.bytes, Uint8Array.of(0xff));
  assertEquals(blocks, [
    { kind: "comment", packetNumber: 2, text: "hé" },
    { kind: "comment", packetNumber: 2, text: "!" },
  ]);
  assertEquals(readAll(bytes).packets, packets);
});

test("blocks with everything in them read the same however they are split", () => {
  checkSplits(hex(SHB_BIG, NRB, IDB_BIG, ISB, COMMENTED, EPB_BIG), { onBlock: () => {} });
});

test("chunks that are Buffers give plain Uint8Arrays, so that all packets have one shape", () => {
  const bytes = hex(SHB_BIG, IDB_BIG, EPB_BIG);
  class Chunk extends Uint8Array {}
  const chunk = new Chunk(bytes.length);
  chunk.set(bytes);
  const outcome = readAll(chunk);
  assert(outcome.packets[0]?.bytes.constructor === Uint8Array);
  assertEquals(summary(outcome), summary(readAll(bytes)));
});
