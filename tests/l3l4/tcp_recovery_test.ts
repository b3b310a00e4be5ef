import { assert, assertEquals, assertThrows } from "@std/assert";
import { test } from "node:test";
import { IpTemplate } from "../../src/l3l4/ip_header.ts";
import { Summer } from "../../src/bytes/summer.ts";
import { SegmentWriter } from "../../src/l3l4/tcp/segment_writer.ts";
import { tcpSettings } from "../../src/l3l4/tcp/tcp_settings.ts";
import { TcpFlag } from "../../src/packet/tcp.ts";
import type { TcpOption } from "../../src/packet/tcp_options.ts";
import { ScriptedPeer } from "./support/scripted_peer.ts";
import { pattern } from "./support/tcp_pair.ts";

const { ACK, FIN } = TcpFlag;
const MSS: readonly TcpOption[] = [{ kind: "mss", size: 1000 }];
const SACK: readonly TcpOption[] = [...MSS, { kind: "sackPermitted" }];

function opened(options = {}, syn = MSS, window = 65_535): ScriptedPeer {
  const peer = new ScriptedPeer({ delayedAckMs: 0, congestion: "newreno", ...options });
  peer.open(syn, window);
  return peer;
}

/** Blocks by numbers of ours. */
function sack(...blocks: readonly (readonly [number, number])[]): readonly TcpOption[] {
  return [{ kind: "sack", blocks: blocks.map(([left, right]) => ({ left: 5000 + left, right: 5000 + right })) }];
}

function seqs(heard: readonly { readonly seq: number }[]): number[] {
  return heard.map(({ seq }) => seq);
}

test("101: the timeout follows the round trips, and is never less than its minimum", () => {
  const peer = opened();
  // one round trip of 10 ms: SRTT 10, RTTVAR 5, the least variation counted is 200
  assertEquals(peer.end.connection.info().rtoMs, 210);
  peer.end.connection.write(pattern(10), peer.now);
  peer.heard();
  peer.now += 90;
  peer.say({ ack: 11 });
  const { srttMs, rttvarMs, rtoMs } = peer.end.connection.info();
  assertEquals([srttMs, rttvarMs], [20, 23.75]);
  assertEquals(rtoMs, 220);
});

test("102: no round trip is taken from a segment that was sent twice", () => {
  const peer = opened();
  peer.end.connection.write(pattern(10), peer.now);
  assertEquals(peer.wait(300).map(({ after }) => after), [0, 210]);
  peer.say({ ack: 11 });
  assertEquals(peer.end.connection.info().srttMs, 10);
});

test("103: the timeout doubles, and not any more once something was acknowledged that was sent once", () => {
  const peer = opened();
  peer.end.connection.write(pattern(10), peer.now);
  assertEquals(peer.wait(2000).map(({ after }) => after), [0, 210, 630, 1470]);
  peer.say({ ack: 11 });
  // nobody knows of which copy that was
  assertEquals(peer.end.connection.info().rtoMs, 1680);
  assertEquals(peer.wait(10_000), []);
  peer.end.connection.write(pattern(1000), peer.now);
  peer.heard();
  peer.now += 10;
  peer.say({ ack: 1011 });
  assert(peer.end.connection.info().rtoMs < 250);
  peer.end.connection.write(pattern(2000), peer.now);
  assertEquals(peer.heard().length, 2);
  peer.now += 200;
  peer.say({ ack: 2011 });
  // started again by the acknowledgment
  const [again] = peer.wait(1000);
  assert(again !== undefined && again.after > 200);
});

test("105, 106, 107: three duplicate acknowledgments, limited transmit before them, partial ones behind", () => {
  const peer = opened();
  peer.end.connection.write(pattern(40_000), peer.now);
  assertEquals(peer.heard().length, 10);
  // a change of the window and data do not count
  peer.say({ window: 60_000 });
  peer.say({ window: 65_535 });
  peer.data(pattern(5));
  assertEquals(peer.heard().filter(({ length }) => length > 0), []);
  peer.say({});
  assertEquals(seqs(peer.heard()), [10_001]);
  peer.say({});
  assertEquals(seqs(peer.heard()), [11_001]);
  peer.say({});
  assertEquals(seqs(peer.heard())[0], 1);
  const { ssthresh, cwnd } = peer.end.connection.info();
  assertEquals(ssthresh, 6000);
  assert(cwnd >= 1000);
  for (let i = 0; i < 6; i++) peer.say({});
  peer.heard();
  peer.say({ ack: 4001 });
  assertEquals(seqs(peer.heard())[0], 4001);
  peer.say({ ack: 12_001 + 6000 });
  peer.heard();
  assertEquals(peer.end.connection.info().timeouts, 0);
  assertEquals(peer.end.connection.info().retransmits, 2);
});

