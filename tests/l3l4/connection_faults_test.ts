/** What simulation has found in connections, each by itself. */
import { assert, assertEquals } from "@std/assert";
import { test } from "node:test";
import { createCongestion } from "../../src/l3l4/tcp/congestion/create_congestion.ts";
import { LossRecovery, RecoveryPhase } from "../../src/l3l4/tcp/loss_recovery.ts";
import { RttEstimator } from "../../src/l3l4/tcp/rtt_estimator.ts";
import { SegmentCursor } from "../../src/l3l4/tcp/segment_cursor.ts";
import { SentSegmentPool } from "../../src/l3l4/tcp/sent_segments.ts";
import { tcpSettings } from "../../src/l3l4/tcp/tcp_settings.ts";
import { pattern, TcpPair } from "./support/tcp_pair.ts";

test("93. a retransmission that is the first to acknowledge something brings its window with it", () => {
  const pair = new TcpPair({ receiveBufferBytes: 10_000, windowScale: false, hasNagle: false }, undefined, 10);
  pair.open();
  pair.run(100);
  const { a, b } = pair;
  a.told.isConsuming = false;
  // b sends something that gets lost, and then something that does not: that one's sequence number is the latest
  const lost = pair.log.length;
  pair.drop = ({ from, segment }) => from === "b" && segment.payload.length === 10;
  b.connection.write(pattern(10), pair.now);
  pair.run(0);
  b.connection.write(pattern(100, 10), pair.now);
  pair.run(30);
  assert(pair.log.length > lost);
  // a's window is used up; what it acknowledges now it tells with b's retransmission only
  b.told.isConsuming = false;
  a.connection.write(pattern(5000), pair.now);
  pair.drop = ({ from, segment }) => from === "b" && segment.payload.length === 0;
  pair.run(15);
  pair.drop = ({ from, segment }) => from === "b" && segment.payload.length !== 10;
  a.connection.write(pattern(30_000, 5000), pair.now);
  pair.run(2000);
  const info = a.connection.info();
  const edge = Math.max(
    ...pair.log.filter(({ from }) => from === "b").map(({ segment }) => segment.acknowledgment + segment.window),
  );
  const sent = Math.max(
    ...pair.log.filter(({ from }) => from === "a").map(({ segment }) => segment.sequence + segment.payload.length),
  );
  // a probe of a closed window is one byte beyond it
  assert(sent <= edge + 1, `sent up to ${sent}, offered up to ${edge}; window ${info.sendWindow}`);
});

for (const hasSack of [false, true]) {
  test(`101. ${hasSack ? "a probe that got lost too" : "without SACK a timeout"} is followed by the first segment again`, () => {
    const pair = new TcpPair({ hasSack, hasNagle: false });
    pair.open();
    pair.run(100);
    pair.a.connection.write(pattern(1000), pair.now);
    pair.run(500);
    const from = pair.log.length;
    pair.drop = ({ from }) => from === "a";
    for (let i = 0; i < 3; i++) {
      pair.a.connection.write(pattern(1448, 1000 + i * 1448), pair.now);
      pair.run(0);
    }
    const { sendWindow } = pair.a.connection.info();
    assert(sendWindow > 10_000);
    pair.run(3000);
    const starts = pair.log.slice(from).filter((packet) => packet.from === "a").map(({ segment }) => segment.sequence);
    const [first, , last] = starts;
    // after the timeout it is the first one alone, however often
    assertEquals(
      starts.slice(3),
      hasSack ? [last, ...starts.slice(4).map(() => first)] : starts.slice(3).map(() => first),
    );
    assert(starts.length >= 6, `${starts.length} segments`);
  });
}

test("101. acknowledgments that got lost do not make the round trip longer", () => {
  const pair = new TcpPair({ minRtoMs: 200 });
  pair.open();
  pair.run(100);
  const { connection } = pair.a;
  for (let i = 0; i < 10; i++) {
    connection.write(pattern(100, 100 * i), pair.now);
    pair.run(1000);
  }
  const { srttMs } = connection.info();
  let lost = 0;
  pair.drop = ({ from }) => from === "b" && lost++ < 5;
  connection.write(pattern(100, 1000), pair.now);
  pair.run(60_000);
  assertEquals([lost > 5, pair.b.told.received.length], [true, 1100]);
  assert(connection.info().srttMs < 1.5 * srttMs, `${connection.info().srttMs} ms, was ${srttMs} ms`);
});

test("99. a send buffer that is the limit is kept full: there is a word as soon as an eighth is free", () => {
  const pair = new TcpPair({ sendBufferBytes: 32_000 });
  pair.open();
  pair.run(100);
  const { connection } = pair.a;
  assertEquals(connection.write(pattern(50_000), pair.now), 32_000);
  pair.drop = ({ from, segment }) => from === "a" && segment.payload.length < 1448;
  pair.a.told.events.length = 0;
  // ten segments are the first window
  pair.run(15);
  assertEquals(pair.a.told.events, []);
  pair.run(10);
  assertEquals(pair.a.told.events, ["writable"]);
  assert(connection.info().bytesQueued > 16_000);
});

test("111. what was sent again in the recovery before says nothing of this one: no loss is taken back", () => {
  const rtt = new RttEstimator(tcpSettings({}));
  const congestion = createCongestion(tcpSettings({ congestion: "newreno" }), 1000);
  const recovery = new LossRecovery(new SentSegmentPool(), rtt, congestion);
  recovery.hasSack = recovery.hasTimestamps = true;
  recovery.segmentSize = 1000;
  for (let i = 0; i < 6; i++) recovery.board.push(1000 * i, 1000 * (i + 1), 0, false);
  const resend = (now: number) => {
    const segment = recovery.board.segments.at(recovery.board.firstLost());
    recovery.board.resent(segment, now);
    recovery.retransmitted(segment.end, now);
    return segment.start;
  };
  const receive = (acknowledgment: number, tsEcho: number, sack: number[], una: number, now: number) => {
    const cursor = Object.assign(new SegmentCursor(), { acknowledgment, tsEcho, hasTimestamps: true });
    cursor.sackCount = sack.length / 2;
    cursor.sack.set(sack);
    recovery.acknowledge(cursor, { una, sendNext: 6000, isDuplicate: false, isLimited: true, timestamp: now }, now);
  };
  receive(0, 0, [3000, 6000], 0, 100);
  assertEquals([recovery.phase, resend(100)], [RecoveryPhase.RECOVERY, 0]);
  // the peer says that it has got something twice: the one retransmission was for nothing, and then the rest is lost after all
  receive(0, 0, [-1000, 0, 3000, 6000], 0, 150);
  assertEquals([recovery.phase, resend(150)], [RecoveryPhase.RECOVERY, 1000]);
  let undone = 0;
  congestion.undo = () => void undone++;
  receive(1000, 100, [3000, 6000], 0, 200);
  assertEquals([recovery.phase, undone], [RecoveryPhase.RECOVERY, 0]);
});
