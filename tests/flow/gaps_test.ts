import { assert, assertEquals } from "@std/assert";
import { test } from "node:test";
import { FlowError } from "../../src/flow/mod.ts";
import { bench, handshake } from "./conversation.ts";

test("an error names the place and size of the hole, the limit, and none of the bytes", () => {
  const b = bench({ maxHolePackets: 1 });
  let seen: FlowError | undefined;
  b.sink.error = (_flow, _side, error) => seen = error as FlowError;
  handshake(b);
  b.c.data("secret");
  b.c.at(10, "secret");
  b.c.at(20, "secret");
  assert(seen instanceof FlowError);
  assertEquals([seen.code, seen.layer, seen.blame, seen.offset], ["EGAP", "flow", "remote", 6]);
  assertEquals(seen.gap, { offset: 6, length: 4 });
  assertEquals(seen.message, "4 bytes at stream offset 6 never captured (given up: maxHolePackets 1)");
});

test("a direction that failed is silent from then on, the other goes on, and the flow closes as ever", () => {
  const b = bench({ maxHolePackets: 1 });
  handshake(b);
  b.c.at(1, "b");
  b.c.at(2, "c");
  b.c.at(0, "a");
  b.c.at(9, "j");
  b.s.data("ok");
  assertEquals(b.sink.take(), ["1 client EGAP at 0", "1 server ok"]);
  b.s.fin();
  b.c.at(10, "", { fin: true });
  assertEquals(b.sink.take(), ["1 server end", "close 1 fin"]);
  assertEquals(b.stats.heldBytes, 0);
});

test("a direction that failed is still followed, so that its RST is believed", () => {
  const b = bench({ maxHolePackets: 1 });
  handshake(b);
  b.c.at(1, "b");
  b.c.at(2, "c");
  for (let i = 0; i < 5; i++) b.c.at(3 + i * 50_000, new Uint8Array(50_000));
  b.c.raw({ seq: 1001 + 250_003, rst: true });
  assertEquals(b.sink.take(), ["1 client EGAP at 0", "1 server end", "close 1 reset"]);
});

test("several holes are skipped one by one at the end, in order", () => {
  const b = bench({ gaps: "skip" });
  handshake(b);
  b.c.at(8, "ij");
  b.c.at(2, "cd");
  b.c.at(12, "", { fin: true });
  b.s.rst();
  assertEquals(b.sink.take(), [
    "1 client gap 0+2",
    "1 client cd",
    "1 client gap 4+4",
    "1 client ij",
    "1 client gap 10+2",
    "1 client end",
    "1 server end",
    "close 1 reset",
  ]);
  assertEquals([b.stats.gapsEnd, b.stats.gapBytes, b.sink.flows[0]!.client.gapBytes], [3, 8, 8]);
});

test("bytes at the end that were acknowledged but never seen are a gap", () => {
  for (const [gaps, line] of [["skip", "1 client gap 3+5"], ["error", "1 client EGAP at 3"]] as const) {
    const b = bench({ gaps });
    handshake(b);
    b.c.data("abc");
    b.s.ack({ ack: 1001 + 8 });
    b.end();
    assertEquals(b.sink.take()[1], line);
  }
});

test("one byte at the end that was acknowledged but never seen may be a FIN, and is no gap", () => {
  const b = bench();
  handshake(b);
  b.c.data("abc");
  b.s.ack({ ack: 1001 + 4 });
  b.end();
  assertEquals(b.sink.take().slice(0, 2), ["1 client abc", "1 client end"]);
});

test("the server's bytes that only its client's acknowledgments show are a gap", () => {
  const b = bench({ gaps: "skip" });
  b.c.syn();
  b.c.raw({ seq: 1001, ack: 5001 });
  b.c.raw({ seq: 1001, ack: 5001 + 100 });
  b.end();
  assertEquals(b.sink.take()[2], "1 server gap 0+100");
});

