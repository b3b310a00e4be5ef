/**
 * A client for PDUs with a length in front: `npx tsx examples/pdu_client.ts [HOST:PORT]`, of an echo server; without an
 * address it starts one of its own.
 *
 * The header says how long the body is; `next` hands out the buffers to be filled, one after the other.
 *
 * @module
 */
import process from "node:process";
import { connect, listen } from "@leat/streams/node";
import type { TStream } from "@leat/streams/tsocket";

const MAX_BODY = 65536;

/** Sends one PDU: a length in 4 bytes and the body, as one write. */
async function send(socket: TStream, body: Uint8Array): Promise<void> {
  const header = new Uint8Array(4);
  new DataView(header.buffer).setUint32(0, body.length);
  await socket.writev([header, body]);
}

/** Reads one PDU into buffers of our own. */
async function receive(socket: TStream, deadlineAt: number): Promise<Uint8Array> {
  const header = new Uint8Array(4);
  let body: Uint8Array | undefined;
  await socket.readvPdu(({ total }) => {
    if (total === 0) return [header];
    if (body !== undefined) return null;
    const length = new DataView(header.buffer).getUint32(0);
    if (length > MAX_BODY) throw new Error(`a body of ${length} bytes is too long`);
    body = new Uint8Array(length);
    return length === 0 ? null : [body];
  }, { deadlineAt });
  return body ?? new Uint8Array(0);
}

const given = process.argv[2];
const server = given === undefined ? listen("127.0.0.1:0", { stream: { allowHalfOpen: true } }) : undefined;
server?.accept().then((connection) => connection.readable.pipeTo(connection.writable));

const socket = connect(given ?? (await server!.opened).localAddress);
for (const word of ["packets", "segments", "", "streams"]) {
  await send(socket, new TextEncoder().encode(word));
  const body = await receive(socket, performance.now() + 5000);
  console.log(`${body.length} bytes: ${new TextDecoder().decode(body)}`);
}
await socket.close();
await server?.close();
