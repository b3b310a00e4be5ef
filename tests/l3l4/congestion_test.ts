/** Congestion control by its formulas, without a connection: RFC 5681, 6582, 6928, 7661 and 3465. */
import { test } from "node:test";
import { assertAlmostEquals, assertEquals } from "@std/assert";
import type { CongestionControl } from "../../src/l3l4/tcp/congestion/congestion_control.ts";
import { createCongestion, initialWindow } from "../../src/l3l4/tcp/congestion/create_congestion.ts";
import { tcpSettings } from "../../src/l3l4/tcp/tcp_settings.ts";

const MSS = 1000;

function make(congestion: "newreno" | "cubic" | "none", initialWindowSegments = 10): CongestionControl {
  return createCongestion(tcpSettings({ congestion, initialWindowSegments }), MSS);
}

/** A sender of one window after the other over a path that takes all, each segment acknowledged on its own. */
class Rounds {
  next = 1000;
  now = 0;
  readonly control: CongestionControl;
  readonly rttMs: number;

  constructor(control: CongestionControl, rttMs = 100) {
    this.control = control;
    this.rttMs = rttMs;
  }

  /** One round trip: acknowledgments spread over it, of `each` segments. */
  run(each = 1, isLimited = true): void {
    const acks = Math.max(1, Math.floor(this.control.cwnd / MSS / each));
    for (let i = 0; i < acks; i++) {
      this.now += this.rttMs / acks;
      this.ack(each * MSS, isLimited);
    }
  }

  ack(bytes: number, isLimited = true): void {
    this.next = (this.next + bytes) | 0;
    this.control.onAck(bytes, this.next, (this.next + this.control.cwnd) | 0, this.rttMs, isLimited, this.now);
  }
}

test("113. the first window is min(10 segments, max(2 segments, 14600))", () => {
  assertEquals(initialWindow(1460, 10), 14_600);
  assertEquals(initialWindow(536, 10), 5360);
  assertEquals(initialWindow(4000, 10), 14_600);
  assertEquals(initialWindow(9000, 10), 18_000);
  assertEquals(initialWindow(65_495, 10), 130_990);
  assertEquals(initialWindow(1460, 3), 4380);
  assertEquals(initialWindow(1460, 1), 1460);
  assertEquals(make("newreno").cwnd, 10_000);
  assertEquals(make("cubic", 4).cwnd, 4000);
});

