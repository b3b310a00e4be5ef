import { test } from "node:test";
import { readFile } from "node:fs/promises";
import { assertEquals, assertThrows } from "@std/assert";
import {
  CaptureReader,
  CaptureWriter,
  FlowTracker,
  items,
  LinkType,
  muxedFlows,
  type Packet,
  resp,
  SegmentDecoder,
  StreamParser,
  through,
} from "../../mod.ts";
import { collect, source } from "../support/streams.ts";

const capture = new URL("../../examples/captures/redis_cli.pcap", import.meta.url);
const direct = { item: () => {}, error: () => {}, end: () => {} };

test("a whole pipeline of factories is typed without a word about types, and gives messages with their origin", async () => {
  const bytes = source([new Uint8Array(await readFile(capture))]);
  const messages = through(
    bytes,
    CaptureReader.with(),
    SegmentDecoder.with(),
    FlowTracker.with(muxedFlows({ parser: resp() })),
  );
  const pongs: unknown[] = [];
  let count = 0;
  for await (const { connection, sequence, data } of items(messages)) {
    count++;
    if (new TextDecoder().decode(data) === "+PONG\r\n") {
      pongs.push([connection.flow?.id, connection.direction, sequence]);
    }
  }
  assertEquals([count, pongs], [129, [[1, "server", 2]]]);
});

test("packets written by a factory are read by another", async () => {
  const time = { seconds: 1, nanoseconds: 2 };
  const packet: Packet = {
    ...time,
    bytes: Uint8Array.of(1, 2, 3),
    originalLength: 3,
    linkType: LinkType.RAW,
    number: 1,
    interfaceId: 0,
  };
  const batches = await collect(through(source([packet]), CaptureWriter.with(), CaptureReader.with()));
  assertEquals(batches.flat(), [packet]);
});

test("a factory refuses wrong options when it is called", () => {
  assertThrows(() => CaptureReader.with({ maxPacketLength: 0 })(direct), RangeError, "maxPacketLength");
  assertThrows(() => CaptureWriter.with({ format: "zip" as "pcap" })(direct), RangeError, "format");
  assertThrows(() => SegmentDecoder.with({ maxFragmentBytes: 0.5 })(direct), RangeError, "maxFragmentBytes");
  assertThrows(
    () => StreamParser.with({ parser: resp(), maxMessageLength: 0 })(direct),
    RangeError,
    "maxMessageLength",
  );
  assertThrows(
    () => FlowTracker.with(muxedFlows({ parser: resp() }), { maxFlows: 0 })(direct),
    RangeError,
    "maxFlows",
  );
});
