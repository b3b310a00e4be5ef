/**
 * RxRPC: the engine alone, two of them without a socket between, and over loopback UDP against the runtime's own.
 *
 * The server is another process of the same runtime. Goals on Node stand in packets, calls and bits a second, because
 * nothing else in JavaScript makes such calls; beside each stands what the runtime's bare UDP does with datagrams as many
 * and as large, of which Deno and Bun are to reach 60 %.
 *
 * @module
 */
import { spawn } from "node:child_process";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { type Bench, bench, type Figure, type Work } from "./harness.ts";
import { EnginePair } from "./rxrpc_engines.ts";
import { bareSocket } from "./rxrpc_bare.ts";
import { rxSockets, socketOptions } from "./rxrpc_sockets.ts";
import { RxEndpoint, type RxEndpointOptions } from "../src/rxrpc/endpoint_stream.ts";

const SERVICE = 147;
const DATA_BYTES = 1412;
const BULK = 1000 * DATA_BYTES;
const JUMBO: RxEndpointOptions = { jumbo: 4, acceptJumbo: 4, maxDatagram: 5692 };

interface Ports {
  rx: number;
  bare: number;
}

/** Warm-up goes by amount, not by time: what the compilers need is calls, and round trips are mostly waiting. */
const WARM_UP_CALLS = 20_000;
const WARM_UP_BODIES = 100;

/** What a figure over UDP must reach: a number on Node, a share of bare UDP elsewhere. */
function goals(bench: Bench, least: number): Pick<Figure, "least" | "goal"> {
  return bench.runtime.startsWith("node") ? { least } : { goal: { ratio: 0.6 } };
}

async function figure(bench: Bench, figure: Figure, warmUp: number): Promise<void> {
  if (!bench.isWanted(figure.name)) return;
  for (let left = warmUp; left > 0; left--) await figure.run();
  await bench.figure(figure);
}

