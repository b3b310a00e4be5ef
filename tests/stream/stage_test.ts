import { test } from "node:test";
import { assert, assertEquals, assertRejects, assertStrictEquals } from "@std/assert";
import { createStage } from "../../src/stream/stage.ts";
import { ManualClock } from "../../src/sim/mod.ts";
import { stageChecklist } from "../support/stage_checklist.ts";
import { collect, drain, source } from "../support/streams.ts";
import { isSettled, turns } from "../support/turns.ts";
import { Delayer, PassiveDelayer, Repeater } from "./support.ts";

const size = (input: number): number => {
  if (typeof input !== "number") throw new TypeError("not a number");
  return Math.abs(input);
};

stageChecklist<number, number>({
  name: "createStage(Repeater)",
  make: (options) => createStage((sink) => new Repeater(sink), options, size),
  inputs: [1, 0, 3, -5, 2],
  outputs: [1, 3, 3, 3, 2, 2, -5],
  badOptions: [],
  badInput: { inputs: [2, -4, 13, 1], outputs: [2, 2], code: "EPROTO" },
});

test("a stage runs its engine's end on an abort, so that nothing held is lost", async () => {
  const stage = createStage((sink) => new Repeater(sink), {}, size);
  const reason = new Error("source died");
  const { chunks, error } = await drain(source([1, -7], reason).pipeThrough(stage));
  assertEquals(chunks, [1, -7]);
  assertStrictEquals(error, reason);
  assertEquals(stage.engine.ends, 1);
});

test("a stage's write waits at highWaterMark bytes and goes on below it", async () => {
  const { readable, writable } = createStage((sink) => new Repeater(sink), { highWaterMark: 10, batch: true }, size);
  const writer = writable.getWriter();
  assert(await isSettled(writer.write(9)));
  const second = writer.write(9);
  assertEquals(await isSettled(second), false);
  const reader = readable.getReader();
  await reader.read();
  assert(await isSettled(second));
});

test("a stage reads what is lent to the reader as held until all of it is read", async () => {
  const { readable, writable } = createStage((sink) => new Repeater(sink), { highWaterMark: 4 }, size);
  const writer = writable.getWriter();
  const reader = readable.getReader();
  const first = writer.write(4);
  for (let i = 0; i < 4; i++) {
    assertEquals((await reader.read()).value, 4);
    if (i < 3) assertEquals(await isSettled(first), false);
  }
  const next = reader.read();
  assert(await isSettled(first));
  await writer.write(1);
  assertEquals((await next).value, 1);
});

test("a stage with a live engine has one timer, which wakes the engine", async () => {
  const clock = new ManualClock();
  const { readable, writable } = createStage((sink) => new Delayer(sink, 100), { clock }, size);
  const writer = writable.getWriter();
  const reader = readable.getReader();
  await writer.write(1);
  clock.advance(50);
  await writer.write(2);
  assertEquals(clock.timers, 1);
  clock.advance(50);
  assertEquals((await reader.read()).value, 1);
  clock.advance(50);
  assertEquals((await reader.read()).value, 2);
  assertEquals(clock.timers, 0);
});

test("a stage's timer is gone after close, abort and cancel", async () => {
  for (const ending of ["close", "abort", "cancel"]) {
    const clock = new ManualClock();
    const { readable, writable } = createStage((sink) => new Delayer(sink, 100), { clock }, size);
    const writer = writable.getWriter();
    await writer.write(1);
    assertEquals(clock.timers, 1);
    if (ending === "close") await writer.close();
    if (ending === "abort") await writer.abort(new Error("over"));
    if (ending === "cancel") await readable.cancel();
    assertEquals([ending, clock.timers], [ending, 0]);
    await drain(readable);
    writer.closed.catch(() => {});
  }
});

test("a passive engine lives on the time in its input and never gets a timer", async () => {
  const clock = new ManualClock(1e9);
  const stage = createStage((sink) => new PassiveDelayer(sink, 10), { clock }, size);
  const reader = stage.readable.getReader();
  const writer = stage.writable.getWriter();
  for (const at of [100, 105, 90, 112]) await writer.write(at);
  assertEquals(clock.timers, 0);
  assertEquals((await reader.read()).value, 100);
  await writer.write([116]);
  assertEquals((await reader.read()).value, 105);
  writer.close();
  assertEquals((await reader.read()).value, 90);
});

test("a callback that throws fails the stage with what it threw", async () => {
  const thrown = new Error("bug in a callback");
  const stage = createStage(
    (sink) => ({
      push: (input: number) => {
        sink.item(input);
        if (input === 2) throw thrown;
      },
      end: () => sink.end(),
      timeoutAt: () => Infinity,
      onTimeout: () => {},
      stats: {},
    }),
    {},
    size,
  );
  const { chunks, error } = await drain(source([1, 2, 3]).pipeThrough(stage));
  assertEquals(chunks, [1, 2]);
  assertStrictEquals(error, thrown);
});

