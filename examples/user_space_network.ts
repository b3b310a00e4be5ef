/**
 * What runs over the system's sockets runs over a TCP/IP of this program's own: messages of several connections through a
 * multiplexor, over TCP, and calls of RxRPC, over UDP. Two hosts in one process, and between them a network that loses a
 * packet in fifty and brings others out of order: `npx tsx examples/user_space_network.ts [CAPTURE]`.
 *
 * With the name of a file, all packets are written there, for tcpdump or Wireshark.
 *
 * @module
 */
import { createWriteStream } from "node:fs";
import process from "node:process";
import { Writable } from "node:stream";
import { Multiplexor } from "@leat/streams/kcm";
import { L3L4 } from "@leat/streams/l3l4";
import { CaptureWriterStream } from "@leat/streams/pcap";
import { RxEndpoint } from "@leat/streams/rxrpc";
import { lengthPrefix } from "@leat/streams/strparser";
import { ImpairStream } from "@leat/streams/testing";
import { InetAddress } from "@leat/streams/tsocket";

const client = new L3L4({ addresses: ["10.0.0.1"] });
const server = new L3L4({ addresses: ["10.0.0.2"] });
const network = (seed: number) => new ImpairStream({ seed, loss: 0.02, reordering: 0.02, delayMs: 1, batch: true });
client.readable.pipeThrough(network(1)).pipeTo(server.writable).catch(() => {});
server.readable.pipeThrough(network(2)).pipeTo(client.writable).catch(() => {});

const [file] = process.argv.slice(2);
const captured = file === undefined
  ? Promise.resolve()
  : client.tap().pipeThrough(new CaptureWriterStream()).pipeTo(Writable.toWeb(createWriteStream(file)));

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** Three connections to one port, whose messages come out of one channel at the server. */
async function messages(): Promise<void> {
  const kcm = new Multiplexor();
  const channel = kcm.socket();
  const parser = lengthPrefix(1);
  const accepting = (async () => {
    let open = 3;
    for await (const flow of server.listen({ port: 7000 })) {
      kcm.attach(flow, { parser });
      if (--open === 0) break;
    }
    kcm.close();
  })();
  for (const name of ["one", "two", "three"]) {
    const socket = client.connect("10.0.0.2:7000");
    const writer = socket.writable.getWriter();
    writer.write(Uint8Array.of(name.length, ...encoder.encode(name)));
    writer.close();
  }
  const texts: string[] = [];
  for await (const { data } of channel.readable) texts.push(decoder.decode(data.subarray(1)));
  await accepting;
  console.log(`messages over TCP: ${texts.sort().join(", ")}`);
}

/** A call to a service, over UDP. */
async function calls(): Promise<void> {
  const caller = await RxEndpoint.open(client.udp({ localAddress: "10.0.0.1:7001" }));
  const service = await RxEndpoint.open(server.udp({ localAddress: "10.0.0.2:7000" }));
  const listener = service.listen({ services: [147] });
  const to = InetAddress.parse("10.0.0.2:7000");
  const reply = caller.request({ to, service: 147, body: new Uint8Array(20_000).fill(7) });
  const call = (await listener.accept())!;
  const request = await call.bytes();
  await call.write(encoder.encode(`${request.length} bytes came`));
  await call.end();
  console.log(`a call over UDP: ${decoder.decode(await reply)}`);
  await Promise.all([caller.close(), service.close()]);
}

await messages();
await calls();
await Promise.all([client.close(), server.close()]);
await captured;
