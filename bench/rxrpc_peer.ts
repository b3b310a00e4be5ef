/** The other process of the rxrpc bench: an echo endpoint, or a bare UDP echo and sink, on free ports. */
import { createSocket } from "node:dgram";
import process from "node:process";
import { RxEndpoint } from "../src/rxrpc/endpoint_stream.ts";
import type { RxEndpointOptions } from "../src/rxrpc/endpoint_stream.ts";
import { InetAddress } from "../src/tsocket/inet_address.ts";
import { rxSockets } from "./rxrpc_sockets.ts";

const options = JSON.parse(process.argv[2] ?? "{}") as RxEndpointOptions;
const { dgram } = await rxSockets();
const socket = dgram({ localAddress: InetAddress.from("127.0.0.1", 0), recvBufferSize: 4 << 20 });
const endpoint = await RxEndpoint.open(socket, options);
const listener = endpoint.listen({ services: [147], backlog: 1000 });

/** Answers with the first four bytes of the request, which tell its length apart from others. */
async function serve(): Promise<void> {
  for await (const call of listener) {
    call.bytes().then(async (body) => {
      await call.write(body.subarray(0, 4));
      await call.end();
    }).catch(() => {});
  }
}
serve().catch(() => process.exit(1));

/** As long as the reply of a small call. */
const ANSWER_BYTES = 32;

const bare = createSocket("udp4");
// one datagram of each group is answered, whose size the first byte tells: that of a ping-pong is 1
let count = 0;
bare.on("message", (data, from) => {
  count++;
  if (count % data[0]! === 0) bare.send(data.subarray(0, ANSWER_BYTES), from.port, from.address);
});
bare.bind(0, "127.0.0.1", () => {
  console.log(JSON.stringify({ rx: (endpoint.localAddress as { port: number }).port, bare: bare.address().port }));
});
process.stdin.on("end", () => process.exit(0));
process.stdin.resume();