test("an error at the end rejects close and comes behind the last item", async () => {
  const error = new TypeError("cut off");
  const { readable, writable } = createStage<number, number, false, Repeater>(
    (sink) =>
      new Repeater({
        item: (value) => sink.item(value),
        error: (failed) => sink.error(failed),
        end: () => sink.error(error as never),
      }),
    {},
    size,
  );
  const writer = writable.getWriter();
  await writer.write(1);
  const rejected = await writer.close().catch((failed) => failed);
  assertStrictEquals(rejected, error);
  const reader = readable.getReader();
  assertEquals((await reader.read()).value, 1);
  await assertRejects(() => reader.read(), TypeError, "cut off");
});

test("a stage that works without a break lets the event loop turn", async () => {
  const spin = (sink: { item(value: number): void }): void => {
    const until = performance.now() + 0.3;
    while (performance.now() < until);
    sink.item(1);
  };
  const stage = createStage<number, number, false, Repeater>(
    (sink) => {
      const engine = new Repeater(sink);
      engine.push = () => spin(sink);
      return engine;
    },
    {},
    size,
  );
  let turned = 0;
  let isDone = false;
  const count = (): void => {
    turned++;
    if (!isDone) setImmediate(count);
  };
  setImmediate(count);
  await collect(source(new Array<number>(100).fill(1)).pipeThrough(stage));
  isDone = true;
  assert(turned > 10, `the event loop turned ${turned} times in 30 ms of work`);
  await turns();
});

test("a result weighs as much as all the input that made it, also that of earlier chunks", async () => {
  const { readable, writable } = createStage(
    (sink) => new Repeater(sink),
    { highWaterMark: 10, batch: true },
    () => 4,
  );
  const writer = writable.getWriter();
  for (let i = 0; i < 2; i++) assert(await isSettled(writer.write(0)));
  const third = writer.write(1);
  assertEquals(await isSettled(third), false);
  await readable.getReader().read();
  assert(await isSettled(third));
});

test("a write goes on when all that it made was read, though nobody reads on", async () => {
  const { readable, writable } = createStage((sink) => new Repeater(sink), { highWaterMark: 1 }, size);
  const writer = writable.getWriter();
  const reader = readable.getReader();
  for (const count of [1, 2, 3]) {
    const written = writer.write(count);
    for (let i = 0; i < count; i++) await reader.read();
    assert(await isSettled(written));
  }
});

test("an abort does not wait for a reader that never comes", async () => {
  const { readable, writable } = createStage((sink) => new Repeater(sink), { highWaterMark: 1 }, size);
  const writer = writable.getWriter();
  writer.closed.catch(() => {});
  const written = writer.write(5);
  assertEquals(await isSettled(written), false);
  assert(await isSettled(writer.abort("enough")));
  assertEquals(await drain(readable), { chunks: [5, 5, 5, 5, 5], error: "enough" });
});

test("an abort from within the write that fills the stage does not wait either", async () => {
  const { readable, writable, engine } = createStage((sink) => new Repeater(sink), { highWaterMark: 1 }, size);
  const writer = writable.getWriter();
  writer.closed.catch(() => {});
  const push = engine.push.bind(engine);
  let aborted: Promise<void> | undefined;
  engine.push = (input, now) => {
    push(input, now);
    aborted = writer.abort("enough");
  };
  const written = writer.write(5).catch((error) => error);
  assert(await isSettled(written));
  assert(await isSettled(aborted!));
  assertEquals(await drain(readable), { chunks: [5, 5, 5, 5, 5], error: "enough" });
});

test("a chunk of a wrong type lets the engine hand out what it holds first", async () => {
  const stage = createStage((sink) => new Repeater(sink), {}, size);
  const { chunks, error } = await drain(source<number>([1, -7, null as never]).pipeThrough(stage));
  assertEquals(chunks, [1, -7]);
  assert(error instanceof TypeError);
});

test("a callback that throws in a timeout fails the stage with what it threw", async () => {
  const clock = new ManualClock();
  const thrown = new Error("bug in a callback");
  const { readable, writable, engine } = createStage((sink) => new Delayer(sink, 10), { clock }, size);
  engine.onTimeout = () => {
    throw thrown;
  };
  engine.end = () => {};
  const writer = writable.getWriter();
  const closed = writer.closed.catch((error) => error);
  await writer.write(1);
  clock.advance(10);
  assertStrictEquals((await drain(readable)).error, thrown);
  assertStrictEquals(await closed, thrown);
  assertEquals(clock.timers, 0);
});
