/**
 * Prints what one thing costs in bytes of memory, where there are many of it: one end of a connection that waits in an
 * engine (`core`), the same when it has carried data (`used`), as a socket whose streams nobody has asked for (`sockets`),
 * with both streams (`streams`), a pair of streams with nothing behind it (`bare-streams`), and a request that was answered
 * (`half-open`).
 *
 *     npx tsx bench/l3l4_memory.ts core|used|sockets|streams|bare-streams|half-open COUNT
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
const isBun = typeof Bun !== "undefined";

/** Memory that is held, after everything else was thrown away. */
async function held(): Promise<number> {
  const collect = isBun ? () => Bun!.gc(true) : v8Collector();
  for (let i = 0; i < 4; i++) {
    collect();
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  const { heapUsed, external } = process.memoryUsage();
  // Bun counts buffers as part of its heap: added to that they would count twice
  return isBun ? heapUsed : heapUsed + external;
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

/** Each flow has carried a request and its reply, and all of it is acknowledged. */
async function used(count: number): Promise<number> {
  const pair = new CorePair({ delayedAckMs: 0, hasNagle: false });
  const message = new Uint8Array(100);
  pair.serverUser = {
    readable: (port) => {
      port.consume(port.readable, performance.now());
      port.write(message, performance.now());
    },
  };
  pair.clientUser = { readable: (port) => port.consume(port.readable, performance.now()) };
  const use = (): TcpPort => {
    const port = pair.connect();
    port.write(message, performance.now());
    while (pair.round(performance.now()) > 0);
    return port;
  };
  use();
  const before = await held();
  for (let i = 0; i < count; i++) kept.push(use());
  const after = await held();
  kept.push(pair);
  return (after - before) / count / 2;
}

/** The least that can stand behind a readable that gives something: its methods are shared. */
class BareSource implements UnderlyingDefaultSource {
  controller: unknown;
  start(controller: unknown): void {
    this.controller = controller;
  }
  pull(): void {}
  cancel(): void {}
}

/** The same for a writable. */
class BareSink implements UnderlyingSink {
  controller: unknown;
  start(controller: unknown): void {
    this.controller = controller;
  }
  write(): void {}
  close(): void {}
  abort(): void {}
}

/** What a runtime's own streams cost: a pair of them with as little behind it as can be. */
async function bareStreams(count: number): Promise<number> {
  const size = (chunk: Uint8Array) => chunk.byteLength;
  const make = (): unknown => [
    new ReadableStream(new BareSource(), { highWaterMark: 0 }),
    new WritableStream(new BareSink(), { highWaterMark: 65536, size }),
  ];
  kept.push(make());
  const before = await held();
  for (let i = 0; i < count; i++) kept.push(make());
  return (await held() - before) / count;
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
  used,
  sockets: (count) => streams(count, false),
  streams,
  "bare-streams": bareStreams,
  "half-open": halfOpen,
};
console.log(Math.round(await ways[what!]!(Number(count))));
process.exit();