test("108: three holes are repaired in one round trip, nothing that arrived is sent again", () => {
  const peer = opened({ initialWindowSegments: 30 }, SACK);
  peer.end.connection.write(pattern(30_000), peer.now);
  assertEquals(peer.heard().length, 30);
  peer.now += 10;
  peer.say({ ack: 5001, options: sack([6001, 12_001]) });
  peer.say({ ack: 5001, options: sack([13_001, 20_001], [6001, 12_001]) });
  peer.say({ ack: 5001, options: sack([21_001, 30_001], [13_001, 20_001], [6001, 12_001]) });
  assertEquals(seqs(peer.heard()), [5001, 12_001, 20_001]);
  peer.now += 10;
  peer.say({ ack: 30_001 });
  assertEquals(peer.heard(), []);
  assertEquals(peer.end.connection.info().retransmits, 3);
});

test("108: what the peer takes back is sent again after a timeout", () => {
  const peer = opened({}, SACK);
  peer.end.connection.write(pattern(4000), peer.now);
  peer.heard();
  peer.now += 10;
  peer.say({ options: sack([1001, 4001]) });
  assertEquals(seqs(peer.heard()), [1]);
  peer.now += 10;
  // the hole is filled, but nothing behind it: it has thrown that away
  peer.say({ ack: 1001 });
  const resent = peer.wait(2000);
  assertEquals(resent[0]?.seq, 1001);
  peer.say({ ack: 2001 });
  assertEquals(seqs(peer.heard()), [2001, 3001]);
});

test("109: reordering by less than a quarter of a round trip costs nothing", () => {
  const peer = new ScriptedPeer({ delayedAckMs: 0 });
  peer.open(SACK, 65_535, 40);
  for (let round = 0; round < 3; round++) {
    const base = round * 4000 + 1;
    peer.end.connection.write(pattern(4000), peer.now);
    assertEquals(peer.heard().length, 4);
    assertEquals(peer.wait(40), []);
    peer.say({ ack: base, options: sack([base + 1000, base + 2000]) });
    assertEquals(peer.wait(2), []);
    peer.say({ ack: base + 4000 });
    assertEquals(peer.heard(), []);
  }
  assertEquals(peer.end.connection.info().retransmits, 0);
});

test("109: a retransmission that is lost too is found without a timeout", () => {
  const peer = opened({ initialWindowSegments: 10 }, SACK);
  peer.end.connection.write(pattern(40_000), peer.now);
  peer.heard();
  peer.now += 20;
  peer.say({ options: sack([1001, 10_001]) });
  const first = peer.heard();
  assertEquals(first[0]?.seq, 1);
  const behind = first.at(-1)!;
  assert(behind.seq >= 10_001, "something new went behind the retransmission");
  peer.now += 20;
  peer.say({ options: sack([1001, behind.seq + behind.length]) });
  const second = peer.wait(60);
  assert(seqs(second).includes(1));
  assertEquals(peer.end.connection.info().timeouts, 0);
});

test("111: a timeout that timestamps show to be needless is taken back", () => {
  const ts = (value: number, echo: number): TcpOption => ({ kind: "timestamps", value, echo });
  const peer = opened({}, [...SACK, ts(1, 1000)]);
  peer.end.connection.write(pattern(9880), peer.now);
  const sent = peer.heard();
  assertEquals(sent.length, 10);
  const sentAt = peer.now;
  const before = peer.end.connection.info().cwnd;
  const late = peer.wait(1000);
  assert(late.length > 0 && peer.end.connection.info().timeouts > 0);
  assert(peer.end.connection.info().cwnd < before);
  // the acknowledgment of the first copies, on its way all the time
  peer.say({ ack: 9881, options: [ts(2, sentAt)] });
  assert(peer.end.connection.info().cwnd >= before);
});

test("112: segments are cut anew when the path has become narrower", () => {
  const peer = opened({}, [{ kind: "mss", size: 1460 }]);
  peer.end.connection.write(pattern(2920), peer.now);
  assertEquals(peer.heard().map(({ length }) => length), [1460, 1460]);
  peer.end.mtu = 1280;
  const news = { sequence: 5001, code: "EMSGSIZE", isHard: false, mtu: 1280, text: "too big" };
  peer.end.connection.icmpError({ ...news, sequence: 4000 }, peer.now);
  assertEquals(peer.heard(), []);
  peer.end.connection.icmpError(news, peer.now);
  assertEquals(peer.heard().map(({ seq, length }) => [seq, length]), [[1, 1240], [1241, 220], [1461, 1240], [
    2701,
    220,
  ]]);
  assertEquals(peer.end.connection.info().cwnd > 4000, true);
  peer.say({ ack: 2921 });
  assertEquals(peer.end.connection.info().bytesQueued, 0);
});

