import { test } from "node:test";
import { assert, assertEquals } from "@std/assert";
import { concat } from "../../src/bytes/mod.ts";
import { CaptureError, CaptureStream, CaptureWriterStream, type Packet } from "../../src/pcap/mod.ts";
import { stageChecklist } from "../support/stage_checklist.ts";
import { collect, drain, source } from "../support/streams.ts";
import { blockBig, EPB_BIG, hex, IDB_BIG, SHB_BIG } from "./support/pcapng_blocks.ts";
import { readAll } from "./support/read_all.ts";

const HEADER = hex("a1b2c3d4 0002 0004 00000000 00000000 00040000 00000065");
const RECORD = hex("00000001 00000002 00000003 00000005 450001");
const ABSURD = hex("00000001 00000002 ffffffff ffffffff");

const packet = (number: number): Packet => ({
  seconds: 1,
  nanoseconds: 2000,
  bytes: Uint8Array.of(0x45, 0, 1),
  originalLength: 5,
  linkType: 101,
  number,
  interfaceId: 0,
});

stageChecklist<Uint8Array, Packet>({
  name: "CaptureStream",
  make: (options) => new CaptureStream(options) as ReadableWritablePair<Packet | Packet[], Uint8Array>,
  inputs: [concat([HEADER, RECORD, RECORD.subarray(0, 5)]), RECORD.subarray(5), RECORD],
  outputs: [packet(1), packet(2), packet(3)],
  badOptions: [{ maxPacketLength: 0 }, { maxBlockLength: 11 }, { maxInterfaces: 0 }, { onBlock: 1 }],
  badInput: {
    inputs: [concat([HEADER, RECORD]), concat([RECORD, ABSURD])],
    outputs: [packet(1), packet(2)],
    code: "EMSGSIZE",
  },
});

// its bytes are looked at through a reader, because a file has a header even when it is empty
stageChecklist<Packet, Packet>({
  name: "CaptureWriterStream",
  make: (options) => {
    const { writable, readable } = new CaptureWriterStream({ ...options, batch: false });
    const { highWaterMark, batch } = options;
    const packets = readable.pipeThrough(new CaptureStream({ highWaterMark, batch }));
    return { writable, readable: packets as ReadableStream<Packet | Packet[]> };
  },
  inputs: [packet(1), packet(2), packet(3)],
  outputs: [packet(1), packet(2), packet(3)],
  badOptions: [{ format: "snoop" }, { snapLength: 0 }],
  badInput: {
    inputs: [packet(1), packet(2), { ...packet(3), linkType: 1 }],
    outputs: [packet(1), packet(2)],
    code: "EINVAL",
  },
});

test("CaptureStream yields every whole packet of a cut file, then ETRUNCATED", async () => {
  const { chunks, error } = await drain(
    source([HEADER, RECORD, RECORD.subarray(0, 18)]).pipeThrough(new CaptureStream()),
  );
  assertEquals(chunks, [packet(1)]);
  assert(error instanceof CaptureError);
  assertEquals([error.code, error.offset, error.missing], ["ETRUNCATED", 24 + 19, 1]);
});

test("CaptureWriterStream writes an array of packets as one chunk", async () => {
  const stage = new CaptureWriterStream({ byteOrder: "big-endian", resolution: "us" });
  const chunks = await collect(source([[packet(1), packet(2)], packet(3), []]).pipeThrough(stage));
  assertEquals(chunks, [concat([HEADER, RECORD, RECORD]), RECORD]);
  assertEquals(stage.stats, { packets: 3, bytes: 24 + 3 * 19, cut: 0, interfaces: 1 });
});

test("CaptureStream passes on what its reader knows besides packets", async () => {
  const names = blockBig("00000004", "0001 0006 0a000001 6100 0000");
  const statistics = blockBig("00000005", "00000000 00000000 00000001");
  const bytes = hex(SHB_BIG, IDB_BIG, names, statistics, EPB_BIG);
  const stage = new CaptureStream();
  assertEquals(stage.format, undefined);
  await collect(source([bytes]).pipeThrough(stage));
  const { reader } = readAll(bytes);
  assertEquals(stage.format, "pcapng");
  assertEquals(stage.interfaces, reader.interfaces);
  assertEquals(stage.names, reader.names);
  assertEquals(stage.statistics, reader.statistics);
  assertEquals(stage.stats, reader.stats);
  assertEquals([stage.interfaces.length, stage.names.length, stage.statistics.length], [1, 1, 1]);
});

test("a capture copied from one format to the other keeps its packets", async () => {
  const file = concat([HEADER, RECORD, RECORD, RECORD]);
  const copied = source([file])
    .pipeThrough(new CaptureStream({ batch: true }))
    .pipeThrough(new CaptureWriterStream({ format: "pcapng" }))
    .pipeThrough(new CaptureStream());
  assertEquals(await collect(copied), [packet(1), packet(2), packet(3)]);
});
