/**
 * A balancer between clients and servers that exist in memory only: every byte moves when the test says so.
 *
 * Servers speak Redis: `ECHO x` is answered by `x`, any other command by `OK`, and each notes what it has carried out.
 */
import type { AnyPort, BackendPort } from "../../../src/kcm/balancer/balancer.ts";
import { Balancer, type BalancerSink } from "../../../src/kcm/balancer/balancer.ts";
import type { Backend, BackendEvent } from "../../../src/kcm/balancer/backend.ts";
import type { BalancerOptions } from "../../../src/kcm/balancer/balancer_options.ts";
import type { ClientPort } from "../../../src/kcm/balancer/client_port.ts";
import { respProtocol } from "../../../src/kcm/balancer/protocols/resp.ts";
import { StreamParser } from "../../../src/strparser/mod.ts";
import { resp } from "../../../src/strparser/parsers/mod.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** A Redis command as bytes. */
export function command(...words: string[]): Uint8Array {
  return encoder.encode(`*${words.length}\r\n${words.map((word) => `$${word.length}\r\n${word}\r\n`).join("")}`);
}

/** Bytes of a text. */
export function bytes(text: string): Uint8Array {
  return encoder.encode(text);
}

/** A text of bytes. */
export function text(data: Uint8Array): string {
  return decoder.decode(data);
}

/** One connection of a balancer to a server, as the server has it. */
export class ServerLine {
  readonly port: BackendPort;
  readonly server: string;
  /** Bytes that the balancer has written and the server has not read. */
  readonly incoming: Uint8Array[] = [];
  /** Replies that the server has not sent. */
  replies: Uint8Array[] = [];
  isOpen = false;
  isGone = false;
  readonly #parser: StreamParser;

  constructor(port: BackendPort, rig: Rig) {
    this.port = port;
    this.server = port.backend.name;
    this.#parser = new StreamParser({ parser: resp(), direction: "client", copy: true }, {
      item: (message) => this.replies.push(rig.carryOut(this, text(message))),
      error: (error) => {
        throw new Error(`${this.server} was sent nonsense: ${error.message}`);
      },
      end: () => {},
    });
  }

  /** The server reads what has come. */
  read(rig: Rig): void {
    for (const chunk of this.incoming.splice(0)) this.#parser.push(chunk, rig.now);
  }

  /** The server sends its first replies. */
  reply(rig: Rig, count: number = Infinity): void {
    for (const reply of this.replies.splice(0, count)) {
      if (this.isGone) return;
      this.port.push(reply, rig.now);
    }
  }

  /** The connection breaks. */
  breakUp(rig: Rig, code: string = "ECONNRESET"): void {
    if (this.isGone) return;
    this.isGone = true;
    rig.lines.delete(this);
    this.port.fail(Object.assign(new Error("broken"), { code }), rig.now);
  }
}

/** One client. */
export class TestClient {
  readonly port: ClientPort;
  received = "";
  isClosed = false;
  isAborted = false;

  constructor(port: ClientPort) {
    this.port = port;
  }
}

/** All of it. */
export class Rig implements BalancerSink {
  readonly balancer: Balancer;
  readonly lines: Set<ServerLine> = new Set();
  readonly clients: TestClient[] = [];
  readonly events: string[] = [];
  /** What servers have carried out, in order: `server command`. */
  readonly carriedOut: string[] = [];
  /** Connections asked for and not made yet. */
  readonly connecting: BackendPort[] = [];
  /** Servers that refuse. */
  readonly refusing: Set<string> = new Set();
  /** Whether connections are made, read and answered at once. */
  isPrompt: boolean = true;
  now = 1000;
  isAwake = false;

  constructor(options: Partial<BalancerOptions> = {}, servers: readonly string[] = ["a", "b"]) {
    this.balancer = new Balancer({ protocol: respProtocol(), checkIntervalMs: 0, ...options }, this, this.now);
    this.setServers(...servers);
  }

  setServers(...servers: string[]): void {
    const specs = servers.map((server) => {
      const [name = "", weight = "1"] = server.split("*");
      return { name, weight: Number(weight) };
    });
    this.balancer.setBackends(specs, this.now);
    this.settle();
  }

  client(name: string = `client ${this.clients.length}`): TestClient {
    const port = this.balancer.accept(name, this.now);
    if (port === undefined) throw new Error("refused");
    const client = new TestClient(port);
    port.handle = client;
    this.clients.push(client);
    this.settle();
    return client;
  }

  send(client: TestClient, ...data: Uint8Array[]): void {
    for (const chunk of data) client.port.push(chunk, this.now);
    this.settle();
  }

  /** Lets time pass. */
  pass(ms: number): void {
    for (const end = this.now + ms; this.now < end;) {
      this.now = Math.min(end, this.now + 100);
      this.balancer.onTimeout(this.now);
      this.settle();
    }
  }

  /** Everything that can move does, as long as servers are prompt. */
  settle(): void {
    do {
      this.isAwake = false;
      this.balancer.flush(this.now);
      if (!this.isPrompt) continue;
      for (const port of this.connecting.splice(0)) this.makeConnection(port);
      for (const line of [...this.lines]) {
        line.read(this);
        line.reply(this);
      }
    } while (this.isAwake);
  }

  makeConnection(port: BackendPort): void {
    if (port.isOver) return;
    if (this.refusing.has(port.backend.name)) {
      return port.fail(Object.assign(new Error("refused"), { code: "ECONNREFUSED" }), this.now);
    }
    const line = new ServerLine(port, this);
    port.handle = line;
    this.lines.add(line);
    line.isOpen = true;
    port.opened(this.now);
  }

  linesOf(server: string): ServerLine[] {
    return [...this.lines].filter((line) => line.server === server);
  }

  carryOut(line: ServerLine, message: string): Uint8Array {
    const words = message.split("\r\n").filter((_, i) => i > 0 && i % 2 === 0);
    this.carriedOut.push(`${line.server} ${words.join(" ")}`);
    return words[0] === "ECHO" ? bytes(`$${words[1]!.length}\r\n${words[1]}\r\n`) : bytes("+OK\r\n");
  }

  wake(): void {
    this.isAwake = true;
  }

  connect(port: BackendPort): void {
    this.connecting.push(port);
    this.isAwake = true;
  }

  service(port: AnyPort): void {
    if (port.handle instanceof TestClient) this.#serviceClient(port.handle);
    else if (port.handle instanceof ServerLine) this.#serviceLine(port.handle);
  }

  backendChanged(backend: Backend, event: BackendEvent): void {
    this.events.push(`${backend.name} ${event}`);
  }

  #serviceClient(client: TestClient): void {
    const { port } = client;
    if (port.isOver) client.isClosed = true;
    if (port.isAborted) {
      client.isAborted = true;
      return;
    }
    const pieces = port.take();
    if (pieces === undefined) return;
    for (const piece of pieces) client.received += text(piece);
    port.wrote(this.now);
  }

  #serviceLine(line: ServerLine): void {
    const { port } = line;
    if (!port.isAborted) {
      const pieces = port.take();
      if (pieces !== undefined) {
        line.incoming.push(...pieces.map((piece) => piece.slice()));
        port.wrote(this.now);
      }
    }
    if (!port.isOver) return;
    if (!port.isAborted) line.read(this);
    line.isGone = true;
    this.lines.delete(line);
  }
}