test("21, 22: ICMP's errors end an attempt, but not a connection that is open", () => {
  const news = { sequence: 5000, code: "ECONNREFUSED", isHard: true, mtu: 0, text: "port unreachable" };
  const peer = new ScriptedPeer();
  peer.heard();
  peer.end.connection.icmpError({ ...news, sequence: 4999 }, peer.now);
  assertEquals(peer.state, "SYN-SENT");
  peer.end.connection.icmpError(news, peer.now);
  assertEquals(peer.state, "CLOSED");
  const open = opened();
  open.end.connection.write(pattern(10), open.now);
  open.heard();
  open.end.connection.icmpError({ ...news, sequence: 5001 }, open.now);
  assertEquals([open.state, open.end.connection.info().softError], ["ESTABLISHED", "ECONNREFUSED"]);
});

test("118: half-close: data comes for an hour after our FIN", () => {
  const peer = opened();
  peer.end.connection.shutdown(peer.now);
  assertEquals(peer.heard().map(({ flags }) => flags), ["FA"]);
  peer.say({ ack: 2 });
  assertEquals(peer.state, "FIN-WAIT-2");
  for (let minute = 0; minute < 60; minute++) {
    peer.wait(60_000);
    peer.data(pattern(100), { ack: 2 });
    assertEquals(peer.heard().map(({ ack }) => ack), [1 + 100 * (minute + 1)]);
  }
  peer.say({ ack: 2, flags: ACK | FIN });
  assertEquals(peer.heard().map(({ ack }) => ack), [6002]);
  assertEquals([peer.end.told.error, peer.end.ending?.receiveNext], [null, (9000 + 6002) | 0]);
});

test("118: data after a full close is reset; without any the wait for the peer's end is limited", () => {
  for (const hasData of [true, false]) {
    const peer = opened({ finWaitMs: 30_000 });
    peer.end.connection.shutdown(peer.now);
    peer.end.connection.stopReading(peer.now);
    peer.heard();
    peer.say({ ack: 2 });
    if (hasData) {
      peer.data(pattern(1), { ack: 2 });
      assertEquals(peer.heard().map(({ flags, seq }) => [flags, seq]), [["RA", 2]]);
      assertEquals(peer.end.told.error?.code, "ECONNRESET");
    } else {
      assertEquals(peer.wait(29_000), []);
      assertEquals(peer.state, "FIN-WAIT-2");
      peer.wait(2000);
      assertEquals([peer.state, peer.end.told.error], ["CLOSED", null]);
    }
    assertEquals([peer.end.timers.size, peer.end.isRemoved], [0, true]);
  }
});

test("118: simultaneous close", () => {
  const peer = opened();
  peer.end.connection.shutdown(peer.now);
  peer.heard();
  peer.say({ flags: ACK | FIN });
  assertEquals([peer.state, peer.heard().map(({ ack }) => ack)], ["CLOSING", [2]]);
  peer.sent = 2;
  peer.say({ ack: 2 });
  peer.heard();
  assertEquals([peer.end.told.events, peer.end.ending?.sendNext], [["opened", "ended", "closed"], 5002]);
});

test("118: a write before the end is sent before the end", () => {
  const peer = opened({}, MSS, 1000);
  peer.end.connection.write(pattern(3000), peer.now);
  peer.end.connection.shutdown(peer.now);
  assertEquals(peer.end.connection.write(pattern(1), peer.now), 0);
  assertEquals(peer.heard().map(({ length, flags }) => [length, flags]), [[1000, "A"]]);
  peer.say({ ack: 1001, window: 5000 });
  assertEquals(peer.heard().map(({ length, flags }) => [length, flags]), [[1000, "A"], [1000, "FPA"]]);
  peer.say({ ack: 3002 });
  assertEquals(peer.state, "FIN-WAIT-2");
});

test("a silent connection ends after the idle timeout", () => {
  const peer = opened({ idleTimeoutMs: 5000 });
  peer.wait(4000);
  peer.data(pattern(1));
  assertEquals(peer.wait(4900).length, 1);
  assertEquals(peer.state, "ESTABLISHED");
  const [last] = peer.wait(200).slice(-1);
  assertEquals([last?.flags, peer.end.told.error?.code], ["RA", "ETIMEDOUT"]);
});

