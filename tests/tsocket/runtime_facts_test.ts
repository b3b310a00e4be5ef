/**
 * What runtimes do that the socket layer has to work around, asked of the runtimes themselves. A test that fails here
 * after an upgrade says that a workaround may go, or that docs/runtimes.md says something that is no longer so.
 */
import { assert, assertEquals } from "@std/assert";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { connect, createServer, type Socket } from "node:net";
import * as net from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import {
  boundDgram,
  codeOf,
  deadPort,
  deno,
  denoPair,
  evaluate,
  HOST,
  isOldNode,
  listening,
  nativePair,
  outcome,
  runtime,
  sent,
} from "./support/native_sockets.ts";

/** Sharing a port; the types of Node 20 do not know it. */
const SHARED: object = { reusePort: true };

/** Resolves with the code that `promise` fails with, or with its value. */
function settled(promise: Promise<unknown>): Promise<unknown> {
  return promise.then((value) => value, codeOf);
}

/** What a socket of node:net says of its end: the code of an error, or `end`. */
function ending(socket: Socket): Promise<string> {
  socket.resume();
  return outcome(socket, "end");
}

test("24: a reset is told; Deno tells it once, and an orderly end ever after", async () => {
  if (runtime === "deno") {
    const { conn, peer, close } = await denoPair();
    peer.resetAndDestroy();
    const reads = [];
    for (let i = 0; i < 3; i++) reads.push(await settled(conn.read(new Uint8Array(1))));
    assertEquals(reads, ["ECONNRESET", null, null]);
    return close();
  }
  const { client, accepted, close } = await nativePair();
  accepted.resetAndDestroy();
  assertEquals(await ending(client), "ECONNRESET");
  close();
});

test("59: a reset can be sent, but not by a connection of Deno's own", async () => {
  if (runtime === "deno") {
    const { conn, peer, close } = await denoPair();
    await new Promise<void>((resolve) => peer.write("never read", () => resolve()));
    conn.close();
    assertEquals(await ending(peer), "end");
    close();
  }
  const { client, accepted, close } = await nativePair();
  client.resetAndDestroy();
  assertEquals(await ending(accepted), "ECONNRESET");
  close();
});

test("39: a write of Deno's takes less than it is given", async () => {
  const bytes = new Uint8Array(32 << 20);
  if (runtime === "deno") {
    const { conn, close } = await denoPair();
    const count = await conn.write(bytes);
    assert(count > 0 && count < bytes.length, `took ${count}`);
    return close();
  }
  const { client, accepted, close } = await nativePair();
  let count = 0;
  accepted.on("data", (chunk) => count += chunk.length);
  client.end(bytes);
  await once(accepted, "end");
  assertEquals(count, bytes.length);
  close();
});

test("54: half a connection can be closed; the streams of a connection of Deno's close all of it", async () => {
  if (runtime === "deno") {
    const { conn, peer, close } = await denoPair();
    peer.end();
    for await (const _ of conn.readable) { /* nothing comes but the end */ }
    assertEquals(await settled(conn.write(Uint8Array.of(1))), "BadResource");
    close();
  }
  const { client, accepted, close } = await nativePair();
  client.end();
  await ending(accepted);
  accepted.end("late");
  const [late] = await once(client, "data");
  assertEquals(String(late), "late");
  close();
});

test("71: Deno starts no TLS while a read is under way", async () => {
  if (runtime !== "deno") return assertEquals(deno, undefined, "no other runtime has a Deno");
  const { conn, close } = await denoPair();
  const reading = settled(conn.read(new Uint8Array(1)));
  assertEquals(await settled(deno.startTls(conn, { hostname: "localhost" })), "Busy");
  close();
  await reading;
});

test("ipv6Only of TCP is heeded, but not by Deno", async () => {
  const server = createServer((socket) => socket.destroy());
  const port = await listening(server, { port: 0, host: "::", ipv6Only: true });
  const socket = connect({ port, host: HOST });
  assertEquals(await outcome(socket, "connect"), runtime === "deno" ? "connect" : "ECONNREFUSED");
  socket.destroy();
  server.close();
});

