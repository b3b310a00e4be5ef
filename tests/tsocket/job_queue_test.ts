import { assert, assertEquals, assertRejects, assertStrictEquals, assertThrows } from "@std/assert";
import { test } from "node:test";
import { SocketError } from "../../src/tsocket/errors.ts";
import { DEFAULT_MAX_QUEUED, JobQueue } from "../../src/tsocket/job_queue.ts";
import { isSettled, turns } from "../support/turns.ts";
import { unhandledRejections } from "../support/unhandled.ts";

/** A promise to be settled by hand. */
function later<T = void>(): { promise: Promise<T>; resolve: (value: T) => void; reject: (reason: unknown) => void } {
  let resolve!: (value: T) => void;
  let reject!: (reason: unknown) => void;
  const promise = new Promise<T>((yes, no) => {
    resolve = yes;
    reject = no;
  });
  return { promise, resolve, reject };
}

/** A signal that counts its listeners. */
function countingSignal(): { controller: AbortController; listeners: () => number; added: () => number } {
  const controller = new AbortController();
  const { signal } = controller;
  let listeners = 0;
  let added = 0;
  const { addEventListener, removeEventListener } = signal;
  signal.addEventListener = (...args: Parameters<typeof addEventListener>) => {
    listeners++;
    added++;
    addEventListener.apply(signal, args);
  };
  signal.removeEventListener = (...args: Parameters<typeof removeEventListener>) => {
    listeners--;
    removeEventListener.apply(signal, args);
  };
  return { controller, listeners: () => listeners, added: () => added };
}

async function reasonOf(promise: Promise<unknown>): Promise<unknown> {
  try {
    await promise;
  } catch (reason) {
    return reason;
  }
  throw new Error("it did not reject");
}

async function codeOf(promise: Promise<unknown>): Promise<string> {
  const reason = await reasonOf(promise);
  assert(reason instanceof SocketError, `not a SocketError: ${reason}`);
  return reason.code;
}

test("38: only the first job runs, and each starts when the one before is done", async () => {
  const queue = new JobQueue({ name: "writes" });
  const log: string[] = [];
  const steps = [later(), later(), later()];
  const runs = steps.map((step, i) =>
    queue.run(async () => {
      log.push(`start ${i}`);
      await step.promise;
      log.push(`end ${i}`);
      return i;
    })
  );
  assertEquals([queue.length, queue.running, queue.name, log], [3, true, "writes", ["start 0"]]);
  steps[2]!.resolve();
  steps[0]!.resolve();
  assertEquals(await runs[0], 0);
  assertEquals([queue.length, log], [2, ["start 0", "end 0", "start 1"]]);
  steps[1]!.resolve();
  assertEquals(await Promise.all(runs), [0, 1, 2]);
  assertEquals([queue.length, log.slice(3)], [0, ["end 1", "start 2", "end 2"]]);
});

test("43: an aborted signal takes a waiting job out and leaves its neighbours alone", async () => {
  const queue = new JobQueue();
  const { controller, listeners } = countingSignal();
  const step = later();
  const first = queue.run(() => step.promise);
  let ran = false;
  const second = queue.run(() => ran = true, { signal: controller.signal });
  const third = queue.run(() => "third");
  assertEquals([queue.length, listeners()], [3, 1]);
  const reason = new Error("changed my mind");
  controller.abort(reason);
  assertEquals([queue.length, listeners()], [2, 0]);
  assertStrictEquals(await reasonOf(second), reason);
  step.resolve();
  assertEquals([await first, await third, ran], [undefined, "third", false]);
});

test("44: a started job is told through its signal and decides itself how it ends", async () => {
  for (const waits of [false, true]) {
    const queue = new JobQueue();
    const { controller, listeners } = countingSignal();
    const lock = waits ? await queue.acquire() : undefined;
    let seen: unknown;
    const step = later();
    const run = queue.run(async (signal) => {
      signal.addEventListener("abort", () => seen = signal.reason);
      await step.promise;
      return "finished";
    }, { signal: controller.signal });
    lock?.[Symbol.dispose]();
    await turns(1);
    controller.abort("stop");
    assertEquals([seen, queue.length], ["stop", 1]);
    step.resolve();
    assertEquals([await run, queue.length, listeners()], ["finished", 0, 0]);
  }
});

test("44: a signal that is aborted by the job itself reaches its signal", async () => {
  const queue = new JobQueue();
  const controller = new AbortController();
  const run = queue.run((signal) => {
    controller.abort("own");
    return Promise.resolve().then(() => signal.reason);
  }, { signal: controller.signal });
  assertEquals(await run, "own");
});

