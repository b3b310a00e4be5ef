import { assert, assertEquals, assertThrows } from "@std/assert";
import { test } from "node:test";
import { PIECE_OVERHEAD } from "../../src/flow/assembler.ts";
import { FlowError, FlowTracker, type FlowTrackerOptions } from "../../src/flow/mod.ts";
import { type Bench, bench, handshake, Recorder } from "./conversation.ts";

/** A hole of one byte at 0, and `count` segments of two bytes behind it. */
function holes(b: Bench, count: number, from = 0): void {
  for (let i = from; i < from + count; i++) b.c.at(1 + 2 * i, "xy");
}

test("maxHoleBytes: beyond so many bytes held, the hole is given up on", () => {
  const b = bench({ gaps: "skip", maxHoleBytes: 2 * (PIECE_OVERHEAD + 2) });
  handshake(b);
  holes(b, 2);
  assertEquals(b.sink.take(), []);
  holes(b, 1, 2);
  assertEquals(b.sink.take(), ["1 client gap 0+1", "1 client xy", "1 client xy", "1 client xy"]);
  assertEquals([b.stats.gapsLimit, b.stats.heldBytes], [1, 0]);
});

test("maxHolePackets: beyond so many segments ahead of it, the hole is given up on", () => {
  const b = bench({ gaps: "skip", maxHolePackets: 3 });
  handshake(b);
  holes(b, 3);
  assertEquals(b.sink.take(), []);
  holes(b, 1, 3);
  assertEquals(b.sink.take()[0], "1 client gap 0+1");
});

test("maxHolePackets counts duplicates too, and anew for the next hole", () => {
  const b = bench({ gaps: "skip", maxHolePackets: 3 });
  handshake(b);
  for (let i = 0; i < 3; i++) b.c.at(1, "b");
  b.c.at(0, "a");
  for (let i = 0; i < 3; i++) b.c.at(3, "d");
  assertEquals(b.sink.take(), ["1 client a", "1 client b"]);
  b.c.at(3, "d");
  assertEquals(b.sink.take(), ["1 client gap 2+1", "1 client d"]);
});

test("maxHoleMs: after so much capture time, on this or any other flow, the hole is given up on", () => {
  const b = bench({ gaps: "skip", maxHoleMs: 500 });
  handshake(b);
  b.c.at(3, "def", { at: 100 });
  assertEquals(b.tracker.timeoutAt(), 600);
  b.c.at(9, "jkl", { at: 599 });
  assertEquals(b.sink.take(), []);
  const [other] = b.pair(50000);
  other.syn({ at: 600 });
  assertEquals(b.sink.take(), ["1 client gap 0+3", "1 client def", "open 2 50000>80"]);
  assertEquals(b.tracker.timeoutAt(), 1100, "the next hole waits anew");
  b.tracker.onTimeout(1099);
  assertEquals(b.sink.take(), []);
  b.tracker.onTimeout(1100);
  assertEquals(b.sink.take(), ["1 client gap 6+3", "1 client jkl"]);
});

test("maxHoleMs counts for a FIN that waits for its data, and closes the flow", () => {
  const b = bench({ gaps: "skip", maxHoleMs: 500 });
  handshake(b);
  b.s.fin();
  b.c.at(4, "", { fin: true });
  b.sink.take();
  b.tracker.onTimeout(500);
  assertEquals(b.sink.take(), ["1 client gap 0+4", "1 client end", "close 1 fin"]);
});

test("ackedHolePackets: a hole that the other side has acknowledged waits for so many packets of the flow only", () => {
  const b = bench({ gaps: "skip", ackedHolePackets: 3 });
  handshake(b);
  b.c.at(3, "def");
  b.s.ack({ ack: 1007 });
  for (let i = 0; i < 3; i++) b.s.data("x");
  assertEquals(b.sink.take(), ["1 server x", "1 server x", "1 server x"]);
  b.s.data("y");
  assertEquals(b.sink.take(), ["1 server y", "1 client gap 0+3", "1 client def"]);
  assertEquals(b.stats.gapsAcked, 1);
});

