/** The sockets of this runtime under load: stalled peers, thousands of connections, peers that misbehave. */
import { type AddressInfo, connect as netConnect, createServer, type Server, type Socket } from "node:net";
import process from "node:process";
import { test } from "node:test";
import { assert, assertEquals } from "@std/assert";
import type { AnySocketAddress, ConnectOptions, ListenOptions } from "../../src/tsocket/option_types.ts";
import type { TListener, TStream } from "../../src/tsocket/types.ts";
import { turns } from "../support/turns.ts";
import { unhandledRejections } from "../support/unhandled.ts";
import { openThings, untilNoLeaks } from "./support/leaks.ts";

interface Sockets {
  connect(to: AnySocketAddress, options?: ConnectOptions): TStream;
  listen(on: AnySocketAddress, options?: ListenOptions): TListener;
}

const { deno, bun } = process.versions as Record<string, string | undefined>;
const runtime = deno !== undefined ? "deno" : bun !== undefined ? "bun" : "node";
const sockets: Sockets = await import(`../../src/tsocket/drivers/${runtime}/mod.ts`);

const GIGABYTE = 1e9;
const CHUNK = 65536;
/** What system buffers of both ends on loopback, and ours, hold at most. */
const HELD_AT_MOST = 24 << 20;

/** A connected pair of sockets of this runtime. */
async function pair(): Promise<{ client: TStream; server: TStream; listener: TListener }> {
  const listener = sockets.listen("127.0.0.1:0");
  const client = sockets.connect((await listener.opened).localAddress);
  return { client, server: await listener.accept(), listener };
}

/** A source of `total` bytes that makes each chunk when asked, and counts them. */
function source(total: number): { stream: ReadableStream<Uint8Array>; made: () => number } {
  let made = 0;
  const stream = new ReadableStream<Uint8Array>({
    pull(controller) {
      const chunk = new Uint8Array(Math.min(CHUNK, total - made));
      new DataView(chunk.buffer).setFloat64(0, made);
      made += chunk.length;
      controller.enqueue(chunk);
      if (made === total) controller.close();
    },
  }, { highWaterMark: 0 });
  return { stream, made: () => made };
}

/** Waits until `count` has not moved for many turns of the event loop. */
async function untilStill(count: () => number): Promise<number> {
  for (let last = -1, still = 0; still < 200;) {
    await turns(1);
    const now = count();
    still = now === last ? still + 1 : 0;
    last = now;
  }
  return count();
}

test("a stalled peer holds back a source of 1 GB, which then arrives whole", async () => {
  const { client, server, listener } = await pair();
  const { stream, made } = source(GIGABYTE);
  const piped = stream.pipeTo(client.writable);
  const held = await untilStill(made);
  assert(held > 0 && held < HELD_AT_MOST, `${held} bytes were made for a peer that reads nothing`);
  assert(client.stats.bytesWritten <= held);

  let received = 0;
  const header = new Uint8Array(8);
  const body = new Uint8Array(CHUNK - 8);
  while (received < GIGABYTE) {
    const left = Math.min(CHUNK, GIGABYTE - received);
    await server.readv([header, body.subarray(0, left - 8)]);
    assertEquals(new DataView(header.buffer).getFloat64(0), received, "the chunk is in its place");
    received += left;
    assert(made() - received < HELD_AT_MOST, `${made() - received} bytes on the way`);
  }
  assertEquals(await server.readSome(header), null);
  await piped;
  await Promise.all([client.close(), server.close(), listener.close()]);
});

test("2000 connections at once, opened, used and closed, leave nothing behind", async () => {
  const before = openThings();
  const rejections = await unhandledRejections(async () => {
    const listener = sockets.listen("127.0.0.1:0", { maxPending: 4096, backlog: 4096 });
    const { localAddress } = await listener.opened;
    const served = (async () => {
      for await (const connection of listener) connection.readable.pipeTo(connection.writable).catch(() => {});
    })();
    const clients = Array.from({ length: 2000 }, (_, i) => ({ socket: sockets.connect(localAddress), value: i }));
    await Promise.all(clients.map(({ socket }) => socket.opened));
    await Promise.all(clients.map(async ({ socket, value }) => {
      const sent = new Uint8Array(4);
      new DataView(sent.buffer).setUint32(0, value);
      await socket.writev([sent]);
      const echoed = new Uint8Array(4);
      await socket.readv([echoed], { deadlineAt: performance.now() + 60_000 });
      assertEquals(new DataView(echoed.buffer).getUint32(0), value);
    }));
    await Promise.all(clients.map(({ socket }) => socket.close()));
    await listener.close();
    await served;
    assertEquals(listener.stats.accepted, 2000);
  });
  assertEquals(rejections, []);
  assertEquals(await untilNoLeaks(before), []);
});

