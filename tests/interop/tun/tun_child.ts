/**
 * A program of ours in a namespace, on any runtime: it says in lines what it does, and ends with its input.
 *
 * @module
 */
import type { ChildProcess } from "node:child_process";
import { createInterface } from "node:readline";
import { findRuntime, type RuntimeName } from "../../../scripts/lib/runtimes.ts";
import type { NetNs } from "./netns.ts";

const FLAGS: Readonly<Record<RuntimeName, readonly string[]>> = {
  "Node 20": ["--import", "tsx"],
  "Node 24": ["--disable-warning=ExperimentalWarning"],
  Deno: ["run", "-A", "--no-check", "--quiet"],
  Bun: ["run"],
};

/** One program. */
export class TunChild {
  /** The process. */
  readonly process: ChildProcess;
  readonly #lines: AsyncIterator<string>;
  readonly #ended: Promise<number | null>;
  #stderr = "";

  private constructor(process: ChildProcess) {
    this.process = process;
    process.stderr!.setEncoding("utf8").on("data", (text: string) => this.#stderr += text);
    process.stdin!.on("error", () => {});
    this.#ended = new Promise((resolve) => process.once("close", resolve));
    this.#lines = createInterface({ input: process.stdout! })[Symbol.asyncIterator]();
  }

  /** Starts it; `file` is a path within the repository. */
  static start(ns: NetNs, runtime: RuntimeName, file: string, ...args: string[]): TunChild {
    const found = findRuntime(runtime);
    if (found === undefined) throw new Error(`${runtime} is missing: npm ci --prefix tests/runtimes`);
    return new TunChild(ns.spawn(found.program, [...FLAGS[runtime], file, ...args]));
  }

  /** Starts it without the privilege to set up networks. Not as another user, who might not even open the device. */
  static startUnprivileged(ns: NetNs, runtime: RuntimeName, file: string, ...args: string[]): TunChild {
    const found = findRuntime(runtime);
    if (found === undefined) throw new Error(`${runtime} is missing: npm ci --prefix tests/runtimes`);
    return new TunChild(
      ns.spawn("setpriv", ["--bounding-set=-net_admin", found.program, ...FLAGS[runtime], file, ...args]),
    );
  }

  /** Waits until it has said so on standard error. */
  async complaint(text: string): Promise<void> {
    const over = this.#ended.then(() => true);
    while (!this.#stderr.includes(text)) {
      const heard = new Promise<boolean>((resolve) => this.process.stderr!.once("data", () => resolve(false)));
      if (await Promise.race([heard, over])) throw new Error(`the program ended: ${this.#stderr}`);
    }
  }

  /** Its next line. */
  async line(): Promise<string> {
    const { done, value } = await this.#lines.next();
    if (done === true) throw new Error(`the program ended without a word: ${this.#stderr}`);
    return value;
  }

  /** Ends its input, and waits until it has ended well; its last lines. */
  async finish(): Promise<string[]> {
    this.process.stdin!.end();
    const lines: string[] = [];
    for (let next = await this.#lines.next(); next.done !== true; next = await this.#lines.next()) {
      lines.push(next.value);
    }
    const code = await this.#ended;
    if (code !== 0) throw new Error(`exit code ${code}: ${lines.join("\n")}\n${this.#stderr}`);
    return lines;
  }

  /** Waits until it has ended by itself: its exit code, and what it said on standard error. */
  async end(): Promise<{ readonly code: number | null; readonly complaints: readonly string[] }> {
    const code = await this.#ended;
    return { code, complaints: this.#stderr.trimEnd().split("\n") };
  }
}
