import { assert, assertEquals } from "@std/assert";
import { test } from "node:test";
import { HalfSipHash } from "../../src/core/half_sip_hash.ts";
import { TcpKey } from "../../src/l3l4/tcp/tcp_key.ts";
import type { TcpOptions } from "../../src/l3l4/tcp/tcp_settings.ts";
import type { Ending, PassiveHandshake } from "../../src/l3l4/tcp/tcp_host.ts";
import { TimeWaitTable } from "../../src/l3l4/tcp/time_wait.ts";
import { SeededRandom } from "../../src/sim/seeded_random.ts";
import type { TcpOption } from "../packetdrill/ast.ts";
import { brief, type FakeConnection, type Fields, TableRig } from "./table_rig.ts";

const ENDING: Ending = {
  sendNext: 2000,
  receiveNext: 500,
  windowField: 4711,
  hasTimestamps: false,
  tsRecent: 0,
  tsOffset: 0,
};

/** A table with one connection in TIME-WAIT. */
function waiting(ending: Partial<Ending> = {}, options: TcpOptions = {}): TableRig {
  const rig = new TableRig(options);
  enter(rig, rig.open(), ending);
  return rig;
}

function enter(rig: TableRig, connection: FakeConnection, ending: Partial<Ending> = {}): void {
  rig.table.enterTimeWait(connection as never, { ...ENDING, ...ending }, rig.now);
}

const stamp = (value: number): TcpOption[] => [{ kind: "nop" }, { kind: "nop" }, { kind: "TS", value, echo: 0 }];

test("119 it lasts its time, and the peer's end that comes again is acknowledged and makes it last anew", () => {
  const rig = waiting();
  assertEquals(rig.table.states(), ["TIME-WAIT"]);
  rig.wait(40_000);
  const [ack] = rig.receive({ flags: "F.", sequence: 499, ack: 2000 });
  assertEquals([brief(ack!), ack!.window], [". 2000:2000 ack 500", 4711]);
  rig.wait(59_999);
  assertEquals(rig.table.states(), ["TIME-WAIT"]);
  rig.wait(1);
  assertEquals(rig.table.states(), []);
  assertEquals(rig.table.timeoutAt(), Infinity);
});

test("119 a reset does not end it (RFC 1337)", () => {
  const rig = waiting();
  for (const sequence of [499, 500, 501]) assertEquals(rig.receive({ flags: "R", sequence }), []);
  assertEquals(rig.table.states(), ["TIME-WAIT"]);
});

test("119 what comes out of order is acknowledged, seldom; what is in order is not", () => {
  const rig = waiting();
  assertEquals(rig.receive({ flags: ".", sequence: 500, ack: 2000 }), []);
  const wrong: Fields[] = [
    { flags: ".", sequence: 499, ack: 2000 },
    { flags: ".", sequence: 500, ack: 2000, length: 4 },
    { flags: "S.", sequence: 900, ack: 2000 },
    { flags: "F.", sequence: 700, ack: 2000 },
  ];
  for (const fields of wrong) {
    assertEquals(rig.receive(fields).map(brief), [". 2000:2000 ack 500"]);
    assertEquals(rig.receive(fields), [], "at the same time");
    rig.now += 20;
  }
});

test("119 a SYN with a higher number opens it anew, beyond what was sent", () => {
  const rig = waiting();
  assertEquals(rig.receive({ flags: "S", sequence: 500 }).map(brief), [". 2000:2000 ack 500"]);
  const [answer] = rig.receive({ flags: "S", sequence: 501 });
  assertEquals([answer!.flags, answer!.ack], ["S.", 502]);
  assert(((answer!.sequence - 2000) | 0) > 0);
  assertEquals(rig.table.states(), ["SYN-RECEIVED"]);
  rig.receive({ flags: ".", sequence: 502, ack: answer!.sequence + 1 });
  assertEquals((rig.connections[1]!.handshake as PassiveHandshake).receiveInitial, 501);
  assertEquals(rig.table.stats.timeWaitReopened, 1);
});

test("119 the number that it opens with is beyond what was sent even if the clock's is not", () => {
  const clock = waiting().receive({ flags: "S", sequence: 501 })[0]!.sequence;
  const rig = waiting({ sendNext: (clock + 10) | 0 });
  const [answer] = rig.receive({ flags: "S", sequence: 501 });
  assertEquals(answer!.sequence, (clock + 10 + 65535) >>> 0);
});

