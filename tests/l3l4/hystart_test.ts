/** HyStart++ (RFC 9406). */
import { test } from "node:test";
import { assertEquals } from "@std/assert";
import { HyStart } from "../../src/l3l4/tcp/congestion/hystart.ts";
import { NewReno } from "../../src/l3l4/tcp/congestion/newreno.ts";

const MSS = 1000;
/** Segments of a round: growth is what is looked at, so they stay as many. */
const COUNT = 40;

/** A slow start in rounds; each tells by how many segments the window would have grown. */
class Rounds {
  readonly start = new HyStart(false);
  /** Sequence numbers wrap early. */
  next = -100 * MSS;

  /** `rtt` tells the round trip that the `i`th acknowledgment measured. */
  run(rtt: (i: number) => number): number {
    const end = (this.next + COUNT * MSS) | 0;
    let growth = 0;
    for (let i = 0; i < COUNT; i++) {
      this.next = (this.next + MSS) | 0;
      const sendNext = i === 0 ? end : (end + COUNT * MSS) | 0;
      growth += this.start.onAck(MSS, this.next, sendNext, rtt(i), MSS, true);
    }
    return growth / MSS;
  }
}

test("HyStart++: a round-trip time that stays leaves slow start alone", () => {
  const rounds = new Rounds();
  for (let i = 0; i < 10; i++) assertEquals(rounds.run((i) => 50 + i % 3), COUNT);
});

test("HyStart++: a round-trip time that grows by an eighth slows the growth down, and ends it with the fifth round", () => {
  const rounds = new Rounds();
  for (let i = 0; i < 3; i++) rounds.run(() => 50);
  // the eighth acknowledgment finds it, and counts for a quarter as all that follow
  assertEquals(rounds.run(() => 57), 7 + 33 / 4);
  for (let i = 0; i < 3; i++) assertEquals(rounds.run(() => 60), COUNT / 4);
  assertEquals(rounds.start.isOver, false);
  assertEquals(rounds.run(() => 60), COUNT / 4);
  assertEquals(rounds.start.isOver, true);
});

test("HyStart++: growth below 4 ms, or below an eighth, says nothing; 16 ms are enough", () => {
  for (
    const [before, after, isFull] of [[8, 11.9, true], [8, 12, false], [100, 112.4, true], [400, 416, false]] as const
  ) {
    const rounds = new Rounds();
    for (let i = 0; i < 3; i++) rounds.run(() => before);
    assertEquals(rounds.run(() => after) === COUNT, isFull, `${before} to ${after} ms`);
  }
});

test("HyStart++: fewer than eight samples say nothing, and one short round trip among the first says that all is well", () => {
  const rounds = new Rounds();
  rounds.run(() => 50);
  assertEquals(rounds.run((i) => i < 7 ? 90 : -1), COUNT);
  const others = new Rounds();
  others.run(() => 50);
  assertEquals(others.run((i) => i === 3 ? 51 : 90), COUNT);
});

test("HyStart++: a round-trip time that falls again takes it back", () => {
  const rounds = new Rounds();
  rounds.run(() => 50);
  rounds.run(() => 70);
  assertEquals(rounds.start.isConservative, true);
  assertEquals(rounds.run(() => 70), COUNT / 4);
  rounds.run(() => 69);
  assertEquals(rounds.start.isConservative, false);
  for (let i = 0; i < 6; i++) assertEquals(rounds.run(() => 69), COUNT);
});

test("HyStart++: the window where it ends is the threshold", () => {
  const control = new NewReno(10 * MSS, MSS, false);
  let acknowledged = 0;
  let rtt = 50;
  while (control.cwnd < 1e9 && control.ssthresh === Infinity) {
    const end = acknowledged + control.cwnd;
    while (acknowledged < end) control.onAck(MSS, acknowledged += MSS, acknowledged + control.cwnd, rtt, true, 0);
    rtt += control.cwnd > 100 * MSS ? 20 : 0;
  }
  assertEquals(control.ssthresh, control.cwnd);
  const was = control.cwnd;
  control.onAck(was, acknowledged += was, acknowledged + was, rtt, true, 0);
  assertEquals(control.cwnd, was + MSS, "congestion avoidance");
});

test("HyStart++: with pacing acknowledgments of much count in full", () => {
  assertEquals(new HyStart(false).onAck(100 * MSS, 100, 200, -1, MSS, true), 8 * MSS);
  assertEquals(new HyStart(true).onAck(100 * MSS, 100, 200, -1, MSS, true), 100 * MSS);
});

test("HyStart++: only the first slow start is watched", () => {
  const start = new HyStart(false);
  for (let i = 1; i < 100; i++) assertEquals(start.onAck(MSS, i, i, 50 * i, MSS, false), MSS);
  assertEquals(start.isConservative, false);
});
