import { assert, assertEquals } from "@std/assert";
import process from "node:process";
import { test } from "node:test";
import { FlowTracker, type FlowTrackerOptions } from "../../src/flow/mod.ts";
import type { FlowRecord, FlowSide, FlowSink } from "../../src/flow/mod.ts";
import { Segment } from "../../src/packet/segment.ts";
import { mutate, SeededRandom } from "../../src/sim/mod.ts";
import { bench, End, handshake, ipv4, ipv6, tcp, udp } from "./conversation.ts";

const inputs = Number(process.env["LEAT_FUZZ_INPUTS"] ?? 20_000);

/** Checks the order of calls, and that streams account for every byte, without keeping any. */
class Auditor implements FlowSink {
  openFlows = 0;
  opened = 0;
  finished = 0;
  readonly faults: string[] = [];
  readonly #seen = new WeakMap<FlowRecord, Record<FlowSide, { bytes: number; ended: boolean }>>();

  open(flow: FlowRecord): void {
    if (this.#seen.has(flow)) this.faults.push("opened twice");
    this.#seen.set(flow, { client: { bytes: 0, ended: false }, server: { bytes: 0, ended: false } });
    this.openFlows++;
    this.opened++;
  }
  data(flow: FlowRecord, side: FlowSide, bytes: Uint8Array): void {
    this.#side(flow, side).bytes += bytes.length;
  }
  gap(flow: FlowRecord, side: FlowSide, gap: { offset: number; length: number }): void {
    const state = this.#side(flow, side);
    if (gap.offset !== state.bytes) this.faults.push(`gap at ${gap.offset} behind ${state.bytes} bytes`);
    if (!(gap.length > 0)) this.faults.push(`gap of ${gap.length}`);
    state.bytes += gap.length;
  }
  end(flow: FlowRecord, side: FlowSide): void {
    this.#side(flow, side).ended = true;
  }
  error(flow: FlowRecord, side: FlowSide): void {
    this.#side(flow, side).ended = true;
  }
  close(flow: FlowRecord): void {
    const state = this.#seen.get(flow);
    if (state === undefined || !state.client.ended || !state.server.ended) this.faults.push("closed before its sides");
    this.#seen.delete(flow);
    this.openFlows--;
  }
  finish(): void {
    this.finished++;
  }

  #side(flow: FlowRecord, side: FlowSide): { bytes: number; ended: boolean } {
    const state = this.#seen.get(flow)?.[side] ?? { bytes: 0, ended: true };
    if (state.ended) this.faults.push(`${side} told after its end`);
    return state;
  }
}

test("100,000 hostile flows stay within maxFlows, maxTotalBytes and their memory", () => {
  const auditor = new Auditor();
  const limits = { maxFlows: 1000, maxTotalBytes: 100_000, gaps: "skip" } as const;
  const tracker = new FlowTracker(limits, auditor);
  const server = ipv4(0xffff, 80);
  for (let i = 0; i < 100_000; i++) {
    const client = ipv4(i, 1024 + (i % 60_000));
    tracker.push(tcp(client, server, { seq: i, syn: true }), i);
    if (i % 3 === 0) tracker.push(tcp(client, server, { seq: i + 5, payload: "held" }), i);
    if (i % 3 === 1) tracker.push(tcp(server, client, { seq: 9, ack: i + 1000, payload: "x" }), i);
    const { knownFlows, heldBytes } = tracker.stats;
    if (knownFlows > 1000 || heldBytes > 100_000) auditor.faults.push(`${knownFlows} flows, ${heldBytes} bytes`);
  }
  assertEquals([auditor.openFlows, tracker.stats.openFlows], [1000, 1000]);
  assertEquals([auditor.opened, tracker.stats.evicted], [100_000, 99_000]);
  tracker.end(1e6);
  assertEquals(auditor.faults, []);
  assertEquals([auditor.openFlows, auditor.finished], [0, 1]);
  assertEquals([tracker.stats.heldBytes, tracker.stats.knownFlows, tracker.stats.openFlows], [0, 0, 0]);
});

test("a direction whose every other byte is missing costs no more than its limits, in any order", () => {
  const orders: ((i: number, n: number) => number)[] = [(i) => i, (i, n) => n - 1 - i, (i, n) => (i * 7919) % n];
  for (const order of orders) {
    const b = bench({ gaps: "skip", maxHolePackets: 500, maxHoleBytes: 1 << 20 });
    handshake(b);
    b.sink.data = () => {};
    b.sink.gap = () => {};
    for (let i = 0; i < 20_000; i++) {
      b.c.at(1 + 2 * order(i, 20_000), "x");
      assert(b.stats.heldBytes <= 501 * 129);
    }
    b.end();
    assertEquals(b.stats.heldBytes, 0);
  }
});

