/**
 * Ours as the side that connects through a hop with a smaller MTU: `path_mtu_client.ts tun|tap HOST PORT BYTES`. Sends to the
 * kernel's echo there, and says in a line of JSON what came back and what a segment holds in the end.
 *
 * @module
 */
import process from "node:process";
import { ethernet, L3L4 } from "../../../src/l3l4/mod.ts";
import { openTun } from "../../../src/tsocket/drivers/node/mod.ts";
import { echoed } from "./byte_stream.ts";

const [mode, host, port, bytesText] = process.argv.slice(2) as ["tun" | "tap", string, string, string];
const bytes = Number(bytesText);
const tun = await openTun({ name: "ltpath", mode, address: ["10.98.0.1/24", "fd98::1/64"] });
const addresses = ["10.98.0.9", "fd98::9"];
const stack = new L3L4({
  mtu: tun.mtu,
  addresses,
  medium: mode === "tun" ? undefined : ethernet({
    networks: ["10.98.0.9/24", "fd98::9/64"],
    gateways: ["10.98.0.1", "fd98::1"],
  }),
});
tun.readable.pipeTo(stack.writable).catch(() => {});
stack.readable.pipeTo(tun.writable).catch(() => {});
console.log("open");

// the system asks first whether its own address of IPv6 is free
for (let answer = false; !answer;) {
  answer = await stack.ping(host.replace(/[[\]]/g, ""), { timeoutMs: 500 }).then(() => true, () => false);
}
const socket = stack.connect(`${host}:${port}`);
await socket.opened;
const before = socket.info().segmentSize;
const { count, wrongAt } = await echoed(socket, bytes);
const { segmentSize, timeouts } = socket.info();
console.log(JSON.stringify({ count, wrongAt, before, segmentSize, timeouts, pathMtus: stack.stats.pathMtus }));
await stack.close();
await tun.close();
process.exit();
