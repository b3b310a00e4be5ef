import { readFileSync } from "node:fs";
import { test } from "node:test";
import { assert, assertEquals } from "@std/assert";
import { parseFlowFilter } from "../../src/cli/flow_filter.ts";
import { PacketChoice } from "../../src/cli/packet_choice.ts";
import { run } from "../../src/cli/run.ts";
import { type Packet, type Segment, SegmentDecoder } from "../../src/packet/mod.ts";
import { addTcp, addUdp, captureOf, CLIENT, PacketList, SERVER } from "./support/captures.ts";
import { MemoryIo } from "./support/memory_io.ts";

/** Feeds packets as the pipeline does, without a flow layer; returns the numbers of the chosen ones. */
function choose(filter: string | undefined, packets: readonly Packet[]): number[] {
  const chosen: number[] = [];
  const choice = new PacketChoice(filter === undefined ? undefined : parseFlowFilter(filter), ({ number }) => {
    chosen.push(number);
  });
  let segment: Segment | undefined;
  const decoder = new SegmentDecoder({ onSkip: () => choice.skipped() }, {
    item: (one) => segment = one,
    error: () => {},
    end: () => {},
  });
  for (const packet of packets) {
    segment = undefined;
    choice.begin(packet);
    decoder.push(packet, 0);
    choice.decoded(segment);
  }
  choice.flush();
  return chosen;
}

/** One UDP datagram in two fragments. */
function fragmented(): PacketList {
  const whole = new PacketList();
  addUdp(whole, { ...CLIENT, port: 5000 }, { ...SERVER, port: 53 }, new Uint8Array(48));
  const bytes = whole.packets[0]!.bytes;
  const list = new PacketList();
  for (const [from, to, flags] of [[20, 52, 0x2000], [52, 76, 32 >> 3]] as const) {
    const fragment = new Uint8Array(20 + to - from);
    fragment.set(bytes.subarray(0, 20));
    fragment.set(bytes.subarray(from, to), 20);
    const view = new DataView(fragment.buffer);
    view.setUint16(2, fragment.length);
    view.setUint16(4, 99);
    view.setUint16(6, flags);
    list.add(fragment);
  }
  return list;
}

test("fragments before the last have no ports, and are chosen whatever the filter", () => {
  const { packets } = fragmented();
  assertEquals(choose(undefined, packets), [1, 2]);
  assertEquals(choose("port 53", packets), [1, 2]);
  assertEquals(choose("port 54", packets), [1]);
});

test("packets that cannot be read are chosen without a filter only, even by a filter that fits everything", () => {
  const list = new PacketList();
  list.add(Uint8Array.of(0x99));
  addTcp(list, []);
  assertEquals(choose(undefined, list.packets).length, 7);
  assertEquals(choose("tcp or not tcp", list.packets), [2, 3, 4, 5, 6, 7]);
});

test("where the filter names numbers, a packet of an unknown flow has none", () => {
  const list = new PacketList();
  addTcp(list, []);
  assertEquals(choose("id 1", list.packets), []);
  assertEquals(choose("not id 1", list.packets).length, 6);
});

test("a datagram that misses a fragment is counted by --stats", async () => {
  const list = fragmented();
  list.packets.pop();
  const io = new MemoryIo({ a: captureOf(list) });
  assertEquals(await run(["trace", "--json", "--stats", "a"], io), 0);
  assertEquals(io.json.find(({ layer }) => layer === "packet")!.errors, { fragmentTimeouts: 1 });
});

test("fragments that come too late are not put together, though they come in one chunk", async () => {
  const list = fragmented();
  const late = list.packets[1]!;
  list.packets[1] = { ...late, seconds: late.seconds + 100 };
  const io = new MemoryIo({ a: captureOf(list) });
  assertEquals(await run(["trace", "--json", "--stats", "a"], io), 0);
  // each of the two waited for the other one
  assertEquals(io.json.find(({ layer }) => layer === "packet")!.errors, { fragmentTimeouts: 2 });
});

test("real datagrams in fragments survive a filter and a second reading", async () => {
  const name = "udp_fragments.pcapng";
  const capture = new Uint8Array(readFileSync(new URL(`../../examples/captures/${name}`, import.meta.url)));
  const io = new MemoryIo({ [name]: capture });
  assertEquals(await run(["trace", "--json", "--flow", "udp", "--write", "o.pcapng", name], io), 0);
  const again = new MemoryIo({ o: io.writtenBytes("o.pcapng") });
  assertEquals(await run(["trace", "--json", "--flow", "udp", "o"], again), 0);
  const messages = ({ json }: MemoryIo): unknown[] => json.filter(({ type }) => type === "message");
  assert(messages(io).length > 0);
  assertEquals(messages(again), messages(io));
});
