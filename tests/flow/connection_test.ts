import { assertEquals } from "@std/assert";
import { test } from "node:test";
import { bench, End, handshake, ipv4, ipv6 } from "./conversation.ts";

test("half close: one side ends, the other goes on until its own FIN", () => {
  const b = bench();
  handshake(b);
  b.c.fin();
  b.s.data("late");
  assertEquals(b.sink.take(), ["1 client end", "1 server late"]);
  b.s.fin();
  assertEquals(b.sink.take(), ["1 server end", "close 1 fin"]);
});

test("a FIN that carries data ends the side after that data", () => {
  const b = bench();
  handshake(b);
  b.c.fin({ payload: "last" });
  assertEquals(b.sink.take(), ["1 client last", "1 client end"]);
});

test("data behind the FIN is ignored and counted, delivered, in one segment, or held before the FIN came", () => {
  const b = bench();
  handshake(b);
  b.c.at(5, "fgh");
  b.c.at(3, "", { fin: true });
  assertEquals(b.stats.afterFin, 1);
  b.c.at(0, "abcXYZ");
  assertEquals(b.sink.take(), ["1 client abc", "1 client end"]);
  b.c.at(4, "more");
  assertEquals(b.sink.take(), []);
  assertEquals([b.stats.afterFin, b.stats.heldBytes], [3, 0]);
});

test("of two FIN at different places the first counts; one before delivered bytes is counted and ignored", () => {
  const b = bench();
  handshake(b);
  b.c.data("abcd");
  b.c.at(2, "", { fin: true });
  assertEquals(b.stats.badFins, 1);
  b.c.at(6, "", { fin: true });
  b.c.at(8, "", { fin: true });
  b.c.data("ef");
  assertEquals(b.sink.take(), ["1 client abcd", "1 client ef", "1 client end"]);
});

test("a repeated FIN is no news", () => {
  const b = bench();
  handshake(b);
  b.c.fin();
  b.c.raw({ seq: b.c.seq - 1, fin: true });
  assertEquals(b.sink.take(), ["1 client end"]);
});

test("simultaneous open: SYN from both ends, then SYN-ACK from both, is one connection", () => {
  const b = bench();
  b.c.syn();
  b.s.syn();
  b.c.raw({ seq: 1000, syn: true });
  b.s.raw({ seq: 5000, syn: true });
  b.c.data("abc");
  b.s.data("def");
  assertEquals(b.sink.take(), ["open 1 40000>80", "1 client abc", "1 server def"]);
  assertEquals(b.sink.flows[0]!.complete, true);
});

test("data in the SYN and in the SYN-ACK belongs to the streams (fast open)", () => {
  const b = bench();
  b.c.syn({ payload: "early " });
  b.s.synAck({ payload: "fast" });
  b.c.data("bird");
  assertEquals(b.sink.stream(1, "client"), "early bird");
  assertEquals(b.sink.stream(1, "server"), "fast");
});

test("data in a SYN that was not accepted and is sent again is handed out once", () => {
  const b = bench();
  b.c.syn({ payload: "early" });
  b.s.raw({ seq: 5000, ack: 1001, syn: true });
  b.c.at(0, "early");
  assertEquals(b.sink.stream(1, "client"), "early");
});

test("a repeated SYN or SYN-ACK is a retransmission", () => {
  const b = bench();
  b.c.syn();
  b.c.syn();
  b.s.synAck();
  b.s.synAck();
  b.c.data("abc");
  assertEquals(b.sink.take(), ["open 1 40000>80", "1 client abc"]);
  assertEquals(b.stats.retransmissions, 2);
});

test("SYN-ACK captured before the SYN: the same connection, and the client is who sent the SYN", () => {
  const b = bench({}, { s: 7000 });
  b.s.raw({ seq: 7000, ack: 1001, syn: true });
  b.c.syn();
  b.c.at(0, "abc");
  assertEquals(b.sink.take(), ["open 1 40000>80", "1 client abc"]);
  assertEquals(b.sink.flows[0]!.complete, true);
});

