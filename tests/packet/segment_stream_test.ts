import { assertEquals, assertRejects } from "@std/assert";
import { test } from "node:test";
import { LinkType, type Packet, type Segment, SegmentStream } from "../../src/packet/mod.ts";
import { ManualClock } from "../../src/sim/manual_clock.ts";
import { stageChecklist } from "../support/stage_checklist.ts";
import { collect, source } from "../support/streams.ts";
import { decode, packetOf, pattern, readCapture, udp, V4, v4, v4Fragments } from "./support.ts";

const CAPTURE = readCapture("veth.pcap");

/** What of a segment can be compared. */
function view(segment: Segment): unknown {
  return [segment.packet.number, segment.protocol, segment.sourceAddress, segment.sourcePort, segment.payload];
}

stageChecklist<Packet, Segment>({
  name: "SegmentStream",
  make: (options) => new SegmentStream(options),
  inputs: CAPTURE,
  outputs: decode(CAPTURE).segments,
  badOptions: [{ verifyChecksums: "yes" }, { maxFragmentBytes: 0 }, { badChecksum: "mend" }],
  badInput: {
    inputs: [...CAPTURE.slice(0, 3), { bytes: "none" } as unknown as Packet],
    outputs: decode(CAPTURE.slice(0, 3)).segments,
    // bad packets fail nothing; what is no packet is a TypeError, which has no code
    code: undefined as unknown as string,
  },
  view,
});

test("bad packets are counted by the stage and never fail it", async () => {
  const good = v4({ payload: udp({ payload: pattern(3) }, V4) });
  const stream = new SegmentStream({ verifyChecksums: true });
  const bad = [good.subarray(0, 5), new Uint8Array(0), good.with(8, 1)].map((bytes) => packetOf(bytes));
  const segments = await collect(source([...bad, packetOf(good)]).pipeThrough(stream));
  assertEquals(segments.map((segment) => segment.payload), [pattern(3)]);
  assertEquals(stream.reasons.total, 3);
  assertEquals([stream.stats.packets, stream.stats.segments, stream.stats.skipped], [4, 1, 3]);
});

test("what is no packet fails the stage with a TypeError, behind the segments before it", async () => {
  for (const wrong of [null, 5, "x", {}, new Uint8Array(4), { bytes: [1, 2] }]) {
    const chunks = [packetOf(v4({ payload: udp({}, V4) })), wrong as unknown as Packet];
    const seen: Segment[] = [];
    await assertRejects(
      async () => {
        for await (const segment of source(chunks).pipeThrough(new SegmentStream())) seen.push(segment);
      },
      TypeError,
      "chunk must be a Packet",
    );
    assertEquals(seen.length, 1);
  }
});

test("capture time drives the stage: no timer is set while fragments wait", async () => {
  const clock = new ManualClock();
  const [first, second] = v4Fragments(udp({ payload: pattern(53) }, V4), [[0, 24], [24, 61]]);
  const stream = new SegmentStream({ clock });
  const packets = [packetOf(first!), packetOf(second!, { atMs: 30_000, linkType: LinkType.IPV4 })];
  assertEquals(await collect(source(packets).pipeThrough(stream)), []);
  assertEquals(stream.stats.fragmentTimeouts, 2);
});