test("memory for bytes is limited, and writes go on when there is some again", () => {
  const peer = opened({ maxBufferBytes: 8192, sendBufferBytes: 65_536, hasNagle: false });
  assertEquals(peer.end.connection.write(pattern(60_000), peer.now), 0);
  assertEquals(peer.end.connection.write(pattern(5000), peer.now), 5000);
  const more = peer.end.connection.write(pattern(60_000), peer.now);
  assertEquals(more, 8192 - 5000);
  peer.heard();
  peer.say({ ack: 8193 });
  peer.wait(100);
  assert(peer.end.told.events.includes("writable"));
  assertEquals(peer.end.buffers.usedBytes, 0);
});

test("with pacing a window is spread over the round trip", () => {
  const peer = opened({ hasPacing: true, initialWindowSegments: 40 }, MSS);
  peer.now += 100;
  peer.end.connection.write(pattern(1000), peer.now);
  peer.heard();
  peer.now += 100;
  peer.say({ ack: 1001 });
  peer.end.connection.write(pattern(60_000), peer.now);
  const sent = peer.wait(60);
  const times = new Set(sent.map(({ after }) => after));
  assert(sent.length > 20 && times.size > 5, `${sent.length} segments at ${times.size} times`);
});

test("120: keep-alives are off by default, and wait while data are under way", () => {
  assertEquals(tcpSettings({}).keepaliveMs, Infinity);
  const quiet = opened();
  assertEquals(quiet.wait(8 * 3_600_000), []);
  const peer = opened({ keepaliveMs: 7_200_000 });
  assertEquals(peer.wait(7_199_000), []);
  assertEquals(peer.wait(2000).map(({ seq, length, flags }) => [seq, length, flags]), [[0, 0, "A"]]);
  const busy = opened({ keepaliveMs: 100, userTimeoutMs: 60_000 });
  busy.end.connection.write(pattern(10), busy.now);
  const sent = busy.wait(3000);
  assert(sent.length > 2 && sent.every(({ seq, length }) => seq === 1 && length === 10));
});

test("120: one keep-alive that gets lost ends nothing", () => {
  const peer = opened({ keepaliveMs: 10_000, keepaliveIntervalMs: 1000, keepaliveProbes: 3 });
  assertEquals(peer.wait(10_500).length, 1);
  assertEquals(peer.wait(1000).length, 1);
  peer.say({});
  assertEquals(peer.wait(9000), []);
  assertEquals(peer.state, "ESTABLISHED");
});

test("85: a batch of segments gets one acknowledgment, made when all of it was read", () => {
  const peer = opened();
  for (let i = 0; i < 20; i++) peer.data(pattern(1000));
  assertEquals(peer.heard().map(({ ack }) => ack), [20_001]);
});

test("39: the options of segments: the largest size with SYNs only, filled up with zeros", () => {
  const peer = new ScriptedPeer({ windowScale: false });
  const [syn] = peer.heard();
  const timestamps = { kind: "timestamps", value: 1000, echo: 0 } as const;
  assertEquals(syn?.segment.options, [{ kind: "mss", size: 1460 }, { kind: "sackPermitted" }, timestamps]);
  peer.say({
    seq: 0,
    ack: 1,
    flags: TcpFlag.SYN | ACK,
    options: [{ kind: "mss", size: 1000 }, { kind: "sackPermitted" }],
  });
  peer.sent = 1;
  assertEquals(peer.heard()[0]?.segment.options, []);
  peer.say({ seq: 101, data: pattern(10) });
  const [gap] = peer.heard();
  assertEquals(gap?.segment.options.map(({ kind }) => kind), ["nop", "nop", "sack"]);
  const rig = new SegmentWriter(new Summer());
  rig.begin(1, 0, TcpFlag.SYN, 0);
  rig.addSynOptions(-1, -1, true);
  const into = new Uint8Array(64).fill(0xff);
  const template = new IpTemplate(4, new Uint8Array(4), new Uint8Array(4), 6);
  rig.write({ alloc: () => into, commit: () => {} }, template, 1, 2, null, 0, 0, 0);
  assertEquals([...into.subarray(40, 44)], [4, 2, 0, 0]);
});

