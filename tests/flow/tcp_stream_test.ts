import { assertEquals } from "@std/assert";
import { test } from "node:test";
import { bench, handshake } from "./conversation.ts";

test("a whole connection gives both streams, their ends and its close, in this order", () => {
  const b = bench();
  const { c, s } = b;
  c.syn();
  s.synAck();
  c.ack();
  c.data("GET /");
  s.data("200 ");
  s.data("OK");
  s.fin();
  c.data("bye");
  c.fin();
  s.ack();
  assertEquals(b.sink.lines, [
    "open 1 40000>80",
    "1 client GET /",
    "1 server 200 ",
    "1 server OK",
    "1 server end",
    "1 client bye",
    "1 client end",
    "close 1 fin",
  ]);
  assertEquals(b.sink.flows[0]!.complete, true);
  assertEquals(b.sink.flows[0]!.endedBy, "fin");
  assertEquals(b.sink.flows[0]!.key, {
    protocol: "tcp",
    client: { address: "10.0.0.1", port: 40000 },
    server: { address: "10.0.0.2", port: 80 },
  });
  assertEquals(b.stats.afterClose, 1);
});

test("a chunk in order is a view of its packet, not a copy", () => {
  const b = bench();
  handshake(b);
  b.c.data("abc");
  const chunk = b.sink.streams.get("1 client")![0]!;
  assertEquals(chunk.buffer.byteLength, 3 + 20 + 20 + 3);
});

test("segments out of order are put in order", () => {
  const b = bench();
  handshake(b);
  b.c.at(6, "gh");
  b.c.at(3, "def");
  assertEquals(b.sink.take(), []);
  b.c.at(0, "abc");
  assertEquals(b.sink.take(), ["1 client abc", "1 client def", "1 client gh"]);
  assertEquals(b.sink.flows[0]!.client.outOfOrder, 2);
  assertEquals(b.stats.heldBytes, 0);
});

test("retransmissions are handed out once, whole or in part, delivered or held", () => {
  const b = bench();
  handshake(b);
  b.c.at(0, "abc");
  b.c.at(0, "abc");
  b.c.at(1, "bcde");
  b.c.at(8, "ij");
  b.c.at(8, "ij");
  b.c.at(5, "fgh");
  assertEquals(b.sink.stream(1, "client"), "abcdefghij");
  assertEquals(b.sink.flows[0]!.client.retransmissions, 2);
  assertEquals(b.sink.flows[0]!.client.bytes, 10);
  assertEquals(b.sink.flows[0]!.client.wireBytes, 17);
});

test("sequence numbers wrap, in order and out of order", () => {
  const b = bench({}, { c: 0xffff_fffa });
  handshake(b);
  b.c.at(0, "abc");
  b.c.at(6, "gh");
  b.c.at(3, "def");
  b.c.at(8, "i");
  assertEquals(b.sink.stream(1, "client"), "abcdefghi");
});

test("a keep-alive with a garbage byte is not handed out", () => {
  const b = bench();
  handshake(b);
  b.c.data("abc");
  b.c.at(2, "\0");
  b.c.raw({ seq: b.c.seq - 1 });
  b.c.data("def");
  assertEquals(b.sink.stream(1, "client"), "abcdef");
  assertEquals(b.sink.flows[0]!.client.probes, 2);
});

test("a FIN that comes before its data waits for it", () => {
  const b = bench();
  handshake(b);
  b.c.raw({ seq: 1001 + 3, fin: true });
  assertEquals(b.sink.take(), []);
  b.c.at(0, "abc");
  assertEquals(b.sink.take(), ["1 client abc", "1 client end"]);
});

test("RST ends both sides after their data", () => {
  const b = bench();
  handshake(b);
  b.c.data("abc");
  b.s.rst();
  assertEquals(b.sink.take(), ["1 client abc", "1 client end", "1 server end", "close 1 reset"]);
});

test("the end of the capture ends all flows in order of their numbers, then the run", () => {
  const b = bench();
  const [c2] = b.pair(40001);
  c2.syn();
  b.c.syn();
  c2.ack();
  b.sink.take();
  b.end();
  assertEquals(b.sink.take(), [
    "1 client end",
    "1 server end",
    "close 1 capture-end",
    "2 client end",
    "2 server end",
    "close 2 capture-end",
    "finish",
  ]);
});

test("a hole that never fills is an error that says where and how much", () => {
  const b = bench();
  handshake(b);
  b.c.at(0, "abc");
  b.c.at(5, "fgh");
  b.end();
  assertEquals(b.sink.take(), ["1 client abc", "1 client EGAP at 3", "1 server end", "close 1 capture-end", "finish"]);
  assertEquals(b.stats.heldBytes, 0);
});

test("a hole that never fills is reported and skipped with gaps: skip", () => {
  const b = bench({ gaps: "skip" });
  handshake(b);
  b.c.at(0, "abc");
  b.c.at(5, "fgh");
  b.end();
  assertEquals(b.sink.take(), [
    "1 client abc",
    "1 client gap 3+2",
    "1 client fgh",
    "1 client end",
    "1 server end",
    "close 1 capture-end",
    "finish",
  ]);
});
