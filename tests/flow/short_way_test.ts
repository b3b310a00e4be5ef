import { assert, assertEquals } from "@std/assert";
import { test } from "node:test";
import type { FlowTrackerOptions } from "../../src/flow/mod.ts";
import { TcpWatcher } from "../../src/flow/tcp_watcher.ts";
import { SeededRandom } from "../../src/sim/mod.ts";
import { fuzzSeeds } from "../support/fuzz.ts";
import { type Bench, bench, type End } from "./conversation.ts";

const RUNS_PER_SEED = 500;

/** Runs `body` with every segment on the long way; `isNext` is restored before this returns. */
function onTheLongWay<T>(body: () => T): T {
  const { isNext } = TcpWatcher.prototype;
  TcpWatcher.prototype.isNext = () => false;
  try {
    return body();
  } finally {
    TcpWatcher.prototype.isNext = isNext;
  }
}

/** Runs `body` and counts the segments that go the short way. */
function counting(body: () => void): number {
  const { isNext } = TcpWatcher.prototype;
  let count = 0;
  TcpWatcher.prototype.isNext = function (this: TcpWatcher, ...args: Parameters<typeof isNext>): boolean {
    const does = isNext.apply(this, args);
    if (does) count++;
    return does;
  };
  try {
    body();
  } finally {
    TcpWatcher.prototype.isNext = isNext;
  }
  return count;
}

/** One step of a connection in which most goes well, and everything that may go wrong does at times. */
function step(random: SeededRandom, from: End, at: number): void {
  const text = "abcdefgh".slice(0, random.below(9));
  const kind = random.below(40);
  const fields = { at, ack: from.peer.seq - (random.chance(0.1) ? random.below(12) : 0) };
  const mine = from.seq - from.isn - 1;
  if (kind === 0) from.fin(fields);
  else if (kind === 1) from.at(mine + random.below(9), text, fields);
  else if (kind === 2) from.at(mine - random.below(9), text.toUpperCase(), fields);
  else if (kind === 3) from.data(text, { ...fields, wireLength: text.length + random.below(3) });
  else if (kind === 4) from.ack({ ...fields, ack: from.peer.seq + random.below(4) });
  else if (kind === 5) from.ack({ ...fields, window: 0 });
  else if (kind === 6) from.data("x", fields);
  else if (kind === 7) from.ack({ ...fields, seq: from.seq - 1 });
  else if (kind === 8 && random.chance(0.1)) from.rst(fields);
  else if (kind === 9 && random.chance(0.2)) from.syn({ at });
  else if (kind === 10 && random.chance(0.2)) from.seq = (from.seq + 5) >>> 0;
  else if (kind === 11) from.raw({ ...fields, ack: null, payload: text });
  else from.data(text, fields);
}

/** What all comes out of a connection that is made of `seed`. */
function outcome(seed: number): unknown {
  const random = new SeededRandom(seed);
  const options: FlowTrackerOptions = {
    gaps: random.chance(0.7) ? "skip" : "error",
    maxHolePackets: 4,
    ackedHolePackets: 3,
  };
  const b: Bench = bench(options, { c: random.bits(), s: random.bits() });
  const ends = random.chance(0.1) ? [b.c, b.c] : [b.c, b.s];
  if (ends[1] === b.c) b.c.peer = b.c;
  if (random.chance(0.8)) {
    b.c.syn();
    if (random.chance(0.9)) b.s.synAck();
  }
  const due: number[] = [];
  for (let i = 0; i < 60; i++) {
    step(random, ends[random.below(2)]!, i * random.below(3) * 100);
    due.push(b.tracker.timeoutAt());
    if (random.chance(0.02)) b.tracker.abort(b.sink.flows[0]!, random.chance(0.5) ? "client" : "server");
  }
  b.end();
  const flows = b.sink.flows.map((
    { client, server, lastAt, complete, endedBy },
  ) => [client, server, lastAt, complete, endedBy]);
  return structuredClone([b.sink.lines, b.stats, flows, due]);
}

test("the short way of a segment that is next does what the long way does, whatever comes between", () => {
  for (const first of fuzzSeeds()) {
    for (let run = 0; run < RUNS_PER_SEED; run++) {
      const seed = first * RUNS_PER_SEED + run;
      assertEquals(outcome(seed), onTheLongWay(() => outcome(seed)), `seed ${seed}`);
    }
  }
});

test("most segments of a connection go the short way", () => {
  const b = bench();
  b.c.syn();
  b.s.synAck();
  const count = counting(() => {
    b.c.ack();
    for (let i = 0; i < 10; i++) {
      b.c.data("question");
      b.s.data("answer");
      b.c.ack();
    }
    b.c.fin();
    b.s.fin();
  });
  assertEquals(count, 31);
  assert(b.sink.stream(1, "server") === "answer".repeat(10));
});
