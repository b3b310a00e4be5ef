import { assert, assertEquals } from "@std/assert";
import { test } from "node:test";
import { TcpFlag } from "../../src/packet/tcp.ts";
import { pattern, TcpPair } from "./support/tcp_pair.ts";

/** Writes `data` from a to b as there is room, until it is all read. */
function transfer(pair: TcpPair, data: Uint8Array, maxMs = 600_000): void {
  let written = 0;
  const end = pair.now + maxMs;
  while (pair.b.told.received.length < data.length && pair.now < end) {
    written += pair.a.connection.write(data.subarray(written), pair.now);
    pair.run(5);
  }
  assertEquals(pair.b.told.received.length, data.length);
  assert(pair.b.told.received.every((byte, at) => byte === data[at]));
}

function close(pair: TcpPair): void {
  pair.a.connection.shutdown(pair.now);
  pair.run(5000);
  pair.b.connection.shutdown(pair.now);
  pair.run(100_000);
  for (const end of [pair.a, pair.b]) {
    assertEquals(end.told.error, null);
    assertEquals([end.timers.size, end.buffers.usedBytes], [0, 0]);
  }
}

test("58: both ask at once and get one connection", () => {
  const pair = new TcpPair();
  pair.open();
  pair.run(100);
  assertEquals([pair.a.connection.info().state, pair.b.connection.info().state], ["ESTABLISHED", "ESTABLISHED"]);
  assertEquals([pair.a.told.events, pair.b.told.events], [["opened"], ["opened"]]);
  transfer(pair, pattern(1000));
  close(pair);
  assert(pair.a.ending !== undefined && pair.b.isRemoved);
});

test("75: sequence numbers wrap", () => {
  const pair = new TcpPair();
  pair.open(0xffffff00, 0x7fffff00);
  transfer(pair, pattern(100_000));
  close(pair);
});

for (const hasSack of [true, false]) {
  for (const hasTimestamps of [true, false]) {
    test(`108: every twentieth segment lost, ${hasSack ? "SACK" : "no SACK"}, timestamps ${hasTimestamps}`, () => {
      const pair = new TcpPair({ hasSack, hasTimestamps });
      pair.open();
      let count = 0;
      pair.drop = ({ segment }) => segment.payload.length > 0 && ++count % 20 === 0;
      transfer(pair, pattern(300_000));
      const { timeouts, retransmits } = pair.a.connection.info();
      assert(retransmits >= 10 && retransmits <= 40, `${retransmits} retransmits`);
      assert(timeouts <= (hasSack ? 0 : 3), `${timeouts} timeouts`);
      pair.drop = () => false;
      close(pair);
    });
  }
}

test("118: each packet of a short life lost in turn", () => {
  const complete = new TcpPair();
  complete.open();
  transfer(complete, pattern(5000));
  close(complete);
  const total = complete.log.length;
  assert(total > 8);
  // the last one, which TIME-WAIT answers for, is the table's business
  for (let lost = 0; lost < total - 1; lost++) {
    const pair = new TcpPair();
    pair.drop = (_packet, number) => number === lost;
    pair.open();
    transfer(pair, pattern(5000));
    close(pair);
  }
});

test("87, 95, 96: a reader that stops, a window that closes, a window update that gets lost", () => {
  const pair = new TcpPair({ receiveBufferBytes: 10_000, windowScale: false });
  pair.open();
  pair.run(100);
  pair.b.told.isConsuming = false;
  const data = pattern(30_000);
  assertEquals(pair.a.connection.write(data, pair.now), 30_000);
  pair.run(3_600_000);
  assertEquals(pair.a.connection.info().state, "ESTABLISHED");
  assertEquals(pair.b.connection.readable, 10_000);
  const probes = pair.log.filter(({ from, segment, at }) => from === "a" && at > 20_000 && segment.payload.length > 0);
  assert(probes.length > 20 && probes.every(({ segment }) => segment.payload.length === 1));
  const gaps = probes.slice(1).map(({ at }, i) => at - probes[i]!.at);
  assert(gaps.every((gap) => gap <= 60_000) && gaps.at(-1)! >= 59_000);
  pair.drop = ({ from }) => from === "b";
  pair.b.consume(10_000);
  pair.b.told.isConsuming = true;
  pair.run(100);
  pair.drop = () => false;
  pair.run(200_000);
  assertEquals(pair.b.told.received.length, 30_000);
  assert(pair.b.told.received.every((byte, at) => byte === data[at]));
  close(pair);
});

