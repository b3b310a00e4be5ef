/**
 * A TCP echo server: `deno run --allow-net examples/echo_server_deno.ts 7777`. Try it with `nc 127.0.0.1 7777`.
 *
 * Each connection is piped into itself, so it echoes no faster than its client reads, and ends when its client ends.
 *
 * @module
 */
import { listen } from "@leat/streams/deno";

const listener = listen(`127.0.0.1:${Deno.args[0] ?? 0}`, { stream: { allowHalfOpen: true } });
const { localAddress } = await listener.opened;
console.log(`listening on ${localAddress.toHostPort()}`);

for await (const connection of listener) {
  connection.readable.pipeTo(connection.writable).catch((error) => console.error(String(error)));
}
