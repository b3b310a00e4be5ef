/**
 * A bare TCP proxy, for `kcm_mux_bench.ts`: what comes from either side is piped to the other by the runtime's own
 * streams, and a client's connection goes to the next server in turn. It knows no messages. What it makes is about what
 * this runtime can make at all between two sockets for each client.
 *
 * Arguments: the port to listen on, and those of the servers.
 *
 * @module
 */
import { connect, createServer } from "node:net";
import process from "node:process";

interface DenoSocket {
  readonly readable: ReadableStream<Uint8Array>;
  readonly writable: WritableStream<Uint8Array>;
  setNoDelay(isOn: boolean): void;
}

/** What is used of Deno: its types are not known here. */
interface DenoSockets {
  listen(address: { port: number; hostname: string }): AsyncIterable<DenoSocket>;
  connect(address: { port: number; hostname: string }): Promise<DenoSocket>;
}

const [listenPort = 0, ...servers] = process.argv.slice(2).map(Number);
let turn = 0;
const nextServer = (): number => servers[turn++ % servers.length]!;

if (process.versions["deno"] === undefined) throughNode();
else await throughDeno();

function throughNode(): void {
  createServer((client) => {
    const server = connect(nextServer(), "127.0.0.1");
    for (const socket of [client, server]) socket.setNoDelay(true).on("error", () => {});
    client.pipe(server).pipe(client);
    client.on("close", () => server.destroy());
  }).listen(listenPort, "127.0.0.1");
}

/** Its own sockets: Node's are a layer on them there. */
async function throughDeno(): Promise<void> {
  const { Deno } = globalThis as unknown as { Deno: DenoSockets };
  const hostname = "127.0.0.1";
  for await (const client of Deno.listen({ port: listenPort, hostname })) {
    const server = await Deno.connect({ port: nextServer(), hostname });
    for (const socket of [client, server]) socket.setNoDelay(true);
    client.readable.pipeTo(server.writable).catch(() => {});
    server.readable.pipeTo(client.writable).catch(() => {});
  }
}
