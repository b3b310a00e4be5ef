import { test } from "node:test";
import { assert, assertEquals } from "@std/assert";
import { CaptureError, type CaptureReaderOptions } from "../../src/pcap/mod.ts";
import { blockBig, EPB_BIG, epbAt, hex, IDB_BIG, idbBig, SHB_BIG, u32 } from "./support/pcapng_blocks.ts";
import { checkSplits, readAll, readChunks } from "./support/read_all.ts";

const PCAP = "a1b2c3d4 0002 0004 00000000 00000000 00040000 00000001";
const PACKET = "00000001 00000002 00000003 00000003 aabbcc";

interface Case {
  name: string;
  bytes: Uint8Array;
  code: string;
  offset: number;
  message: RegExp;
  packets?: number;
  options?: CaptureReaderOptions;
}

const GOOD = SHB_BIG + IDB_BIG + EPB_BIG;
const GOOD_LENGTH = 28 + 20 + 36;

const CASES: Case[] = [
  { name: "an unknown magic number", bytes: hex("deadbeef 00"), code: "ENOTSUP", offset: 0, message: /0xdeadbeef/ },
  {
    name: "the modified format, little-endian",
    bytes: hex("34cdb2a1"),
    code: "ENOTSUP",
    offset: 0,
    message: /modified/,
  },
  { name: "the modified format, big-endian", bytes: hex("a1b2cd34"), code: "ENOTSUP", offset: 0, message: /modified/ },
  { name: "a gzip file", bytes: hex("1f8b0800"), code: "ENOTSUP", offset: 0, message: /gzip: decompress/ },
  { name: "a zstd file", bytes: hex("28b52ffd"), code: "ENOTSUP", offset: 0, message: /zstd: decompress/ },
  {
    name: "another pcap version",
    bytes: hex("a1b2c3d4 0002 0003 00000000 00000000 00040000 00000001"),
    code: "ENOTSUP",
    offset: 4,
    message: /version 2\.3/,
  },
  {
    name: "a pcap record longer than any packet",
    bytes: hex(PCAP, PACKET, "00000001 00000002 7fffffff 7fffffff 00"),
    code: "EMSGSIZE",
    offset: 24 + 19,
    message: /2147483647 bytes exceeds maxPacketLength 1048576/,
    packets: 1,
  },
  {
    name: "a negative pcap record length",
    bytes: hex(PCAP, "00000001 00000002 ffffffff ffffffff"),
    code: "EMSGSIZE",
    offset: 24,
    message: /4294967295/,
  },
  {
    name: "a section without byte order",
    bytes: hex("0a0d0d0a 0000001c 1a2b3c4e 0001 0000 ffffffffffffffff 0000001c"),
    code: "EPROTO",
    offset: 0,
    message: /byte-order magic/,
  },
  {
    name: "another pcapng version",
    bytes: hex("0a0d0d0a 0000001c 1a2b3c4d 0002 0007 ffffffffffffffff 0000001c"),
    code: "ENOTSUP",
    offset: 0,
    message: /version 2\.7/,
  },
  {
    name: "a section header that is too short",
    bytes: hex("0a0d0d0a 00000018 1a2b3c4d 0001 0000 ffffffff 00000018"),
    code: "EPROTO",
    offset: 0,
    message: /length of 24, which is too short/,
  },
  {
    name: "a block length that is not a multiple of 4",
    bytes: hex(GOOD, "0000000a 00000011"),
    code: "EPROTO",
    offset: GOOD_LENGTH,
    message: /17 is not a multiple of 4/,
    packets: 1,
  },
  {
    name: "a block of no length",
    bytes: hex(GOOD, "0000000a 00000000 00000000"),
    code: "EPROTO",
    offset: GOOD_LENGTH,
    message: /length of 0, which is too short/,
    packets: 1,
  },
  {
    name: "a packet block of no length",
    bytes: hex(GOOD, "00000006 00000000 00000000"),
    code: "EPROTO",
    offset: GOOD_LENGTH,
    message: /type 6 has a length of 0, which is too short/,
    packets: 1,
  },
  {
    name: "a packet block that ends within its head",
    bytes: hex(GOOD, "00000006 0000001c 00000000 00000000 00000000 00000000 0000001c"),
    code: "EPROTO",
    offset: GOOD_LENGTH,
    message: /length of 28, which is too short/,
    packets: 1,
  },
  {
    name: "a block longer than any",
    bytes: hex(GOOD, "0000000a 7ffffffc 00"),
    code: "EMSGSIZE",
    offset: GOOD_LENGTH,
    message: /2147483644 bytes exceeds maxBlockLength 16777216/,
    packets: 1,
  },
  {
    name: "a block whose two lengths differ",
    bytes: hex(GOOD, epbAt("00000000", "00000000").replace(/20$/, "24")),
    code: "EPROTO",
    offset: GOOD_LENGTH,
    message: /length 32 is followed by 36/,
    packets: 1,
  },
  {
    name: "a skipped block whose two lengths differ",
    bytes: hex(GOOD, "0000000a 00000010 00000000 00000014"),
    code: "EPROTO",
    offset: GOOD_LENGTH,
    message: /length 16 is followed by 20/,
    packets: 1,
  },
  {
    name: "a packet longer than its block",
    bytes: hex(GOOD, "00000006 00000024 00000000 00000000 00000000 00000005 00000005 00000000 00000024"),
    code: "EPROTO",
    offset: GOOD_LENGTH,
    message: /5 bytes in a block with room for 4/,
    packets: 1,
  },
  {
    name: "an obsolete packet block longer than its block",
    bytes: hex(GOOD, "00000002 00000020 00000000 00000000 00000000 00000001 00000001 00000020"),
    code: "EPROTO",
    offset: GOOD_LENGTH,
    message: /1 byte in a block with room for 0/,
    packets: 1,
  },
  {
    name: "a simple packet longer than its block",
    bytes: hex(GOOD, "00000003 00000014 00000005 00000000 00000014"),
    code: "EPROTO",
    offset: GOOD_LENGTH,
    message: /5 bytes in a block with room for 4/,
    packets: 1,
  },
  {
    name: "a packet block longer than any packet, before it is there",
    bytes: hex(GOOD, "00000006 00200024 00000000 00000000 00000000 00200000 00200000"),
    code: "EMSGSIZE",
    offset: GOOD_LENGTH,
    message: /2097152 bytes exceeds maxPacketLength 1048576/,
    packets: 1,
  },
  {
    name: "a packet of an interface that is not described",
    bytes: hex(GOOD, epbAt("00000000", "00000000", "00000001")),
    code: "EPROTO",
    offset: GOOD_LENGTH,
    message: /interface 1 of a section that describes 1/,
    packets: 1,
  },
  {
    name: "a packet of an interface of the section before",
    bytes: hex(GOOD, SHB_BIG, EPB_BIG),
    code: "EPROTO",
    offset: GOOD_LENGTH + 28,
    message: /interface 0 of a section that describes 0/,
    packets: 1,
  },
  {
    name: "a simple packet without an interface",
    bytes: hex(SHB_BIG, "00000003 00000014 00000001 00000000 00000014"),
    code: "EPROTO",
    offset: 28,
    message: /interface 0/,
  },
  {
    name: "statistics of an interface that is not described",
    bytes: hex(GOOD, blockBig("00000005", "00000009 00000000 00000000")),
    code: "EPROTO",
    offset: GOOD_LENGTH,
    message: /interface 9/,
    packets: 1,
  },
  {
    name: "an interface option that overruns its block",
    bytes: hex(SHB_BIG, idbBig("0002 0009 61626364")),
    code: "EPROTO",
    offset: 28,
    message: /malformed options/,
  },
  {
    name: "a unit of time of a wrong length",
    bytes: hex(SHB_BIG, idbBig("0009 0002 06060000")),
    code: "EPROTO",
    offset: 28,
    message: /malformed options/,
  },
  {
    name: "a time offset of a wrong length",
    bytes: hex(SHB_BIG, idbBig("000e 0004 00000000")),
    code: "EPROTO",
    offset: 28,
    message: /malformed options/,
  },
  {
    name: "a time offset beyond all times",
    bytes: hex(SHB_BIG, idbBig("000e 0008 7fffffff 00000000")),
    code: "EPROTO",
    offset: 28,
    message: /if_tsoffset .* out of range/,
  },
];

