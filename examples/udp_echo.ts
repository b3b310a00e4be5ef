/**
 * A UDP echo server: `npx tsx examples/udp_echo.ts 7777`. Try it with `nc -u 127.0.0.1 7777`.
 *
 * It takes what has come in batches and answers each datagram to whoever sent it.
 *
 * @module
 */
import process from "node:process";
import { dgram } from "@leat/streams/node";
import { InetAddress } from "@leat/streams/tsocket";

const socket = dgram({ localAddress: InetAddress.from("127.0.0.1", Number(process.argv[2] ?? 0)) });
await socket.opened;
console.log(`listening on ${socket.localAddress!.toHostPort()}`);

for (;;) {
  const datagrams = await socket.recvMany(64);
  await socket.sendMany(datagrams.map(({ data, source }) => ({ data, to: source })));
}
