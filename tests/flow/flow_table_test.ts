import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { test } from "node:test";
import { FlowState } from "../../src/flow/flow_state.ts";
import { FlowTable, Tuple } from "../../src/flow/flow_table.ts";
import { FlowTracker } from "../../src/flow/mod.ts";
import { SeededRandom } from "../../src/sim/mod.ts";
import { type Address, ipv4, ipv6, Recorder, tcp, udp } from "./conversation.ts";

const address: fc.Arbitrary<Address> = fc.record({
  bytes: fc.uint8Array({ minLength: 4, maxLength: 4 }),
  port: fc.nat(65535),
});

function tupleOf(from: Address, to: Address): Tuple {
  const tuple = new Tuple();
  tuple.read(tcp(from, to, {}));
  return tuple;
}

test("both directions have the same hash, and another seed gives another", () => {
  fc.assert(fc.property(address, address, fc.maxSafeNat(), (a, z, seed) => {
    const table = new FlowTable(seed);
    assertEquals(table.hash(tupleOf(a, z)), table.hash(tupleOf(z, a)));
  }));
  const hashes = Array.from({ length: 100 }, (_, i) => new FlowTable(i).hash(tupleOf(ipv4(1, 2), ipv4(3, 4))));
  assertEquals(new Set(hashes).size, 100);
  assert(
    new FlowTable(5).hash(tupleOf(ipv4(1, 2), ipv4(3, 4))) !==
      new FlowTable(5 + 2 ** 40).hash(tupleOf(ipv4(1, 2), ipv4(3, 4))),
  );
});

test("every address bit, port bit and the protocol count in the hash", () => {
  const table = new FlowTable(1);
  for (const make of [ipv4, ipv6]) {
    const seen = new Set([table.hash(tupleOf(make(1, 1000), make(2, 80)))]);
    let count = 1;
    for (let bit = 0; bit < make(0, 0).bytes.length * 8; bit++) {
      const from = make(1, 1000);
      from.bytes[bit >> 3]! ^= 1 << (bit & 7);
      seen.add(table.hash(tupleOf(from, make(2, 80))));
      count++;
    }
    for (let bit = 0; bit < 16; bit++) {
      seen.add(table.hash(tupleOf(make(1, 1000 ^ (1 << bit)), make(2, 80))));
      count++;
    }
    const datagram = new Tuple();
    datagram.read(udp(make(1, 1000), make(2, 80), ""));
    seen.add(table.hash(datagram));
    assertEquals(seen.size, count + 1);
  }
});

test("nothing of an IPv6 tuple is left in the IPv4 tuple read after it", () => {
  const [from, to] = [ipv4(1, 40000), ipv4(2, 80)];
  const tuple = new Tuple();
  for (const [a, z] of [[ipv6(3, 40000), ipv6(4, 80)], [from, to], [to, from]] as const) tuple.read(tcp(a, z, {}));
  assertEquals({ ...tuple }, { ...tupleOf(to, from) });
});

test("flows with the same hash are told apart, in and out of the table", () => {
  const table = new FlowTable(0);
  const pairs = Array.from({ length: 50 }, (_, i) => [ipv4(1, 1000 + i), ipv4(2, 80)] as const);
  const flows = pairs.map(([a, z], i) => new FlowState(i, tupleOf(a, z), 7, false, tcp(a, z, {})));
  for (const flow of flows) table.add(flow);
  pairs.forEach(([a, z], i) => {
    assertEquals(table.find(tupleOf(a, z), 7)?.id, i);
    assertEquals(table.find(tupleOf(z, a), 7)?.id, i);
  });
  for (const i of [0, 49, 25]) table.remove(flows[i]!);
  table.remove(flows[25]!);
  assertEquals(table.size, 47);
  pairs.forEach(([a, z], i) => assertEquals(table.find(tupleOf(a, z), 7)?.id, [0, 49, 25].includes(i) ? undefined : i));
  assertEquals(table.find(tupleOf(ipv4(9, 9), ipv4(2, 80)), 7), null);
});

