/** Proportional rate reduction (RFC 9937). */
import { test } from "node:test";
import { assertEquals } from "@std/assert";
import { Prr } from "../../src/l3l4/tcp/congestion/prr.ts";

const MSS = 1000;

/** Acknowledgments of one segment each, and what is sent for them in whole segments. */
class Recovery {
  readonly prr = new Prr();
  inFlight: number;
  readonly sent: number[] = [];

  constructor(flight: number, ssthresh: number, lost: number) {
    this.prr.start(flight * MSS, ssthresh * MSS, MSS);
    this.inFlight = (flight - lost) * MSS;
  }

  ack(segments: number, hasProgress = true): number {
    this.inFlight -= segments * MSS;
    let room = this.prr.onAck(segments * MSS, this.inFlight, hasProgress);
    let count = 0;
    for (; room >= MSS; room -= MSS, count++) {
      this.prr.sent(MSS);
      this.inFlight += MSS;
    }
    this.sent.push(count);
    return count;
  }
}

test("PRR: what is under way comes down to the threshold evenly", () => {
  // 20 segments, one lost, half of them to be under way at the end: one for two acknowledgments
  const recovery = new Recovery(20, 10, 1);
  for (let i = 0; i < 19; i++) recovery.ack(1, false);
  // from the 17th on as many as arrive: the threshold is reached
  assertEquals(recovery.sent, [1, 0, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 0, 1, 1, 1]);
  assertEquals(recovery.inFlight, 10 * MSS);
});

test("PRR: with CUBIC's threshold seven go for ten that arrived", () => {
  const recovery = new Recovery(100, 70, 1);
  for (let i = 0; i < 99; i++) recovery.ack(1, false);
  assertEquals(recovery.sent.slice(0, 90).reduce((a, b) => a + b), 63);
  assertEquals(recovery.inFlight, 70 * MSS);
});

test("PRR: below the threshold packets are conserved, and slow start catches up while all goes well", () => {
  const safe = new Recovery(20, 10, 16);
  assertEquals([safe.ack(1), safe.ack(1), safe.ack(1), safe.ack(1)], [2, 2, 2, 2]);
  const unsafe = new Recovery(20, 10, 16);
  assertEquals([unsafe.ack(1, false), unsafe.ack(1, false), unsafe.ack(1, false), unsafe.ack(1, false)], [1, 1, 1, 1]);
  for (let i = 0; i < 100; i++) safe.ack(1);
  assertEquals(safe.inFlight, 10 * MSS, "never above the threshold");
});

test("PRR: the first retransmission never waits, later ones may", () => {
  const recovery = new Recovery(10, 2, 0);
  assertEquals(recovery.ack(0, false), 1);
  assertEquals(recovery.ack(0, false), 0);
  assertEquals(recovery.ack(1, false), 0);
});

test("PRR: acknowledgments that got lost are caught up with", () => {
  const recovery = new Recovery(20, 10, 1);
  recovery.ack(1, false);
  // 7 are under way then: 3 more make 10
  assertEquals(recovery.ack(12, true), 3);
});

test("PRR: without a threshold all that was delivered may be sent again", () => {
  const prr = new Prr();
  prr.start(10 * MSS, Infinity, MSS);
  assertEquals(prr.onAck(3 * MSS, 6 * MSS, true), 4 * MSS);
});

test("PRR: nothing is negative when more was sent than it allowed", () => {
  const prr = new Prr();
  prr.start(10 * MSS, 5 * MSS, MSS);
  prr.sent(8 * MSS);
  assertEquals(prr.onAck(MSS, 9 * MSS, false), 0);
});

test("PRR: when all that was sent again is lost too, one segment goes", () => {
  const recovery = new Recovery(4, 2, 4);
  assertEquals(recovery.ack(0, false), 1);
  recovery.inFlight = 0;
  assertEquals(recovery.ack(0, false), 1);
});