test("SYN-ACK captured after the first ACK and data: the server's stream still starts at its SYN", () => {
  const b = bench();
  b.c.syn();
  b.c.raw({ seq: 1001, ack: 5001 });
  b.s.at(3, "def", { ack: 1001 });
  b.s.raw({ seq: 5000, ack: 1001, syn: true });
  b.s.at(0, "abc", { ack: 1001 });
  assertEquals(b.sink.take(), ["open 1 40000>80", "1 server abc", "1 server def"]);
  assertEquals(b.sink.flows[0]!.complete, true);
});

test("a SYN captured shortly after the first segments of its side moves the start back", () => {
  const b = bench();
  b.c.raw({ seq: 1004, ack: 5001 });
  b.c.syn();
  b.c.at(0, "abcdef");
  assertEquals(b.sink.stream(1, "client"), "abcdef");
  assertEquals(b.sink.flows.length, 1);
});

test("a SYN-ACK that answers a fast-open SYN which was captured later moves the client's start back", () => {
  const b = bench();
  b.s.raw({ seq: 5000, ack: 1006, syn: true });
  b.c.syn({ payload: "early" });
  b.c.data("bird", { ack: 5001 });
  assertEquals(b.sink.stream(1, "client"), "earlybird");
});

test("another SYN-ACK with another number for the same SYN is ignored and counted", () => {
  const b = bench();
  b.c.syn();
  b.s.synAck();
  b.s.raw({ seq: 99_000, ack: 1001, syn: true });
  b.s.data("abc");
  assertEquals(b.sink.take(), ["open 1 40000>80", "1 server abc"]);
  assertEquals(b.stats.badSyns, 1);
});

test("a SYN-ACK for bytes that were never sent is ignored and counted", () => {
  const b = bench();
  b.c.syn();
  b.s.raw({ seq: 99_000, ack: 500, syn: true });
  b.s.synAck();
  b.s.data("abc");
  assertEquals(b.sink.stream(1, "server"), "abc");
  assertEquals([b.stats.badSyns, b.stats.flows], [1, 1]);
});

for (const how of ["fin", "reset", "idle", "alive"] as const) {
  test(`a new SYN with another number on the same ports is a new flow, the old one being ${how}`, () => {
    const b = bench({ idleMs: 1000 });
    handshake(b);
    b.c.data("old");
    if (how === "fin") {
      b.c.fin();
      b.s.fin();
    }
    if (how === "reset") b.c.rst();
    b.sink.take();
    const [c2, s2] = b.pair(40000, 900_000);
    c2.syn({ at: how === "idle" ? 2000 : 0 });
    s2.synAck();
    c2.data("new");
    const ends = { fin: [], reset: [], idle: "idle", alive: "reuse" }[how];
    const before = typeof ends === "string" ? ["1 client end", "1 server end", `close 1 ${ends}`] : [];
    assertEquals(b.sink.take(), [...before, "open 2 40000>80", "2 client new"]);
    assertEquals(b.sink.flows[1]!.complete, true);
    assertEquals(b.sink.flows[0]!.endedBy, how === "alive" ? "reuse" : how);
  });
}

test("reuse gives up the holes of the old connection first", () => {
  const b = bench({ gaps: "skip" });
  handshake(b);
  b.c.at(3, "def");
  const [c2] = b.pair(40000, 900_000);
  c2.syn();
  assertEquals(b.sink.take(), [
    "1 client gap 0+3",
    "1 client def",
    "1 client end",
    "1 server end",
    "close 1 reuse",
    "open 2 40000>80",
  ]);
});

test("reuse in the other direction: the server of the old connection is the client of the new one", () => {
  const b = bench();
  handshake(b);
  b.c.fin();
  b.s.fin();
  const [, s2] = b.pair(40000, 900_000);
  s2.syn();
  assertEquals(b.sink.take().at(-1), "open 2 80>40000");
});

test("after a refusal, the same SYN sent again opens another flow", () => {
  const b = bench();
  b.c.syn();
  b.s.raw({ seq: 0, ack: 1001, rst: true });
  assertEquals(b.sink.take().at(-1), "close 1 reset");
  b.c.syn();
  b.s.synAck();
  b.s.data("hello");
  assertEquals(b.sink.take(), ["open 2 40000>80", "2 server hello"]);
});

