/**
 * Network namespaces for tests: the kernel's own TCP/IP, apart from the machine's, and gone with everything in it at the end.
 *
 * @module
 */
import { type ChildProcess, execFile, spawn } from "node:child_process";
import process from "node:process";
import { promisify } from "node:util";

const run = promisify(execFile);

/** What a program wrote, and how it ended. */
export interface Finished {
  /** Exit code; -1 when a signal ended it. */
  readonly code: number;
  /** Standard output. */
  readonly stdout: string;
  /** Standard error. */
  readonly stderr: string;
}

/** Programs of one namespace that take longer have failed. */
const PATIENCE_MS = 120_000;

let made = 0;

/** A namespace with nothing but a loopback in it. */
export class NetNs {
  /** Its name. */
  readonly name: string;
  readonly #children = new Set<ChildProcess>();

  private constructor(name: string) {
    this.name = name;
  }

  /** Makes one. Needs root. */
  static async create(): Promise<NetNs> {
    const ns = new NetNs(`leat-${process.pid}-${++made}`);
    await run("ip", ["netns", "add", ns.name]);
    await ns.run("ip", "link", "set", "lo", "up");
    // tried once: the kernel waits for no answers of routers
    await ns.run("sysctl", "-q", "-w", "net.ipv6.conf.default.accept_ra=0");
    return ns;
  }

  /** Runs a program to its end, with an input if need be. */
  async exec(program: string, args: readonly string[], input: string | Uint8Array = ""): Promise<Finished> {
    const child = this.spawn(program, args);
    let stdout = "";
    let stderr = "";
    child.stdout!.setEncoding("latin1").on("data", (text: string) => stdout += text);
    child.stderr!.setEncoding("utf8").on("data", (text: string) => stderr += text);
    child.stdin!.on("error", () => {});
    child.stdin!.end(input);
    const timer = setTimeout(() => child.kill("SIGKILL"), PATIENCE_MS);
    const code = await new Promise<number>((resolve, reject) => {
      child.once("error", reject);
      child.once("close", (status) => resolve(status ?? -1));
    });
    clearTimeout(timer);
    return { code, stdout, stderr };
  }

  /** Runs a program that must succeed; what it wrote. */
  async run(program: string, ...args: string[]): Promise<string> {
    const { code, stdout, stderr } = await this.exec(program, args);
    if (code !== 0) throw new Error(`${program} ${args.join(" ")}: exit code ${code}\n${stdout}${stderr}`);
    return stdout;
  }

  /** Starts a program, which ends with the namespace at the latest. */
  spawn(program: string, args: readonly string[], env: Record<string, string> = {}): ChildProcess {
    const all = ["netns", "exec", this.name, program, ...args];
    const child = spawn("ip", all, { stdio: ["pipe", "pipe", "pipe"], env: { ...process.env, ...env } });
    this.#children.add(child);
    child.once("close", () => this.#children.delete(child));
    return child;
  }

  /** Ends what runs in it: after a test that failed, a program that has its addresses would answer the next one. */
  async clear(): Promise<void> {
    for (const child of this.#children) {
      const gone = new Promise((resolve) => child.once("close", resolve));
      child.kill("SIGKILL");
      await gone;
    }
  }

  /** Ends what runs in it, and removes it. */
  async remove(): Promise<void> {
    await this.clear();
    await run("ip", ["netns", "del", this.name]);
  }
}