/** A conversation with everything in it that a fuzzer could make worse. */
function corpus(): Segment[] {
  const segments: Segment[] = [];
  const push = (segment: Segment): number => segments.push(segment);
  for (const make of [ipv4, ipv6]) {
    const c = new End(make(1, 40000), 0xffff_fff0, push);
    const s = new End(make(2, 80), 77, push);
    c.peer = s;
    s.peer = c;
    c.syn();
    s.synAck();
    c.data("hello");
    c.at(9, "world", { wireLength: 8 });
    s.data("reply");
    s.ack({ ack: c.seq + 20, window: 0 });
    c.at(5, "....");
    c.fin();
    s.fin();
    c.rst();
    segments.push(
      udp(make(1, 5353), make(2, 53), "query"),
      udp(make(2, 53), make(1, 5353), "answer", { wireLength: 99 }),
    );
  }
  return segments;
}

function damaged(segment: Segment, random: SeededRandom, at: number): Segment {
  const datagram = mutate(segment.datagram, random);
  const payloadOffset = Math.min(segment.payloadOffset, datagram.length);
  const payloadEnd = Math.max(payloadOffset, Math.min(segment.payloadEnd, datagram.length));
  const packet = { ...segment.packet, bytes: datagram, seconds: at };
  return new Segment(packet, datagram, {
    version: segment.version,
    protocol: random.below(20) === 0 ? 47 : segment.protocol,
    transportOffset: segment.transportOffset,
    payloadOffset,
    payloadEnd,
    wirePayloadLength: payloadEnd - payloadOffset + (random.below(8) === 0 ? random.below(1 << 16) : 0),
    checksum: random.below(30) === 0 ? "invalid" : "unverified",
  });
}

test("damaged segments in any order never throw, break the order of calls, or leave anything behind", () => {
  const segments = corpus();
  const policies: FlowTrackerOptions[] = [
    { gaps: "skip", overlap: "first" },
    { gaps: "error", overlap: "last" },
    { gaps: "skip", overlap: "last", maxHolePackets: 2, maxFlows: 3, ackedHolePackets: 1, lingerMs: 5 },
    { gaps: "skip", maxHoleMs: 20, ackedHoleMs: 3, idleMs: 40, udpIdleMs: 10, maxTotalBytes: 400, maxHoleBytes: 300 },
  ];
  const run = 200;
  for (let seed = 0; seed * run < inputs; seed++) {
    const random = new SeededRandom(seed);
    const auditor = new Auditor();
    const tracker = new FlowTracker(policies[seed % policies.length]!, auditor);
    for (let i = 0; i < run; i++) {
      const segment = random.pick(segments);
      const isSound = random.below(3) === 0;
      tracker.push(isSound ? segment : damaged(segment, random, i), i * random.below(4));
      if (random.below(10) === 0) tracker.onTimeout(i * 4);
    }
    tracker.end(run * 4);
    assertEquals(auditor.faults, [], `seed ${seed}`);
    assertEquals([auditor.openFlows, auditor.finished], [0, 1], `seed ${seed}`);
    const { heldBytes, openFlows, knownFlows, flows, segments: count } = tracker.stats;
    assertEquals([heldBytes, openFlows, knownFlows, flows, count], [0, 0, 0, auditor.opened, run], `seed ${seed}`);
  }
});

test("segments whose transport header was not captured are counted and ignored", () => {
  const b = bench();
  for (const whole of [tcp(ipv4(1, 1), ipv4(2, 2), { payload: "x" }), udp(ipv4(1, 1), ipv4(2, 2), "x")]) {
    const header = whole.protocol === 6 ? 20 : 8;
    for (let length = 0; length <= header; length++) {
      const datagram = whole.datagram.subarray(0, 20 + length);
      b.push(
        new Segment(whole.packet, datagram, {
          version: 4,
          protocol: whole.protocol,
          transportOffset: 20,
          payloadOffset: datagram.length,
          payloadEnd: datagram.length,
          wirePayloadLength: 0,
          checksum: "unverified",
        }),
      );
    }
  }
  assertEquals([b.stats.truncatedHeaders, b.stats.flows, b.stats.segments], [28, 2, 30]);
});

test("other protocols and segments with a wrong checksum are counted and ignored", () => {
  const b = bench();
  const whole = tcp(ipv4(1, 1), ipv4(2, 2), { payload: "x" });
  const layout = { ...whole, version: 4, payloadOffset: 40, payloadEnd: 41, wirePayloadLength: 1 } as const;
  b.push(
    new Segment(whole.packet, whole.datagram, { ...layout, transportOffset: 20, protocol: 1, checksum: "unverified" }),
  );
  b.push(
    new Segment(whole.packet, whole.datagram, { ...layout, transportOffset: 20, protocol: 6, checksum: "invalid" }),
  );
  assertEquals([b.stats.otherProtocol, b.stats.badChecksums, b.stats.flows], [1, 1, 0]);
});
