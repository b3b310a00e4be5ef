import { assert, assertEquals } from "@std/assert";
import { test } from "node:test";
import { TcpFlag } from "../../src/packet/tcp.ts";
import type { TcpOption } from "../../src/packet/tcp_options.ts";
import { ScriptedPeer } from "./support/scripted_peer.ts";
import { pattern } from "./support/tcp_pair.ts";

const { ACK, FIN, RST, SYN, ECE, CWR, URG } = TcpFlag;
const SACK: readonly TcpOption[] = [{ kind: "mss", size: 1000 }, { kind: "sackPermitted" }];

function opened(options = {}, syn?: readonly TcpOption[], window?: number): ScriptedPeer {
  const peer = new ScriptedPeer({ delayedAckMs: 0, ...options });
  peer.open(syn, window);
  assertEquals(peer.state, "ESTABLISHED");
  return peer;
}

test("37, 39, 46: reserved bits, unknown options, options that have no place here", () => {
  const peer = opened();
  peer.data(pattern(10), {
    flags: ACK | TcpFlag.AE,
    options: [
      { kind: "unknown", number: 200, data: Uint8Array.of(1, 2, 3) },
      { kind: "mss", size: 100 },
      { kind: "sackPermitted" },
    ],
  });
  assertEquals(peer.heard().map(({ ack }) => ack), [11]);
  peer.end.connection.write(pattern(500), peer.now);
  assertEquals(peer.heard().map(({ length }) => length), [500]);
});

test("45, 47: windows are scaled only when both said so, and are 16 bits without a sign", () => {
  const plain = opened({}, [{ kind: "mss", size: 1000 }], 65_535);
  assertEquals(plain.end.connection.info().sendWindow, 65_535);
  const scaled = opened({}, [{ kind: "mss", size: 1000 }, { kind: "windowScale", shift: 3 }], 40_000);
  // not in a SYN
  assertEquals(scaled.end.connection.info().sendWindow, 40_000);
  scaled.say({ window: 40_000 });
  assertEquals(scaled.end.connection.info().sendWindow, 320_000);
});

test("47: a late answer to a SYN with options is one, when plain SYNs were sent since", () => {
  const peer = new ScriptedPeer();
  peer.wait(8000); // SYNs at 0, 1, 3 and 7 seconds, the last one plain
  peer.open([{ kind: "mss", size: 1000 }, { kind: "windowScale", shift: 3 }], 40_000);
  peer.say({ window: 40_000 });
  assertEquals(peer.end.connection.info().sendWindow, 320_000);
});

test("55: SYNs are repeated ever later and given up after three minutes at the earliest", () => {
  const peer = new ScriptedPeer();
  const sent = peer.wait(179_999);
  assert(sent.every(({ flags }) => flags === "S"));
  assertEquals(sent.slice(0, 5).map(({ after }) => after), [0, 1000, 3000, 7000, 15_000]);
  assert(sent.at(-1)!.after >= 120_000);
  assertEquals([peer.state, peer.end.told.error], ["SYN-SENT", undefined]);
  peer.wait(220_000);
  assertEquals(peer.end.told.error?.code, "ETIMEDOUT");
});

test("56, 57: wrong acknowledgments of a SYN are reset, resets count only with the right one", () => {
  const peer = new ScriptedPeer();
  peer.heard();
  peer.say({ seq: 0, ack: 77, flags: SYN | ACK });
  assertEquals(peer.heard().map(({ flags, seq }) => [flags, seq]), [["R", 77]]);
  peer.say({ seq: 0, flags: RST });
  peer.say({ seq: 0, ack: 2, flags: RST | ACK });
  assertEquals([peer.state, peer.heard()], ["SYN-SENT", []]);
  peer.say({ seq: 0, ack: 1, flags: RST | ACK });
  assertEquals([peer.end.told.error?.code, peer.heard()], ["ECONNREFUSED", []]);
});

test("60: a SYN on an open connection is challenged, in and out of the window", () => {
  const peer = opened();
  for (const seq of [1, 100, -5000]) {
    peer.say({ seq, flags: SYN });
    assertEquals(peer.heard().map(({ flags, ack }) => [flags, ack]), [["A", 1]]);
  }
  assertEquals(peer.state, "ESTABLISHED");
});

