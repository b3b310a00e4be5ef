/**
 * What the socket benchmark compares with: the sockets of the runtime without leat, on Node, Deno and Bun.
 *
 * @module
 */
import { type ChildProcess, spawn } from "node:child_process";
import { connect as netConnect, type Socket } from "node:net";
import { Duplex } from "node:stream";
import { fileURLToPath } from "node:url";

/** Where the source listens. */
export interface SourcePorts {
  /** Its TCP port. */
  tcp: number;
  /** Its UDP port. */
  udp: number;
}

/** Starts the source. */
export async function startSource(): Promise<{ ports: SourcePorts; stop(): void }> {
  const file = fileURLToPath(new URL("./socket_source.ts", import.meta.url));
  const child: ChildProcess = spawn(
    "node",
    ["--import", new URL("./register_loader.mjs", import.meta.url).href, file],
    { stdio: ["ignore", "pipe", "inherit"] },
  );
  const line = await new Promise<string>((resolve, reject) => {
    child.stdout!.once("data", (data) => resolve(String(data)));
    child.once("exit", (code) => reject(new Error(`the source ended with ${code}`)));
  });
  const [tcp, udp] = line.trim().split(" ").map(Number);
  return { ports: { tcp: tcp!, udp: udp! }, stop: () => child.kill() };
}

/** Reads whole PDUs: `read(count)` resolves when so many more have come. */
export interface PduReader {
  read(count: number): Promise<void>;
  close(): void;
}

/** The request for bodies of `length` bytes. */
export function request(length: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, length);
  return bytes;
}

/** Puts PDUs together from chunks, as one does by hand: headers and bodies are copied into buffers that stay. */
export class Rebuffer {
  readonly #header = new Uint8Array(4);
  readonly #headerView = new DataView(this.#header.buffer);
  readonly #body: Uint8Array;
  #at = 0;
  /** PDUs that were whole. */
  count = 0;

  constructor(length: number) {
    this.#body = new Uint8Array(length);
  }

  push(chunk: Uint8Array): void {
    let from = 0;
    while (from < chunk.length) {
      const inHeader = this.#at < 4;
      const target = inHeader ? this.#header : this.#body;
      const at = inHeader ? this.#at : this.#at - 4;
      const taken = Math.min(target.length - at, chunk.length - from);
      target.set(chunk.subarray(from, from + taken), at);
      from += taken;
      this.#at += taken;
      if (this.#at === 4 && this.#headerView.getUint32(0) !== this.#body.length) throw new Error("out of step");
      if (this.#at < 4 + this.#body.length) continue;
      this.#at = 0;
      this.count++;
    }
  }
}

function connected(port: number, length: number): Socket {
  const socket = netConnect({ port, host: "127.0.0.1", noDelay: true });
  socket.write(request(length));
  return socket;
}

/** `data` events of node:net; `pause` when enough has come. */
export function netReader(port: number, length: number): PduReader {
  const socket = connected(port, length);
  const pdus = new Rebuffer(length);
  let wanted = 0;
  let done = (): void => {};
  socket.pause();
  socket.on("data", (chunk: Uint8Array) => {
    pdus.push(chunk);
    if (pdus.count < wanted) return;
    socket.pause();
    done();
  });
  return {
    read: (count) => {
      wanted = pdus.count + count;
      return new Promise((resolve) => {
        done = resolve;
        socket.resume();
      });
    },
    close: () => socket.destroy(),
  };
}

/** A reader of a web stream and re-buffering: one call for each PDU, as with `readvPdu`, that waits only if it must. */
export function webReader(readable: ReadableStream<Uint8Array>, length: number, close: () => void): PduReader {
  const reader = readable.getReader();
  const header = new Uint8Array(4);
  const headerView = new DataView(header.buffer);
  const body = new Uint8Array(length);
  let chunk = new Uint8Array(0);
  let from = 0;
  /** Copies what there is; returns how far `into` is filled. */
  const take = (into: Uint8Array, at: number): number => {
    const taken = Math.min(into.length - at, chunk.length - from);
    into.set(chunk.subarray(from, from + taken), at);
    from += taken;
    return at + taken;
  };
  const fill = async (into: Uint8Array, filled: number): Promise<void> => {
    for (let at = filled; at < into.length; at = take(into, at)) {
      if (from === chunk.length) {
        chunk = (await reader.read()).value as Uint8Array<ArrayBuffer>;
        from = 0;
      }
    }
  };
  const readPdu = async (): Promise<number> => {
    const inHeader = take(header, 0);
    if (inHeader < header.length) await fill(header, inHeader);
    if (headerView.getUint32(0) !== length) throw new Error("out of step");
    const inBody = take(body, 0);
    if (inBody < body.length) await fill(body, inBody);
    return header.length + body.length;
  };
  return {
    async read(count) {
      for (let i = 0; i < count; i++) await readPdu();
    },
    close,
  };
}

/** `Duplex.toWeb` of a node:net socket. */
export function toWebReader(port: number, length: number): PduReader {
  const socket = connected(port, length);
  const { readable } = Duplex.toWeb(socket) as unknown as { readable: ReadableStream<Uint8Array> };
  return webReader(readable, length, () => socket.destroy());
}

/** What of Deno is used. */
export interface DenoConn {
  readonly readable: ReadableStream<Uint8Array>;
  read(into: Uint8Array): Promise<number | null>;
  write(bytes: Uint8Array): Promise<number>;
  close(): void;
}

declare const Deno: { connect(options: { port: number; hostname: string }): Promise<DenoConn> };

/** A connection of Deno to the source. */
export async function denoConnected(port: number, length: number): Promise<DenoConn> {
  const conn = await Deno.connect({ port, hostname: "127.0.0.1" });
  await conn.write(request(length));
  return conn;
}

/** `conn.read` into one buffer of 64 KiB and re-buffering. */
export function denoReader(conn: DenoConn, length: number): PduReader {
  const pdus = new Rebuffer(length);
  const buffer = new Uint8Array(65536);
  return {
    async read(count) {
      const wanted = pdus.count + count;
      while (pdus.count < wanted) pdus.push(buffer.subarray(0, (await conn.read(buffer))!));
    },
    close: () => conn.close(),
  };
}

/** `conn.read` straight into the body. */
export function denoDirectReader(conn: DenoConn, length: number): PduReader {
  const header = new Uint8Array(4);
  const body = new Uint8Array(length);
  const fill = async (into: Uint8Array): Promise<void> => {
    for (let at = 0; at < into.length;) at += (await conn.read(into.subarray(at)))!;
  };
  return {
    async read(count) {
      for (let i = 0; i < count; i++) {
        await fill(header);
        await fill(body);
      }
    },
    close: () => conn.close(),
  };
}