test("104: what is never acknowledged ends the connection after the user timeout", () => {
  const pair = new TcpPair({ userTimeoutMs: 30_000 });
  pair.open();
  pair.run(100);
  pair.drop = () => true;
  const started = pair.now;
  pair.a.connection.write(pattern(10), pair.now);
  pair.run(200_000);
  assertEquals(pair.a.told.events, ["opened", "ETIMEDOUT"]);
  assertEquals(pair.a.told.error?.code, "ETIMEDOUT");
  const sent = pair.log.filter(({ from, at, segment }) => from === "a" && at >= started && segment.payload.length > 0);
  assert(sent.length >= 6 && sent.at(-1)!.at - started >= 10_000 && sent.at(-1)!.at - started < 60_000);
  assertEquals(pair.log.at(-1)!.segment.flags & TcpFlag.RST, TcpFlag.RST);
});

test("110: a lost last segment is sent again as a probe, not after a timeout", () => {
  const pair = new TcpPair();
  pair.open();
  pair.run(100);
  transfer(pair, pattern(20_000));
  pair.run(100);
  let isLost = false;
  pair.drop = ({ segment }) =>
    !isLost && segment.payload.length > 0 && segment.payload.length < 1448 && (isLost = true);
  pair.a.connection.write(pattern(4000, 20_000), pair.now);
  pair.run(270);
  assertEquals(isLost, true);
  assertEquals(pair.b.told.received.length, 24_000);
  assertEquals(pair.a.connection.info().timeouts, 0);
});

test("120: keep-alives are answered, and end a connection when they are not", () => {
  const pair = new TcpPair({ keepaliveMs: 10_000, keepaliveIntervalMs: 1000, keepaliveProbes: 3 });
  pair.open();
  pair.run(35_000);
  assertEquals(pair.a.connection.info().state, "ESTABLISHED");
  const probes = pair.log.filter(({ from, at }) => from === "a" && at > 2000);
  assert(probes.length >= 3 && probes.every(({ segment }) => segment.payload.length === 0));
  pair.drop = () => true;
  pair.run(20_000);
  assertEquals(pair.a.told.error?.code, "ETIMEDOUT");
  assertEquals(pair.b.told.error?.code, "ETIMEDOUT");
});

test("69: abort resets the peer", () => {
  const pair = new TcpPair();
  pair.open();
  pair.run(100);
  pair.a.connection.abort(pair.now);
  pair.run(100);
  assertEquals(pair.a.told.events, ["opened"]);
  assertEquals(pair.b.told.error?.code, "ECONNRESET");
  assertEquals([pair.a.timers.size, pair.b.timers.size], [0, 0]);
});

test("97: small writes wait for an acknowledgment with Nagle's algorithm, and do not without", () => {
  for (const hasNagle of [true, false]) {
    const pair = new TcpPair({ hasNagle });
    pair.open();
    pair.run(100);
    const before = pair.log.length;
    for (let i = 0; i < 10; i++) {
      pair.a.connection.write(pattern(10, 10 * i), pair.now);
      pair.run(0);
    }
    const sent = pair.log.slice(before).filter(({ from }) => from === "a").length;
    assertEquals(sent, hasNagle ? 1 : 10);
    pair.run(1000);
    assertEquals(pair.b.told.received.length, 100);
  }
});

test("95: a peer that reads nothing before its own bytes are acknowledged gets its acknowledgments", () => {
  const pair = new TcpPair({ receiveBufferBytes: 8000, sendBufferBytes: 16_000 });
  pair.open();
  pair.run(100);
  const { a, b } = pair;
  a.told.isConsuming = false;
  b.connection.write(pattern(16_000), pair.now);
  // the window is shut, and was probed
  pair.run(5000);
  a.connection.write(pattern(5000), pair.now);
  pair.run(100);
  assertEquals([a.connection.info().bytesQueued, a.connection.info().retransmits], [0, 0]);
  assertEquals(b.told.received.length, 5000);
});
