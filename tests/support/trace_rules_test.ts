/** The rules that traces of the interop tests are judged by, over frames made by hand. */
import { test } from "node:test";
import { assertEquals } from "@std/assert";
import { ackedUnseen, onlyProbes, type TcpFrame, unbegun } from "../interop/l3l4/trace_rules.ts";

const OURS = "02:00:5e:10:00:01";
const SEGMENT = 4;

/** Frames of a connection that we opened, numbered by their place when they are judged. */
function frame(from: "ours" | "theirs", seconds: number, flags: number, values: Partial<TcpFrame>): TcpFrame {
  const ports = from === "ours" ? { fromPort: "2000", toPort: "7" } : { fromPort: "7", toPort: "2000" };
  const rest = { number: "", stream: "0", start: "1", end: "1", acknowledgment: "1", payload: "" };
  const judged = { isFlagged: "", messages: "" };
  const mac = from === "ours" ? OURS : "02:00:5e:10:00:02";
  return { ...rest, ...judged, ...ports, from: mac, seconds: String(seconds), flags: String(flags), ...values };
}

/** Our segment with this number, from 0; `first` is its first byte. */
function data(index: number, seconds: number, first = index): TcpFrame {
  const start = 1 + index * SEGMENT;
  const payload = `${first.toString(16).padStart(2, "0")}aabbcc`;
  return frame("ours", seconds, 0x18, { start: String(start), end: String(start + SEGMENT), payload });
}

/** The other end has this many segments. */
const ack = (count: number, seconds: number): TcpFrame =>
  frame("theirs", seconds, 0x10, { acknowledgment: String(1 + count * SEGMENT) });

const OPENING = [
  frame("ours", 0, 0x02, { start: "0", acknowledgment: "" }),
  frame("theirs", 0.001, 0x12, { start: "0" }),
  frame("ours", 0.002, 0x10, {}),
];
/** Five segments, all acknowledged after 20 ms. */
const FIVE = [...[0, 1, 2, 3, 4].map((i) => data(i, 0.01)), ack(2, 0.015), ack(5, 0.02)];

/** The places of the frames after the opening that are at fault. */
function probesFaults(...rest: TcpFrame[]): number[] {
  const all = [...OPENING, ...rest].map((one, i) => ({ ...one, number: String(i - OPENING.length) }));
  return onlyProbes(all, OURS).map((fault) => Number(/frame (\d+)/.exec(fault)?.[1]));
}

test("a stream that sends nothing twice has no fault", () => {
  const fin = frame("ours", 0.03, 0x11, { start: "21", end: "22" });
  assertEquals(probesFaults(...FIVE, fin, frame("theirs", 0.031, 0x10, { acknowledgment: "22" })), []);
});

test("the tail may be sent again, by itself", () => {
  assertEquals(probesFaults(data(0, 0.01), data(1, 0.01), data(1, 0.03), ack(2, 0.04)), []);
  assertEquals(probesFaults(data(0, 0.01), data(1, 0.01), data(0, 0.03), ack(2, 0.04)), [2]);
});

test("the tail may be sent again while its acknowledgment is on its way to us, and no later", () => {
  assertEquals(probesFaults(...FIVE, data(4, 0.021)), []);
  assertEquals(probesFaults(...FIVE, data(4, 0.3)), [7]);
});

test("after a timeout all that was in flight may be sent again, in any number of rounds", () => {
  const sent = [0, 1, 2, 3].map((i) => data(i, 0.01));
  const again = [0, 1, 2].map((i) => data(i, 0.215));
  assertEquals(probesFaults(...sent, ...again, ack(1, 0.23), data(1, 0.24), ack(4, 0.25)), []);
});

test("a timeout counts from the last acknowledgment that was news, or from when data were first in flight", () => {
  const sent = [...[0, 1, 2, 3].map((i) => data(i, 0.01)), ack(1, 0.15)];
  assertEquals(probesFaults(...sent, data(1, 0.25)), [5]);
  assertEquals(probesFaults(...sent, ack(1, 0.25), data(1, 0.36)), []);
  assertEquals(probesFaults(...FIVE, data(5, 1), data(6, 1), data(5, 1.1)), [9]);
  assertEquals(probesFaults(...FIVE, data(5, 1), data(6, 1), data(5, 1.21)), []);
});

