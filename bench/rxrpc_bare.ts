/** The datagram sockets of the runtime itself, of the kind that ours are made of: what the rxrpc bench is held against. */
import { createSocket } from "node:dgram";

/** A bare socket on a free port of loopback. */
export interface BareSocket {
  /** Its port. */
  readonly port: number;
  /** Sends `data` so many times, in as few calls of the system as the runtime can. */
  send(data: Uint8Array, times: number, port: number): void;
  /** Frees it. */
  close(): void;
}

/** What comes, and from which port. */
export type BareListener = (data: Uint8Array, port: number) => void;

const HOST = "127.0.0.1";

interface BunSocket {
  readonly port: number;
  send(data: Uint8Array, port: number, address: string): boolean;
  sendMany(list: readonly (Uint8Array | number | string)[]): number;
  close(): void;
}

interface BunUdp {
  udpSocket(options: {
    hostname: string;
    socket: { data(socket: BunSocket, data: Uint8Array, port: number): void };
  }): Promise<BunSocket>;
}

/** Opens one. */
export async function bareSocket(came: BareListener): Promise<BareSocket> {
  const bun = (globalThis as { Bun?: BunUdp }).Bun;
  return bun === undefined ? await nodeSocket(came) : await bunSocket(bun, came);
}

async function bunSocket(bun: BunUdp, came: BareListener): Promise<BareSocket> {
  const socket = await bun.udpSocket({ hostname: HOST, socket: { data: (_socket, data, port) => came(data, port) } });
  return {
    port: socket.port,
    send: (data, times, port) => {
      if (times === 1) socket.send(data, port, HOST);
      else socket.sendMany(Array.from({ length: times }, () => [data, port, HOST]).flat());
    },
    close: () => socket.close(),
  };
}

function nodeSocket(came: BareListener): Promise<BareSocket> {
  const socket = createSocket("udp4");
  socket.on("message", (data, { port }) => came(data, port));
  return new Promise((resolve) => {
    socket.bind(0, HOST, () =>
      resolve({
        port: socket.address().port,
        send: (data, times, port) => {
          for (let i = 0; i < times; i++) socket.send(data, port, HOST);
        },
        close: () => socket.close(),
      }));
  });
}
