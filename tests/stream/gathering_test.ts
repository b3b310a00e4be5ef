/** What small chunks in quick succession make comes together; nothing waits for what is not on its way. */
import { test } from "node:test";
import { assert, assertEquals, assertStrictEquals } from "@std/assert";
import { createStage, type Stage, type StageOptions } from "../../src/stream/stage.ts";
import { afterPromises } from "../../src/stream/turn.ts";
import { collect, drain, source } from "../support/streams.ts";
import { isSettled, turns } from "../support/turns.ts";
import { Repeater } from "./support.ts";

/** A stage that yields each input once, of so many bytes. */
function stageOf(bytes: number, options: StageOptions<true> = {}): Stage<number, number, true, Repeater> {
  return createStage(
    (sink) => {
      const engine = new Repeater(sink);
      engine.push = (input) => sink.item(input);
      return engine;
    },
    { ...options, batch: true },
    () => bytes,
  );
}

/** Runs it as in a browser, which does not tell when the handlers of promises have run. */
async function withoutTicks(run: () => Promise<void>): Promise<void> {
  const own = Object.getOwnPropertyDescriptor(globalThis, "process")!;
  Object.defineProperty(globalThis, "process", { value: undefined, configurable: true, writable: true });
  try {
    assertEquals(afterPromises(() => {}), false);
    await run();
  } finally {
    Object.defineProperty(globalThis, "process", own);
  }
}

/** A test with ticks, and the same without. */
function testBoth(name: string, run: () => Promise<void>): void {
  test(name, run);
  test(`${name}, in rounds`, () => withoutTicks(run));
}

const count = (to: number): number[] => Array.from({ length: to }, (_, i) => i);

testBoth("small chunks that a pipe brings in one turn come together, in order", async () => {
  const batches = await collect(source(count(1000)).pipeThrough(stageOf(1)));
  assertEquals(batches.flat(), count(1000));
  assert(batches.length < 500, `${batches.length} batches for 1000 chunks`);
});

testBoth("they come together as far as 16 KiB of input", async () => {
  const batches = await collect(source(count(1000)).pipeThrough(stageOf(4096)));
  assertEquals(batches.flat(), count(1000));
  assertEquals(Math.max(...batches.map((batch) => batch.length)), 4);
  assert(batches.length < 500, `${batches.length} batches for 1000 chunks`);
});

testBoth("the first chunk does not wait, and one behind it not for a turn of the event loop", async () => {
  const { readable, writable } = stageOf(1);
  const reader = readable.getReader();
  const writer = writable.getWriter();
  // a stage that works for long gives way by itself: begin with a turn of its own
  await turns();
  let hasTurned = false;
  setImmediate(() => hasTurned = true);
  writer.write(0);
  writer.write(1);
  assertEquals((await reader.read()).value, [0]);
  assertEquals((await reader.read()).value, [1]);
  assertEquals(hasTurned, false);
});

testBoth("what is gathered counts as held", async () => {
  const { readable, writable } = stageOf(4, { highWaterMark: 10 });
  const writer = writable.getWriter();
  const writes = count(3).map((input) => writer.write(input));
  assert(await isSettled(writes[1]!));
  assertEquals(await isSettled(writes[2]!), false);
  const reader = readable.getReader();
  assertEquals((await reader.read()).value, [0]);
  assert(await isSettled(writes[2]!));
});

testBoth("what is gathered comes before the end, an abort and a failure", async () => {
  const reason = new Error("source died");
  for (const error of [undefined, reason]) {
    const stage = stageOf(1);
    const { chunks, error: seen } = await drain(source(count(5), error).pipeThrough(stage));
    assertEquals(chunks.flat(), count(5));
    assertStrictEquals(seen, error);
  }
  const stage = createStage<number, number, true, Repeater>((sink) => new Repeater(sink), { batch: true }, () => 1);
  const { chunks, error } = await drain(source([1, 2, 3, 13]).pipeThrough(stage));
  assertEquals(chunks.flat(), [1, 2, 2, 3, 3, 3]);
  assertEquals((error as { code?: string }).code, "EPROTO");
});

testBoth("what is gathered is gone with a cancelled stream", async () => {
  const { readable, writable } = stageOf(1);
  const reader = readable.getReader();
  const writer = writable.getWriter();
  writer.closed.catch(() => {});
  const writes = count(2).map((input) => writer.write(input).catch(() => {}));
  assertEquals((await reader.read()).value, [0]);
  await reader.cancel("enough");
  await Promise.all(writes);
  assertEquals(await isSettled(reader.closed), true);
});

test("after promises: behind handlers that make handlers, before the next turn of the event loop", async () => {
  const order: string[] = [];
  await turns();
  const done = new Promise<void>((resolve) => setImmediate(() => resolve(void order.push("turn"))));
  await null;
  afterPromises(() => order.push("after"));
  for (let i = 0; i < 50; i++) await null;
  order.push("handlers");
  await done;
  assertEquals(order, ["handlers", "after", "turn"]);
});
