/**
 * Prints what one thing costs in bytes of memory, where there are many of it: one end of a connection that waits in an
 * engine (`core`), as a socket whose streams nobody has asked for (`sockets`), with both streams (`streams`), and a request
 * that was answered (`half-open`).
 *
 *     npx tsx bench/l3l4_memory.ts core|sockets|streams|half-open COUNT
 *
 * @module
 */
import process from "node:process";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import type { TcpPort } from "../src/l3l4/l3l4_sink.ts";
import { L3L4Engine } from "../src/l3l4/l3l4_engine.ts";
import { systemRandom } from "../src/core/random.ts";
import { CLIENT, CorePair, SERVER } from "./l3l4_core.ts";
import { StreamsPair } from "./l3l4_streams.ts";

declare const Bun: { gc(isForced: boolean): void } | undefined;

/** Memory that is held, after everything else was thrown away. */
async function held(): Promise<number> {
  const collect = typeof Bun === "undefined" ? v8Collector() : () => Bun!.gc(true);
  for (let i = 0; i < 4; i++) {
    collect();
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

function v8Collector(): () => void {
  setFlagsFromString("--expose-gc");
  return runInNewContext("gc") as () => void;
}

const kept: unknown[] = [];

async function core(count: number): Promise<number> {
  const pair = new CorePair();
  pair.connect();
  const before = await held();
  for (let i = 0; i < count; i++) kept.push(pair.connect());
  const after = await held();
  kept.push(pair);
  return (after - before) / count / 2;
}

async function streams(count: number, hasStreams = true): Promise<number> {
  const pair = new StreamsPair();
  kept.push(pair, await pair.connect());
  const before = await held();
  for (let i = 0; i < count; i++) {
    const ends = await pair.connect();
    if (hasStreams) { for (const { readable, writable } of ends) kept.push(readable, writable); }
    kept.push(ends);
  }
  const after = await held();
  await pair.close();
  return (after - before) / count / 2;
}

async function halfOpen(count: number): Promise<number> {
  const pair = new CorePair();
  const syns: Uint8Array[] = [];
  const ports: TcpPort[] = [];
  for (let i = 0; i < count; i++) {
    const options = { localAddress: CLIENT, remoteAddress: SERVER, remotePort: 1 + (i % 60000) };
    ports.push(pair.client.connect(options, 0));
  }
  const out = {
    alloc: (size: number) => new Uint8Array(size),
    commit() {},
  };
  for (let isDone = false; !isDone;) {
    let last = new Uint8Array(0);
    isDone = pair.client.transmit({ alloc: (size) => last = new Uint8Array(size), commit: () => syns.push(last) }, 0);
  }
  const server = new L3L4Engine({ random: systemRandom, maxHalfOpen: count }, {
    ...sinkThatAccepts,
    incoming: () => "accept",
  });
  const before = await held();
  for (const syn of syns) {
    server.push(syn, 0);
    server.flush(0);
    server.transmit(out, 0);
  }
  const after = await held();
  kept.push(pair, ports, server);
  return (after - before) / syns.length;
}

const nothing = (): void => {};
const sinkThatAccepts = {
  opened: nothing,
  readable: nothing,
  writable: nothing,
  ended: nothing,
  closed: nothing,
  incomingUdp: () => "ignore" as const,
  udpOpened: nothing,
  udpReadable: nothing,
  udpWritable: nothing,
  udpError: nothing,
  udpClosed: nothing,
  icmp: nothing,
};

const [what, count] = process.argv.slice(-2);
const ways: Record<string, (count: number) => Promise<number>> = {
  core,
  sockets: (count) => streams(count, false),
  streams,
  "half-open": halfOpen,
};
console.log(Math.round(await ways[what!]!(Number(count))));
process.exit();
