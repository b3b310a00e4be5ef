/**
 * A TCP echo server: `bun examples/echo_server_bun.ts 7777`. Try it with `nc 127.0.0.1 7777`.
 *
 * Each connection is piped into itself, so it echoes no faster than its client reads, and ends when its client ends.
 *
 * @module
 */
import process from "node:process";
import { listen } from "@leat/streams/bun";

const listener = listen(`127.0.0.1:${process.argv[2] ?? 0}`, { stream: { allowHalfOpen: true } });
const { localAddress } = await listener.opened;
console.log(`listening on ${localAddress.toHostPort()}`);

for await (const connection of listener) {
  connection.readable.pipeTo(connection.writable).catch((error) => console.error(String(error)));
}
