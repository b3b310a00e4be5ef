/** The other process of the rxrpc bench: an echo endpoint, or a bare UDP echo and sink, on free ports. */
import process from "node:process";
import { RxEndpoint } from "../src/rxrpc/endpoint_stream.ts";
import type { RxEndpointOptions } from "../src/rxrpc/endpoint_stream.ts";
import { type BareListener, bareSocket } from "./rxrpc_bare.ts";
import { rxSockets, socketOptions } from "./rxrpc_sockets.ts";

const options = JSON.parse(process.argv[2] ?? "{}") as RxEndpointOptions;
const { dgram } = await rxSockets();
const socket = dgram(socketOptions());
const endpoint = await RxEndpoint.open(socket, options);
const listener = endpoint.listen({ services: [147], backlog: 1000 });

/** Answers with the first four bytes of the request, which tell its length apart from others. */
async function serve(): Promise<void> {
  for await (const call of listener) {
    call.bytes().then(async (body) => {
      await call.end(body.subarray(0, 4));
    }).catch(() => {});
  }
}
serve().catch(() => process.exit(1));

/** As long as the reply of a small call. */
const ANSWER_BYTES = 32;

// one datagram of each group is answered, whose size the first byte tells: that of a ping-pong is 1
let count = 0;
const came: BareListener = (data, port) => {
  count++;
  if (count % data[0]! === 0) bare.send(data.subarray(0, ANSWER_BYTES), 1, port);
};
const bare = await bareSocket(came);
console.log(JSON.stringify({ rx: endpoint.localAddress!.port, bare: bare.port }));
process.stdin.on("end", () => process.exit(0));
process.stdin.resume();
