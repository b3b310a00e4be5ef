/** Channels in real workers. */
import { test } from "node:test";
import { setImmediate } from "node:timers";
import { Worker } from "node:worker_threads";
import { assertEquals } from "@std/assert";
import { type HandedSocket, Multiplexor, type PortLike } from "../../src/kcm/mod.ts";
import { streamPair } from "../../src/tsocket/mod.ts";
import { MESSAGE_WEIGHT } from "../../src/kcm/receive_queue.ts";
import { Feed } from "./feed.ts";
import { runtime } from "../tsocket/support/native_sockets.ts";
import { bodyOf, parser, wire } from "./support.ts";

/** Starts a worker with a channel. */
function start(kcm: Multiplexor, task: string): { worker: Worker; handed: HandedSocket; said: Promise<unknown> } {
  const { port1, port2 } = new MessageChannel();
  const handed = kcm.hand(port1 as unknown as PortLike);
  const worker = new Worker(new URL("./worker_peer.ts", import.meta.url), {
    workerData: { port: port2, task },
    // Node does not hand the loader of TypeScript down to workers
    ...(runtime === "node" &&
      { execArgv: ["--import", new URL("../../bench/register_loader.mjs", import.meta.url).href] }),
    transferList: [port2 as never],
  });
  const said = new Promise((resolve, reject) => {
    worker.once("message", resolve);
    worker.once("error", reject);
  });
  return { worker, handed, said };
}

test("two workers answer requests, each reply on the connection that its request came on", async () => {
  const kcm = new Multiplexor();
  const workers = [start(kcm, "echo"), start(kcm, "echo")];
  const pairs = Array.from({ length: 3 }, () => streamPair());
  for (const [left] of pairs) kcm.attach(left, { parser });
  const answers = pairs.map(async ([, right], which) => {
    const own = new Multiplexor();
    const socket = own.socket();
    own.attach(right, { parser });
    const asked = Array.from({ length: 200 }, (_, i) => `${which}/${i}`.padEnd(i, "."));
    await Promise.all(asked.map((body) => socket.send(wire(body))));
    const got: string[] = [];
    while (got.length < asked.length) got.push(bodyOf((await socket.receive())!.message));
    assertEquals(got.toSorted(), asked.map((body) => `worker ${body}`).toSorted());
    await own.drain();
  });
  await Promise.all(answers);
  assertEquals(workers.map(({ handed }) => handed.stats.rxMessages), [300, 300]);
  kcm.close();
  assertEquals(await Promise.all(workers.map(({ said }) => said)), ["ended", "ended"]);
  await Promise.all(workers.map(({ handed }) => handed.closed));
  await kcm.finished;
  await Promise.all(workers.map(({ worker }) => worker.terminate()));
});

test("what a worker has not read goes to others when it closes, and when it is terminated", async () => {
  for (const task of ["close", "stuck"]) {
    const kcm = new Multiplexor({ holdOpen: true });
    const { worker, handed, said } = start(kcm, task);
    const t = new Feed();
    kcm.attach(t, { parser });
    t.send("1", "2", "3", "4");
    assertEquals(await said, ["1", "2"]);
    // what the worker says on one port may overtake what its channel says on another
    const unread = 2 * (wire("3").length + MESSAGE_WEIGHT);
    while (handed.bufferedBytes > unread) await new Promise((resolve) => setImmediate(resolve));
    const other = kcm.socket();
    if (task === "stuck") {
      await worker.terminate();
      handed.abort();
    }
    await handed.closed;
    assertEquals([bodyOf((await other.receive())!.message), bodyOf((await other.receive())!.message)], ["3", "4"]);
    assertEquals([kcm.bufferedBytes, handed.stats.rxMessages], [0, 2]);
    await worker.terminate();
    kcm.abort();
  }
});
