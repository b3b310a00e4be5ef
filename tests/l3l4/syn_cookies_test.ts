import { assert, assertEquals, assertNotEquals } from "@std/assert";
import { test } from "node:test";
import { hintInTimestamp, SynCookies } from "../../src/l3l4/tcp/syn_cookies.ts";
import type { PassiveHandshake } from "../../src/l3l4/tcp/tcp_host.ts";
import { TcpKey } from "../../src/l3l4/tcp/tcp_key.ts";
import { SeededRandom } from "../../src/sim/seeded_random.ts";
import type { TcpOption } from "../packetdrill/ast.ts";
import { LOCAL, LOCAL6, REMOTE, REMOTE6, TableRig } from "./table_rig.ts";

const NO_TIMESTAMPS: TcpOption[] = [{ kind: "mss", value: 1400 }, { kind: "nop" }, { kind: "wscale", value: 9 }];
const ALL: TcpOption[] = [
  { kind: "mss", value: 1460 },
  { kind: "nop" },
  { kind: "wscale", value: 9 },
  { kind: "sackOK" },
  { kind: "TS", value: 5000, echo: 0 },
];

const stamp = (
  value: number,
  echo: number,
): TcpOption[] => [{ kind: "nop" }, { kind: "nop" }, { kind: "TS", value, echo }];

test("65 beyond maxHalfOpen nothing is kept, and the acknowledgment of a cookie opens the connection", () => {
  for (const [source, destination] of [[REMOTE, LOCAL], [REMOTE6, LOCAL6]]) {
    const rig = new TableRig({ maxHalfOpen: 0 });
    const ends = { source: source!, destination: destination! };
    const [answer] = rig.receive({ ...ends, flags: "S", sequence: 0xffffffff, options: NO_TIMESTAMPS });
    assertEquals([answer!.flags, answer!.ack, answer!.window], ["S.", 0, 65535]);
    assertEquals([rig.table.stats.halfOpen, rig.table.timeoutAt()], [0, Infinity]);
    rig.receive({ ...ends, flags: ".", sequence: 0, ack: (answer!.sequence + 1) >>> 0, length: 5 });
    const [connection] = rig.connections;
    const handshake = connection!.handshake as PassiveHandshake;
    assertEquals([handshake.sendInitial, handshake.receiveInitial], [answer!.sequence | 0, -1]);
    assertEquals([handshake.peerSegmentSize, handshake.peerWindowScale], [1400, 8]);
    assertEquals([handshake.hasSack, handshake.hasTimestamps, handshake.hasEcn], [false, false, false]);
    assertEquals(connection!.received.map(({ length }) => length), [5]);
    assertEquals([rig.table.stats.cookiesSent, rig.table.stats.cookiesAccepted], [1, 1]);
  }
});

test("65 timestamps bring the window scale back exactly, and ECN", () => {
  const rig = new TableRig({ maxHalfOpen: 0 });
  const [answer] = rig.receive({ flags: "SEW", sequence: 100, options: ALL });
  assertEquals(answer!.flags, "S.E");
  const { value } = answer!.options.find(({ kind }) => kind === "TS") as { value: number };
  const options = stamp(5001, value);
  assertEquals(rig.receive({ flags: ".", sequence: 101, ack: answer!.sequence + 1, options }), []);
  const handshake = rig.connections[0]!.handshake as PassiveHandshake;
  assertEquals([handshake.peerSegmentSize, handshake.peerWindowScale, handshake.tsRecent], [1460, 9, 5001]);
  assertEquals([handshake.hasSack, handshake.hasTimestamps, handshake.hasEcn], [true, true, true]);
  // the clock of our timestamps goes on from there, never back
  const age = (rig.now + handshake.tsOffset - value) | 0;
  assert(age >= 0 && age < 32, `${age} ms`);
});

test("65 another timestamp, number, port or secret makes no connection", () => {
  const rig = new TableRig({ maxHalfOpen: 0 });
  const [answer] = rig.receive({ flags: "S", sequence: 100, options: ALL });
  const { value } = answer!.options.find(({ kind }) => kind === "TS") as { value: number };
  const good = { flags: ".", sequence: 101, ack: answer!.sequence + 1, options: stamp(5001, value) };
  const bad = [
    { ...good, options: stamp(5001, value ^ 1) },
    { ...good, options: [] },
    { ...good, ack: good.ack + 1 },
    { ...good, ack: good.ack ^ 0x80000000 },
    { ...good, sequence: 102 },
    { ...good, sourcePort: 4001 },
    { ...good, destinationPort: 81 },
    { ...good, source: new Uint8Array([192, 0, 2, 8]) },
  ];
  for (const fields of bad) {
    const ack = fields.ack >>> 0;
    assertEquals(rig.receive({ ...fields, ack }).map(({ flags, sequence }) => [flags, sequence]), [["R", ack]]);
  }
  assertEquals([rig.connections.length, rig.table.stats.cookiesRejected], [0, bad.length]);
  const other = new TableRig({ maxHalfOpen: 0 }, 2);
  other.receive({ flags: "S", sequence: 100, options: ALL });
  assertEquals(other.receive(good)[0]!.flags, "R");
  rig.receive(good);
  assertEquals(rig.connections.length, 1);
});

