import { test } from "node:test";
import { assert, assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import type { EngineFactory, Sink } from "../../src/core/engine.ts";
import { fuse, fuseAll } from "../../src/stream/fuse.ts";
import { through } from "../../src/stream/through.ts";
import { collect, drain, source } from "../support/streams.ts";
import { turns } from "../support/turns.ts";
import { unhandledRejections } from "../support/unhandled.ts";
import { Delayer, failure, PassiveDelayer, Repeater } from "./support.ts";

const repeat: EngineFactory<number, number> = (sink) => new Repeater(sink);

/** Adds one to everything; passes the end on. */
const increment: EngineFactory<number, number> = (sink) => ({
  push: (input) => sink.item(input + 1),
  end: () => sink.end(),
  timeoutAt: () => Infinity,
  onTimeout: () => {},
  stats: { one: 1 },
});

test("through yields at most one batch for each chunk and no empty one", async () => {
  assertEquals(await collect(through(source([2, 0, 3]), repeat)), [[2, 2], [3, 3, 3]]);
});

test("a batch has as many items as there are, however many the one before had", async () => {
  const numbers = [20_000, 3, 20_001, 0, 1];
  const batches = await collect(through(source(numbers), repeat));
  assertEquals(batches.map((batch) => batch.length), [20_000, 3, 20_001, 1]);
  for (const batch of batches) assertEquals(new Set(batch).size, 1);
});

test("through takes batches as input", async () => {
  assertEquals(await collect(through(source([[1, 2], [], [1]]), repeat)), [[1, 2, 2], [1]]);
});

test("through joins engines in order and passes the end on", async () => {
  assertEquals(await collect(through(source([1, -3, 1]), repeat, increment, repeat)), [[2, 2], [2, 2], [-2]]);
  assertEquals(await collect(through(source([1, -3]), repeat, increment)), [[2], [-2]]);
});

test("through yields everything before an engine's error, then the error, and cancels its source with it", async () => {
  let cancelled: unknown;
  const endless = new ReadableStream<number>({
    pull: (controller) => controller.enqueue([2, 1, 13][pulls++ % 3]!),
    cancel: (reason) => {
      cancelled = reason;
    },
  }, { highWaterMark: 0 });
  let pulls = 0;
  const { chunks, error } = await drain(through(endless, repeat, increment));
  assertEquals(chunks, [[3, 3], [2]]);
  assertEquals((error as { code?: string }).code, "EPROTO");
  assertStrictEquals(cancelled, error);
});

test("through lets the engines hand out what they hold when the source fails, then passes its error on", async () => {
  const reason = new Error("source died");
  const { chunks, error } = await drain(through(source([1, -9], reason), repeat, repeat));
  assertEquals(chunks, [[1], [-9]]);
  assertStrictEquals(error, reason);
  const held = await drain(through(source([1, -9], reason), increment, repeat));
  assertEquals(held.chunks, [[2, 2], [-8]]);
});

test("through passes a cancel on to its source", async () => {
  let cancelled: unknown;
  const readable = new ReadableStream<number>({
    pull: (controller) => controller.enqueue(1),
    cancel: (reason) => {
      cancelled = reason;
    },
  }, { highWaterMark: 0 });
  const reader = through(readable, repeat).getReader();
  await reader.read();
  await reader.cancel("enough");
  assertEquals(cancelled, "enough");
});

test("through reads its source only when asked", async () => {
  let pulls = 0;
  const readable = new ReadableStream<number>({
    pull: (controller) => {
      pulls++;
      controller.enqueue(2);
    },
  }, { highWaterMark: 0 });
  const reader = through(readable, repeat).getReader();
  await turns();
  assertEquals(pulls, 0);
  await reader.read();
  await turns();
  assertEquals(pulls, 1);
  await reader.cancel();
});

test("through delivers what a timeout makes while the source is silent", async () => {
  let controller: ReadableStreamDefaultController<number> | undefined;
  const readable = new ReadableStream<number>({ start: (made) => void (controller = made) });
  const reader = through(readable, (sink: Sink<number>) => new Delayer(sink, 1)).getReader();
  const reading = reader.read();
  controller!.enqueue(42);
  assertEquals((await reading).value, [42]);
  controller!.close();
  assert((await reader.read()).done);
});

test("through leaves no rejection unhandled", async () => {
  const unhandled = await unhandledRejections(async () => {
    await drain(through(source([1, 13]), repeat));
    await drain(through(source([1], new Error("source died")), repeat));
    await through(source([1, 13]), repeat).cancel();
    await drain(through(source([null as unknown as number]), repeat));
  });
  assertEquals(unhandled, []);
});

test("through and fuse refuse what is no engine factory", () => {
  assertThrows(() => (through as (...all: unknown[]) => unknown)(source([1])), TypeError, "at least one engine");
  assertThrows(() => (through as (...all: unknown[]) => unknown)(source([1]), {}), TypeError, "function of a sink");
  assertThrows(() => fuseAll([]), TypeError);
});

test("a fused engine's error is the first one, reported once, behind what later engines held", () => {
  const log: string[] = [];
  const sink: Sink<number> = {
    item: (value) => log.push(`${value}`),
    error: (error) => log.push(error.code),
    end: () => log.push("end"),
  };
  const failing: EngineFactory<number, number> = (inner) => ({
    push: (input) => input === 0 ? inner.error(failure("EFIRST")) : inner.item(input),
    end: () => inner.end(),
    timeoutAt: () => Infinity,
    onTimeout: () => {},
    stats: {},
  });
  const atEnd: EngineFactory<number, number> = (inner) => ({
    push: (input) => inner.item(input),
    end: () => inner.error(failure("ESECOND")),
    timeoutAt: () => Infinity,
    onTimeout: () => {},
    stats: {},
  });
  const engine = fuse(failing, repeat, atEnd)(sink);
  engine.push(-5, 0);
  engine.push(0, 0);
  engine.push(0, 0);
  engine.end(0);
  assertEquals(log, ["-5", "EFIRST"]);
});

test("a fused engine asks for the earliest time and wakes only who is due", () => {
  const items: number[] = [];
  const sink: Sink<number> = { item: (value) => items.push(value), error: () => {}, end: () => {} };
  const engine = fuse((inner: Sink<number>) => new Delayer(inner, 10), (inner: Sink<number>) => new Delayer(inner, 5))(
    sink,
  );
  engine.push(1, 100);
  assertEquals(engine.timeoutAt(), 110);
  engine.onTimeout(110);
  assertEquals([engine.timeoutAt(), items], [115, []]);
  engine.onTimeout(115);
  assertEquals([engine.timeoutAt(), items], [Infinity, [1]]);
});

test("a passive engine behind another lives on the time in its own input", () => {
  const items: number[] = [];
  const sink: Sink<number> = { item: (value) => items.push(value), error: () => {}, end: () => {} };
  const engine = fuse(increment, (inner: Sink<number>) => new PassiveDelayer(inner, 10))(sink);
  engine.push(100, 5);
  assertEquals(engine.timeoutAt(), Infinity);
  engine.push(110, 6);
  assertEquals(items, [101]);
});

test("engines behind the first are told the time: passive ones the latest of their own input, live ones the first's", () => {
  const log: string[] = [];
  const told = (name: string, timeOf?: (input: number) => number): EngineFactory<number, number> => (inner) => ({
    ...increment(inner),
    ...(timeOf === undefined ? {} : { timeOf }),
    push: (input, now) => {
      log.push(`${name} ${now}`);
      inner.item(input);
    },
    end: (now) => {
      log.push(`${name} ends ${now}`);
      inner.end();
    },
  });
  const passive = told("passive", (input) => input);
  const engine = fuse(increment, passive, told("live"))({ item: () => {}, error: () => {}, end: () => {} });
  engine.push(100, 5);
  engine.push(90, 6);
  engine.end(7);
  assertEquals(log, ["passive 101", "live 5", "passive 101", "live 6", "passive ends 101", "live ends 7"]);
});

test("a fused engine with a passive head is passive", () => {
  const engine = fuse((inner: Sink<number>) => new PassiveDelayer(inner, 10), increment)({
    item: () => {},
    error: () => {},
    end: () => {},
  });
  assertEquals(engine.timeOf?.(77), 77);
  assertEquals(fuse(increment, repeat)({ item: () => {}, error: () => {}, end: () => {} }).timeOf, undefined);
});

test("live engines behind a passive head are woken by the time in its input", async () => {
  const passive: EngineFactory<number, number> = (sink) => ({ ...increment(sink), timeOf: (input) => input });
  const delay: EngineFactory<number, number> = (sink) => new Delayer(sink, 10);
  assertEquals(await collect(through(source([100, 105, 120, 140]), passive, delay)), [[101, 106], [121], [141]]);
});

test("a fused engine shows the counters of all", () => {
  const engine = fuse(increment, increment)({ item: () => {}, error: () => {}, end: () => {} });
  assertEquals(engine.stats, { "0.one": 1, "1.one": 1 });
});

test("through cancels a silent source when a timeout makes an engine fail, or a callback throw", async () => {
  for (const isThrown of [false, true]) {
    let cancelled: unknown;
    const silent = new ReadableStream<number>({
      start: (controller) => controller.enqueue(1),
      cancel: (reason) => {
        cancelled = reason;
      },
    });
    const error = failure("ETIMEDOUT");
    const impatient: EngineFactory<number, number> = (sink) => ({
      push: (input) => sink.item(input),
      end: () => sink.end(),
      timeoutAt: () => 0,
      onTimeout: () => {
        if (isThrown) throw error;
        sink.error(error);
      },
      stats: {},
    });
    const drained = await drain(through(silent, impatient));
    assertEquals(drained.chunks, [[1]]);
    assertStrictEquals(drained.error, error);
    assertStrictEquals(cancelled, error);
  }
});