for (const name of ["newreno", "cubic"] as const) {
  test(`113. ${name}: slow start grows by what was acknowledged, at most a segment for each one`, () => {
    const rounds = new Rounds(make(name));
    for (let i = 0; i < 5; i++) {
      const before = rounds.control.cwnd;
      for (let acks = before / MSS; acks > 0; acks--) {
        const was = rounds.control.cwnd;
        rounds.ack(MSS);
        assertEquals(rounds.control.cwnd, was + MSS);
      }
      assertEquals(rounds.control.cwnd, 2 * before);
    }
    // bytes count, not acknowledgments: splitting them gains nothing (RFC 3465)
    const was = rounds.control.cwnd;
    for (let i = 0; i < 100; i++) rounds.ack(10);
    assertEquals(rounds.control.cwnd, was + MSS);
    // one acknowledgment of very much opens no flood (RFC 9406 section 4.2)
    rounds.ack(500 * MSS);
    assertEquals(rounds.control.cwnd, was + 9 * MSS);
  });

  test(`113. ${name}: slow start never jumps over the threshold`, () => {
    const rounds = new Rounds(make(name));
    rounds.control.onTimeout(9500, false, 0);
    const { ssthresh } = rounds.control;
    while (rounds.control.cwnd < ssthresh) rounds.ack(MSS);
    assertEquals(rounds.control.cwnd, ssthresh);
  });

  test(`114. ${name}: a timeout leaves one segment and lowers the threshold once`, () => {
    const { control } = new Rounds(make(name));
    control.onTimeout(10_000, false, 0);
    assertEquals(control.cwnd, MSS);
    assertEquals(control.ssthresh, name === "cubic" ? 7000 : 5000);
    control.onTimeout(1000, true, 0);
    control.onTimeout(1000, true, 0);
    assertEquals(control.ssthresh, name === "cubic" ? 7000 : 5000);
    control.onTimeout(1000, false, 0);
    assertEquals([control.cwnd, control.ssthresh], [MSS, 2 * MSS]);
  });

  test(`114. ${name}: what is acknowledged at once after a timeout opens the window by one segment`, () => {
    const rounds = new Rounds(make(name));
    rounds.control.onTimeout(100_000, false, 0);
    rounds.ack(20 * MSS);
    assertEquals(rounds.control.cwnd, 2 * MSS);
    rounds.ack(20 * MSS);
    assertEquals(rounds.control.cwnd, 3 * MSS);
    rounds.ack(20 * MSS);
    assertEquals(rounds.control.cwnd, 5 * MSS);
  });

  test(`114. ${name}: after an idle time the first window is left, and three quarters are found again fast`, () => {
    const rounds = new Rounds(make(name));
    for (let i = 0; i < 3; i++) rounds.run();
    assertEquals(rounds.control.cwnd, 80_000);
    rounds.control.onIdle(10_000, 1e6);
    assertEquals([rounds.control.cwnd, rounds.control.ssthresh], [10_000, Infinity]);
    rounds.run();
    rounds.control.onCongestion(20_000, "loss", rounds.now);
    rounds.control.onRecovered(rounds.now);
    const was = rounds.control.cwnd;
    rounds.control.onIdle(4000, 2e6);
    assertEquals([rounds.control.cwnd, rounds.control.ssthresh], [4000, Math.max(rounds.control.ssthresh, 0.75 * was)]);
    rounds.control.onIdle(5000, 3e6);
    assertEquals(rounds.control.cwnd, 4000, "never up");
  });

  test(`116. ${name}: a window that is not used does not grow, in slow start and later`, () => {
    const rounds = new Rounds(make(name));
    for (let i = 0; i < 50; i++) rounds.run(1, false);
    assertEquals(rounds.control.cwnd, 10_000);
    rounds.control.onCongestion(10_000, "loss", rounds.now);
    rounds.control.onRecovered(rounds.now);
    const was = rounds.control.cwnd;
    for (let i = 0; i < 50; i++) rounds.run(1, false);
    assertEquals(rounds.control.cwnd, was);
    for (let i = 0; i < 10; i++) rounds.run();
    assertEquals(rounds.control.cwnd > was, true);
  });

  test(`${name}: a loss that was none is taken back`, () => {
    const rounds = new Rounds(make(name));
    rounds.run();
    const { control } = rounds;
    control.onTimeout(20_000, false, rounds.now);
    control.onTimeout(1000, true, rounds.now);
    control.undo(rounds.now);
    assertEquals([control.cwnd, control.ssthresh], [20_000, Infinity]);
    control.onCongestion(20_000, "loss", rounds.now);
    control.cwnd = 12_000;
    control.undo(rounds.now);
    assertEquals([control.cwnd, control.ssthresh], [20_000, Infinity]);
  });

  test(`${name}: an echo of congestion lowers the window at once, a loss when it is repaired`, () => {
    const part = name === "cubic" ? 0.7 : 0.5;
    const { control } = new Rounds(make(name));
    control.onCongestion(10_000, "ecn", 0);
    assertEquals([control.cwnd, control.ssthresh], [10_000 * part, 10_000 * part]);
    const other = make(name);
    other.onCongestion(10_000, "loss", 0);
    assertEquals([other.cwnd, other.ssthresh], [10_000, 10_000 * part]);
    other.onRecovered(0);
    assertEquals(other.cwnd, 10_000 * part);
    for (let i = 0; i < 20; i++) other.onCongestion(100, "ecn", 0);
    assertEquals(other.cwnd, 2 * MSS, "never below two segments");
  });
}

test("113. newreno: congestion avoidance adds one segment a round trip, however acknowledgments come", () => {
  for (const each of [1, 2, 10]) {
    const rounds = new Rounds(make("newreno"));
    rounds.control.onCongestion(80_000, "loss", 0);
    rounds.control.onRecovered(0);
    let acked = 0;
    while (acked < 20 * 50_000) {
      rounds.ack(each * MSS);
      acked += each * MSS;
    }
    // sum of w over the growth from 40 segments on: 20.6 rounds
    assertAlmostEquals(rounds.control.cwnd / MSS, 40 + 20, 1.001);
  }
});

test("no congestion control: the window is always open, but for one segment after a timeout", () => {
  const control = make("none");
  const window = control.cwnd;
  assertEquals(window > 65_535 * 2 ** 14, true);
  control.onCongestion(1000, "loss", 0);
  assertEquals([control.cwnd, control.ssthresh], [window, Infinity]);
  control.onTimeout(1000, false, 0);
  assertEquals(control.cwnd, MSS);
  control.onAck(1000, 1, 2, 1, false, 0);
  assertEquals(control.cwnd, window);
  control.cwnd = 1;
  assertEquals(control.cwnd, window, "nor while losses are repaired");
  control.onIdle(1000, 0);
  assertEquals(control.cwnd, window);
});