test("a server that was never heard, of a connection from before the capture, has no gap", () => {
  const b = bench();
  b.c.raw({ seq: 1001, ack: 5001 });
  b.c.raw({ seq: 1001, ack: 5001 + 100 });
  b.end();
  assertEquals(b.sink.take().slice(1, 3), ["1 client end", "1 server end"]);
});

test("an acknowledgment in a segment far from its connection is not believed", () => {
  const b = bench({ ackedHolePackets: 0 });
  handshake(b);
  b.s.raw({ seq: 5001 + 2 ** 21, ack: 1001 + 500 });
  b.s.ack();
  b.s.ack();
  b.c.data("abc");
  assertEquals(b.sink.take(), ["1 client abc"]);
});

test("a segment that the capture cut is a gap behind its captured bytes, at once", () => {
  const b = bench({ gaps: "skip" });
  handshake(b);
  b.c.data("abc", { wireLength: 10 });
  b.c.at(10, "klm");
  assertEquals(b.sink.take(), ["1 client abc", "1 client gap 3+7", "1 client klm"]);
  assertEquals(b.stats.gapsCut, 1);
});

test("a cut segment fails the direction with gaps: error", () => {
  const b = bench();
  handshake(b);
  b.c.data("abc", { wireLength: 10 });
  assertEquals(b.sink.take(), ["1 client abc", "1 client EGAP at 3"]);
});

test("a cut segment that nothing was captured of is a gap", () => {
  const b = bench({ gaps: "skip" });
  handshake(b);
  b.c.data("", { wireLength: 10 });
  b.c.at(10, "klm");
  assertEquals(b.sink.take(), ["1 client gap 0+10", "1 client klm"]);
});

test("a cut segment ahead of a hole waits for it; bytes that fill its cut in time are used", () => {
  const b = bench({ gaps: "skip" });
  handshake(b);
  b.c.at(3, "def", { wireLength: 6 });
  b.c.at(9, "jkl", { wireLength: 6 });
  b.c.at(5, "fgh");
  b.c.at(0, "abc");
  assertEquals(b.sink.stream(1, "client"), "abcdefghjkl");
  assertEquals(b.sink.lines.filter((line) => line.includes("gap")), ["1 client gap 8+1", "1 client gap 12+3"]);
});

test("a cut segment that was seen in part before gives what is new", () => {
  const b = bench({ gaps: "skip" });
  handshake(b);
  b.c.data("abcdef");
  b.c.at(2, "cd", { wireLength: 6 });
  assertEquals(b.sink.take(), ["1 client abcdef", "1 client gap 6+2"]);
});

test("abort: a side that nobody wants is silent and holds nothing, and the flow closes as ever", () => {
  const b = bench();
  handshake(b);
  b.c.at(3, "held");
  b.tracker.abort(b.sink.flows[0]!, "client");
  assertEquals(b.stats.heldBytes, 0);
  b.c.at(0, "abc");
  b.c.at(90, "far");
  assertEquals([b.sink.take(), b.stats.heldBytes], [[], 0]);
  b.s.fin();
  b.c.at(93, "", { fin: true });
  const told = b.sink.take();
  assertEquals([told[0], told.at(-1)], ["1 server end", "close 1 fin"]);
  assertEquals(b.tracker.timeoutAt(), 120_000, "no hole is waited for, only the ended flow remembered");
});

test("abort from within data stops what was about to follow", () => {
  const b = bench();
  handshake(b);
  const seen: number[] = [];
  b.sink.data = (flow, side, bytes) => {
    seen.push(bytes.length);
    b.tracker.abort(flow, side);
  };
  b.c.at(3, "def");
  b.c.at(6, "ghi");
  b.c.at(20, "held");
  b.c.at(0, "ab");
  b.c.at(2, "c");
  assertEquals(seen, [2]);
  assertEquals(b.stats.heldBytes, 0);
});
