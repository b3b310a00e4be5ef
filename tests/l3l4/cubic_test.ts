/** CUBIC against the formulas of RFC 9438, in virtual time. */
import { test } from "node:test";
import { assertAlmostEquals, assertEquals } from "@std/assert";
import { Cubic } from "../../src/l3l4/tcp/congestion/cubic.ts";

const MSS = 1448;
const C = 0.4;
const BETA = 0.7;
const ALPHA = 3 * (1 - BETA) / (1 + BETA);

/** Acknowledges windows of segments, one by one, over a path without a queue. */
class Flow {
  now = 0;
  next = 0;
  readonly rttMs: number;
  readonly control: Cubic;

  constructor(segments: number, rttMs: number) {
    this.rttMs = rttMs;
    this.control = new Cubic(segments * MSS, MSS, false);
  }

  get window(): number {
    return this.control.cwnd / MSS;
  }

  /** Runs on for so long and tells the window after each acknowledgment. */
  run(ms: number, each?: (now: number) => void, isLimited = true): void {
    const end = this.now + ms;
    while (this.now < end) {
      this.now += this.rttMs / this.window;
      this.next = (this.next + MSS) | 0;
      const sendNext = (this.next + this.control.cwnd) | 0;
      this.control.onAck(MSS, this.next, sendNext, this.rttMs, isLimited, this.now);
      each?.(this.now);
    }
  }

  lose(repairMs = 0): void {
    this.control.onCongestion(this.control.cwnd, "loss", this.now);
    this.now += repairMs;
    this.control.onRecovered(this.now);
  }
}

/** W_cubic(t). */
function cubic(seconds: number, max: number, from: number): number {
  return C * (seconds - Math.cbrt((max - from) / C)) ** 3 + max;
}

/** Reno's window as section 4.3 models it: slower until it is where it was before the loss. */
function reno(seconds: number, rttMs: number, prior: number, from: number): number {
  const rounds = seconds * 1000 / rttMs;
  const slow = (prior - from) / ALPHA;
  return rounds < slow ? from + ALPHA * rounds : prior + rounds - slow;
}

for (
  const [segments, rttMs, ms] of [[100, 100, 12_000], [1000, 50, 20_000], [20, 200, 15_000], [300, 10, 9000]] as const
) {
  test(`115. CUBIC: ${segments} segments, ${rttMs} ms: the curve after a loss within 2 % of the formula`, () => {
    const flow = new Flow(segments, rttMs);
    flow.lose(rttMs);
    const from = flow.window;
    assertAlmostEquals(from, BETA * segments, 1e-9);
    const start = flow.now;
    let checked = 0;
    flow.run(ms, (now) => {
      const t = (now - start) / 1000;
      // the window of the first round trip is on its way to the curve
      if (t * 1000 < 2 * rttMs) return;
      const expected = Math.max(cubic(t, segments, from), reno(t, rttMs, segments, from));
      assertAlmostEquals(flow.window / expected, 1, 0.02, `after ${t} s`);
      checked++;
    });
    assertEquals(checked > 500, true);
  });
}

test("115. CUBIC: on a short path it is as fast as Reno", () => {
  const flow = new Flow(40, 5);
  flow.lose();
  const start = flow.now;
  flow.run(2000, (now) => {
    const t = (now - start) / 1000;
    if (t < 0.05) return;
    assertAlmostEquals(flow.window / reno(t, 5, 40, 28), 1, 0.02, `after ${t} s`);
  });
  assertEquals(cubic(2, 40, 28) < 0.5 * flow.window, true, "not CUBIC's own curve");
});

test("115. CUBIC: a loss below the last maximum leaves room for others (fast convergence)", () => {
  const flow = new Flow(100, 100);
  flow.lose();
  flow.run(1000);
  const before = flow.window;
  assertEquals(before < 100, true);
  flow.lose();
  const from = flow.window;
  const max = before * (1 + BETA) / 2;
  const start = flow.now;
  flow.run(8000, (now) => {
    const t = (now - start) / 1000;
    if (t < 0.2) return;
    assertAlmostEquals(
      flow.window / Math.max(cubic(t, max, from), reno(t, 100, before, from)),
      1,
      0.02,
      `after ${t} s`,
    );
  });
});

test("115. CUBIC: after a timeout and the slow start that follows the curve begins at its inflection", () => {
  const flow = new Flow(100, 100);
  flow.control.onTimeout(flow.control.cwnd, false, 0);
  assertEquals(flow.window, 1);
  while (flow.control.cwnd < flow.control.ssthresh) flow.run(1);
  assertAlmostEquals(flow.window, 70, 1e-9);
  const start = flow.now;
  flow.run(8000, (now) => {
    const t = (now - start) / 1000;
    if (t < 0.2) return;
    assertAlmostEquals(flow.window / Math.max(cubic(t, 70, 70), reno(t, 100, 100, 70)), 1, 0.02, `after ${t} s`);
  });
});

test("115. CUBIC: never faster than half a window more in a round trip", () => {
  const flow = new Flow(10, 1000);
  flow.lose();
  flow.run(60_000);
  let last = flow.window;
  for (let round = 0; round < 20; round++) {
    flow.run(1000);
    assertEquals(flow.window <= 1.55 * last, true);
    last = flow.window;
  }
});

test("116. CUBIC: time in which the window was not used does not count", () => {
  const used = new Flow(100, 100);
  const paused = new Flow(100, 100);
  for (const flow of [used, paused]) {
    flow.lose();
    flow.run(1000);
  }
  paused.run(60_000, undefined, false);
  assertAlmostEquals(paused.window, used.window, 1e-9);
  // and silence counts for two round trips at most
  paused.now += 3_600_000;
  for (const flow of [used, paused]) flow.run(2000);
  assertAlmostEquals(paused.window / used.window, 1, 0.03);
});

test("115. CUBIC: two flows over one bottleneck come to share it", () => {
  // per round trip each loses when both together are more than it takes
  const flows = [new Flow(150, 50), new Flow(10, 50)];
  flows.forEach((flow) => flow.lose());
  const sums = [0, 0];
  for (let round = 0; round < 8000; round++) {
    for (const flow of flows) flow.run(50);
    if (round > 4000) flows.forEach((flow, i) => sums[i]! += flow.window);
    if (flows[0]!.window + flows[1]!.window > 200) flows.forEach((flow) => flow.lose());
  }
  assertAlmostEquals(sums[0]! / sums[1]!, 1, 0.2);
});
