/**
 * The kernel's TCP and UDP as a peer, by `node:net` and `node:dgram`: `kernel_peer.ts COMMAND ...`; what came of it is a line
 * of JSON.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";
import process from "node:process";
import { ByteCheck, bytesAt } from "./byte_stream.ts";

/** Sends so many bytes, ends, and checks that they come back with the end. */
async function echo(host: string, port: number, bytes: number): Promise<object> {
  const socket = connect({ host, port, allowHalfOpen: true });
  const check = new ByteCheck();
  await once(socket, "connect");
  const startedAt = performance.now();
  socket.on("data", (chunk) => check.push(chunk));
  const ended = once(socket, "end");
  for (let at = 0; at < bytes;) {
    const chunk = bytesAt(at, bytes - at);
    at += chunk.length;
    if (!socket.write(chunk)) await once(socket, "drain");
  }
  socket.end();
  await ended;
  const seconds = (performance.now() - startedAt) / 1000;
  return { count: check.count, wrongAt: check.wrongAt, seconds };
}

/** SYNs that are on their way at once: the queue of an interface has 500 places. */
const BURST = 200;

/** Opens many connections to many addresses, all of which are open at the same time; each says something of its own and ends. */
async function many(prefix: string, count: number): Promise<object> {
  const sockets: Socket[] = [];
  while (sockets.length < count) {
    const burst = Array.from({ length: Math.min(BURST, count - sockets.length) }, (_, i) => {
      const number = sockets.length + i;
      return connect({ host: `${prefix}${2 + number % 200}`, port: 1000 + number, allowHalfOpen: true });
    });
    await Promise.all(burst.map((socket) => once(socket, "connect")));
    sockets.push(...burst);
  }
  let right = 0;
  for (let from = 0; from < count; from += BURST) {
    await Promise.all(
      sockets.slice(from, from + BURST).map(async (socket, i) => {
        let reply = "";
        socket.setEncoding("utf8").on("data", (text: string) => reply += text);
        socket.end(`connection ${from + i}`);
        await once(socket, "end");
        if (reply === `connection ${from + i}`) right++;
      }),
    );
  }
  return { right };
}

/** Opens a connection, has an echo, and resets it. */
async function reset(host: string, port: number): Promise<object> {
  const socket = connect({ host, port });
  await once(socket, "connect");
  socket.write("x");
  await once(socket, "data");
  socket.resetAndDestroy();
  await once(socket, "close");
  return {};
}

/** Sends a datagram of each length, one after the other, and takes what comes back. */
async function udp(host: string, port: number, ...lengths: number[]): Promise<object> {
  const socket = createSocket(host.includes(":") ? "udp6" : "udp4");
  const right: number[] = [];
  for (const length of lengths) {
    const data = bytesAt(0, length);
    const came = once(socket, "message");
    socket.send(data, port, host);
    const [reply] = await came as [Buffer];
    if (Buffer.compare(reply, data) === 0) right.push(length);
  }
  socket.close();
  return { right };
}

/** Asks a port where nobody is: what the kernel is told. */
async function unreachable(host: string, port: number): Promise<object> {
  const socket = createSocket(host.includes(":") ? "udp6" : "udp4");
  socket.connect(port, host);
  await once(socket, "connect");
  socket.send("x");
  const [error] = await once(socket, "error").catch((thrown: unknown) => [thrown]) as [{ code: string }];
  socket.close();
  return { code: error.code };
}

/** Serves an echo, and on the next port resets what says something, until the input ends. */
async function serve(port: number): Promise<object> {
  let connections = 0;
  const echoing = createServer({ allowHalfOpen: true }, (socket: Socket) => {
    connections++;
    socket.on("error", () => {});
    socket.pipe(socket);
  });
  const resetting = createServer((socket: Socket) => {
    socket.on("error", () => {});
    socket.once("data", () => socket.resetAndDestroy());
  });
  for (const [server, at] of [[echoing, port], [resetting, port + 1]] as const) {
    server.listen(at, "::");
    await once(server, "listening");
  }
  console.log("listening");
  process.stdin.resume();
  await once(process.stdin, "end");
  return { connections };
}

const [command = "", ...args] = process.argv.slice(2);
const commands: Record<string, (...args: never[]) => Promise<object>> = { echo, many, reset, udp, unreachable, serve };
const values = args.map((arg) => /^\d+$/.test(arg) ? Number(arg) : arg);
console.log(JSON.stringify(await commands[command]!(...values as never[])));
process.exit();