test("reuse whose SYN was missed is seen by its SYN-ACK, or by data far away", () => {
  for (const first of ["synAck", "data"] as const) {
    const b = bench();
    handshake(b);
    b.c.fin();
    b.s.fin();
    b.sink.take();
    const [c2, s2] = b.pair(40000, 900_000_000);
    c2.seq++;
    s2[first]("" as never);
    if (first === "data") s2.data("far");
    assertEquals(b.sink.take()[0], "open 2 40000>80", first);
  }
});

test("late packets of an ended connection are counted, and open no new flow until lingerMs have passed", () => {
  const b = bench({ lingerMs: 1000 });
  handshake(b);
  b.c.fin();
  b.s.fin();
  b.c.ack();
  b.s.raw({ seq: b.s.seq - 1, fin: true });
  b.s.raw({ seq: 5000, ack: 1001, syn: true });
  b.c.rst();
  b.c.raw({ seq: b.c.seq - 1, payload: "x", at: 999 });
  assertEquals([b.stats.afterClose, b.stats.flows, b.stats.knownFlows], [5, 1, 1]);
  b.c.ack({ at: 1000 });
  assertEquals(b.stats.flows, 2);
});

test("a flow picked up in the middle starts with the first segment of each side", () => {
  const b = bench();
  b.c.seq = 70_000;
  b.s.seq = 90_000;
  b.c.data("abc");
  b.s.data("def");
  b.c.data("ghi");
  assertEquals(b.sink.take(), ["open 1 40000>80", "1 client abc", "1 server def", "1 client ghi"]);
  assertEquals(b.sink.flows[0]!.complete, false);
});

test("picked up in the middle, the lower port is the server whoever is heard first", () => {
  const b = bench();
  b.s.data("banner");
  assertEquals(b.sink.take(), ["open 1 40000>80", "1 server banner"]);
});

test("picked up in the middle between equal ports, who is heard first is the client", () => {
  const b = bench();
  const a = new End(ipv4(1, 5000), 10, b.push);
  const z = new End(ipv4(2, 5000), 20, b.push);
  a.peer = z;
  z.peer = a;
  z.data("first");
  a.data("second");
  assertEquals(b.sink.take(), ["open 1 5000>5000", "1 client first", "1 server second"]);
});

test("SYN and SYN-ACK outrank ports", () => {
  for (const first of ["syn", "synAck"] as const) {
    const b = bench();
    const low = new End(ipv4(1, 20), 10, b.push);
    const high = new End(ipv4(2, 5000), 20, b.push);
    low.peer = high;
    high.peer = low;
    if (first === "syn") low.syn();
    else high.synAck();
    assertEquals(b.sink.take(), ["open 1 20>5000"]);
  }
});

test("picked up by a keep-alive without data, the stream starts at the data one further", () => {
  const b = bench();
  b.c.raw({ seq: 69_999 });
  b.c.raw({ seq: 70_000 });
  b.c.raw({ seq: 70_000, payload: "abc" });
  b.c.raw({ seq: 70_003, payload: "def" });
  assertEquals(b.sink.take(), ["open 1 40000>80", "1 client abc", "1 client def"]);
});

test("picked up in the middle, an acknowledgment of bytes from before the capture is no hole", () => {
  const b = bench({ ackedHolePackets: 0 });
  b.c.raw({ seq: 70_000, ack: 90_000 });
  b.s.raw({ seq: 93_000, ack: 70_000, payload: "abc" });
  assertEquals(b.sink.take(), ["open 1 40000>80", "1 server abc"]);
});

test("a zero-window probe with the next byte is counted and its byte handed out once", () => {
  const b = bench();
  handshake(b);
  b.s.ack({ window: 0 });
  b.c.at(0, "a");
  b.s.ack({ ack: 1001, window: 100 });
  b.c.at(0, "abc");
  assertEquals(b.sink.stream(1, "client"), "abc");
  assertEquals([b.stats.probes, b.sink.flows[0]!.client.probes], [1, 1]);
});

