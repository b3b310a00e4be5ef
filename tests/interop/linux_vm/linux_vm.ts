/** The virtual machine with Debian's Linux 6.1, and the control connections to the programs of ours that run in it. */
import { execFile } from "node:child_process";
import { connect, createServer, type Socket } from "node:net";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import process from "node:process";
import { promisify } from "node:util";

const run = promisify(execFile);
const folder = dirname(fileURLToPath(import.meta.url));

/** Programs in the guest, by the offset of their control port on the host. */
const daemons = { shd: 0, kcmd: 1, rxd: 2, rxc: 3, tcpd: 4 } as const;

/** A control connection: lines of commands, each answered by lines and a dot. */
export class ControlClient {
  readonly #socket: Socket;
  readonly #waiting: { resolve(lines: string[]): void; reject(error: Error): void }[] = [];
  #text = "";

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.setNoDelay(true).setEncoding("latin1");
    socket.on("data", (text: string) => this.#received(text));
    const end = (): void => {
      for (const { reject } of this.#waiting.splice(0)) reject(new Error("the control connection has ended"));
    };
    socket.on("error", end).on("close", end);
  }

  static open(port: number): Promise<ControlClient> {
    return new Promise((resolve, reject) => {
      const socket = connect(port, "127.0.0.1", () => resolve(new ControlClient(socket))).on("error", reject);
    });
  }

  /** Runs a command; commands of one connection may be sent before the answer to the one before is there. */
  ask(line: string): Promise<string[]> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ resolve, reject });
      this.#socket.write(`${line}\n`);
    });
  }

  close(): void {
    this.#socket.destroy();
  }

  #received(text: string): void {
    this.#text += text;
    for (let end = endOfAnswer(this.#text); end >= 0; end = endOfAnswer(this.#text)) {
      const lines = this.#text.slice(0, end).split("\n").filter((line) => line !== "");
      this.#text = this.#text.slice(end + 2);
      this.#waiting.shift()!.resolve(lines);
    }
  }
}

/** Where the line with the dot begins. */
function endOfAnswer(text: string): number {
  if (text.startsWith(".\n")) return 0;
  const at = text.indexOf("\n.\n");
  return at < 0 ? -1 : at + 1;
}

/** The running machine. */
export class LinuxVm {
  readonly #name: string;
  readonly #base: number;
  readonly #clients: ControlClient[] = [];

  private constructor(name: string, base: number) {
    this.#name = name;
    this.#base = base;
  }

  /**
   * Builds what is not built yet, and boots. `prefix` is for its name, `from` the first of the ports to look for; `settings`
   * are variables of `boot.sh`.
   */
  static async start(
    prefix = "kcm",
    from = 17_000,
    settings: Readonly<Record<string, string>> = {},
  ): Promise<LinuxVm> {
    await run(join(folder, "build.sh"), { timeout: 300_000, maxBuffer: 1 << 24 });
    const name = `${prefix}-${process.pid}`;
    const base = await freeBase(from);
    const env = { ...process.env, ...settings, BASE: String(base) };
    await run(join(folder, "boot.sh"), [name], { timeout: 150_000, env });
    return new LinuxVm(name, base);
  }

  /** The port of this machine, TCP and UDP, behind which the guest's 7100 to 7109 are. */
  portOf(guest: number): number {
    return this.#base + guest - 7000;
  }

  /** A control connection to one of the programs in the guest. */
  async client(daemon: keyof typeof daemons): Promise<ControlClient> {
    const client = await ControlClient.open(this.#base + daemons[daemon]);
    this.#clients.push(client);
    return client;
  }

  async stop(): Promise<void> {
    for (const client of this.#clients) client.close();
    await run(join(folder, "stop.sh"), [this.#name]);
  }
}

/** The first of a range of ports of which those that the machine takes are free. */
async function freeBase(from: number): Promise<number> {
  for (let base = from; base < from + 900; base += 150) {
    const ports = [0, 1, 2, 3, 4, 100, 101, 102, 103, 104, 105, 106, 107, 108, 109].map((offset) => base + offset);
    const areFree = await Promise.all(ports.map(isFree));
    if (areFree.every((is) => is)) return base;
  }
  throw new Error("no free ports for the virtual machine");
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer().on("error", () => resolve(false));
    server.listen(port, "127.0.0.1", () => server.close(() => resolve(true)));
  });
}