test("68, 74: what lies outside of the window is answered, without data only so often", () => {
  const peer = opened();
  for (let i = 0; i < 30; i++) {
    peer.say({ seq: 200_000 });
    const heard = peer.heard();
    assertEquals(heard.length, i < 10 ? 1 : 0);
  }
  // what was received twice is always acknowledged
  peer.data(pattern(10));
  peer.heard();
  for (let i = 0; i < 30; i++) {
    peer.say({ seq: 1, data: pattern(10) });
    assertEquals(peer.heard().map(({ ack }) => ack), [11]);
  }
  peer.now += 1000;
  peer.say({ seq: 200_000 });
  assertEquals(peer.heard().length, 1);
});

test("69: a reset at the edge ends, within the window it is challenged, outside it is ignored", () => {
  const peer = opened();
  peer.say({ seq: 300_000, flags: RST });
  assertEquals(peer.heard(), []);
  peer.say({ seq: 2, flags: RST });
  assertEquals(peer.heard().map(({ flags, ack }) => [flags, ack]), [["A", 1]]);
  assertEquals(peer.state, "ESTABLISHED");
  peer.say({ seq: 1, flags: RST });
  assertEquals([peer.state, peer.end.told.error?.code], ["CLOSED", "ECONNRESET"]);
  assertEquals(peer.end.isRemoved, true);
});

test("70: a reset counts in a closed window, with data too", () => {
  for (const data of [pattern(0), pattern(4)]) {
    const peer = opened({ receiveBufferBytes: 100 });
    peer.end.told.isConsuming = false;
    peer.data(pattern(100));
    assertEquals(peer.heard().map(({ window }) => window), [0]);
    peer.say({ flags: RST, data });
    assertEquals(peer.end.told.error?.code, "ECONNRESET");
  }
});

test("71: acknowledgments of what was never sent, and of very long ago", () => {
  const peer = opened();
  peer.say({ ack: 100 });
  assertEquals(peer.heard().map(({ flags }) => flags), ["A"]);
  peer.end.connection.write(pattern(1000), peer.now);
  peer.heard();
  peer.say({ ack: 1001 });
  assertEquals(peer.heard(), []);
  peer.say({ ack: 1001 - 70_000 });
  assertEquals(peer.heard().map(({ flags }) => flags), ["A"]);
  peer.say({ ack: 500 });
  assertEquals(peer.heard(), []);
});

test("73: without ACK a segment is dropped", () => {
  const peer = opened();
  peer.say({ data: pattern(5), flags: 0 });
  assertEquals([peer.heard(), peer.end.told.received.length], [[], 0]);
});

test("76: data partly old, partly new, partly beyond the window", () => {
  const peer = opened({ receiveBufferBytes: 1000 });
  const data = pattern(1200);
  peer.end.told.isConsuming = false;
  peer.data(data.subarray(0, 100));
  peer.say({ seq: 51, data: data.subarray(50, 200) });
  assertEquals(peer.end.connection.readable, 200);
  peer.say({ seq: 201, data: data.subarray(200, 1200) });
  assertEquals(peer.end.connection.readable, 1000);
  peer.end.consume(1000);
  assertEquals(peer.end.told.received, [...data.subarray(0, 1000)]);
});

test("62: with data at a closed window acknowledgments still count", () => {
  const peer = opened({ receiveBufferBytes: 100 });
  peer.end.told.isConsuming = false;
  peer.data(pattern(100));
  peer.heard();
  peer.end.connection.write(pattern(50), peer.now);
  peer.heard();
  peer.say({ ack: 51, data: pattern(1) });
  assertEquals(peer.end.connection.info().bytesQueued, 0);
  assertEquals(peer.heard().map(({ ack, window }) => [ack, window]), [[101, 0]]);
});

