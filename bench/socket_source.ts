/**
 * The other side of the socket benchmark, a process of its own on Node so that it is the same for every runtime: a TCP
 * server that sends PDUs of the size that it is asked for, for as long as they are taken, and a UDP echo.
 *
 * Prints its two ports. A client writes the length of the PDUs' bodies in 4 bytes.
 *
 * @module
 */
import { createSocket } from "node:dgram";
import { type AddressInfo, createServer, type Socket } from "node:net";

const BLOCK = 1 << 20;
const HEADER = 4;

/** Whole PDUs: a length in 4 bytes, then as many. */
function blockOf(length: number): Uint8Array {
  const size = HEADER + length;
  const block = new Uint8Array(Math.max(1, Math.floor(BLOCK / size)) * size);
  const view = new DataView(block.buffer);
  for (let at = 0; at < block.length; at += size) view.setUint32(at, length);
  return block;
}

function pour(socket: Socket, block: Uint8Array): void {
  while (!socket.destroyed && socket.write(block));
}

const server = createServer({ noDelay: true }, (socket) => {
  socket.on("error", () => {});
  socket.once("data", (request: Uint8Array) => {
    const block = blockOf(new DataView(request.buffer, request.byteOffset).getUint32(0));
    socket.on("drain", () => pour(socket, block));
    pour(socket, block);
  });
});
const echo = createSocket("udp4", (data, { port, address }) => echo.send(data, port, address));
server.listen(0, "127.0.0.1", () => {
  echo.bind(0, "127.0.0.1", () => console.log(`${(server.address() as AddressInfo).port} ${echo.address().port}`));
});