test("65 a cookie is good for half a minute at least and a minute at most", () => {
  for (const [wait, isGood] of [[31_999, true], [64_000, false]] as const) {
    for (let begin = 0; begin < 64_000; begin += 7_000) {
      const rig = new TableRig({ maxHalfOpen: 0 });
      rig.now += begin;
      const [answer] = rig.receive({ flags: "S", sequence: 100 });
      rig.now += wait;
      rig.receive({ flags: ".", sequence: 101, ack: answer!.sequence + 1 });
      assertEquals(rig.connections.length, isGood ? 1 : 0);
    }
  }
});

test("65 without cookies lately nobody can guess one", () => {
  const rig = new TableRig({ maxHalfOpen: 0 });
  rig.receive({ flags: ".", sequence: 101, ack: 5 });
  assertEquals(rig.table.stats.cookiesRejected, 0);
  assertEquals(rig.table.stats.strays, 1);
});

test("65 all segment sizes come back as themselves or the next lower one that is known", () => {
  const cookies = new SynCookies(new SeededRandom(5).fill);
  const key = new TcpKey();
  for (const version of [4, 6] as const) {
    key.version = version;
    const wanted = [[-1, version === 4 ? 536 : 1220], [536, 536], [1219, 536], [1300, 1300], [1459, 1452], [
      9000,
      1460,
    ]];
    for (const [segmentSize, expected] of wanted) {
      for (const [windowScale, scale] of [[-1, -1], [0, 0], [1, 0], [3, 2], [5, 4], [7, 7], [9, 8], [14, 10]]) {
        const contents = { segmentSize: segmentSize!, windowScale: windowScale!, hasSack: true, hasEcn: false };
        const cookie = cookies.make(key, 77, contents, 0, 1e6);
        assertEquals(cookies.read(key, 77, cookie, 0, false, 1e6), {
          segmentSize: expected!,
          windowScale: scale!,
          hasSack: true,
          hasEcn: false,
        });
      }
    }
  }
});

test("65 cookies for other ends, numbers and times have nothing in common", () => {
  const cookies = new SynCookies(new SeededRandom(5).fill);
  const key = new TcpKey();
  const contents = { segmentSize: 1460, windowScale: 7, hasSack: true, hasEcn: false };
  const seen = new Set<number>();
  const lowBytes = new Set<number>();
  for (let i = 0; i < 4096; i++) {
    key.remotePort = i & 63;
    const cookie = cookies.make(key, i >>> 6, contents, 0, 0);
    seen.add(cookie);
    lowBytes.add(cookie & 0xff);
  }
  assert(seen.size > 4090);
  assertEquals(lowBytes.size, 256);
  assertNotEquals(cookies.make(key, 1, contents, 0, 0), cookies.make(key, 1, contents, 0, 64_000));
});

test("a hint in a timestamp moves it back by less than 32 ms, never forth", () => {
  const random = new SeededRandom(9);
  for (let i = 0; i < 10_000; i++) {
    const timestamp = random.bits() | 0;
    const scale = random.between(-1, 14);
    const hinted = hintInTimestamp(timestamp, scale, i % 2 === 0);
    const back = (timestamp - hinted) | 0;
    assert(back >= 0 && back < 32);
    assertEquals([hinted & 15, hinted & 16], [scale < 0 ? 15 : scale, i % 2 === 0 ? 16 : 0]);
  }
});

test("one whose verdict is put off has no cookie: it takes the place of the oldest", () => {
  const rig = new TableRig({ maxHalfOpen: 1 });
  rig.receive({ flags: "S", sequence: 100, sourcePort: 1 });
  rig.verdict = "later";
  rig.now++;
  assertEquals(rig.receive({ flags: "S", sequence: 100, sourcePort: 2 }), []);
  assertEquals([rig.table.stats.halfOpenEvicted, rig.table.stats.cookiesSent], [1, 0]);
  assert(rig.table.decide(rig.requests[1]!.token, "accept", undefined, rig.now));
  assertEquals(rig.transmit().length, 1);
});