test("11: a unix path that is too long is refused, but Node 20 listens on the front part of it", async () => {
  const folder = mkdtempSync(join(tmpdir(), "leat-facts-"));
  const server = createServer();
  const done = outcome(server, "listening");
  server.listen(join(folder, "x".repeat(200)));
  assertEquals(await done, isOldNode ? "listening" : "EINVAL");
  const [file = ""] = readdirSync(folder);
  assertEquals(isOldNode, file.length > 0 && file.length < 200);
  await new Promise<void>((resolve) => isOldNode ? server.close(() => resolve()) : resolve());
  rmSync(folder, { recursive: true, force: true });
});

test("58: writes that destroy() cuts off fail with three different codes", async () => {
  const { client, close } = await nativePair();
  const codes: Promise<string>[] = [];
  for (let i = 0; i < 3; i++) {
    codes.push(new Promise((resolve) => client.write(new Uint8Array(16 << 20), (error) => resolve(codeOf(error)))));
  }
  client.destroy();
  const expected = runtime === "bun" ? "ERR_SOCKET_CLOSED" : isOldNode ? "ERR_STREAM_DESTROYED" : "ECANCELED";
  assertEquals((await Promise.all(codes)).at(-1), expected);
  close();
});

test("41: a buffer that is changed while it waits to be written is sent changed, but not by Bun", async () => {
  const { client, accepted, close } = await nativePair();
  const bytes = new Uint8Array(32 << 20).fill(1);
  client.write(bytes);
  bytes.fill(2);
  let left = bytes.length;
  let last = 0;
  accepted.on("data", (chunk) => {
    last = chunk.at(-1)!;
    left -= chunk.length;
    if (left === 0) accepted.emit("all");
  });
  await once(accepted, "all");
  assertEquals(last, runtime === "bun" ? 1 : 2);
  close();
});

test("reusePort of TCP shares a port, but Node 20 ignores it", async () => {
  const [first, second] = [createServer(), createServer()];
  const port = await listening(first, { port: 0, host: HOST, ...SHARED });
  const done = outcome(second, "listening");
  second.listen({ port, host: HOST, ...SHARED });
  assertEquals(await done, isOldNode ? "EADDRINUSE" : "listening");
  first.close();
  if (!isOldNode) second.close();
});

test("5: SocketAddress.parse takes port 80 for 0; Node 20 has none", () => {
  const { SocketAddress } = net as unknown as { SocketAddress: { parse?(text: string): { port: number } } };
  assertEquals(SocketAddress.parse?.("1.2.3.4:80").port, isOldNode ? undefined : 0);
});

test("66: out of descriptors connecting fails with EMFILE, but on Bun with ECONNREFUSED", async () => {
  const script = `
    const net = require("node:net");
    const server = net.createServer(() => {}).listen(0, "${HOST}", function next() {
      const socket = net.connect(server.address().port, "${HOST}");
      socket.on("error", (error) => { console.log(error.code); process.exit(); });
      socket.on("connect", next);
    });`;
  const prelude = `import { createRequire } from "node:module"; import process from "node:process";
    const require = createRequire("file:///");`;
  const code = runtime === "deno" ? `${prelude}${script}` : script;
  assertEquals(await evaluate(code, [], "-n 64"), [0, runtime === "bun" ? "ECONNREFUSED" : "EMFILE"]);
});

test("74: a connected datagram socket drops what strangers send, but not on Deno", async () => {
  const [socket, peer, stranger] = [await boundDgram(), await boundDgram(), await boundDgram()];
  socket.connect(peer.address().port, HOST);
  await once(socket, "connect");
  const came: string[] = [];
  socket.on("message", (data) => {
    came.push(String(data));
    if (came.at(-1) === "peer") socket.emit("all");
  });
  const all = once(socket, "all");
  await sent(stranger, "stranger", socket.address().port);
  await sent(peer, "peer", socket.address().port);
  await all;
  assertEquals(came, runtime === "deno" ? ["stranger", "peer"] : ["peer"]);
  for (const one of [socket, peer, stranger]) one.close();
});