test("81, 84: gaps and their filling are acknowledged at once, a FIN out of order waits", () => {
  const peer = opened({ delayedAckMs: 40 }, SACK);
  peer.say({ seq: 101, data: pattern(100), flags: ACK | FIN });
  const [gap] = peer.heard();
  assertEquals([gap?.ack, peer.state], [1, "ESTABLISHED"]);
  assertEquals(gap?.segment.options.at(-1), { kind: "sack", blocks: [{ left: 9101, right: 9201 }] });
  peer.say({ seq: 1, data: pattern(100) });
  assertEquals(peer.heard().map(({ ack }) => ack), [202]);
  assertEquals([peer.state, peer.end.told.events], ["CLOSE-WAIT", ["opened", "ended"]]);
  peer.say({ seq: 201, flags: ACK | FIN });
  assertEquals(peer.heard().map(({ ack }) => ack), [202]);
});

test("85: every second full segment is acknowledged at once, a single one soon", () => {
  const peer = opened({ delayedAckMs: 40 });
  peer.data(pattern(1460));
  assertEquals(peer.heard(), []);
  peer.data(pattern(1460));
  assertEquals(peer.heard().map(({ ack }) => ack), [2921]);
  peer.data(pattern(10));
  assertEquals(peer.wait(100).map(({ ack, after }) => [ack, after]), [[2931, 40]]);
});

test("86: the window is told anew when the reader has made room, and never shrinks", () => {
  const peer = opened({ receiveBufferBytes: 10_000 });
  peer.end.told.isConsuming = false;
  for (let i = 0; i < 10; i++) peer.data(pattern(1000));
  assertEquals(peer.heard().at(-1)?.window, 0);
  peer.end.consume(1000);
  assertEquals(peer.heard(), []);
  peer.end.consume(1000);
  assertEquals(peer.heard().map(({ window }) => window), [2000]);
  peer.end.consume(500);
  peer.data(pattern(10));
  assertEquals(peer.heard().map(({ window }) => window), [1990]);
});

test("86: a window that a keep-alive has told does not shrink either", () => {
  const peer = opened({ receiveBufferBytes: 10_000, keepaliveMs: 10_000 }, [{ kind: "mss", size: 1000 }]);
  peer.end.told.isConsuming = false;
  peer.data(pattern(1000));
  assertEquals(peer.heard().map(({ window }) => window), [9000]);
  peer.end.consume(1000);
  assertEquals(peer.wait(10_000).map(({ window }) => window), [10_000]);
  // as long a segment makes less room worth no word
  peer.data(pattern(3000));
  assertEquals(peer.heard().map(({ window }) => window), [7000]);
});

test("acknowledgments from the edge of the window count: a peer that has filled it has no other number", () => {
  const peer = opened({ receiveBufferBytes: 1000 }, [{ kind: "mss", size: 1000 }]);
  peer.end.connection.write(pattern(100), peer.now);
  assertEquals(peer.heard().map(({ length }) => length), [100]);
  // what it has sent got lost
  peer.say({ seq: 1001, ack: 101 });
  assertEquals([peer.end.connection.info().bytesQueued, peer.heard()], [0, []]);
});

test("an acknowledgment that waits goes in spite of a keep-alive, which peers drop for its sequence number", () => {
  const peer = opened({ delayedAckMs: 40, keepaliveMs: 20 }, [{ kind: "mss", size: 1000 }]);
  peer.data(pattern(1500));
  peer.heard();
  peer.data(pattern(10));
  assertEquals(peer.heard(), []);
  assertEquals(peer.wait(20).map(({ seq, ack }) => [seq, ack]), [[0, 1511]]);
  assertEquals(peer.wait(20).map(({ seq, ack }) => [seq, ack]), [[1, 1511]]);
});

test("89: segments without the timestamps that were agreed on are taken, or dropped by an option", () => {
  const timestamps = { kind: "timestamps", value: 1, echo: 1000 } as const;
  for (const needsTimestamps of [false, true]) {
    const peer = opened({ needsTimestamps }, [{ kind: "mss", size: 1000 }, timestamps]);
    peer.data(pattern(10));
    assertEquals(peer.end.told.received.length, needsTimestamps ? 0 : 10);
  }
});