test("ackedHolePackets: data that comes within that grace is no gap, as when the capture reordered", () => {
  const b = bench({ ackedHolePackets: 3 });
  handshake(b);
  b.s.ack({ ack: 1004 });
  b.c.at(0, "abc");
  for (let i = 0; i < 9; i++) b.s.data("x");
  assertEquals(b.sink.stream(1, "client"), "abc");
  assertEquals([b.stats.gaps, b.tracker.timeoutAt() > 1e6], [0, true]);
});

test("ackedHoleMs: or for so much capture time", () => {
  const b = bench({ gaps: "skip", ackedHoleMs: 50, maxHoleMs: 5000 });
  handshake(b);
  b.c.at(3, "def", { at: 100 });
  b.s.ack({ ack: 1007, at: 200 });
  assertEquals(b.tracker.timeoutAt(), 250);
  b.tracker.onTimeout(249);
  assertEquals(b.sink.take(), []);
  b.tracker.onTimeout(250);
  assertEquals(b.sink.take(), ["1 client gap 0+3", "1 client def"]);
});

test("an acknowledged hole is given up on only as far as it was acknowledged", () => {
  const b = bench({ gaps: "skip", ackedHoleMs: 50 });
  handshake(b);
  b.c.at(6, "ghi");
  b.s.ack({ ack: 1001 + 4 });
  b.tracker.onTimeout(50);
  assertEquals(b.sink.take(), ["1 client gap 0+4"]);
  b.c.at(4, "ef");
  assertEquals(b.sink.take(), ["1 client ef", "1 client ghi"]);
});

test("maxFlowBytes: both directions of a flow together hold no more than that", () => {
  const b = bench({ gaps: "skip", maxFlowBytes: 3 * (PIECE_OVERHEAD + 1) });
  handshake(b);
  b.c.at(1, "b");
  b.s.at(1, "b");
  b.s.at(3, "d");
  assertEquals(b.sink.take(), []);
  b.c.at(3, "d");
  assertEquals(b.sink.take(), ["1 client gap 0+1", "1 client b"]);
  assertEquals(b.stats.heldBytes, 3 * (PIECE_OVERHEAD + 1));
});

test("maxTotalBytes: beyond, the oldest holes of all flows are given up on", () => {
  const b = bench({ gaps: "skip", maxTotalBytes: 3 * (PIECE_OVERHEAD + 1) });
  for (let i = 0; i < 4; i++) {
    const [c] = b.pair(50000 + i);
    c.syn();
    c.at(1, "b");
  }
  assertEquals(b.sink.lines.filter((line) => line.includes("gap")), ["1 client gap 0+1"]);
  assertEquals(b.stats.heldBytes, 3 * (PIECE_OVERHEAD + 1));
});

test("maxTotalBytes with gaps: error fails the direction with the oldest hole, and the others go on", () => {
  const b = bench({ maxTotalBytes: PIECE_OVERHEAD + 1 });
  const [c1] = b.pair(50001);
  const [c2] = b.pair(50002);
  c1.syn();
  c2.syn();
  c1.at(1, "b");
  c2.at(1, "b");
  c2.at(0, "a");
  assertEquals(b.sink.take().slice(2), ["1 client EGAP at 0", "2 client a", "2 client b"]);
});

test("maxFlows: beyond, the flow that was quiet for longest is forgotten, its sides fail with ENOBUFS, counted", () => {
  const b = bench({ maxFlows: 8, gaps: "skip" });
  const ends = Array.from({ length: 8 }, (_, i) => b.pair(50000 + i));
  for (const [c, s] of ends) {
    c.syn();
    s.synAck();
    c.data("abc");
  }
  ends[0]![0].data("def");
  b.sink.take();
  const [c9] = b.pair(60000);
  c9.syn();
  assertEquals(b.sink.take(), ["2 client ENOBUFS", "2 server ENOBUFS", "close 2 evicted", "open 9 60000>80"]);
  assertEquals([b.stats.evicted, b.stats.knownFlows, b.stats.openFlows], [1, 8, 8]);
});