/** A server of node:net, which none of ours is in the way of, that treats each connection as told. */
async function peer(treat: (socket: Socket) => void): Promise<{ server: Server; port: number; close(): void }> {
  const open = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    open.add(socket);
    socket.on("error", () => {});
    treat(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const close = (): void => {
    for (const socket of open) socket.destroy();
    server.close();
  };
  return { server, port: (server.address() as AddressInfo).port, close };
}

const soon = (): number => performance.now() + 50;
const codeOf = (error: { code?: string }): string | undefined => error.code;

test("a peer that sends nothing ends no later than the deadline of a read", async () => {
  const { port, close } = await peer(() => {});
  const socket = sockets.connect(`127.0.0.1:${port}`);
  const buffer = new Uint8Array(8);
  assertEquals(await socket.readv([buffer], { deadlineAt: soon() }).catch(codeOf), "ETIMEDOUT");
  assertEquals(await socket.readSome(buffer, { deadlineAt: soon() }).catch(codeOf), "ETIMEDOUT");
  assertEquals(await socket.readvPdu(() => [buffer], { deadlineAt: soon() }).catch(codeOf), "ETIMEDOUT");
  socket.abort();
  close();
});

test("a peer that reads nothing ends no later than the deadline of a write", async () => {
  const { port, close } = await peer((socket) => socket.pause());
  const socket = sockets.connect(`127.0.0.1:${port}`);
  await socket.opened;
  const much = new Uint8Array(32 << 20);
  assertEquals(await socket.writev([much], { deadlineAt: soon() }).catch(codeOf), "ETIMEDOUT");
  assertEquals(await socket.closed.catch(codeOf), "ETIMEDOUT");
  close();
});

test("a peer that ends its side at once ends reads in order, and takes what is still sent", async () => {
  let received = 0;
  let ended = (): void => {};
  const allCame = new Promise<void>((resolve) => ended = resolve);
  const { port, close } = await peer((socket) => {
    socket.end();
    socket.on("data", (data) => received += data.length);
    socket.on("end", ended);
  });
  const socket = sockets.connect(`127.0.0.1:${port}`, { allowHalfOpen: true });
  assertEquals(await socket.readSome(new Uint8Array(8), { deadlineAt: performance.now() + 60_000 }), null);
  await socket.writev([new Uint8Array(100_000)]);
  await socket.close();
  await allCame;
  assertEquals(received, 100_000);
  close();
});

test("a peer that resets fails what is under way, and everything after", async () => {
  const { port, close } = await peer((socket) => {
    socket.once("data", () => socket.resetAndDestroy());
  });
  const socket = sockets.connect(`127.0.0.1:${port}`);
  const read = socket.readv([new Uint8Array(8)], { deadlineAt: performance.now() + 60_000 }).catch(codeOf);
  await socket.writev([new Uint8Array(1)]);
  assertEquals(await read, "ECONNRESET");
  assertEquals(await socket.readv([new Uint8Array(8)]).catch(codeOf), "ECONNRESET");
  assertEquals(await socket.writev([new Uint8Array(8)]).catch(codeOf), "ECONNRESET");
  assertEquals(await socket.closed.catch(codeOf), "ECONNRESET");
  close();
});

test("500 clients that connect and vanish do not disturb a listener", async () => {
  const before = openThings();
  const listener = sockets.listen("127.0.0.1:0");
  const { localAddress } = await listener.opened;
  const port = Number(localAddress.toHostPort().split(":").at(-1));
  const vanished = Array.from({ length: 500 }, () =>
    new Promise<void>((resolve) => {
      const socket = netConnect(port, "127.0.0.1", () => socket.resetAndDestroy());
      socket.on("error", () => {});
      socket.on("close", () => resolve());
    }));
  const accepted = (async () => {
    for await (const connection of listener) {
      const outcome = await connection.readSome(new Uint8Array(1), { deadlineAt: performance.now() + 60_000 })
        .catch(codeOf);
      assert(outcome === null || outcome === "ECONNRESET" || outcome === 1, String(outcome));
      connection.abort();
      if (outcome === 1) return;
    }
  })();
  await Promise.all(vanished);
  const last = sockets.connect(localAddress);
  await last.writev([new Uint8Array(1)]);
  await accepted;
  last.abort();
  await listener.close();
  assertEquals(await untilNoLeaks(before), []);
});