test("88: an old timestamp is acknowledged and dropped, but a reset is a reset", () => {
  const at = (value: number): readonly TcpOption[] => [{ kind: "timestamps", value, echo: 1000 }];
  const peer = opened({}, [{ kind: "mss", size: 1000 }, ...at(5000)]);
  peer.data(pattern(10), { options: at(5010) });
  assertEquals(peer.heard()[0]?.segment.options.at(-1), { kind: "timestamps", value: 1010, echo: 5010 });
  peer.say({ seq: 11, data: pattern(10), options: at(4000) });
  assertEquals([peer.heard().map(({ ack }) => ack), peer.end.told.received.length], [[11], 10]);
  peer.say({ seq: 11, flags: RST, options: at(4000) });
  assertEquals(peer.end.told.error?.code, "ECONNRESET");
});

test("90: urgent data is announced, also in a closed window, and stays in its place", () => {
  const peer = opened({ receiveBufferBytes: 1000 });
  const { end } = peer;
  end.told.isConsuming = false;
  peer.data(pattern(1000));
  peer.heard();
  assertEquals(end.connection.urgent, 0);
  peer.say({ flags: ACK | URG, urgentPointer: 500 });
  assertEquals([end.connection.urgent, end.told.events.at(-1)], [1500, "urgent"]);
  end.consume(1000);
  peer.heard();
  peer.data(pattern(500, 1000));
  end.consume(400);
  assertEquals(end.connection.urgent, 100);
  end.consume(100);
  assertEquals(end.connection.urgent, 0);
  assertEquals(end.told.received, [...pattern(1500)]);
});

test("90: urgent data of any length is sent with a pointer behind its last byte", () => {
  const peer = opened({ congestion: "none", sendBufferBytes: 200_000 }, [{ kind: "mss", size: 1000 }, {
    kind: "windowScale",
    shift: 3,
  }]);
  peer.say({ window: 65_535 });
  peer.end.connection.writeUrgent(pattern(100_000), peer.now);
  peer.end.connection.write(pattern(1000), peer.now);
  for (const { seq, length, segment } of peer.heard()) {
    const isUrgent = seq <= 100_000;
    assertEquals((segment.flags & URG) !== 0, isUrgent);
    if (isUrgent) assertEquals(segment.urgentPointer, Math.min(65_535, 100_001 - seq));
    assert(length > 0);
  }
  peer.say({ ack: 101_001, window: 65_535 });
  peer.end.connection.write(pattern(10), peer.now);
  assertEquals(peer.heard().map(({ segment }) => segment.flags & URG), [0]);
});

test("90, 91: urgent data comes in band, PSH changes nothing and ends a write", () => {
  const peer = opened();
  peer.data(pattern(20), { flags: ACK | URG });
  peer.data(pattern(20), { flags: ACK });
  assertEquals(peer.end.told.received.length, 40);
  peer.end.connection.write(pattern(3000), peer.now);
  assertEquals(
    peer.heard().map(({ length, flags }) => [length, flags]),
    [[1460, "A"], [1460, "A"], [80, "PA"]].slice(0, 2),
  );
  peer.say({ ack: 2921 });
  assertEquals(peer.heard().map(({ length, flags }) => [length, flags]), [[80, "PA"]]);
});

test("92: a segment carries what the peer takes, less the options", () => {
  const timestamps = { kind: "timestamps", value: 1, echo: 1000 } as const;
  const peer = opened({}, [{ kind: "mss", size: 1000 }, timestamps]);
  peer.end.connection.write(pattern(5000), peer.now);
  assert(peer.heard().every(({ length }) => length === 988));
  const unsaid = opened({}, []);
  assertEquals(unsaid.end.connection.info().segmentSize, 536);
});

test("93, 94: nothing goes beyond the window, which old segments do not move, and which may shrink", () => {
  const peer = opened({ hasNagle: false }, [{ kind: "mss", size: 1000 }], 3000);
  peer.end.connection.write(pattern(10_000), peer.now);
  assertEquals(peer.heard().map(({ length }) => length), [1000, 1000, 1000]);
  peer.say({ seq: 1, ack: 1001, window: 3000 });
  assertEquals(peer.heard().map(({ seq }) => seq), [3001]);
  // an older segment with a larger window
  peer.say({ seq: 0, ack: 1001, window: 60_000 });
  assertEquals(peer.heard().filter(({ length }) => length > 0), []);
  peer.say({ ack: 2001, window: 500 });
  assertEquals(peer.heard(), []);
  const resent = peer.wait(5000);
  assert(resent.length > 0 && resent.every(({ seq }) => seq === 2001));
  assertEquals(peer.state, "ESTABLISHED");
});

