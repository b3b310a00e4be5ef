/** Sockets of the runtime itself, without this library, for tests of what runtimes do. */
import { execFile } from "node:child_process";
import { createSocket, type Socket as DgramSocket, type SocketOptions } from "node:dgram";
import { type EventEmitter, once } from "node:events";
import { type AddressInfo, connect, createServer, type ListenOptions, type Server, type Socket } from "node:net";
import process from "node:process";
import type { DenoApi, DenoConn } from "../../../src/tsocket/drivers/deno/deno_api.ts";

/** Which runtime this is, with its major version where versions differ. */
export const runtime: "node" | "deno" | "bun" = "Deno" in globalThis ? "deno" : "Bun" in globalThis ? "bun" : "node";

/** Whether this is a Node older than 22, whose sockets lack what was added since. */
export const isOldNode: boolean = runtime === "node" && Number.parseInt(process.versions.node, 10) < 22;

/** Address for everything. */
export const HOST = "127.0.0.1";

/** The global `Deno`; only there on Deno. */
export const deno: DenoApi = (globalThis as unknown as { Deno: DenoApi }).Deno;

/** The code of an error, or what stands for it. */
export function codeOf(error: unknown): string {
  if (error === undefined || error === null) return "ok";
  const { code, name } = error as { code?: string; name?: string };
  return code ?? name ?? String(error);
}

/** Resolves with the code of the first error, or `name` once the event of that name comes. */
export function outcome(emitter: EventEmitter, name: string): Promise<string> {
  return new Promise((resolve) => {
    emitter.once("error", (error) => resolve(codeOf(error)));
    emitter.once(name, () => resolve(name));
  });
}

/** Two connected sockets of node:net, with what listened. */
export interface NativePair {
  readonly server: Server;
  readonly client: Socket;
  readonly accepted: Socket;
  close(): void;
}

/** Connects two sockets. Their errors go nowhere unless a test listens. */
export async function nativePair(): Promise<NativePair> {
  const server = createServer({ allowHalfOpen: true });
  const port = await listening(server, { port: 0, host: HOST });
  const client = connect({ port, host: HOST, allowHalfOpen: true });
  const [[accepted]] = await Promise.all([once(server, "connection") as Promise<[Socket]>, once(client, "connect")]);
  for (const socket of [client, accepted]) socket.on("error", () => {});
  const close = (): void => {
    client.destroy();
    accepted.destroy();
    server.close();
  };
  return { server, client, accepted, close };
}

/** Listens and says on which port. */
export async function listening(server: Server, options: ListenOptions): Promise<number> {
  server.listen(options);
  await once(server, "listening");
  return (server.address() as AddressInfo).port;
}

/** A connection of Deno's own, with the socket of node:net at its other end. */
export interface DenoPair {
  readonly conn: DenoConn & { readonly readable: ReadableStream<Uint8Array> };
  readonly peer: Socket;
  close(): void;
}

/** Connects Deno to a server of node:net. */
export async function denoPair(): Promise<DenoPair> {
  const server = createServer({ allowHalfOpen: true, pauseOnConnect: true });
  const port = await listening(server, { port: 0, host: HOST });
  const [conn, [peer]] = await Promise.all([
    deno.connect({ hostname: HOST, port }) as Promise<DenoPair["conn"]>,
    once(server, "connection") as Promise<[Socket]>,
  ]);
  peer.on("error", () => {});
  const close = (): void => {
    try {
      conn.close();
    } catch { /* closed by the test */ }
    peer.destroy();
    server.close();
  };
  return { conn, peer, close };
}

/** A bound datagram socket of node:dgram. */
export async function boundDgram(options: Partial<SocketOptions> = {}, port = 0): Promise<DgramSocket> {
  const socket = createSocket({ type: "udp4", ...options });
  const bound = once(socket, "listening");
  socket.bind(port, HOST);
  await bound;
  return socket;
}

/** A port where nothing listens, which some datagram socket had just now. */
export async function deadPort(): Promise<number> {
  const socket = await boundDgram();
  const { port } = socket.address();
  await new Promise<void>((resolve) => socket.close(resolve));
  return port;
}

/** Sends and waits until it is done; resolves with the code, `ok` for none. */
export function sent(socket: DgramSocket, data: string, port?: number): Promise<string> {
  return new Promise((resolve) => {
    const done = (error: Error | null): void => resolve(codeOf(error));
    if (port === undefined) socket.send(data, done);
    else socket.send(data, port, HOST, done);
  });
}

/** Runs JavaScript in a process of its own; resolves with its exit code and what it wrote. */
export function evaluate(code: string, flags: readonly string[] = [], ulimit = ""): Promise<[number, string]> {
  const args = runtime === "deno" ? ["eval", ...flags, code] : ["-e", code];
  const [program, all] = ulimit === ""
    ? [process.execPath, args]
    : ["/bin/sh", ["-c", `ulimit ${ulimit}; exec "$0" "$@"`, process.execPath, ...args]];
  return new Promise((resolve) => {
    execFile(program, all, (error, stdout) => {
      resolve([error === null ? 0 : typeof error.code === "number" ? error.code : -1, stdout.trim()]);
    });
  });
}