test("119 with timestamps a later one opens it anew whatever the number, an earlier one does not", () => {
  const ending = { hasTimestamps: true, tsRecent: 100 };
  const opens = (value: number, sequence: number): boolean => {
    const [answer] = waiting(ending).receive({ flags: "S", sequence, options: stamp(value) });
    return answer!.flags === "S.";
  };
  assertEquals([opens(101, 1), opens(100, 501), opens(100, 500), opens(99, 700)], [true, true, false, false]);
  const rig = waiting(ending);
  const [ack] = rig.receive({ flags: ".", sequence: 500, ack: 2000, options: stamp(99) });
  const echo = ack!.options.find(({ kind }) => kind === "TS") as { echo: number };
  assertEquals(echo.echo, 100);
});

test("119 it is not opened anew against the verdict, or without reopensTimeWait", () => {
  const rig = waiting();
  rig.verdict = "refuse";
  assertEquals(rig.receive({ flags: "S", sequence: 600 }).map(brief), ["R. 0:0 ack 601"]);
  assertEquals(rig.table.states(), ["TIME-WAIT"]);
  const strict = waiting({}, { reopensTimeWait: false });
  assertEquals(strict.receive({ flags: "S", sequence: 600 }).map(brief), [". 2000:2000 ack 500"]);
});

test("119 the oldest gives way beyond maxTimeWait, none is kept with timeWaitMs 0", () => {
  const rig = new TableRig({ maxTimeWait: 2 });
  for (let port = 1; port <= 3; port++) enter(rig, rig.open({ sourcePort: port }));
  assertEquals([rig.table.stats.timeWait, rig.table.stats.timeWaitEvicted], [2, 1]);
  const replies = [1, 2, 3].map((port) => rig.receive({ flags: "F.", sequence: 499, ack: 1, sourcePort: port })[0]!);
  assertEquals(replies.map(({ flags }) => flags), ["R", ".", "."]);
  assertEquals(waiting({}, { timeWaitMs: 0 }).table.states(), []);
});

test("connect does not take the port of a connection in TIME-WAIT", () => {
  const rig = new TableRig();
  const to = {
    remoteAddress: new Uint8Array([192, 0, 2, 9]),
    remotePort: 80,
    localAddress: new Uint8Array([10, 0, 0, 1]),
  };
  const { localPort } = rig.table.connect(to, rig.now);
  enter(rig, rig.connections[0]!);
  for (let i = 1; i < 32768; i++) rig.table.connect(to, rig.now);
  assert(rig.connections.slice(1).every((one) => one.localPort !== localPort));
});

test("119 50,000 entries take at most 64 bytes each, and leave none behind", () => {
  for (const version of [4, 6] as const) {
    const table = new TimeWaitTable(65_536, 60_000, new HalfSipHash(1, 2));
    const key = new TcpKey();
    key.version = version;
    for (let i = 0; i < 50_000; i++) {
      key.words[4] = i;
      table.add(key, key.hash(new HalfSipHash(1, 2)), ENDING, i);
    }
    assert(table.byteLength <= 64 * 50_000, `${table.byteLength / 50_000} bytes each`);
    table.expire(60_000 + 50_000);
    assertEquals(table.size, 0);
    assert(table.byteLength <= 256);
  }
});

test("the table of TIME-WAIT does what a plain map does", () => {
  const random = new SeededRandom(3);
  const sip = new HalfSipHash(5, 6);
  const limit = 900;
  const waitMs = 1000;
  const table = new TimeWaitTable(limit, waitMs, sip);
  const model = new Map<number, { ending: Ending; until: number }>();
  const key = new TcpKey();
  // the times of a month, to pass where 32 bits wrap
  let now = 2 ** 31 - 20_000;
  let largest = 0;
  for (let step = 0; step < 60_000; step++) {
    now += random.below(3);
    const number = random.below(2000);
    key.version = number % 2 === 0 ? 4 : 6;
    key.words.fill(0);
    key.words[4] = number;
    key.words[7] = key.version === 6 ? number * 7 : 0;
    const hash = key.hash(sip);
    table.expire(now);
    for (const [one, { until }] of model) if (until <= now) model.delete(one);
    const id = table.find(key, hash);
    const known = model.get(number);
    assertEquals(id >= 0, known !== undefined);
    if (known === undefined) {
      if (model.size === limit) model.delete(model.keys().next().value!);
      const ending = { ...ENDING, sendNext: step, tsRecent: -step };
      model.set(number, { ending, until: now + waitMs });
      table.add(key, hash, ending, now);
      largest = Math.max(largest, model.size);
      continue;
    }
    assertEquals(table.ending(id), known.ending);
    model.delete(number);
    if (random.chance(0.5)) table.remove(id);
    else {
      table.restart(id, now);
      model.set(number, { ending: known.ending, until: now + waitMs });
    }
    assertEquals(table.size, model.size);
    assertEquals(table.nextAt, model.values().next().value?.until ?? Infinity);
  }
  assert(largest > 500);
});