test("98: a sender does not fill small windows, until it has waited", () => {
  const peer = opened({}, [{ kind: "mss", size: 1000 }], 4000);
  peer.end.connection.write(pattern(20_000), peer.now);
  assertEquals(peer.heard().length, 4);
  peer.say({ ack: 4001, window: 300 });
  assertEquals(peer.heard(), []);
  const late = peer.wait(1000);
  assertEquals(late[0]?.length, 300);
  assert(late[0]!.after >= 200);
});

test("99: more than 64 KiB are under way with scaled windows", () => {
  const peer = opened({ congestion: "none" }, [{ kind: "mss", size: 1460 }, { kind: "windowScale", shift: 7 }]);
  peer.say({ window: 2048 });
  peer.end.connection.write(pattern(262_144), peer.now);
  peer.heard();
  assert(peer.end.connection.info().bytesInFlight > 250_000);
});

test("100: many small writes take no object each", () => {
  const peer = opened();
  for (let i = 0; i < 100_000; i++) peer.end.connection.write(Uint8Array.of(i), peer.now);
  assertEquals(peer.end.connection.info().bytesQueued, 100_000);
  assert(peer.end.buffers.usedBytes <= 131_072 + 4096);
  assert(peer.heard().length <= 11);
});

test("66: ECN is asked for, agreed on, marked, echoed and answered", () => {
  const peer = new ScriptedPeer({ ecn: "request", delayedAckMs: 0 });
  assertEquals(peer.heard().map(({ flags }) => flags), ["SEW"]);
  peer.say({ seq: 0, ack: 1, flags: SYN | ACK | ECE, options: [{ kind: "mss", size: 1000 }] });
  peer.sent = 1;
  assertEquals(peer.heard().map(({ flags, ecn }) => [flags, ecn]), [["A", 0]]);
  peer.data(pattern(10), { ecn: 3 });
  assertEquals(peer.heard().map(({ flags }) => flags), ["AE"]);
  peer.data(pattern(10), { flags: ACK | CWR });
  assertEquals(peer.heard().map(({ flags }) => flags), ["A"]);
  peer.end.connection.write(pattern(8000), peer.now);
  assert(peer.heard().every(({ ecn }) => ecn === 2));
  const before = peer.end.connection.info().cwnd;
  peer.say({ ack: 1001, flags: ACK | ECE });
  assert(peer.end.connection.info().cwnd < before);
  peer.say({ ack: 8001 });
  peer.end.connection.write(pattern(1000), peer.now);
  assertEquals(peer.heard().map(({ flags }) => flags.includes("W")), [true]);
});

test("95: what is sent beside a probe of a shut window lies where the peer looks at it", () => {
  const peer = opened({ ecn: "request" }, [{ kind: "mss", size: 1000 }], 0);
  const { connection } = peer.end;
  connection.write(pattern(100), peer.now);
  const [probe] = peer.wait(1500);
  assertEquals([probe!.seq, probe!.length, probe!.ecn], [1, 1, 0]);
  // the peer has no room for the byte, and sends some of its own
  peer.say({ window: 0 });
  peer.data(pattern(10), { window: 0 });
  assertEquals(peer.heard().map(({ seq, ack, length }) => [seq, ack, length]), [[1, 11, 0]]);
  connection.abort(peer.now);
  assertEquals(peer.heard().map(({ seq, flags }) => [seq, flags]), [[1, "RA"]]);
});

test("34: an acknowledgment stays inside of a window that the peer has taken back", () => {
  const peer = opened({ delayedAckMs: 0 }, [{ kind: "mss", size: 1000 }], 4000);
  peer.end.connection.write(pattern(4000), peer.now);
  assertEquals(peer.heard().length, 4);
  peer.say({ ack: 1001, window: 1000 });
  peer.data(pattern(10), { ack: 1001, window: 1000 });
  assertEquals(peer.heard().map(({ seq, ack, length }) => [seq, ack, length]), [[2001, 11, 0]]);
});
