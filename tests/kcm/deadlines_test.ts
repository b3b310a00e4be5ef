import { test } from "node:test";
import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { Deadlines, type Timed } from "../../src/kcm/deadlines.ts";
import { MultiplexorEngine } from "../../src/kcm/mod.ts";
import type { StreamParserError } from "../../src/strparser/mod.ts";
import { parser } from "./support.ts";

class Entry implements Timed {
  scheduledAt = Infinity;
  heapIndex = 0;
  at = Infinity;
  ran: number[] = [];

  timeoutAt(): number {
    return this.at;
  }

  onTimeout(now: number): void {
    this.ran.push(now);
    this.at = Infinity;
  }
}

test("each entry runs once, when it is due, whatever was moved and removed before", () => {
  const action = fc.tuple(fc.nat(9), fc.oneof(fc.nat(100), fc.constant(Infinity)), fc.boolean());
  fc.assert(fc.property(fc.array(action, { maxLength: 60 }), (actions) => {
    const deadlines = new Deadlines();
    const entries = Array.from({ length: 10 }, () => new Entry());
    const removed = new Set<Entry>();
    for (const [which, at, isRemoved] of actions) {
      const entry = entries[which]!;
      entry.at = at;
      if (isRemoved) {
        deadlines.remove(entry);
        entry.at = Infinity;
        removed.add(entry);
      } else deadlines.update(entry);
      assert(deadlines.at <= Math.min(...entries.map((one) => one.at)));
    }
    const due = entries.map((entry) => entry.at);
    for (let now = 0; now <= 100; now++) deadlines.run(now);
    assertEquals(entries.map((entry) => entry.ran[0] ?? Infinity), due);
    assert(entries.every((entry) => entry.ran.length <= 1));
    assertEquals(deadlines.at, Infinity);
  }));
});

test("what an entry throws leaves the others for the next run", () => {
  const deadlines = new Deadlines();
  const [bad, good] = [new Entry(), new Entry()];
  bad.at = 1;
  good.at = 2;
  bad.onTimeout = () => {
    bad.at = Infinity;
    throw new Error("bad");
  };
  for (const entry of [bad, good]) deadlines.update(entry);
  let thrown: unknown;
  try {
    deadlines.run(5);
  } catch (error) {
    thrown = error;
  }
  assertEquals([(thrown as Error).message, good.ran], ["bad", []]);
  deadlines.run(5);
  assertEquals(good.ran, [5]);
});

for (const name of ["headerTimeoutMs", "messageTimeoutMs", "idleTimeoutMs"] as const) {
  test(`K44 a connection fails when its ${name} has passed`, () => {
    const engine = new MultiplexorEngine();
    let failure: unknown;
    const port = engine.attach({ parser, [name]: 100 }, { unattached: (error) => failure = error });
    assertEquals(engine.timeoutAt(), Infinity);
    port.push(Uint8Array.of(0), 50);
    assertEquals(engine.timeoutAt(), 150);
    engine.onTimeout(149);
    assertEquals(failure, undefined);
    engine.onTimeout(150);
    assertEquals([(failure as StreamParserError).code, engine.failures.get("ETIMEDOUT")], ["ETIMEDOUT", 1]);
    assertEquals([engine.timeoutAt(), engine.stats.partialBytes], [Infinity, 0]);
  });
}

test("K44 deadlines of many connections: the earliest counts, a message that is complete has none", () => {
  const engine = new MultiplexorEngine();
  engine.socket({ message: () => {}, end: () => {} });
  const ports = [30, 10, 20].map((ms) => engine.attach({ parser, messageTimeoutMs: ms }));
  for (const port of ports) port.push(Uint8Array.of(0), 0);
  assertEquals(engine.timeoutAt(), 10);
  ports[1]!.push(Uint8Array.of(0), 5);
  engine.onTimeout(10);
  assertEquals([ports.map(({ isOver }) => isOver), engine.timeoutAt()], [[false, false, false], 20]);
  engine.onTimeout(20);
  assertEquals(ports.map(({ isOver }) => isOver), [false, false, true]);
});

test("the clock of a connection stands still while no socket has room", () => {
  const engine = new MultiplexorEngine();
  const port = engine.attach({ parser, messageTimeoutMs: 100 });
  const bytes = Uint8Array.of(0, 0, 0);
  const taken = port.push(bytes, 0);
  assertEquals([taken, engine.timeoutAt()], [2, Infinity]);
  engine.socket({ message: () => {}, end: () => {} });
  port.push(bytes.subarray(2), 500);
  assertEquals(engine.timeoutAt(), 600);
});
