import { L3L4 } from "@leat/streams/l3l4";
import { same, type SmokeCases } from "./types.ts";

/** `./l3l4` */
export const cases: SmokeCases = {
  "an echo over a connection between two stacks, and a ping": async () => {
    const client = new L3L4({ addresses: ["10.0.0.1"] });
    const server = new L3L4();
    client.readable.pipeTo(server.writable).catch(() => {});
    server.readable.pipeTo(client.writable).catch(() => {});
    const flows = server.flows.getReader();
    const socket = client.connect("10.0.0.2:7");
    const { value: flow } = await flows.read();
    flow!.readable.pipeTo(flow!.writable).catch(() => {});
    const writer = socket.writable.getWriter();
    const sent = new Uint8Array(300_000).map((_, i) => i * 7);
    const written = writer.write(sent).then(() => writer.close());
    const came = new Uint8Array(await new Response(socket.readable).arrayBuffer());
    await written;
    same(came.length, sent.length, "length");
    same(came.every((byte, i) => byte === sent[i]), true, "bytes");
    same((await client.ping("10.0.0.2")).remoteAddress, "10.0.0.2", "ping");
    await Promise.all([client.close(), server.close()]);
  },
};
