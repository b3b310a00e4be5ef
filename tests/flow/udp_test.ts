import { assertEquals } from "@std/assert";
import { test } from "node:test";
import { bench, ipv4, ipv6, tcp, udp } from "./conversation.ts";

const [a, z] = [ipv4(1, 40000), ipv4(2, 53)];

test("each datagram is one piece of data, empty ones too, on the side that sent it", () => {
  const b = bench();
  b.push(udp(a, z, "q1"));
  b.push(udp(z, a, "r1"));
  b.push(udp(a, z, ""));
  b.end();
  assertEquals(b.sink.lines, [
    "open 1 40000>53",
    "1 client q1",
    "1 server r1",
    "1 client ",
    "1 client end",
    "1 server end",
    "close 1 capture-end",
    "finish",
  ]);
  assertEquals(b.sink.flows[0]!.key.protocol, "udp");
  assertEquals(b.sink.flows[0]!.client, {
    packets: 2,
    wireBytes: 2,
    bytes: 2,
    retransmissions: 0,
    outOfOrder: 0,
    conflicts: 0,
    gapBytes: 0,
    probes: 0,
  });
});

test("heard first from a system port, that is the server; otherwise who is heard first is the client", () => {
  const b = bench();
  b.push(udp(z, a, "answer"));
  b.push(udp(ipv4(1, 6000), ipv4(2, 5000), "x"));
  b.push(udp(ipv6(1, 123), ipv6(2, 123), "x"));
  assertEquals(b.sink.lines.filter((line) => line.startsWith("open")), [
    "open 1 40000>53",
    "open 2 6000>5000",
    "open 3 123>123",
  ]);
});

test("udpIdleMs: a conversation without a packet for that long has ended, and the next packet opens another", () => {
  const b = bench({ udpIdleMs: 1000, idleMs: 5000 });
  b.push(udp(a, z, "q1"));
  b.push(udp(a, z, "q2", { at: 999 }));
  b.push(udp(a, z, "q3", { at: 1999 }));
  assertEquals(b.sink.lines, [
    "open 1 40000>53",
    "1 client q1",
    "1 client q2",
    "1 client end",
    "1 server end",
    "close 1 idle",
    "open 2 40000>53",
    "2 client q3",
  ]);
});

test("a datagram that the capture cut is a gap behind its bytes", () => {
  for (const [gaps, line] of [["skip", "1 client gap 3+5"], ["error", "1 client EGAP at 3"]] as const) {
    const b = bench({ gaps });
    b.push(udp(a, z, "abc", { wireLength: 8 }));
    b.push(udp(a, z, "def"));
    const after = gaps === "skip" ? ["1 client def"] : [];
    assertEquals(b.sink.lines, ["open 1 40000>53", "1 client abc", line, ...after]);
    assertEquals([b.stats.gapsCut, b.stats.gapBytes], [1, 5]);
  }
});

test("the same ports over TCP and UDP are two flows", () => {
  const b = bench();
  b.push(udp(a, z, "datagram"));
  b.push(tcp(a, z, { seq: 1, syn: true }));
  assertEquals(b.stats.flows, 2);
});
