/**
 * An echo for every address of two networks, behind a network interface of Linux: `npx tsx examples/tun_echo.ts` as root, or
 * with the name of an interface that was made for this user. Then: `ping 10.99.0.2`, `nc 10.99.0.7 4711`, `nc -u fd99::5 7`.
 *
 * The system's TCP/IP is the peer, and this program all other hosts. Ctrl-C gives the interface back.
 *
 * @module
 */
import process from "node:process";
import { L3L4 } from "@leat/streams/l3l4";
import { openTun } from "@leat/streams/node";

const tun = await openTun({ name: process.argv[2] ?? "echo%d", address: ["10.99.0.1/24", "fd99::1/64"] });
const stack = new L3L4({ mtu: tun.mtu });
// fails when the interface is removed, which ends the stack, and with it the loops below
tun.readable.pipeTo(stack.writable).catch((error: Error) => console.error(error.message));
stack.readable.pipeTo(tun.writable).catch(() => {});
process.once("SIGINT", () => void stack.close().then(() => tun.close()));
console.log(`${tun.name} is open`);

async function echoDatagrams(): Promise<void> {
  for await (const socket of stack.udpFlows) {
    // one for each peer; it is over when that was silent for five minutes
    void (async () => {
      for (;;) await socket.sendto((await socket.recvfrom()).data);
    })().catch(() => {});
  }
}

async function echoConnections(): Promise<void> {
  for await (const flow of stack.flows) {
    const peer = flow.remoteAddress.toHostPort();
    flow.readable.pipeTo(flow.writable).catch((error: Error) => console.error(`${peer}: ${error.message}`));
  }
}

await Promise.all([echoConnections(), echoDatagrams()]).catch(() => {});