const resets: [string, (b: ReturnType<typeof bench>) => void, boolean][] = [
  ["at the next byte", ({ c }) => c.rst(), true],
  ["at the FIN that was sent", ({ c }) => c.raw({ seq: 1004, rst: true }), true],
  ["behind unseen bytes within a window", ({ c }) => c.raw({ seq: 1004 + 60_000, rst: true }), true],
  ["at the last byte acknowledged", ({ c, s }) => (s.ack({ ack: 1003 }), c.raw({ seq: 1003, rst: true })), true],
  ["far ahead", ({ c }) => c.raw({ seq: 1004 + 70_000, rst: true }), false],
  ["far behind", ({ c }) => c.raw({ seq: 1004 - 70_000, rst: true }), false],
  ["before what was acknowledged", ({ c, s }) => (s.ack({ ack: 1004 }), c.raw({ seq: 1001, rst: true })), false],
  ["half way round", ({ c }) => c.raw({ seq: 1004 + 2 ** 31, rst: true }), false],
];
for (const [where, send, isBelieved] of resets) {
  test(`an RST ${where} is ${isBelieved ? "believed" : "ignored and counted"}`, () => {
    const b = bench();
    handshake(b);
    b.c.data("abc");
    send(b);
    assertEquals(b.sink.flows[0]!.endedBy, isBelieved ? "reset" : undefined);
    assertEquals(b.stats.badResets, isBelieved ? 0 : 1);
  });
}

test("an RST that answers a SYN must acknowledge it", () => {
  const b = bench();
  b.c.syn();
  b.s.raw({ seq: 0, ack: 77, rst: true });
  assertEquals(b.stats.badResets, 1);
  b.s.raw({ seq: 0, ack: 1001, rst: true });
  assertEquals(b.sink.take().at(-1), "close 1 reset");
});

test("an RST of an unknown connection opens none", () => {
  const b = bench();
  b.c.rst();
  assertEquals([b.sink.lines, b.stats.strayResets], [[], 1]);
});

test("data of a connection that was reset is ignored", () => {
  const b = bench();
  handshake(b);
  b.s.rst();
  b.sink.take();
  b.c.data("too late");
  assertEquals([b.sink.take(), b.stats.afterClose], [[], 1]);
});

test("a segment further ahead than the largest window is ignored and counted", () => {
  const b = bench();
  handshake(b);
  b.c.at(2 ** 30 + 1, "x");
  b.c.at(0, "abc");
  assertEquals([b.sink.stream(1, "client"), b.stats.outOfWindow, b.stats.outOfOrder], ["abc", 1, 0]);
});

test("IPv6 connections are told apart by all words of their addresses", () => {
  const b = bench();
  for (const word of [0, 4, 8, 12]) {
    const client = ipv6(1, 40000);
    client.bytes[word] = 0x33;
    const c = new End(client, 10, b.push);
    const s = new End(ipv6(2, 80), 20, b.push);
    c.peer = s;
    s.peer = c;
    c.syn();
    s.synAck();
    c.data(`word ${word}`);
  }
  assertEquals(b.stats.flows, 4);
  assertEquals(b.sink.stream(2, "client"), "word 4");
  assertEquals(b.sink.flows[3]!.key, {
    protocol: "tcp",
    client: { address: "2001:db8::3300:1", port: 40000 },
    server: { address: "2001:db8::2", port: 80 },
  });
});

test("a connection of an address and port with itself does no harm", () => {
  const b = bench();
  const self = new End(ipv4(1, 80), 10, b.push);
  self.peer = self;
  self.syn();
  self.data("abc");
  self.fin();
  b.end();
  assertEquals(b.sink.stream(1, "client"), "abc");
  assertEquals(b.sink.take().slice(-3), ["1 server end", "close 1 capture-end", "finish"]);
});

test("times are those of the packets", () => {
  const b = bench();
  b.c.syn({ at: 1500.25 });
  b.s.synAck({ at: 2000 });
  b.c.ack({ at: 1999 });
  assertEquals(b.sink.flows[0]!.startedAt, { seconds: 1, nanoseconds: 500_250_000 });
  assertEquals(b.sink.flows[0]!.lastAt, { seconds: 1, nanoseconds: 999_000_000 });
});
