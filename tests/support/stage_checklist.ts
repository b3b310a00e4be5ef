/**
 * What every stage has to show: the same list of tests for each `{readable, writable}` of the library.
 *
 * Call it once at the top level of a test file; it registers its tests.
 */
import { test } from "node:test";
import { assert, assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import { collect, drain, feed, source } from "./streams.ts";
import { isSettled, turns } from "./turns.ts";
import { unhandledRejections } from "./unhandled.ts";

/** The options that every stage takes. */
export interface ChecklistOptions {
  batch?: boolean;
  highWaterMark?: number;
}

/** What is to be checked. */
export interface Checklist<In, Out> {
  /** Name of the class, for the tests' names. */
  name: string;
  /** Makes the stage. */
  make(options: ChecklistOptions): ReadableWritablePair<Out | Out[], In | readonly In[]>;
  /** Valid input, in chunks, of which at least two make items. */
  inputs: readonly In[];
  /** The items that it makes. */
  outputs: readonly Out[];
  /** Options that the constructor refuses with a `TypeError` or `RangeError`. */
  badOptions: readonly Record<string, unknown>[];
  /** Input that fails, the items before the failure, and the code of the error. Absent where no input can fail. */
  badInput?: { inputs: readonly In[]; outputs: readonly Out[]; code: string };
  /** Makes items comparable; the identity by default. */
  view?: (item: Out) => unknown;
}

/** Registers the tests. */
export function stageChecklist<In, Out>(list: Checklist<In, Out>): void {
  content(list);
  pressure(list);
  endings(list);
  failures(list);
}

function flat<Out>(list: { view?: (item: Out) => unknown }, chunks: readonly (Out | Out[])[]): unknown[] {
  return (chunks.flat(1) as Out[]).map(list.view ?? ((item) => item));
}

function content<In, Out>(list: Checklist<In, Out>): void {
  const { name } = list;
  const expected = flat(list, list.outputs);

  test(`${name} yields nothing for empty input`, async () => {
    assertEquals(await collect(source<In>([]).pipeThrough(list.make({}))), []);
  });

  test(`${name} yields the items in order`, async () => {
    const items = await collect(source(list.inputs).pipeThrough(list.make({})));
    assertEquals(flat(list, items), expected);
  });

  test(`${name} with batch yields the same items in arrays, none of them empty`, async () => {
    const batches = await collect(source(list.inputs).pipeThrough(list.make({ batch: true })));
    for (const batch of batches) assert(Array.isArray(batch) && batch.length > 0);
    assert(batches.length <= list.inputs.length + 1, "more batches than input chunks");
    assertEquals(flat(list, batches), expected);
  });

  test(`${name} takes arrays as input`, async () => {
    const half = Math.ceil(list.inputs.length / 2);
    const arrays = [list.inputs.slice(0, half), [], list.inputs.slice(half)];
    const items = await collect(source<readonly In[]>(arrays).pipeThrough(list.make({})));
    assertEquals(flat(list, items), expected);
  });

  test(`${name} refuses wrong options at once`, () => {
    for (const options of [...list.badOptions, { highWaterMark: 0 }, { highWaterMark: 0.5 }, { highWaterMark: "1" }]) {
      const thrown = assertThrows(() => list.make(options as ChecklistOptions));
      assert(thrown instanceof TypeError || thrown instanceof RangeError, `${JSON.stringify(options)}: ${thrown}`);
    }
  });
}

function pressure<In, Out>(list: Checklist<In, Out>): void {
  const { name } = list;

  test(`${name} makes writes wait while nobody reads, and goes on when somebody does`, async () => {
    const { readable, writable } = list.make({ highWaterMark: 1 });
    const fed = feed(writable, list.inputs);
    assertEquals(await isSettled(fed), false);
    assertEquals(flat(list, await collect(readable)), flat(list, list.outputs));
    assertEquals(await fed, undefined);
  });

  test(`${name} hands over what a chunk completes before the next chunk comes`, async () => {
    const { readable, writable } = list.make({});
    const reader = readable.getReader();
    const writer = writable.getWriter();
    const got: (Out | Out[])[] = [];
    const reading = (async () => {
      for (let next = await reader.read(); !next.done; next = await reader.read()) got.push(next.value);
    })();
    for (const input of list.inputs) await writer.write(input);
    await turns();
    assert(got.length > 0, "nothing came before the end");
    await writer.close();
    await reading;
    assertEquals(flat(list, got), flat(list, list.outputs));
  });
}

function endings<In, Out>(list: Checklist<In, Out>): void {
  const { name } = list;

  test(`${name} passes the reader's cancel on to the writer`, async () => {
    const { readable, writable } = list.make({ highWaterMark: 1 });
    const reason = new Error("not interested");
    const writer = writable.getWriter();
    const closed = writer.closed.catch((error) => error);
    const fed = Promise.allSettled(list.inputs.map((input) => writer.write(input)));
    await readable.cancel(reason);
    assertStrictEquals(await closed, reason);
    await fed;
    assertStrictEquals(await writer.write(list.inputs[0]!).catch((error) => error), reason);
  });

  test(`${name} cancels its source when the reader cancels`, async () => {
    let cancelled: unknown;
    const endless = new ReadableStream<In>({
      pull: (controller) => controller.enqueue(list.inputs[0]!),
      cancel: (reason) => {
        cancelled = reason;
      },
    }, { highWaterMark: 0 });
    const reason = new Error("enough");
    await endless.pipeThrough(list.make({ highWaterMark: 1 })).cancel(reason);
    await turns();
    assertStrictEquals(cancelled, reason);
  });

  test(`${name} is aborted at once, also while a write waits for a reader that never comes`, async () => {
    const { writable } = list.make({ highWaterMark: 1 });
    const writer = writable.getWriter();
    const closed = writer.closed.catch((error) => error);
    const writes = Promise.allSettled(list.inputs.map((input) => writer.write(input)));
    assertEquals(await isSettled(writes), false);
    const reason = new Error("enough");
    assert(await isSettled(writer.abort(reason)));
    assertStrictEquals(await closed, reason);
    await writes;
  });

  test(`${name} yields everything accepted before an abort, then its reason, once`, async () => {
    const reason = new Error("source died");
    const { chunks, error } = await drain(source(list.inputs, reason).pipeThrough(list.make({})));
    assertEquals(flat(list, chunks), flat(list, list.outputs));
    assertStrictEquals(error, reason);
  });
}

function failures<In, Out>(list: Checklist<In, Out>): void {
  const { name, badInput } = list;

  if (badInput !== undefined) {
    test(`${name} yields everything before an error, then the error at both ends`, async () => {
      for (const batch of [false, true]) {
        const { readable, writable } = list.make({ batch });
        const fed: Promise<unknown> = feed(writable, badInput.inputs);
        const { chunks, error } = await drain(readable);
        assertEquals(flat(list, chunks), flat(list, badInput.outputs));
        assertEquals((error as { code?: string }).code, badInput.code);
        assertStrictEquals(await fed, error);
      }
    });
  }

  test(`${name} fails on a chunk of a wrong type`, async () => {
    const { readable, writable } = list.make({});
    const fed: Promise<unknown> = feed(writable, [null as unknown as In]);
    const { error } = await drain(readable);
    assert(error instanceof TypeError, `${error}`);
    assertStrictEquals(await fed, error);
  });

  test(`${name} leaves no rejection unhandled, whatever ends first`, async () => {
    const inputs = badInput?.inputs ?? list.inputs;
    const reason = new Error("whatever");
    const unhandled = await unhandledRejections(async () => {
      for (const order of ["cancel", "abort", "both", "error"]) {
        const { readable, writable } = list.make({ highWaterMark: 1 });
        const writer = writable.getWriter();
        const writes = Promise.allSettled(inputs.map((input) => writer.write(input)));
        if (order === "cancel" || order === "both") await readable.cancel(reason);
        if (order === "abort" || order === "both") await writer.abort(reason).catch(() => {});
        if (order === "error") {
          writer.close().catch(() => {});
          await drain(readable);
        }
        await turns();
        if (order === "abort") await drain(readable);
        await writes;
      }
    });
    assertEquals(unhandled, []);
  });
}
