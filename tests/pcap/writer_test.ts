import { test } from "node:test";
import { assert, assertEquals, assertThrows } from "@std/assert";
import { concat, toHex } from "../../src/bytes/mod.ts";
import type { LeatError } from "../../src/core/errors.ts";
import { CaptureError, CaptureWriter, type CaptureWriterOptions, type Packet } from "../../src/pcap/mod.ts";
import { hex } from "./support/pcapng_blocks.ts";

const PACKET: Packet = {
  seconds: 1,
  nanoseconds: 2_345,
  bytes: Uint8Array.of(0xaa, 0xbb, 0xcc),
  originalLength: 60,
  linkType: 101,
  number: 1,
  interfaceId: 0,
};

interface Written {
  chunks: Uint8Array[];
  error: LeatError | undefined;
  ended: boolean;
  writer: CaptureWriter;
}

function write(packets: readonly Packet[], options: CaptureWriterOptions = {}, inBatch = false): Written {
  const chunks: Uint8Array[] = [];
  let error: LeatError | undefined;
  let ended = false;
  const writer = new CaptureWriter(options, {
    item: (chunk) => chunks.push(chunk),
    error: (what) => {
      assert(error === undefined && !ended);
      error = what;
    },
    end: () => {
      assert(error === undefined && !ended);
      ended = true;
    },
  });
  if (inBatch) writer.pushBatch(packets);
  else for (const packet of packets) writer.push(packet);
  writer.end();
  return { chunks, error, ended, writer };
}

const GOLDEN: [string, CaptureWriterOptions, string][] = [
  [
    "pcap, little-endian, microseconds",
    { resolution: "us" },
    "d4c3b2a1 0200 0400 00000000 00000000 00000400 65000000  01000000 02000000 03000000 3c000000 aabbcc",
  ],
  [
    "pcap, big-endian, microseconds",
    { resolution: "us", byteOrder: "big-endian" },
    "a1b2c3d4 0002 0004 00000000 00000000 00040000 00000065  00000001 00000002 00000003 0000003c aabbcc",
  ],
  [
    "pcap, little-endian, nanoseconds",
    { snapLength: 65535 },
    "4d3cb2a1 0200 0400 00000000 00000000 ffff0000 65000000  01000000 29090000 03000000 3c000000 aabbcc",
  ],
  [
    "pcap, big-endian, nanoseconds",
    { byteOrder: "big-endian" },
    "a1b23c4d 0002 0004 00000000 00000000 00040000 00000065  00000001 00000929 00000003 0000003c aabbcc",
  ],
  [
    "pcapng, little-endian, microseconds",
    { format: "pcapng", resolution: "us" },
    "0a0d0d0a 1c000000 4d3c2b1a 0100 0000 ffffffffffffffff 1c000000" +
    "01000000 20000000 6500 0000 00000400 0900 0100 06000000 0000 0000 20000000" +
    "06000000 24000000 00000000 00000000 42420f00 03000000 3c000000 aabbcc00 24000000",
  ],
  [
    "pcapng, big-endian, nanoseconds",
    { format: "pcapng", byteOrder: "big-endian" },
    "0a0d0d0a 0000001c 1a2b3c4d 0001 0000 ffffffffffffffff 0000001c" +
    "00000001 00000020 0065 0000 00040000 0009 0001 09000000 0000 0000 00000020" +
    "00000006 00000024 00000000 00000000 3b9ad329 00000003 0000003c aabbcc00 00000024",
  ],
];

for (const [name, options, expected] of GOLDEN) {
  test(`a file is written field by field: ${name}`, () => {
    const { chunks, ended, writer } = write([PACKET], options);
    assertEquals(ended, true);
    assertEquals(toHex(concat(chunks)), toHex(hex(expected)));
    assertEquals(writer.stats, { packets: 1, bytes: hex(expected).length, cut: 0, interfaces: 1 });
  });
}

test("a batch gives one chunk with the bytes that single packets would", () => {
  for (const format of ["pcap", "pcapng"] as const) {
    const packets = Array.from({ length: 5 }, (_, i) => ({ ...PACKET, seconds: i, bytes: new Uint8Array(i).fill(i) }));
    const one = write(packets, { format }, true);
    const many = write(packets, { format });
    assertEquals(one.chunks.length, 1);
    assertEquals(many.chunks.length, 5);
    assertEquals(toHex(one.chunks[0]!), toHex(concat(many.chunks)));
    assertEquals(one.writer.stats, many.writer.stats);
  }
});

test("a file without packets is a header", () => {
  assertEquals(toHex(concat(write([]).chunks)).slice(-8), "01000000");
  assertEquals(toHex(concat(write([], { linkType: 113 }).chunks)).slice(-8), "71000000");
  assertEquals(concat(write([], { format: "pcapng" }).chunks).length, 28);
});

test("an empty batch writes nothing", () => {
  const { chunks, writer } = write([], {}, true);
  assertEquals(chunks.length, 1, "the header at the end alone");
  assertEquals(writer.stats.packets, 0);
});

test("a pcapng file has an interface for each pair of link type and interface", () => {
  const packets = [[1, 0], [101, 0], [1, 0], [1, 7], [101, 0]].map(([linkType, interfaceId]) => ({
    ...PACKET,
    linkType: linkType!,
    interfaceId: interfaceId!,
  }));
  for (const inBatch of [false, true]) {
    const { chunks, writer } = write(packets, { format: "pcapng" }, inBatch);
    assertEquals(writer.stats.interfaces, 3);
    assertEquals(concat(chunks).length, 28 + 3 * 32 + 5 * 36);
  }
});

