import { assert, assertEquals } from "@std/assert";
import { test } from "node:test";
import { SocketError } from "../../src/tsocket/errors.ts";
import { JobQueue } from "../../src/tsocket/job_queue.ts";
import { isSettled, turns } from "../support/turns.ts";
import { unhandledRejections } from "../support/unhandled.ts";

const WAYS: Record<string, (queue: JobQueue) => unknown> = {
  "returns it": (queue) => queue.run(() => 1),
  "returns what then gives": (queue) => queue.run(() => 1).then(() => 2),
  "returns what catch and finally give": (queue) => queue.run(() => 1).catch(() => 2).finally(() => {}),
  "awaits it": async (queue) => {
    await queue.run(() => 1);
  },
  "awaits what then gives": async (queue) => {
    await queue.run(() => 1).then(() => 2);
  },
  "returns it from an async function": async (queue) => await Promise.resolve(queue.run(() => 1)),
  "returns it from an async function without await": (queue) => {
    // deno-lint-ignore require-await
    const job = async () => queue.run(() => 1);
    return job();
  },
  "awaits all of several": async (queue) => {
    await Promise.all([queue.run(() => 1), queue.run(() => 2)]);
  },
  "awaits a lock": async (queue) => {
    (await queue.acquire())[Symbol.dispose]();
  },
  "awaits flushed": async (queue) => {
    await queue.flushed();
  },
};

for (const [way, job] of Object.entries(WAYS)) {
  test(`52: in debug mode a job that queues another behind itself and ${way} fails with EDEADLK`, async () => {
    for (const isFree of [true, false]) {
      const queue = new JobQueue({ name: "writes", isDebug: true });
      const lock = isFree ? undefined : await queue.acquire();
      const seen = await unhandledRejections(async () => {
        const run = queue.run(() => job(queue));
        lock?.[Symbol.dispose]();
        const error = await run.then(() => undefined, (error: unknown) => error);
        // an async catch of the inner failure is the job's own good right
        if (!way.includes("catch")) {
          assert(error instanceof SocketError);
          assertEquals([error.code, error.blame], ["EDEADLK", "local"]);
          assert(error.message.includes("the queue writes"), error.message);
        }
        assertEquals(await queue.run(() => "goes on"), "goes on");
        assertEquals(queue.length, 0);
      });
      assertEquals(seen, []);
    }
  });
}

test("52: without debug mode such a job waits for ever, until the queue is destroyed", async () => {
  const queue = new JobQueue();
  const run = queue.run(async () => {
    await queue.run(() => 1);
  });
  assert(!await isSettled(run));
  queue.destroy("enough");
  assertEquals(await run.catch((reason) => reason), "enough");
});

test("52: a job may queue others behind itself, and look at what becomes of them, in debug mode too", async () => {
  const queue = new JobQueue({ isDebug: true });
  const log: string[] = [];
  const followers: Promise<unknown>[] = [];
  const seen = await unhandledRejections(async () => {
    await queue.run(async () => {
      log.push("job");
      const follower = queue.run(() => log.push("follower"));
      followers.push(
        follower,
        follower.then(() => log.push("then")),
        queue.run(() => Promise.reject("x")).catch(() => {}),
      );
      queue.run(() => log.push("second")).finally(() => log.push("finally"));
      queue.block()[Symbol.dispose]();
      await turns(1);
    });
    await Promise.all(followers);
    await queue.flushed();
    await turns(1);
  });
  assertEquals([log, seen, queue.length], [["job", "follower", "then", "second", "finally"], [], 0]);
});

test("52: what another queue gives may be waited for", async () => {
  const [a, b] = [new JobQueue({ isDebug: true }), new JobQueue({ isDebug: true })];
  const lock = await b.acquire();
  const run = a.run(async () => await b.run(() => "b"));
  lock[Symbol.dispose]();
  assertEquals(await run, "b");
});

test("52: what a job was handed before it ran is not taken for its own", async () => {
  const queue = new JobQueue({ isDebug: true });
  const lock = await queue.acquire();
  const first = queue.run(() => 1);
  const second = queue.run(async () => await first + 1);
  lock[Symbol.dispose]();
  assertEquals(await second, 2);
});
