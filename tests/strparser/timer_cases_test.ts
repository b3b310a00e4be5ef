/** Cases S64 to S75: deadlines, by a clock that is an argument. */
import { assertEquals } from "@std/assert";
import { test } from "node:test";
import { MessageStream } from "../../src/strparser/mod.ts";
import { ManualClock } from "../../src/sim/mod.ts";
import { A, B, bytewise, counters, cut, join, L2, M, record, type RecordOptions } from "./support.ts";

const bytes = (...values: number[]): Uint8Array => Uint8Array.from(values);
const timed = (options: RecordOptions = {}) => record(L2, { messageTimeoutMs: 100, ...options });
const both = [undefined, "linux"] as const;

test("S64 one byte and nothing more", () => {
  for (const compat of both) {
    const run = timed({ compat }).at(0, bytes(0));
    assertEquals([run.engine.timeoutAt(), run.wait(99).errors], [100, []]);
    run.wait(100);
    assertEquals(run.errors.map((error) => [error.code, error.deadline, error.bytesHeld]), [[
      "ETIMEDOUT",
      "message",
      1,
    ]]);
    assertEquals(run.errors[0]!.message, "messageTimeoutMs 100 has passed with 1 byte of a message");
    const aborts = compat ? {} : { aborts: 1 };
    assertEquals(counters(run), { bytes: 1, needMoreHeader: 1, timeouts: 1, ...aborts });
    assertEquals(run.engine.timeoutAt(), Infinity);
  }
});
test("S65 complete in time", () => {
  for (const compat of both) {
    const run = timed({ compat }).at(0, bytes(0)).at(50, bytes(1, 0x39));
    assertEquals([run.lengths(), run.engine.timeoutAt(), run.wait(150).errors], [[3], Infinity, []]);
  }
});
test("S66 chunks do not restart it", () => {
  for (const compat of both) {
    const run = timed({ compat }).at(0, bytes(0)).at(60, bytes(3)).at(90, bytes(0x61));
    assertEquals([run.engine.timeoutAt(), run.wait(100).errors.length], [100, 1]);
  }
});
test("S67 the length known in the first chunk", () => {
  assertEquals(timed().at(0, bytes(0, 3, 0x61)).wait(100).errors.length, 1);
  assertEquals(timed({ compat: "linux" }).at(0, bytes(0, 3, 0x61)).engine.timeoutAt(), Infinity);
});
test("S68 no time is no deadline", () => {
  for (const messageTimeoutMs of [0, Infinity, undefined]) {
    assertEquals(record(L2, { messageTimeoutMs }).at(0, bytes(0)).engine.timeoutAt(), Infinity);
  }
});
test("S69 each message has its own", () => {
  for (const compat of both) {
    const run = timed({ compat }).at(0, bytes(0)).at(90, bytes(1, 0x39, 0));
    assertEquals(run.engine.timeoutAt(), 190);
    run.wait(150).at(180, bytes(0));
    assertEquals([run.lengths(), run.wait(1000).errors], [[3, 2], []]);
  }
});
test("S70 a message in one chunk has none", () => {
  for (const compat of both) assertEquals(timed({ compat }).at(0, join(A, B)).engine.timeoutAt(), Infinity);
});
test("S71 after stop", () => {
  const run = timed().at(0, bytes(0));
  run.engine.stop();
  assertEquals([run.engine.timeoutAt(), counters(run.wait(100))], [Infinity, { bytes: 1, needMoreHeader: 1 }]);
});
test("S71 compat: the timer is not cancelled, and counted, but aborts nothing", () => {
  const run = timed({ compat: "linux" }).at(0, bytes(0));
  run.engine.stop();
  run.wait(100);
  assertEquals([counters(run), run.errors], [{ bytes: 1, needMoreHeader: 1, timeouts: 1 }, []]);
  assertEquals(run.engine.timeoutAt(), Infinity);
});
test("S72 a failure cancels it", () => {
  for (const compat of both) {
    const run = timed({ compat, maxMessageLength: 10 }).at(0, bytes(0)).at(10, bytes(9));
    assertEquals([run.errors.length, run.engine.timeoutAt()], [1, Infinity]);
  }
});
test("S73 while paused the clock stands still", () => {
  const run = timed().at(0, bytes(0));
  run.engine.pause(50);
  assertEquals(run.engine.timeoutAt(), Infinity);
  run.engine.resume(300);
  assertEquals(run.engine.timeoutAt(), 350);
  assertEquals([run.wait(349).errors.length, run.wait(350).errors.length], [0, 1]);
});
test("S73 who resumes without knowing the time is asked for it", () => {
  const run = timed().at(0, bytes(0));
  run.engine.pause(50);
  run.engine.resume();
  assertEquals(run.engine.timeoutAt() <= 50, true);
  run.engine.onTimeout(300);
  assertEquals([run.engine.timeoutAt(), run.errors], [350, []]);
});
test("S73 compat: the timer runs on", () => {
  const run = timed({ compat: "linux" }).at(0, bytes(0));
  run.engine.pause(50);
  assertEquals(run.wait(100).errors.map((error) => error.code), ["ETIMEDOUT"]);
});
test("S74 idle: bytes every 20 ms are fine, a gap of 31 is not", () => {
  const run = record(L2, { idleTimeoutMs: 30 });
  for (const [i, byte] of bytewise(M(10)).slice(0, 5).entries()) run.wait(20 * i).at(20 * i, byte);
  assertEquals([run.errors, run.engine.timeoutAt()], [[], 110]);
  run.wait(111);
  assertEquals(run.errors.map((error) => [error.code, error.deadline]), [["ETIMEDOUT", "idle"]]);
});
test("S74 idle: between messages there is no deadline", () => {
  const run = record(L2, { idleTimeoutMs: 30 }).at(0, A).wait(1000).at(1000, B);
  assertEquals([run.lengths(), run.errors], [[5, 7], []]);
});
test("S75 a time given in the second call only counts from the first byte", () => {
  const message = M(3);
  for (const [compat, at] of [[undefined, 100], ["linux", Infinity]] as const) {
    const { engine } = record(L2, { compat });
    engine.process(message, 0, 1, 100, 0, 0);
    engine.process(message, 1, 2, 100, 100, 50);
    assertEquals(engine.timeoutAt(), at);
    engine.process(message, 3, 1, 100, 500, 60);
    assertEquals(engine.timeoutAt(), at);
  }
});

