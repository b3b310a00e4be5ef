// Capture to messages, with streams between the layers and without, on recorded traffic.
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { assert, assertEquals } from "@std/assert";
import { FlowStream, FlowTracker } from "../../src/flow/mod.ts";
import { datagrams, type FlowParsers, type KcmMessage, Multiplexor, muxedFlows } from "../../src/kcm/mod.ts";
import { SegmentDecoder, SegmentStream } from "../../src/packet/mod.ts";
import { CaptureReader, CaptureStream } from "../../src/pcap/mod.ts";
import { type Sink, through } from "../../src/stream/mod.ts";
import { lengthPrefix } from "../../src/strparser/mod.ts";
import { ManualClock } from "../../src/sim/mod.ts";
import { ipv4, tcp } from "../flow/conversation.ts";
import { collect, source } from "../support/streams.ts";
import { turns } from "../support/turns.ts";

function capture(name: string, chunkSize: number): ReadableStream<Uint8Array> {
  const bytes = new Uint8Array(readFileSync(new URL(`../../examples/captures/${name}`, import.meta.url)));
  const count = Math.ceil(bytes.length / chunkSize);
  return source(Array.from({ length: count }, (_, i) => bytes.subarray(i * chunkSize, (i + 1) * chunkSize)));
}

/** Every message as text, with its origin, in an order that does not depend on steering. */
function view(messages: readonly KcmMessage[]): string[] {
  return messages.map(({ data, connection, sequence }) => {
    const { flow, direction } = connection;
    let sum = 0;
    for (const byte of data) sum = (sum * 31 + byte) >>> 0;
    return `${flow!.id} ${flow!.key.client.port} ${direction} ${
      String(sequence).padStart(4, "0")
    } ${data.length} ${sum}`;
  }).toSorted();
}

async function piped(name: string, parser: FlowParsers, channels: number): Promise<string[]> {
  const kcm = new Multiplexor({ highWaterMark: 1000 });
  const all = Array.from({ length: channels }, () => kcm.socket({ batch: true }));
  const done = capture(name, 1500).pipeThrough(new CaptureStream()).pipeThrough(new SegmentStream())
    .pipeThrough(new FlowStream()).pipeTo(kcm.attachments({ parser }));
  const got = await Promise.all(all.map(({ readable }) => collect(readable)));
  await done;
  assertEquals(kcm.stats.connections, 0);
  return view(got.flat().flat());
}

async function fused(name: string, parser: FlowParsers): Promise<string[]> {
  const messages = through(
    capture(name, 64 * 1024),
    (sink) => new CaptureReader({}, sink),
    (sink) => new SegmentDecoder({}, sink),
    (sink: Sink<KcmMessage>) => new FlowTracker({}, muxedFlows({ parser })(sink)),
  );
  return view((await collect(messages)).flat());
}

const cases: [name: string, parser: FlowParsers, atLeast: number][] = [
  ["framed_nanosecond.pcap", lengthPrefix(4), 20],
  ["null_loopback.pcap", lengthPrefix(4), 20],
  ["dns_tcp.pcap", lengthPrefix(2), 14],
  ["dns_udp.pcap", datagrams, 10],
  ["udp_fragments.pcapng", datagrams, 10],
];

for (const [name, parser, atLeast] of cases) {
  test(`${name}: the same messages with the same origin, piped into one channel or three, or fused`, async () => {
    const expected = await fused(name, parser);
    assert(expected.length >= atLeast, `${expected.length} messages`);
    assertEquals(await piped(name, parser, 1), expected);
    assertEquals(await piped(name, parser, 3), expected);
  });
}

test("a fast reader gets everything of very many short flows, though they fill the budget before they are taken", async () => {
  const body = Uint8Array.of(0, 3, 97, 98, 99);
  const segments = Array.from({ length: 2000 }, (_, i) => {
    const fields = { seq: 1, ack: 1, payload: body };
    return tcp(ipv4(256 + i, 40_000), ipv4(1, 80), fields);
  });
  const kcm = new Multiplexor();
  const channel = kcm.socket();
  const flows = new FlowStream({ highWaterMark: 10_000 });
  const batches = Array.from({ length: 4 }, (_, i) => segments.slice(500 * i, 500 * (i + 1)));
  const done = source(batches).pipeThrough(flows).pipeTo(kcm.attachments({ parser: lengthPrefix(2) }));
  assertEquals((await collect(channel.readable)).length, 2000);
  await done;
  assertEquals([flows.stats.starved, kcm.failures.toJSON()], [0, {}]);
});

test("a multiplexor whose channel is read makes a flow give way that it was not given", async () => {
  const [server, kept, given] = [ipv4(1, 80), ipv4(2, 2000), ipv4(3, 3000)];
  const flows = new FlowStream({ highWaterMark: 2000 });
  const kcm = new Multiplexor();
  const reading = kcm.socket().readable.getReader().read();
  const segments = [
    tcp(given, server, { seq: 1, ack: null, syn: true }),
    tcp(kept, server, { seq: 1, ack: 1, payload: new Uint8Array(3000) }),
    tcp(given, server, { seq: 2, ack: 1, payload: Uint8Array.of(0, 1, 97) }),
  ];
  const writer = flows.writable.getWriter();
  const written = segments.map((segment) => writer.write(segment));
  const taken = flows.readable.getReader();
  kcm.attach((await taken.read()).value!.client, { parser: lengthPrefix(2) });
  await taken.read(); // and leaves it
  assertEquals((await reading).value?.data.length, 3);
  await Promise.all(written);
  assertEquals(flows.stats.starved, 1);
  kcm.abort();
});

test("a slow reader of a channel makes the capture wait: no flow gives way, however long it takes", async () => {
  const expected = await fused("framed_nanosecond.pcap", lengthPrefix(4));
  const clock = new ManualClock();
  const kcm = new Multiplexor({ highWaterMark: 1000 });
  const reader = kcm.socket().readable.getReader();
  const flows = new FlowStream({ highWaterMark: 2000, clock });
  const done = capture("framed_nanosecond.pcap", 1500).pipeThrough(new CaptureStream()).pipeThrough(new SegmentStream())
    .pipeThrough(flows).pipeTo(kcm.attachments({ parser: lengthPrefix(4) }));
  const got: KcmMessage[] = [];
  for (let next = await reader.read(); !next.done; next = await reader.read()) {
    got.push(next.value);
    if (got.length % 10 > 0) continue;
    await turns();
    clock.advance(60_000);
  }
  await done;
  assertEquals([flows.stats.starved, kcm.failures.toJSON()], [0, {}]);
  assertEquals(view(got), expected);
});