test("44: a job without a parameter gets no signal, and no listener once it has started", async () => {
  const queue = new JobQueue();
  const { controller, added, listeners } = countingSignal();
  const step = later();
  let got: unknown = "nothing yet";
  const run = queue.run(
    function () {
      got = arguments[0];
      return step.promise;
    },
    { signal: controller.signal },
  );
  assertEquals([got, added()], [undefined, 0]);
  const second = queue.run(() => step.promise, { signal: controller.signal });
  assertEquals(listeners(), 1);
  step.resolve();
  await run;
  assertEquals(listeners(), 0);
  controller.abort();
  await second;
});

test("45: an aborted signal rejects at once, with nothing queued and no listener", async () => {
  const { controller, added } = countingSignal();
  const { signal } = controller;
  controller.abort("over");
  for (const isFree of [true, false]) {
    const queue = new JobQueue();
    if (!isFree) queue.block();
    const length = queue.length;
    let ran = false;
    const promises = [queue.run(() => ran = true, { signal }), queue.acquire({ signal }), queue.flushed({ signal })];
    assertEquals(queue.length, length);
    for (const promise of promises) assertEquals(await reasonOf(promise), "over");
    assertEquals([added(), ran], [0, false]);
  }
});

test("46: stop lets the running job finish and starts no other, start goes on, both as often as you like", async () => {
  const queue = new JobQueue();
  const step = later();
  let started = 0;
  const first = queue.run(() => step.promise);
  const second = queue.run(() => started++);
  queue.stop();
  queue.stop();
  assert(!queue.running);
  step.resolve();
  await first;
  await turns();
  assertEquals([started, queue.length], [0, 1]);
  queue.start();
  queue.start();
  assert(queue.running);
  assertEquals(started, 0, "start itself runs nothing");
  await second;
  assertEquals([started, queue.length], [1, 0]);
});

test("46: an empty queue that is stopped keeps jobs waiting, and lets them be cancelled", async () => {
  const queue = new JobQueue();
  queue.stop();
  const controller = new AbortController();
  const log: number[] = [];
  const first = reasonOf(queue.run(() => log.push(1), { signal: controller.signal }));
  const second = queue.run(() => log.push(2));
  await queue.acquire({ signal: AbortSignal.abort("no") }).catch(() => {});
  controller.abort("gone");
  queue.start();
  queue.stop();
  await turns();
  assertEquals([log, queue.length], [[], 1]);
  queue.start();
  await second;
  assertEquals([log, await first], [[2], "gone"]);
});

test("47: a lock holds the queue until it is disposed, once or more", async () => {
  const queue = new JobQueue();
  const lock = await queue.acquire();
  const log: string[] = [];
  const other = queue.acquire().then((lock) => {
    log.push("other");
    return lock;
  });
  const job = queue.run(() => log.push("job"));
  await turns();
  assertEquals([log, queue.length], [[], 3]);
  lock[Symbol.dispose]();
  assertEquals(log, []);
  lock[Symbol.dispose]();
  const second = await other;
  assertEquals([log, queue.length], [["other"], 2]);
  lock[Symbol.dispose]();
  await turns();
  assertEquals(queue.length, 2);
  second[Symbol.dispose]();
  await job;
  assertEquals([log, queue.length], [["other", "job"], 0]);
});

test("47: a cancelled acquire gives its place up", async () => {
  const queue = new JobQueue();
  const lock = await queue.acquire();
  const controller = new AbortController();
  const waiting = queue.acquire({ signal: controller.signal });
  const job = queue.run(() => "done");
  controller.abort("enough");
  assertEquals([await reasonOf(waiting), queue.length], ["enough", 2]);
  lock[Symbol.dispose]();
  assertEquals(await job, "done");
});

test("47: flushed resolves when all earlier jobs are done, and what awaits it runs before later ones start", async () => {
  const queue = new JobQueue();
  const log: string[] = [];
  await queue.flushed();
  const step = later();
  const first = queue.run(() => step.promise).then(() => log.push("first done"));
  const second = queue.run(() => Promise.resolve()).then(() => log.push("second done"));
  const flushed = (async () => {
    await queue.flushed();
    log.push("flushed");
  })();
  const third = queue.run(() => log.push("third starts"));
  assertEquals(queue.length, 4);
  assert(!await isSettled(flushed));
  step.resolve();
  await Promise.all([first, second, flushed, third]);
  assertEquals([log, queue.length], [["first done", "second done", "flushed", "third starts"], 0]);
});