test("a timeout is of the first segment that is not acknowledged", () => {
  assertEquals(probesFaults(data(0, 0.01), data(1, 0.01), data(2, 0.01), data(1, 0.3)), [3]);
});

test("a timeout excuses nothing that is acknowledged, and nothing that was sent after it", () => {
  const timeout = [0, 1, 2].map((i) => data(i, 0.01)).concat(data(0, 0.3), ack(3, 0.31));
  assertEquals(probesFaults(...timeout, data(0, 0.4), data(1, 0.4), data(2, 0.4)), [5, 6, 7]);
  const later = [3, 4, 5].map((i) => data(i, 0.5));
  assertEquals(probesFaults(...timeout, ...later, data(3, 0.51), data(4, 0.51)), [8, 9]);
});

test("all data again 300 ms later, long acknowledged, are faults", () => {
  assertEquals(probesFaults(...FIVE, ...[0, 1, 2, 3, 4].map((i) => data(i, 0.31))), [7, 8, 9, 10, 11]);
});

test("forty old segments again within 4 ms are faults", () => {
  const sent = Array.from({ length: 50 }, (_, i) => data(i, 0.01 + i / 1000));
  const again = Array.from({ length: 40 }, (_, i) => data(i, 0.5 + i / 10_000));
  assertEquals(probesFaults(...sent, ack(50, 0.07), ...again).length, 40);
});

test("one acknowledged segment again three times: three faults", () => {
  assertEquals(probesFaults(...FIVE, data(2, 0.3), data(2, 0.6), data(2, 0.9)), [7, 8, 9]);
});

test("other bytes under the same numbers are a fault, also where a segment was cut otherwise", () => {
  assertEquals(probesFaults(data(0, 0.01), data(1, 0.01), data(1, 0.03, 0xee)), [2]);
  const both = (payload: string): TcpFrame =>
    frame("ours", 0.3, 0x18, { start: "1", end: String(1 + 2 * SEGMENT), payload });
  assertEquals(probesFaults(data(0, 0.01), data(1, 0.01), both("00aabbcc01aabbcc")), []);
  assertEquals(probesFaults(data(0, 0.01), data(1, 0.01), both("00aabbcc02aabbcc")), [2]);
});

test("what the other end sends again is not judged, nor is what is empty", () => {
  const theirs = (seconds: number): TcpFrame => frame("theirs", seconds, 0x18, { end: "5", payload: "01020304" });
  const alive = frame("ours", 3, 0x10, { start: "20", end: "20" });
  assertEquals(probesFaults(...FIVE, theirs(1), theirs(1.1), theirs(1.2), alive), []);
});

test("streams are judged apart", () => {
  const other = [...FIVE, data(4, 0.3)].map((one) => ({ ...one, stream: "1", fromPort: "3000" }));
  assertEquals(probesFaults(...FIVE, ...other), [14]);
});

test("what is acknowledged has been sent, both ways", () => {
  assertEquals(ackedUnseen([...OPENING, ...FIVE]), []);
  const early = [...OPENING, data(0, 0.01), ack(2, 0.02)].map((one, i) => ({ ...one, number: String(i) }));
  assertEquals(ackedUnseen(early.slice(3)), []);
  assertEquals(ackedUnseen(early).at(-1), "stream 0, frame 4: acknowledges 9, last was 5");
});

test("a stream without a SYN is found, unless an earlier trace had it", () => {
  const other = FIVE.map((one) => ({ ...one, stream: "1", fromPort: "3000" }));
  const known = new Set<string>();
  assertEquals(unbegun([...OPENING, ...FIVE], known), []);
  assertEquals(unbegun([...OPENING, ...FIVE, other[0] as TcpFrame], known), ["stream 1: no SYN"]);
  assertEquals(unbegun(FIVE, known), []);
  assertEquals(unbegun(FIVE, new Set()), ["stream 0: no SYN"]);
});