test("snapLength: longer packets are cut to it and counted, their original length stays", () => {
  const { chunks, writer } = write([PACKET, { ...PACKET, originalLength: 1 }], { snapLength: 2 });
  const records = "01000000 29090000 02000000 3c000000 aabb 01000000 29090000 02000000 03000000 aabb";
  assertEquals(toHex(concat(chunks).subarray(24)), records.replace(/ /g, ""));
  assertEquals(writer.stats.cut, 2);
});

interface Refusal {
  name: string;
  change: Partial<Packet>;
  options?: CaptureWriterOptions;
  message: RegExp;
}

const REFUSALS: Refusal[] = [
  {
    name: "another link type in a pcap file",
    change: { linkType: 1 },
    message: /packet 2 has link type 1 .*type 101; use/,
  },
  { name: "a time before 1970", change: { seconds: -1 }, message: /-1 seconds/ },
  { name: "a time after 2106 in pcap", change: { seconds: 2 ** 32 }, message: /4294967296 seconds/ },
  {
    name: "a time after 2554 in pcapng",
    change: { seconds: 18446744073 },
    options: { format: "pcapng" },
    message: /18446744073 seconds/,
  },
  { name: "a fraction of a second in seconds", change: { seconds: 0.5 }, message: /0\.5 seconds/ },
  { name: "nanoseconds of a second or more", change: { nanoseconds: 1e9 }, message: /1000000000 nanoseconds/ },
  { name: "negative nanoseconds", change: { nanoseconds: -1 }, message: /-1 nanoseconds/ },
  { name: "a link type of 32 bits", change: { linkType: 65536 }, message: /link type 65536/ },
  { name: "a negative original length", change: { originalLength: -1 }, message: /original length -1/ },
  {
    name: "a negative interface",
    change: { interfaceId: -1 },
    options: { format: "pcapng" },
    message: /interface -1/,
  },
];

for (const { name, change, options = {}, message } of REFUSALS) {
  test(`${name} is an error, after the packets before it`, () => {
    for (const inBatch of [false, true]) {
      const { chunks, error, ended } = write([PACKET, { ...PACKET, number: 2, ...change }, PACKET], options, inBatch);
      assertEquals(ended, false);
      assert(error instanceof CaptureError);
      assertEquals([error.code, error.blame, error.layer], ["EINVAL", "local", "pcap"]);
      assert(message.test(error.message), error.message);
      assertEquals(toHex(concat(chunks)), toHex(concat(write([PACKET], options).chunks)));
    }
  });
}

test("the first packet may already be wrong; then nothing is written", () => {
  const { chunks, error } = write([PACKET], { linkType: 1 });
  assertEquals([chunks.length, error?.code], [0, "EINVAL"]);
});

test("maxInterfaces: one more is an error", () => {
  const packets = [0, 1, 2].map((interfaceId) => ({ ...PACKET, interfaceId }));
  assertEquals(write(packets, { format: "pcapng", maxInterfaces: 3 }).ended, true);
  const { error, writer } = write(packets, { format: "pcapng", maxInterfaces: 2 });
  assertEquals([error?.code, writer.stats.packets, writer.stats.interfaces], ["EINVAL", 2, 2]);
});

test("the latest times that fit are written", () => {
  const packet = { ...PACKET, seconds: 18446744072, nanoseconds: 999_999_999 };
  const file = concat(write([packet], { format: "pcapng", byteOrder: "big-endian" }).chunks);
  // 18446744072999999999 = 0xffffffffd5b519ff
  assertEquals(toHex(file.subarray(28 + 32 + 12, 28 + 32 + 20)), "ffffffffd5b519ff");
  assertEquals(write([{ ...PACKET, seconds: 0xffffffff }]).ended, true);
});

test("wrong options are refused at once", () => {
  const sink = { item: () => {}, error: () => {}, end: () => {} };
  const bad: [Record<string, unknown>, typeof RangeError | typeof TypeError][] = [
    [{ format: "snoop" }, RangeError],
    [{ byteOrder: "middle" }, RangeError],
    [{ resolution: "ms" }, RangeError],
    [{ linkType: -1 }, RangeError],
    [{ linkType: 65536 }, RangeError],
    [{ linkType: "1" }, TypeError],
    [{ snapLength: 0 }, RangeError],
    [{ snapLength: 2 ** 32 }, RangeError],
    [{ maxInterfaces: 0 }, RangeError],
  ];
  for (const [options, type] of bad) {
    assertThrows(() => new CaptureWriter(options as CaptureWriterOptions, sink), type);
  }
});

test("packets from a callback are refused with EBUSY, and what is being written is written", () => {
  const chunks: Uint8Array[] = [];
  const codes: unknown[] = [];
  const writer = new CaptureWriter({}, {
    item: (chunk) => {
      chunks.push(chunk);
      for (const call of [() => writer.push(PACKET), () => writer.pushBatch([PACKET]), () => writer.end()]) {
        codes.push(assertThrows(call, CaptureError).code);
      }
    },
    error: (error) => codes.push(error.code),
    end: () => codes.push("end"),
  });
  writer.push(PACKET);
  writer.end();
  assertEquals(codes, ["EBUSY", "EBUSY", "EBUSY", "end"]);
  assertEquals(toHex(concat(chunks)), toHex(concat(write([PACKET]).chunks)));
});

test("calls after the end change nothing", () => {
  const chunks: Uint8Array[] = [];
  const writer = new CaptureWriter({}, { item: (chunk) => chunks.push(chunk), error: () => {}, end: () => {} });
  writer.end();
  writer.push(PACKET);
  writer.end();
  writer.onTimeout();
  assertEquals([chunks.length, writer.timeoutAt()], [1, Infinity]);
});