test("maxFlows: flows that have ended go first, then many that were never answered", () => {
  const b = bench({ maxFlows: 4 });
  const [c1, s1] = b.pair(50001);
  c1.syn();
  s1.synAck();
  const [c2, s2] = b.pair(50002);
  c2.syn();
  s2.synAck();
  c2.fin();
  s2.fin();
  const scan = (port: number): void => b.pair(port)[0].syn();
  scan(1);
  scan(2);
  scan(3);
  assertEquals([b.stats.evicted, b.stats.knownFlows], [0, 4]);
  scan(4);
  scan(5);
  assertEquals(b.stats.evicted, 2);
  c1.data("still there");
  assertEquals(b.sink.stream(1, "client"), "still there");
});

test("maxFlows: a new attempt among flows that talk does not push out the attempt before it", () => {
  const b = bench({ maxFlows: 8 });
  for (let i = 0; i < 7; i++) {
    const [c] = b.pair(50000 + i);
    c.syn();
    c.data("abc");
  }
  const [c8, s8] = b.pair(1);
  c8.syn();
  b.pair(2)[0].syn();
  s8.synAck();
  c8.data("alive");
  assertEquals(b.sink.stream(8, "client"), "alive");
  assertEquals(b.sink.flows[0]!.endedBy, "evicted");
});

test("idleMs: a connection without a packet for that long has ended", () => {
  const b = bench({ idleMs: 1000 });
  handshake(b);
  b.c.data("abc", { at: 500 });
  assertEquals(b.tracker.timeoutAt(), 1500);
  b.tracker.onTimeout(1500);
  assertEquals(b.sink.take(), ["1 client abc", "1 client end", "1 server end", "close 1 idle"]);
  assertEquals([b.stats.endedIdle, b.stats.knownFlows, b.tracker.timeoutAt()], [1, 0, Infinity]);
});

test("time does not go back: an earlier capture time changes nothing", () => {
  const b = bench({ idleMs: 1000 });
  handshake(b);
  b.c.data("abc", { at: 900 });
  b.c.data("def", { at: 10 });
  assertEquals(b.tracker.timeoutAt(), 1900);
});

test("every limit and policy refuses nonsense at once", () => {
  const sink = new Recorder();
  const names = ["maxHoleBytes", "maxHolePackets", "maxFlowBytes", "maxTotalBytes", "maxFlows"] as const;
  for (const name of names) {
    for (const value of [0, -1, 1.5, NaN]) {
      assertThrows(() => new FlowTracker({ [name]: value }, sink), RangeError, name);
    }
    assertThrows(() => new FlowTracker({ [name]: "1" } as unknown as FlowTrackerOptions, sink), TypeError, name);
    assert(new FlowTracker({ [name]: Infinity }, sink));
  }
  for (const name of ["maxHoleMs", "ackedHoleMs", "idleMs", "udpIdleMs", "lingerMs"] as const) {
    for (const value of [-1, NaN]) assertThrows(() => new FlowTracker({ [name]: value }, sink), RangeError, name);
  }
  assertThrows(() => new FlowTracker({ ackedHolePackets: -1 }, sink), RangeError, "ackedHolePackets");
  assertThrows(() => new FlowTracker({ hashSeed: Infinity }, sink), RangeError, "hashSeed");
  assertThrows(() => new FlowTracker({ hashSeed: -1 }, sink), RangeError, "hashSeed");
  assertThrows(() => new FlowTracker({ overlap: "no" as "first" }, sink), RangeError, "overlap");
  assertThrows(() => new FlowTracker({ gaps: "no" as "skip" }, sink), RangeError, "gaps");
});

test("the engine refuses to be called from its own callback, and goes on afterwards", () => {
  const b = bench();
  const errors: unknown[] = [];
  b.sink.data = () => {
    for (const call of [() => b.c.ack(), () => b.end(), () => b.tracker.onTimeout(0)]) {
      errors.push(assertThrows(call, FlowError).code);
    }
  };
  handshake(b);
  b.c.data("abc");
  b.c.data("def");
  assertEquals(errors, Array(6).fill("EBUSY"));
});

test("after the end nothing more is taken", () => {
  const b = bench();
  b.c.syn();
  b.end();
  b.sink.take();
  b.s.synAck();
  b.end();
  b.tracker.onTimeout(1e12);
  assertEquals(b.sink.take(), []);
});
