/** The virtual machine with Debian's Linux 6.1, and the control connections to the programs of ours that run in it. */
import { execFile } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { connect, createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import process from "node:process";
import { promisify } from "node:util";

const run = promisify(execFile);
const folder = dirname(fileURLToPath(import.meta.url));

/** Programs in the guest, by the offset of their control port on the host. */
const daemons = { shd: 0, kcmd: 1, rxd: 2, rxc: 3, tcpd: 4 } as const;

/** How long a program in the guest may take to answer: it is emulated, on a machine that may be busy with other things. */
const ANSWER_MS = 120_000;

/** Seconds after which the machine ends, should its test have been killed: twice what a file of tests may take. */
const LIFE = "600";

/** A command that waits for its answer. */
interface Asked {
  readonly line: string;
  readonly timer: ReturnType<typeof setTimeout>;
  resolve(lines: string[]): void;
  reject(error: Error): void;
}

/** A control connection: lines of commands, each answered by lines and a dot. */
export class ControlClient {
  readonly #socket: Socket;
  readonly #waiting: Asked[] = [];
  readonly #consoleTail: () => string;
  #isOver = false;
  #text = "";

  private constructor(socket: Socket, consoleTail: () => string) {
    this.#socket = socket;
    this.#consoleTail = consoleTail;
    socket.setNoDelay(true).setEncoding("latin1");
    socket.on("data", (text: string) => this.#received(text));
    const end = (): void => {
      this.#isOver = true;
      for (const asked of this.#waiting.splice(0)) {
        clearTimeout(asked.timer);
        asked.reject(this.#failure("the control connection has ended", asked.line));
      }
    };
    socket.on("error", end).on("end", end).on("close", end);
  }

  /** Connects; `consoleTail` is what errors tell of the machine. */
  static open(port: number, consoleTail: () => string = () => ""): Promise<ControlClient> {
    return new Promise((resolve, reject) => {
      const socket = connect(port, "127.0.0.1", () => resolve(new ControlClient(socket, consoleTail)));
      socket.on("error", reject);
    });
  }

  /** Runs a command; commands of one connection may be sent before the answer to the one before is there. */
  ask(line: string, limitMs: number = ANSWER_MS): Promise<string[]> {
    if (this.#isOver) return Promise.reject(this.#failure("the control connection has ended before", line));
    return new Promise((resolve, reject) => {
      // stays in the row of those that wait: its answer may still come
      const late = (): void => reject(this.#failure(`no answer in ${limitMs / 1000} s`, line));
      this.#waiting.push({ line, timer: setTimeout(late, limitMs), resolve, reject });
      this.#socket.write(`${line}\n`);
    });
  }

  /** Commands without an answer so far. */
  get waiting(): string[] {
    return this.#waiting.map(({ line }) => line);
  }

  close(): void {
    this.#socket.destroy();
  }

  #failure(what: string, line: string): Error {
    return new Error(`${what}: ${line.slice(0, 200)}\n${this.#consoleTail()}`);
  }

  #received(text: string): void {
    this.#text += text;
    for (let end = endOfAnswer(this.#text); end >= 0; end = endOfAnswer(this.#text)) {
      const lines = this.#text.slice(0, end).split("\n").filter((line) => line !== "");
      this.#text = this.#text.slice(end + 2);
      const asked = this.#waiting.shift()!;
      clearTimeout(asked.timer);
      asked.resolve(lines);
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
    const env = { LIFE, ...process.env, ...settings, BASE: String(base) };
    await run(join(folder, "boot.sh"), [name], { timeout: 150_000, env });
    return new LinuxVm(name, base);
  }

  /** The port of this machine, TCP and UDP, behind which the guest's 7100 to 7109 are. */
  portOf(guest: number): number {
    return this.#base + guest - 7000;
  }

  /** A control connection to one of the programs in the guest. */
  async client(daemon: keyof typeof daemons): Promise<ControlClient> {
    const client = await ControlClient.open(this.#base + daemons[daemon], () => consoleTail(this.#name));
    this.#clients.push(client);
    return client;
  }

  async stop(): Promise<void> {
    for (const client of this.#clients) client.close();
    await run(join(folder, "stop.sh"), [this.#name]);
  }
}

/** The last that the machine and its emulator have said. */
function consoleTail(name: string): string {
  const runFolder = join(process.env.LEAT_VM_DIR ?? join(tmpdir(), "leat-linux-vm"), "run");
  return ["log", "qemu.log"].map((kind) => {
    const path = join(runFolder, `${name}.${kind}`);
    const lines = existsSync(path) ? readFileSync(path, "latin1").trimEnd().split("\n").slice(-15) : [];
    return `${name}.${kind}: ${lines.join("\n  ")}`;
  }).join("\n");
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