/** Starts the other process. */
async function startPeer(options: RxEndpointOptions): Promise<{ ports: Ports; stop(): void }> {
  const file = fileURLToPath(new URL("./rxrpc_peer.ts", import.meta.url));
  const loader = new URL("./register_loader.mjs", import.meta.url).href;
  const before = "Deno" in globalThis ? ["run", "-A", "--no-check"] : "Bun" in globalThis ? [] : ["--import", loader];
  const child = spawn(process.execPath, [...before, file, JSON.stringify(options)], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  const line = await new Promise<string>((resolve, reject) => {
    child.stdout.once("data", (data) => resolve(String(data)));
    child.once("exit", (code) => reject(new Error(`the peer ended with ${code}`)));
  });
  return { ports: JSON.parse(line) as Ports, stop: () => child.kill() };
}

async function open(options: RxEndpointOptions = {}): Promise<RxEndpoint> {
  const { dgram } = await rxSockets();
  return await RxEndpoint.open(dgram(socketOptions()), options);
}

/** Calls with small requests, so many at a time. */
function calls(endpoint: RxEndpoint, port: number, parallel: number, count: number): Work {
  const to = { address: "127.0.0.1", port };
  const body = new Uint8Array(32);
  return async () => {
    let left = count;
    const one = async (): Promise<void> => {
      while (left-- > 0) await endpoint.request({ to, service: SERVICE, body });
    };
    await Promise.all(Array.from({ length: parallel }, one));
    return count;
  };
}

/** One call with a long request, in bits. */
function upload(endpoint: RxEndpoint, port: number): Work {
  const to = { address: "127.0.0.1", port };
  const body = new Uint8Array(BULK);
  return async () => {
    await endpoint.request({ to, service: SERVICE, body });
    return 8 * BULK;
  };
}

/** Asks again what was lost: bare UDP loses datagrams when a buffer is full. */
const AGAIN_MS = 50;

/** Sends groups of datagrams, one of each group is answered, as the first byte tells; so many groups at a time. */
async function exchange(
  port: number,
  message: Uint8Array,
  perGroup: number,
  groups: number,
  parallel: number,
): Promise<void> {
  let came = (): void => {};
  const socket = await bareSocket(() => came());
  message[0] = perGroup;
  await new Promise<void>((resolve) => {
    let left = groups;
    let done = 0;
    const send = (): void => socket.send(message, perGroup, port);
    let before = -1;
    const again = setInterval(() => {
      if (before === done) send();
      before = done;
    }, AGAIN_MS);
    came = () => {
      done++;
      if (done === groups) {
        clearInterval(again);
        resolve();
      } else if (left-- > 0) {
        send();
      }
    };
    left -= parallel;
    for (let i = 0; i < parallel; i++) send();
  });
  socket.close();
}

/** A datagram there and one back, bare. */
function bareCalls(port: number, parallel: number, count: number): Work {
  return async () => {
    await exchange(port, new Uint8Array(60), 1, count, parallel);
    return count;
  };
}

/** Bytes of a group: two of them fit into a socket's buffer as Linux has it, so that none is lost and asked for again. */
const GROUP_BYTES = 46_080;

/** Datagrams of `bytes` one way, one of each group answered, two groups under way, bare; in bits. */
function bareUpload(port: number, bytes: number): Work {
  const perGroup = Math.floor(GROUP_BYTES / bytes);
  const groups = Math.ceil(BULK / bytes / perGroup);
  return async () => {
    await exchange(port, new Uint8Array(bytes), perGroup, groups, 2);
    return 8 * groups * perGroup * bytes;
  };
}

/** Datagrams that one acknowledgement is for. */
const PACKETS_PER_ACK = 2;

/**
 * The same, but one of every two is answered, and an answer lets the next two go: what is left of bare UDP for whoever
 * acknowledges. As many are under way as before.
 */
function acknowledgedUpload(port: number, bytes: number): Work {
  const parallel = Math.floor(2 * GROUP_BYTES / bytes / PACKETS_PER_ACK);
  const groups = Math.ceil(BULK / bytes / PACKETS_PER_ACK);
  return async () => {
    await exchange(port, new Uint8Array(bytes), PACKETS_PER_ACK, groups, parallel);
    return 8 * groups * PACKETS_PER_ACK * bytes;
  };
}

async function overUdp(bench: Bench): Promise<void> {
  const count = bench.isQuick ? 500 : 2000;
  const peer = await startPeer({});
  const endpoint = await open();
  const { rx, bare } = peer.ports;
  const bareUdp = { name: "bare UDP" };
  const acknowledgedUdp = { name: `bare UDP, ${PACKETS_PER_ACK} datagrams an answer` };
  await figure(bench, {
    name: "small calls one after the other",
    unit: "calls/s",
    run: calls(endpoint, rx, 1, count),
    baseline: { ...bareUdp, run: bareCalls(bare, 1, count) },
    ...goals(bench, 8000),
  }, WARM_UP_CALLS / count);
  await figure(bench, {
    name: "small calls, 16 at a time",
    unit: "calls/s",
    run: calls(endpoint, rx, 16, 4 * count),
    baseline: { ...bareUdp, run: bareCalls(bare, 16, 4 * count) },
    ...goals(bench, 25_000),
  }, WARM_UP_CALLS / (4 * count));
  await figure(bench, {
    name: "one call up",
    unit: "bit/s",
    run: upload(endpoint, rx),
    baseline: { ...bareUdp, run: bareUpload(bare, 1440) },
    ...goals(bench, 400e6),
  }, WARM_UP_BODIES);
  await figure(bench, {
    name: "one call up, beside acknowledged UDP",
    unit: "bit/s",
    run: upload(endpoint, rx),
    baseline: { ...acknowledgedUdp, run: acknowledgedUpload(bare, 1440) },
  }, WARM_UP_BODIES);
  await endpoint.close();
  peer.stop();
  const large = await startPeer(JUMBO);
  const jumbo = await open(JUMBO);
  await figure(bench, {
    name: "one call up, four packets a datagram",
    unit: "bit/s",
    run: upload(jumbo, large.ports.rx),
    baseline: { ...bareUdp, run: bareUpload(large.ports.bare, 5688) },
    ...goals(bench, 1.2e9),
  }, WARM_UP_BODIES);
  await figure(bench, {
    name: "one call up, four packets a datagram, beside acknowledged UDP",
    unit: "bit/s",
    run: upload(jumbo, large.ports.rx),
    baseline: { ...acknowledgedUdp, run: acknowledgedUpload(large.ports.bare, 5688) },
  }, WARM_UP_BODIES);
  await jumbo.close();
  large.stop();
}

await bench("rxrpc", async (bench) => {
  const pair = new EnginePair();
  const chunk = new Uint8Array(64 * 1024);
  await bench.figure({
    name: "engine, DATA packets sent and received",
    unit: "packets/s",
    run: () => {
      const before = pair.client.stats.sent;
      pair.bulk(4000 * DATA_BYTES, chunk);
      return pair.client.stats.sent - before;
    },
    // 3 us for each
    least: 1e6 / 3,
  });
  const small = new Uint8Array(32);
  await figure(bench, {
    name: "engines, unary calls in one process",
    unit: "calls/s",
    run: () => {
      pair.unary(5000, small, 4);
      return 5000;
    },
    least: 100_000,
  }, WARM_UP_CALLS / 5000);
  await overUdp(bench);
  process.exit(0);
});