for (const { name, bytes, code, offset, message, packets = 0, options = {} } of CASES) {
  test(`${name} is refused, after the packets before it`, () => {
    const outcome = readAll(bytes, options);
    const { error } = outcome;
    assert(error instanceof CaptureError);
    assertEquals([error.code, error.offset, error.layer, error.blame], [code, offset, "pcap", "remote"]);
    assert(message.test(error.message), error.message);
    assertEquals(outcome.packets.length, packets);
    checkSplits(bytes, options);
  });
}

test("nothing is read after an error", () => {
  const { packets } = readAll(hex(GOOD, "0000000a 00000000", EPB_BIG));
  assertEquals(packets.length, 1);
  const chunks = [hex(GOOD, "0000000a 00000000"), hex(EPB_BIG)];
  const { packets: later } = readChunks(chunks);
  assertEquals(later.length, 1);
});

/** Metadata that is not needed to read packets is let pass, and counted. */
const TOLERATED: [string, string][] = [
  ["a name record that overruns its block", blockBig("00000004", "0001 0010 0a000001")],
  ["a name record too short for its address", blockBig("00000004", "0001 0003 0a000000 0000 0000")],
  [
    "a statistics option that overruns its block",
    blockBig("00000005", "00000000 00000000 00000000 0002 0010 00000000"),
  ],
  [
    "packet options that overrun their block",
    blockBig("00000006", "00000000 00000000 00000000 00000000 00000000 0001 0010 00000000"),
  ],
];