test("the table finds everything while it grows", () => {
  const table = new FlowTable(3);
  const tuples: Tuple[] = [];
  for (let i = 0; i < 5000; i++) {
    const [a, z] = [ipv4(i, 1000), ipv4(70_000 + (i % 7), 80)];
    const tuple = tupleOf(a, z);
    tuples.push(tuple);
    table.add(new FlowState(i, tuple, table.hash(tuple), false, tcp(a, z, {})));
  }
  tuples.forEach((tuple, i) => assertEquals(table.find(tuple, table.hash(tuple))?.id, i));
});

test("hashSeed changes no result", () => {
  const random = new SeededRandom(1);
  const segments = Array.from({ length: 500 }, () => {
    const [a, z] = [ipv4(random.below(4), 1000 + random.below(4)), ipv4(10, 80)];
    return tcp(a, z, { seq: random.below(50), payload: random.bytes(random.below(9)) });
  });
  const lines = [0, 1, Number.MAX_SAFE_INTEGER].map((hashSeed) => {
    const sink = new Recorder();
    const tracker = new FlowTracker({ hashSeed, gaps: "skip" }, sink);
    for (const segment of segments) tracker.push(segment, 0);
    tracker.end(0);
    return sink.lines;
  });
  assert(lines[0]!.length > 100);
  assertEquals(lines[1], lines[0]);
  assertEquals(lines[2], lines[0]);
});

test("keys that collide for one seed do not for another", () => {
  const bucket = (seed: number, i: number): number =>
    new FlowTable(seed).hash(tupleOf(ipv4(i, 1000), ipv4(9, 80))) & 255;
  const colliding: number[] = [];
  for (let i = 0; colliding.length < 40; i++) if (bucket(11, i) === 0) colliding.push(i);
  const spread = new Set(colliding.map((i) => bucket(12, i)));
  assert(spread.size > 25, `${spread.size} of 40`);
});

test("a flow found lately is found without its hash, in both directions, until another one or its removal takes its place", () => {
  const table = new FlowTable(3);
  // ports that differ in the same bit at both ends leave the trace as it is
  const [a, b, server, other] = [ipv4(1, 1000), ipv4(1, 1001), ipv4(2, 80), ipv4(2, 81)];
  const first = tupleOf(a, server), second = tupleOf(b, other);
  assertEquals(first.trace, second.trace);
  assertEquals(first.trace, tupleOf(server, a).trace);
  const flows = [first, second].map((tuple, i) =>
    new FlowState(i, tuple, table.hash(tuple), false, tcp(a, server, {}))
  );
  for (const flow of flows) table.add(flow);
  assertEquals(table.findRecent(first), null);
  assertEquals(table.find(first, table.hash(first)), flows[0]!);
  assertEquals(table.findRecent(first), flows[0]!);
  assertEquals(table.findRecent(tupleOf(server, a)), flows[0]!);
  assertEquals(table.findRecent(second), null);
  assertEquals(table.findRecent(tupleOf(a, other)), null);
  assertEquals(table.find(second, table.hash(second)), flows[1]!);
  assertEquals(table.findRecent(first), null);
  table.remove(flows[0]!);
  assertEquals(table.findRecent(second), flows[1]!);
  table.remove(flows[1]!);
  assertEquals(table.findRecent(second), null);
  assertEquals(table.find(second, table.hash(second)), null);
});

test("interleaved flows that share a trace keep their streams apart", () => {
  const got = new Recorder();
  const tracker = new FlowTracker({}, got);
  const bits = Array.from({ length: 16 }, (_, i) => i);
  for (let round = 0; round < 3; round++) {
    for (const bit of bits) {
      const [client, server] = [ipv4(1, 1000 ^ bit), ipv4(2, 80 ^ bit)];
      tracker.push(tcp(client, server, { seq: round * 2, ack: 0, payload: `${bit % 10}c` }), round);
      tracker.push(tcp(server, client, { seq: round * 2, ack: 0, payload: `${bit % 10}s` }), round);
    }
  }
  tracker.end(3);
  assertEquals(tracker.stats.flows, 16);
  for (const [name, chunks] of got.streams) {
    const [id, side] = name.split(" ");
    const expected = `${(Number(id) - 1) % 10}${side === "client" ? "c" : "s"}`;
    assertEquals(chunks.map((bytes) => new TextDecoder().decode(bytes)), [expected, expected, expected]);
  }
});