test("47: what is next settles after the job before it, whether that one met an empty queue or waited", async () => {
  for (const isFree of [true, false]) {
    const queue = new JobQueue();
    const lock = isFree ? undefined : await queue.acquire();
    const log: string[] = [];
    const step = later();
    const all = [
      queue.run(() => step.promise).then(() => log.push("first")),
      queue.run(() => 2).then(() => log.push("second")),
      queue.flushed().then(() => log.push("flushed")),
      queue.run(() => Promise.reject(4)).catch(() => log.push("third")),
      queue.acquire().then(() => log.push("lock")),
    ];
    lock?.[Symbol.dispose]();
    step.resolve();
    await Promise.all(all);
    assertEquals(log, ["first", "second", "flushed", "third", "lock"]);
  }
});

test("47: flushed waits in a stopped queue only for what is in it, and can be cancelled", async () => {
  const queue = new JobQueue();
  queue.stop();
  await queue.flushed();
  const job = queue.run(() => 1);
  const controller = new AbortController();
  const flushed = queue.flushed({ signal: controller.signal });
  assert(!await isSettled(flushed));
  controller.abort("tired");
  assertEquals([await reasonOf(flushed), queue.length], ["tired", 1]);
  queue.start();
  await job;
});

test("48: a blocker holds later jobs from the tail, whether it is disposed at the head or before", async () => {
  const queue = new JobQueue();
  const step = later();
  const first = queue.run(() => step.promise);
  const early = queue.block();
  const late = queue.block();
  let ran = false;
  const job = queue.run(() => ran = true);
  assertEquals(queue.length, 4);
  early[Symbol.dispose]();
  early[Symbol.dispose]();
  assertEquals(queue.length, 3);
  step.resolve();
  await first;
  await turns();
  assertEquals([ran, queue.length], [false, 2]);
  late[Symbol.dispose]();
  late[Symbol.dispose]();
  await job;
  assertEquals([ran, queue.length], [true, 0]);
});

test("48: a blocker of an empty queue holds it at once", async () => {
  const queue = new JobQueue();
  const block = queue.block();
  const job = queue.run(() => "ran");
  assert(!await isSettled(job));
  block[Symbol.dispose]();
  assertEquals(await job, "ran");
});

test("49: destroy rejects what waits and what comes, tells the running job, and lets it finish", async () => {
  const queue = new JobQueue();
  const reason = new Error("connection lost");
  const step = later<string>();
  let told: unknown;
  const running = queue.run((signal) => {
    signal.addEventListener("abort", () => told = signal.reason);
    return step.promise;
  });
  const { controller, listeners } = countingSignal();
  const waiting = [
    queue.run(() => "never", { signal: controller.signal }),
    queue.acquire(),
    queue.flushed(),
  ];
  const block = queue.block();
  assertEquals([queue.length, listeners()], [5, 1]);
  queue.destroy(reason);
  queue.destroy("too late");
  assertEquals([told, queue.length, queue.running, listeners()], [reason, 1, false, 0]);
  for (const promise of waiting) assertStrictEquals(await reasonOf(promise), reason);
  for (const promise of [queue.run(() => 1), queue.acquire(), queue.flushed()]) {
    assertStrictEquals(await reasonOf(promise), reason);
  }
  assertThrows(() => queue.block(), Error, "connection lost");
  block[Symbol.dispose]();
  queue.start();
  assert(!queue.running);
  step.resolve("finished");
  assertEquals([await running, queue.length], ["finished", 0]);
});

test("49: without a reason it is ECONNABORTED, by disposal too, and a held lock can still be released", async () => {
  const queue = new JobQueue({ name: "writes" });
  const lock = await queue.acquire();
  const waiting = queue.run(() => 1);
  queue[Symbol.dispose]();
  const error = await reasonOf(waiting) as SocketError;
  assertEquals([error.code, error.message], ["ECONNABORTED", "SocketError: the queue writes was destroyed"]);
  assertEquals(queue.length, 1);
  lock[Symbol.dispose]();
  assertEquals(queue.length, 0);
});

test("49: a job may destroy its own queue", async () => {
  const queue = new JobQueue();
  const lock = await queue.acquire();
  const first = queue.run((signal) => {
    queue.destroy("by myself");
    return signal.aborted;
  });
  const second = queue.run(() => "never");
  lock[Symbol.dispose]();
  assertEquals([await first, await reasonOf(second), queue.length], [true, "by myself", 0]);
});

test("50: a job starts in the same tick when the queue is empty, its promise settles later", async () => {
  const queue = new JobQueue();
  const log: string[] = [];
  const run = queue.run(() => log.push("started"));
  run.then(() => log.push("settled"));
  log.push("returned");
  await turns();
  assertEquals(log, ["started", "returned", "settled"]);
  assertEquals(queue.length, 0);
});