test("75: a connected datagram socket is told that nobody listens, but not on Deno", async () => {
  const [socket, other] = [await boundDgram(), await boundDgram()];
  socket.connect(await deadPort(), HOST);
  await once(socket, "connect");
  const first = outcome(socket, "message");
  await sent(socket, "anybody?");
  // on Deno what a stranger sends is the first thing that comes
  await sent(other, "nobody", socket.address().port);
  assertEquals(await first, runtime === "deno" ? "message" : "ECONNREFUSED");
  for (const one of [socket, other]) one.close();
});

test("75: on Bun a send fails because of the one before it, to another receiver", async () => {
  const [socket, live] = [await boundDgram(), await boundDgram()];
  socket.on("error", () => {});
  const dead = await deadPort();
  const [, second] = await Promise.all([sent(socket, "dead", dead), sent(socket, "live", live.address().port)]);
  assertEquals(second, runtime === "bun" ? "ECONNREFUSED" : "ok");
  for (const one of [socket, live]) one.close();
});

test("76: sends that are not waited for go out in order, but not on Deno", async () => {
  const [from, to] = [await boundDgram(), await boundDgram()];
  const came: number[] = [];
  to.on("message", (data) => {
    if (came.push(data[0]!) === 100) to.emit("all");
  });
  const all = once(to, "all");
  for (let i = 0; i < 100; i++) from.send(Uint8Array.of(i), to.address().port, HOST);
  await all;
  assertEquals(came.every((value, i) => value === i), runtime !== "deno");
  for (const one of [from, to]) one.close();
});

test("80: recvBufferSize sets the system's buffer; Deno allocates as much for each datagram besides", async () => {
  const size = 1 << 20;
  const [from, to] = [await boundDgram(), await boundDgram({ recvBufferSize: size })];
  let allocated = 0;
  // a receive may be under way before the size is set
  for (let i = 0; i < 3; i++) {
    const message = once(to, "message");
    await sent(from, "small", to.address().port);
    allocated = ((await message)[0] as Uint8Array).buffer.byteLength;
  }
  assertEquals(allocated >= size, runtime === "deno");
  for (const one of [from, to]) one.close();
});

test("reusePort of datagram sockets shares a port, but not on Node 20 and Deno", async () => {
  const first = await boundDgram(SHARED);
  const second = createSocket({ type: "udp4", ...SHARED });
  const done = outcome(second, "listening");
  second.bind(first.address().port, HOST);
  assertEquals(await done, isOldNode || runtime === "deno" ? "EADDRINUSE" : "listening");
  first.close();
  second.close();
});

test("79: Deno's own datagram sockets: what is wrong with them", async () => {
  if (runtime !== "deno") return assertEquals(deno, undefined, "no other runtime has a Deno");
  assertEquals(deno.listenDatagram, undefined, "they need --unstable-net");
  const [code] = await evaluate("Deno.listen({ port: 0, reusePort: true })");
  assertEquals(code, 70, "what needs --unstable-net ends the process");
  const script = `
    const bind = () => Deno.listenDatagram({ transport: "udp", hostname: "${HOST}", port: 0 });
    const [a, b] = [bind(), bind()];
    const cut = a.receive(new Uint8Array(5));
    await b.send(new Uint8Array(9), a.addr);
    const facts = { cut: (await cut)[0].length };
    const both = [a.receive(), a.receive()];
    for (const byte of [1, 2]) await b.send(Uint8Array.of(byte), a.addr);
    facts.concurrent = (await Promise.all(both)).map(([data]) => data[0]);
    const path = Deno.makeTempDirSync() + "/s";
    const unix = Deno.listenDatagram({ transport: "unixpacket", path });
    const receiving = unix.receive().catch(() => {});
    facts.send = await unix.send(Uint8Array.of(1), unix.addr).catch((error) => error.name);
    for (const one of [a, b, unix]) one.close();
    await receiving;
    facts.file = Deno.statSync(path).isSocket;
    console.log(JSON.stringify(facts));`;
  const [, output] = await evaluate(script, ["--unstable-net"]);
  assertEquals(JSON.parse(output), { cut: 5, concurrent: [2, 1], send: "Busy", file: true });
});
