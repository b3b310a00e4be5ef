/**
 * RxRPC over this machine's UDP: a server and its client, on Node (`npx tsx examples/rx_calls.ts`), on Deno
 * (`deno run -A --unstable-net examples/rx_calls.ts`) and on Bun (`bun examples/rx_calls.ts`).
 *
 * Without an argument both run in this program. `serve 7100` is the server alone, `call 7100` a client for it.
 *
 * @module
 */
import process from "node:process";
import {
  encodeK4Ticket,
  type RxCallStream,
  RxEndpoint,
  rxkadClient,
  RxkadLevel,
  rxkadServer,
  RxrpcError,
} from "@leat/streams/rxrpc";
import { type DgramOptions, InetAddress, type TDgram } from "@leat/streams/tsocket";
import { decodeXdr, encodeXdr, string, uint } from "@leat/streams/xdr";

/** Numbers of services, as clients and servers have agreed on them. */
const LENGTH = 51;
const UPPER = 52;
const WHO = 53;

/** The key that the server of a cell shares with whoever gives out tickets; a real one comes out of a KeyFile. */
const serverKey = Uint8Array.of(0x80, 0xb6, 0xa7, 0xcd, 0x7a, 0x9d, 0xad, 0xb6);

async function sockets(): Promise<{ dgram(options?: DgramOptions): TDgram }> {
  if ("Deno" in globalThis) return await import("@leat/streams/deno");
  if ("Bun" in globalThis) return await import("@leat/streams/bun");
  return await import("@leat/streams/node");
}
const { dgram } = await sockets();

/** A stage that makes bytes of ASCII upper case, as they come. */
const upperCase = () =>
  new TransformStream<Uint8Array, Uint8Array>({
    transform: (bytes, controller) =>
      controller.enqueue(bytes.map((byte) => byte >= 0x61 && byte <= 0x7a ? byte - 0x20 : byte)),
  });

/** Offers three services. */
async function serve(port: number): Promise<RxEndpoint> {
  const endpoint = await RxEndpoint.open(dgram({ localAddress: InetAddress.from("127.0.0.1", port) }));
  // this one only for clients that show a ticket, and encipher what they say
  const keys = [{ kind: "rxkad", kvno: 3, enctype: 1, key: serverKey }] as const;
  const security = [rxkadServer({ keys: () => keys, minLevel: RxkadLevel.crypt })];
  const listener = endpoint.listen({ services: [LENGTH, UPPER, { id: WHO, security }] });
  const handlers: Record<number, (call: RxCallStream) => Promise<void>> = {
    // a request and a reply as a whole
    [LENGTH]: async (call) => call.end(encodeXdr(uint, (await call.bytes()).length)),
    // streams: what came is sent back, changed, once the request has ended
    [UPPER]: async (call) => {
      const chunks: BlobPart[] = [];
      for await (const chunk of call.readable.pipeThrough(upperCase())) chunks.push(chunk as Uint8Array<ArrayBuffer>);
      await new Blob(chunks).stream().pipeTo(call.writable);
    },
    [WHO]: async (call) => {
      await call.bytes();
      await call.end(encodeXdr(string(64), call.identity!.name.join(".")));
    },
  };
  (async () => {
    for await (const call of listener) {
      // a client that goes away is no reason to stop; one that is there hears that its call failed
      handlers[call.service]!(call).catch((error) => {
        call.abort();
        console.error(`a call failed: ${error}`);
      });
    }
  })();
  return endpoint;
}

/** Makes a call to each of them. */
async function callAll(to: string): Promise<void> {
  const endpoint = await RxEndpoint.open(dgram(), { to });

  const reply = await endpoint.request({ service: LENGTH, body: new Uint8Array(100_000) });
  console.log(`a request as a whole: ${decodeXdr(uint, reply)} bytes came`);

  const text = new Blob(["calls are ", "pairs of ", "streams"]).stream();
  let answer = "";
  for await (const chunk of text.pipeThrough(endpoint.call({ service: UPPER }))) {
    answer += new TextDecoder().decode(chunk);
  }
  console.log(`a call as a stage: ${answer}`);

  // what klog or aklog would have got from the cell: a key for this session, and a ticket that only the server can open
  const sessionKey = Uint8Array.of(1, 2, 2, 4, 4, 4, 7, 7);
  const ticket = encodeK4Ticket(serverKey, {
    name: "alice",
    instance: "admin",
    realm: "",
    host: 0,
    sessionKey,
    lifetime: 255,
    start: Math.floor(Date.now() / 1000) - 60,
    service: "afs",
    serviceInstance: "",
  });
  const security = rxkadClient({ kvno: 3, sessionKey, ticket, level: RxkadLevel.crypt });
  const name = await endpoint.request({ service: WHO, security, body: new Uint8Array(0) });
  console.log(`with rxkad: the server knows ${decodeXdr(string(64), name)}`);

  const refused = await endpoint.request({ service: WHO, body: new Uint8Array(0) }).catch((error) => error);
  console.log(`without: ${refused instanceof RxrpcError ? refused.message : "served, which it must not be"}`);
  await endpoint.close();
}

const [what, port = "0"] = process.argv.slice(2);
if (what === "call") {
  await callAll(`127.0.0.1:${port}`);
} else {
  const server = await serve(Number(port));
  console.log(`listening on ${(server.localAddress as InetAddress).toHostPort()}`);
  if (what === undefined) {
    await callAll(`127.0.0.1:${server.localAddress!.port}`);
    await server.close();
  }
}