for (const [name, block] of TOLERATED) {
  test(`${name} is counted and does no harm`, () => {
    const { packets, ended, reader } = readAll(hex(GOOD, block, EPB_BIG), { onBlock: () => {} });
    assertEquals(ended, true);
    assert(packets.length >= 2);
    assertEquals(reader.stats.malformedOptions, 1);
  });
}

test("maxPacketLength: a packet of just that length passes, one byte more is refused", () => {
  const bytes = hex(PCAP, PACKET);
  assertEquals(readAll(bytes, { maxPacketLength: 3 }).ended, true);
  assertEquals(readAll(bytes, { maxPacketLength: 2 }).error?.code, "EMSGSIZE");
  const blocks = hex(GOOD);
  assertEquals(readAll(blocks, { maxPacketLength: 3 }).ended, true);
  assertEquals(readAll(blocks, { maxPacketLength: 2 }).error?.code, "EMSGSIZE");
  const simple = hex(SHB_BIG, IDB_BIG, "00000003 00000018 00000005 0102030405000000 00000018");
  assertEquals(readAll(simple, { maxPacketLength: 5 }).ended, true);
  assertEquals(readAll(simple, { maxPacketLength: 4 }).error?.code, "EMSGSIZE");
});

test("maxBlockLength: a block of just that length passes, a longer one is refused", () => {
  assertEquals(readAll(hex(GOOD), { maxBlockLength: 36 }).ended, true);
  assertEquals(readAll(hex(GOOD), { maxBlockLength: 35 }).error?.code, "EMSGSIZE");
  const unknown = hex(SHB_BIG, blockBig("0000000a", u32(0).repeat(100)));
  assertEquals(readAll(unknown, { maxBlockLength: 412 }).ended, true);
  assertEquals(readAll(unknown, { maxBlockLength: 411 }).error?.code, "EMSGSIZE");
});

test("maxInterfaces: counts over all sections, and one more is refused", () => {
  const bytes = hex(SHB_BIG, IDB_BIG, SHB_BIG, IDB_BIG, EPB_BIG);
  assertEquals(readAll(bytes, { maxInterfaces: 2 }).packets.length, 1);
  const { error, reader } = readAll(bytes, { maxInterfaces: 1 });
  assertEquals([error?.code, error?.offset], ["ENOBUFS", 28 + 20 + 28]);
  assertEquals(reader.interfaces.length, 1);
});

const TWO_NAMES = blockBig("00000004", "0001 0006 0a000001 6100 0000  0001 0006 0a000002 6200 0000");

test("maxNameRecords: names beyond it are counted, not kept, and still told", () => {
  const told: number[] = [];
  const onBlock: CaptureReaderOptions["onBlock"] = (block) => {
    if (block.kind === "names") told.push(block.records.length);
  };
  const { reader, ended } = readAll(hex(SHB_BIG, TWO_NAMES), { maxNameRecords: 1, onBlock });
  assertEquals(ended, true);
  assertEquals(reader.names.map((record) => record.names), [["a"]]);
  assertEquals([reader.stats.nameRecords, reader.stats.namesDropped], [2, 1]);
  assertEquals(told, [2]);
});

test("maxNameBytes: names beyond it are counted, not kept", () => {
  assertEquals(readAll(hex(SHB_BIG, TWO_NAMES), { maxNameBytes: 12 }).reader.names.length, 2);
  const { reader } = readAll(hex(SHB_BIG, TWO_NAMES), { maxNameBytes: 11 });
  assertEquals([reader.names.length, reader.stats.namesDropped], [1, 1]);
});

test("maxTextBytes: an interface's name and description are cut to it", () => {
  const bytes = hex(SHB_BIG, idbBig("0002 0004 65746830  0003 0004 61626364"));
  const { reader } = readAll(bytes, { maxTextBytes: 2 });
  assertEquals([reader.interfaces[0]?.name, reader.interfaces[0]?.description], ["et", "ab"]);
});