test("headerTimeoutMs: until the length is known, and no longer", () => {
  const run = record(L2, { headerTimeoutMs: 30 }).at(0, bytes(0));
  assertEquals(run.engine.timeoutAt(), 30);
  assertEquals(run.at(20, bytes(3)).engine.timeoutAt(), Infinity);
  assertEquals(record(L2, { headerTimeoutMs: 30 }).at(0, bytes(0, 3)).engine.timeoutAt(), Infinity);
  const late = record(L2, { headerTimeoutMs: 30 }).at(5, bytes(0)).wait(35);
  assertEquals(late.errors.map((error) => error.deadline), ["header"]);
});
test("the first of several deadlines counts", () => {
  const options = { headerTimeoutMs: 50, messageTimeoutMs: 60, idleTimeoutMs: 20 };
  const run = record(L2, options).at(0, bytes(0));
  const due = [run.engine.timeoutAt()];
  for (const [now, byte] of [[15, 3], [30, 1], [45, 2]] as const) due.push(run.at(now, bytes(byte)).engine.timeoutAt());
  assertEquals(due, [20, 35, 50, 60]);
});
test("bytes that come too late are not taken, however late the timer is", () => {
  const run = timed().at(0, bytes(0)).at(100, bytes(1, 0x39));
  assertEquals([run.returned, run.errors.map((error) => [error.code, error.offset])], [[1, 0], [["ETIMEDOUT", 0]]]);
});
test("a swallowed message has its deadlines too", () => {
  const options: RecordOptions = {
    maxMessageLength: 10,
    oversize: "discard",
    messageTimeoutMs: 100,
    idleTimeoutMs: 40,
  };
  for (const chunks of [[M(20).subarray(0, 9)], cut(M(20).subarray(0, 9), 1)]) {
    const run = record(L2, options).at(0, ...chunks);
    assertEquals(run.engine.timeoutAt(), 40);
    assertEquals(run.at(39, M(20).subarray(9, 12)).engine.timeoutAt(), 79);
    assertEquals(run.at(78, M(20).subarray(12)).engine.timeoutAt(), Infinity);
  }
});
test("deadlines: whole and in pieces agree", () => {
  for (const options of [{ messageTimeoutMs: 100 }, { idleTimeoutMs: 100 }]) {
    for (const chunks of [[B.subarray(0, 4)], bytewise(B.subarray(0, 4)), cut(B.subarray(0, 4), 3)]) {
      const run = record(L2, options).at(7, ...chunks).wait(107);
      assertEquals(run.errors.map((e) => [e.code, e.offset, e.bytesHeld, e.bytesMissing]), [["ETIMEDOUT", 0, 4, 3]]);
    }
  }
});
test("MessageStream: the stage's timer runs the deadline", async () => {
  const clock = new ManualClock();
  const stage = new MessageStream({ parser: L2, messageTimeoutMs: 100, clock });
  const writer = stage.writable.getWriter();
  writer.closed.catch(() => {});
  await writer.write(join(A, bytes(0)));
  const reader = stage.readable.getReader();
  assertEquals((await reader.read()).value, A);
  const read = reader.read().then(() => "value", (error) => error.code);
  assertEquals(clock.nextAt, 100);
  clock.advance(100);
  assertEquals([await read, clock.timers, stage.stats.timeouts], ["ETIMEDOUT", 0, 1]);
});