test("50: the order stays that of the calls, however jobs are mixed", async () => {
  const queue = new JobQueue();
  const log: number[] = [];
  const all: Promise<unknown>[] = [];
  for (let i = 0; i < 100; i++) {
    const job = (i % 3 === 0) ? () => log.push(i) : async () => {
      log.push(i);
      if (i % 3 === 1) await turns(1);
    };
    all.push(queue.run<unknown>(job));
    if (i % 7 === 0) await all[i];
    if (i % 11 === 0) queue.block()[Symbol.dispose]();
  }
  await Promise.all(all);
  assertEquals(log, Array.from({ length: 100 }, (_, i) => i));
});

test("50: the next job can be queued from where the last one settled, and starts at once", async () => {
  const queue = new JobQueue();
  for (const job of [() => 1, () => Promise.resolve(1)]) {
    await queue.run(job);
    assertEquals(queue.length, 0);
    let started = false;
    queue.run(() => started = true);
    assert(started);
  }
});

test("51: a job that throws, or answers with something odd, does not wedge the queue", async () => {
  const queue = new JobQueue();
  const bad: (() => unknown)[] = [
    () => {
      throw "at once";
    },
    () => Promise.reject("later"),
    () => ({
      then: () => {
        throw "in then";
      },
    }),
    () => ({
      get then(): never {
        throw "getting then";
      },
    }),
  ];
  for (const isFree of [true, false]) {
    const lock = isFree ? undefined : await queue.acquire();
    const reasons = bad.map((job) => reasonOf(queue.run(job)));
    const last = queue.run(() => "fine");
    lock?.[Symbol.dispose]();
    assertEquals(await Promise.all(reasons), ["at once", "later", "in then", "getting then"]);
    assertEquals([await last, queue.length], ["fine", 0]);
  }
  assertThrows(() => queue.run(undefined as unknown as () => void), TypeError, "a job must be a function");
});

test("51: thenables of others are waited for", async () => {
  const queue = new JobQueue();
  const thenable: PromiseLike<number> = {
    then: (resolve) => Promise.resolve(7).then(resolve),
  };
  const [first, second] = [queue.run(() => thenable), queue.run(() => thenable)];
  assertEquals([queue.length, await first, await second], [2, 7, 7]);
});

test("51: 50000 jobs that are done at once need no stack", async () => {
  const queue = new JobQueue();
  const lock = await queue.acquire();
  let ran = 0;
  const all = Array.from({ length: 50_000 }, () => queue.run(() => ran++));
  lock[Symbol.dispose]();
  await Promise.all(all);
  assertEquals(ran, 50_000);
});

test("51: what nobody waits for is not reported as unhandled unless it is the caller's own promise", async () => {
  const seen = await unhandledRejections(async () => {
    const queue = new JobQueue();
    const lock = await queue.acquire();
    const first = queue.run(() => Promise.reject("failed"));
    const second = queue.run(() => new Promise(() => {}));
    const third = queue.flushed();
    lock[Symbol.dispose]();
    assertEquals(await reasonOf(first), "failed");
    await turns();
    queue.destroy("over");
    assertEquals(await reasonOf(third), "over");
    assert(!await isSettled(second));
  });
  assertEquals(seen, []);
});

test("maxQueued: what waits beyond it is ENOBUFS, the running job not counted", async () => {
  const queue = new JobQueue({ maxQueued: 2 });
  const step = later();
  const running = queue.run(() => step.promise);
  const waiting = [queue.run(() => 1), queue.run(() => 2)];
  assertEquals(await codeOf(queue.run(() => 3)), "ENOBUFS");
  assertEquals(await codeOf(queue.acquire()), "ENOBUFS");
  assertEquals(await codeOf(queue.flushed()), "ENOBUFS");
  assertThrows(() => queue.block(), SocketError, "maxQueued is 2");
  assertEquals(queue.length, 3);
  step.resolve();
  await running;
  assertEquals(await Promise.all(waiting), [1, 2]);
  assertEquals(await queue.run(() => 3), 3);
});

test("maxQueued: 0 lets one job run and none wait, and it is 65536 by default", async () => {
  const none = new JobQueue({ maxQueued: 0 });
  assertEquals(await none.run(() => 1), 1);
  const step = later();
  const running = none.run(() => step.promise);
  assertEquals(await codeOf(none.run(() => 2)), "ENOBUFS");
  step.resolve();
  await running;
  assertEquals(DEFAULT_MAX_QUEUED, 65536);
  const queue = new JobQueue();
  queue.stop();
  for (let i = 0; i < DEFAULT_MAX_QUEUED; i++) queue.block();
  await assertRejects(() => queue.run(() => 1), SocketError, "65536");
  for (const maxQueued of [-1, 1.5, NaN]) assertThrows(() => new JobQueue({ maxQueued }), RangeError);
});
