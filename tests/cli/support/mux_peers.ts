/** `leat mux` as a child process, servers that answer, and clients that ask, over real sockets. */
import { connect, createServer, type Server, type Socket } from "node:net";
import { Buffer } from "node:buffer";
import process from "node:process";
import { Child } from "./child.ts";

/** A running `leat mux`. */
export class MuxChild {
  readonly child: Child;
  readonly port: number;

  constructor(child: Child, port: number) {
    this.child = child;
    this.port = port;
  }

  /** Starts one on a free port. */
  static async start(...args: string[]): Promise<MuxChild> {
    const child = new Child(["mux", "--listen", "127.0.0.1:0", ...args]);
    const [, port] = await child.untilError(/listening on 127\.0\.0\.1:(\d+)/);
    return new MuxChild(child, Number(port));
  }

  /** Asks it to end, and waits for that. */
  async stop(signal: "SIGTERM" | "SIGKILL" = "SIGTERM"): Promise<number | null> {
    this.signal(signal);
    return (await this.child.done).code;
  }

  /** Sends it a signal. Not by the child's own method, which on Deno closes its outputs as well. */
  signal(signal: "SIGTERM" | "SIGKILL" | "SIGHUP"): void {
    process.kill(this.child.process.pid!, signal);
  }
}

/** A server whose messages are a length of four bytes and a body: it answers `NAME:BODY`. */
export class RpcServer {
  readonly name: string;
  readonly requests: string[] = [];
  readonly connections: Set<Socket> = new Set();
  readonly #server: Server;

  constructor(name: string) {
    this.name = name;
    this.#server = createServer((socket) => {
      this.connections.add(socket);
      socket.on("close", () => this.connections.delete(socket)).on("error", () => {});
      readFrames(socket, (body) => {
        this.requests.push(body);
        socket.write(frame(`${this.name}:${body}`));
      });
    });
  }

  /** Listens on a port, any if it is 0, or a path; resolves with the address as text. */
  listen(on: number | string = 0): Promise<string> {
    return new Promise((resolve, reject) => {
      this.#server.once("error", reject);
      const listening = (): void => {
        const address = this.#server.address();
        resolve(typeof address === "string" ? `unix:${address}` : `127.0.0.1:${address!.port}`);
      };
      if (typeof on === "string") this.#server.listen(on, listening);
      else this.#server.listen(on, "127.0.0.1", listening);
    });
  }

  /** Ends it, and its connections. */
  close(): Promise<void> {
    for (const socket of this.connections) socket.destroy();
    return new Promise((resolve) => this.#server.close(() => resolve()));
  }
}

/** A client of the same. */
export class RpcClient {
  readonly socket: Socket;
  readonly replies: string[] = [];
  readonly closed: Promise<void>;
  #changed: (() => void) | undefined;
  #isClosed = false;

  constructor(socket: Socket) {
    this.socket = socket;
    readFrames(socket, (body) => {
      this.replies.push(body);
      this.#changed?.();
    });
    this.closed = new Promise((resolve) => {
      socket.on("error", () => {}).on("close", () => {
        this.#isClosed = true;
        this.#changed?.();
        resolve();
      });
    });
  }

  /** Connects to a port. */
  static to(port: number): RpcClient {
    return new RpcClient(connect(port, "127.0.0.1"));
  }

  /** Sends requests in one piece. */
  send(...bodies: string[]): void {
    this.socket.write(Buffer.concat(bodies.map(frame)));
  }

  /** Waits for so many replies in all. */
  async until(count: number): Promise<string[]> {
    while (this.replies.length < count) {
      if (this.#isClosed) throw new Error(`closed after ${this.replies.length} replies`);
      await new Promise<void>((resolve) => this.#changed = resolve);
    }
    return this.replies;
  }

  /** Closes it. */
  close(): Promise<void> {
    this.socket.end();
    return this.closed;
  }
}

function frame(body: string): Buffer {
  const bytes = Buffer.from(body);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(bytes.length);
  return Buffer.concat([length, bytes]);
}

function readFrames(socket: Socket, came: (body: string) => void): void {
  let held = Buffer.alloc(0);
  socket.on("data", (chunk: Buffer) => {
    held = Buffer.concat([held, chunk]);
    for (; held.length >= 4; held = held.subarray(4 + held.readUInt32BE(0))) {
      const end = 4 + held.readUInt32BE(0);
      if (held.length < end) return;
      came(held.subarray(4, end).toString());
    }
  });
}