test("super-segments go out whole with the size to cut them to, and are repaired segment by segment", () => {
  assertThrows(() => tcpSettings({ superSegmentBytes: 65_456 }), RangeError);
  const peer = opened({ superSegmentBytes: 64_000, initialWindowSegments: 30 }, SACK);
  peer.end.connection.write(pattern(25_500), peer.now);
  let buffer = new Uint8Array(0);
  const sizes: (number | undefined)[][] = [];
  peer.end.transmit({
    alloc: (size) => buffer = new Uint8Array(size),
    commit: (length, segmentSize) => sizes.push([buffer.length, length, segmentSize]),
  }, peer.now);
  // the rest is less than a segment and waits for an acknowledgment
  assertEquals(sizes, [[25_040, 25_040, 1000]]);
  peer.now += 10;
  peer.say({ ack: 3001, options: sack([4001, 25_001]) });
  assertEquals(peer.heard().map(({ seq, length }) => [seq, length]).slice(0, 1), [[3001, 1000]]);
  peer.now += 10;
  peer.say({ ack: 25_001 });
  peer.heard();
  peer.say({ ack: 25_501 });
  assertEquals(peer.end.connection.info().bytesQueued, 0);
  assertEquals(peer.end.connection.info().retransmits, 1);
});

test("maxRtoMs: the timeout grows no further", () => {
  const peer = opened({ maxRtoMs: 500 });
  peer.end.connection.write(pattern(10), peer.now);
  assertEquals(peer.wait(2000).map(({ after }) => after), [0, 210, 630, 1130, 1630]);
});

test("maxSynRetries: an attempt ends after so many SYNs", () => {
  const peer = new ScriptedPeer({ maxSynRetries: 2 });
  assertEquals(peer.wait(60_000).map(({ after }) => after), [0, 1000, 3000]);
  assertEquals(peer.end.told.error?.code, "ETIMEDOUT");
});

test("challengesPerSecond: challenges are limited", () => {
  const peer = opened({ challengesPerSecond: 3 });
  let answers = 0;
  for (let i = 0; i < 50; i++) {
    peer.say({ seq: 5, flags: TcpFlag.SYN });
    answers += peer.heard().length;
  }
  assertEquals(answers, 3);
});

test("heedsHardErrors: hard errors of ICMP end a connection that is open, when asked for", () => {
  const peer = opened({ heedsHardErrors: true });
  peer.end.connection.write(pattern(10), peer.now);
  peer.heard();
  const news = { sequence: 5001, code: "ECONNREFUSED", isHard: true, mtu: 0, text: "port unreachable" };
  peer.end.connection.icmpError(news, peer.now);
  peer.heard();
  assertEquals([peer.state, peer.end.told.error?.code], ["CLOSED", "ECONNREFUSED"]);
});

test("102: where a round trip takes longer than the timeout, backing off makes a copy that is sent once (Karn)", () => {
  const peer = opened();
  const counts: number[] = [];
  for (let i = 0; i < 6; i++) {
    peer.end.connection.write(pattern(10), peer.now);
    counts.push(peer.wait(2000).length);
    peer.say({ ack: 11 + 10 * i });
  }
  assertEquals(counts, [4, 2, 1, 1, 1, 1]);
  assert(peer.end.connection.info().srttMs > 500);
});

test("109: a timeout takes what was sent just now for under way (RFC 8985 section 6.3)", () => {
  const peer = opened({}, SACK);
  const { connection } = peer.end;
  connection.write(pattern(1000), peer.now);
  peer.heard();
  peer.now += 10;
  peer.say({ ack: 1001 });
  connection.write(pattern(1000), peer.now);
  // the segment, and the probe for it
  assertEquals(seqs(peer.wait(400)), [1001, 1001]);
  const { rtoMs } = connection.info();
  peer.wait(2 * rtoMs - 400 - 5);
  connection.write(pattern(2000, 7), peer.now);
  assertEquals(seqs(peer.heard()), [2001, 3001]);
  assertEquals(seqs(peer.wait(5)), [1001]);
  peer.say({ ack: 2001 });
  assertEquals(seqs(peer.heard()), []);
  peer.say({ ack: 4001 });
  assertEquals([connection.info().retransmits, connection.info().bytesQueued], [2, 0]);
});

test("105: what duplicate acknowledgments have told of is not counted again when it is acknowledged (RFC 9937)", () => {
  const peer = opened({ initialWindowSegments: 20 });
  peer.end.connection.write(pattern(60_000), peer.now);
  assertEquals(peer.heard().length, 20);
  // the first and the sixth are lost, and eight others have come
  let sent = 0;
  for (let i = 0; i < 8; i++) {
    peer.say({});
    sent += peer.heard().length;
  }
  const before = sent;
  peer.say({ ack: 5001 });
  assertEquals(seqs(peer.heard()), [5001]);
  assert(before >= 4);
});
