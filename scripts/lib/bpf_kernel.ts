/**
 * Asks the running kernel about BPF programs, through a Python process that makes the system calls.
 *
 * @module
 */
import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { toHex } from "../../src/bytes/hex.ts";
import { at } from "./repo.ts";

/** Whose rights the loader has. */
export type KernelRights = "root" | "bpf";

/** The kernel, behind a process. */
export class BpfKernel {
  readonly #process: ChildProcessWithoutNullStreams;
  readonly #lines: AsyncIterator<string>;

  private constructor(rights: KernelRights) {
    this.#process = spawn("python3", [at("scripts/bpf_kernel.py"), rights]);
    this.#process.on("error", () => {});
    this.#process.stdin.on("error", () => {});
    this.#process.stderr.pipe(process.stderr);
    this.#lines = createInterface({ input: this.#process.stdout })[Symbol.asyncIterator]();
  }

  /** Starts the process; text instead where the kernel cannot be asked, which says why. */
  static async open(rights: KernelRights): Promise<BpfKernel | string> {
    const kernel = new BpfKernel(rights);
    const answer = await kernel.#answer();
    if (answer === "ready") return kernel;
    kernel.close();
    return answer;
  }

  async #answer(): Promise<string> {
    const { done, value } = await this.#lines.next();
    return done === true ? "unavailable: no answer" : value;
  }

  /** Whether programs are accepted: for each `accept`, or `reject` and why. */
  async verdicts(programs: readonly Uint8Array[]): Promise<string[]> {
    return await this.#ask(programs.map((code) => `verdict ${toHex(code)}`));
  }

  /** What programs return over a packet: for each `accept` and r0, or `reject` and why. */
  async runs(programs: readonly (readonly [code: Uint8Array, packet: Uint8Array])[]): Promise<string[]> {
    return await this.#ask(programs.map(([code, packet]) => `run ${toHex(code)} ${toHex(packet)}`));
  }

  async #ask(questions: readonly string[]): Promise<string[]> {
    this.#process.stdin.write(questions.map((question) => `${question}\n`).join(""));
    const answers: string[] = [];
    while (answers.length < questions.length) answers.push(await this.#answer());
    return answers;
  }

  /** Ends the process. */
  close(): void {
    this.#process.stdin.end();
  }
}
