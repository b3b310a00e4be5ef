/**
 * Ours as the side that connects: `stack_client.ts RUNTIME BYTES PORT FILE`. Connects to the kernel's echo at PORT, by IPv4
 * and IPv6, to a port that resets behind it and to one where nobody listens, pings, and says in lines of JSON what came of it.
 *
 * @module
 */
import { createWriteStream } from "node:fs";
import process from "node:process";
import { L3L4 } from "../../../src/l3l4/mod.ts";
import { CaptureWriterStream } from "../../../src/pcap/mod.ts";
import type { Tun, TunOptions } from "../../../src/tsocket/tun/tun_types.ts";
import { echoed, send } from "./byte_stream.ts";

const [runtime, bytesText, portText, file] = process.argv.slice(2) as [string, string, string, string];
const { openTun } = await import(`../../../src/tsocket/drivers/${runtime}/mod.ts`) as {
  openTun(options: TunOptions): Promise<Tun>;
};
const tun = await openTun({ name: "ltclient", address: ["10.98.0.1/24", "fd98::1/64"] });
const stack = new L3L4({ mtu: tun.mtu, addresses: ["10.98.0.9", "fd98::9"] });
tun.readable.pipeTo(stack.writable).catch(() => {});
stack.readable.pipeTo(tun.writable).catch(() => {});
const output = createWriteStream(file);
const written = stack.tap().pipeThrough(new CaptureWriterStream()).pipeTo(
  new WritableStream({
    write: (bytes) => void output.write(bytes),
    close: () => new Promise<void>((resolve) => output.end(() => resolve())),
  }),
);

async function echo(to: string, bytes: number): Promise<object> {
  const socket = stack.connect(to);
  const check = await echoed(socket, bytes);
  await socket.closed;
  return { count: check.count, wrongAt: check.wrongAt };
}

/** How a connection that says a byte ends: the code of the error. */
async function ending(to: string): Promise<string> {
  const socket = stack.connect(to);
  const sent = send(socket, 1).catch(() => {});
  const code = await socket.closed.then(() => "none", (error: { code: string }) => error.code);
  await sent;
  return code;
}

const port = Number(portText);
const bytes = Number(bytesText);
for (const host of ["10.98.0.1", "[fd98::1]"]) {
  const pong = (await stack.ping(host.replace(/[[\]]/g, ""))) !== undefined;
  const [reset, refused] = [await ending(`${host}:${port + 1}`), await ending(`${host}:${port + 2}`)];
  console.log(JSON.stringify({ ...await echo(`${host}:${port}`, bytes), pong, reset, refused }));
}
await stack.close();
await tun.close();
await written;
process.exit();
