/**
 * A program of case 67: opens a listener, a connection and a datagram socket and then has nothing more to do. Arguments:
 * the runtime, and `ref` or `unref`. Says `open`, and `held` when something kept it alive.
 */
import process from "node:process";
import { setTimeout } from "node:timers";
import { bunRuntime } from "../../../src/tsocket/drivers/bun/runtime.ts";
import { denoRuntime } from "../../../src/tsocket/drivers/deno/runtime.ts";
import { nodeRuntime } from "../../../src/tsocket/drivers/node/runtime.ts";
import { InetAddress } from "../../../src/tsocket/inet_address.ts";
import { connectWith, dgramWith, listenWith } from "../../../src/tsocket/open.ts";

const [, , name, mode] = process.argv;
const runtime = [nodeRuntime, denoRuntime, bunRuntime].find((one) => one.name === name)!;
const loopback = InetAddress.from("127.0.0.1", 0);

const listener = listenWith(runtime, loopback);
const { localAddress } = await listener.opened;
const client = connectWith(runtime, localAddress);
const server = await listener.accept();
await client.opened;
const dgram = dgramWith(runtime, { localAddress: loopback });
await dgram.opened;
const sockets = [listener, client, server, dgram];
console.log("open");

// Pending operations are the usual state of a program that waits.
for (const waiting of [listener.accept(), client.readSome(new Uint8Array(1)), server.monitor(), dgram.recvfrom()]) {
  waiting.catch(() => {});
}
if (mode === "unref") {
  for (const socket of sockets) socket.unref();
  // Deno's node:dgram forgets that it was unref'd while it receives: there only closing lets the process end.
  if ("Deno" in globalThis) void dgram.close();
  // Nobody waits for this timer, unless something holds the process.
  setTimeout(() => {
    console.log("held");
    process.exit(1);
  }, 20_000).unref();
} else {
  setTimeout(() => {
    console.log("held");
    for (const socket of sockets) void socket.close();
  }, 50).unref();
}
