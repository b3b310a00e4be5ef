/** The program, or another file, as a child process of the runtime that the tests run in. */
import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { closeSync, mkdtempSync, openSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath, pathToFileURL } from "node:url";
import { buildSync } from "esbuild";

const MAIN = fileURLToPath(new URL("../../../src/cli/main.ts", import.meta.url));
const ROOT = fileURLToPath(new URL("../../../", import.meta.url));
const OPTIONS = { cwd: ROOT, env: { ...process.env, NO_COLOR: "", FORCE_COLOR: "" } };

/** What a child did. */
export interface Outcome {
  readonly code: number | null;
  readonly signal: string | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A running child. */
export class Child {
  readonly process: ChildProcessWithoutNullStreams;
  readonly done: Promise<Outcome>;
  #stdout = "";
  #stderr = "";
  #changed: (() => void) | undefined;

  constructor(args: readonly string[], file: string = MAIN, denied: readonly string[] = []) {
    this.process = spawn(process.execPath, commandLine(args, file, denied), OPTIONS);
    // a child that has ended takes no more input
    this.process.stdin.on("error", () => {});
    this.process.stdout.on("data", (chunk) => {
      this.#stdout += chunk;
      this.#changed?.();
    });
    this.process.stderr.on("data", (chunk) => {
      this.#stderr += chunk;
      this.#changed?.();
    });
    this.done = new Promise((resolve, reject) => {
      this.process.on("error", reject);
      this.process.on("close", (code, signal) => {
        resolve({ code, signal, stdout: this.#stdout, stderr: this.#stderr });
        this.#changed?.();
      });
    });
  }

  /** What it has written to standard output so far. */
  get stdout(): string {
    return this.#stdout;
  }

  /** Resolves once standard output holds this. */
  until(text: string): Promise<void> {
    return this.#until(() => this.#stdout.includes(text));
  }

  /** Resolves with what standard error has of it, once it has. */
  async untilError(pattern: RegExp): Promise<RegExpExecArray> {
    await this.#until(() => pattern.test(this.#stderr));
    return pattern.exec(this.#stderr)!;
  }

  async #until(isThere: () => boolean): Promise<void> {
    while (!isThere()) {
      if (this.process.exitCode !== null || this.process.signalCode !== null) {
        throw new Error(`ended early: ${this.#stdout}${this.#stderr}`);
      }
      await new Promise<void>((resolve) => {
        this.#changed = resolve;
      });
    }
  }
}

/** Runs the program to its end with a file as its standard input. */
export function runOnFile(args: readonly string[], path: string): Promise<Outcome> {
  return runBetween(args, openSync(path, "r"), "pipe");
}

/** Runs the program to its end with a file as its standard output. */
export function runInto(path: string, args: readonly string[]): Promise<Outcome> {
  return runBetween(args, "ignore", openSync(path, "w"));
}

function runBetween(args: readonly string[], input: number | "ignore", output: number | "pipe"): Promise<Outcome> {
  // not spawnSync: under Deno it does not pass the descriptor on
  const child = spawn(process.execPath, commandLine(args), { ...OPTIONS, stdio: [input, output, "pipe"] });
  for (const descriptor of [input, output]) if (typeof descriptor === "number") closeSync(descriptor);
  let stdout = "";
  let stderr = "";
  child.stdout?.on("data", (chunk) => stdout += chunk);
  child.stderr!.on("data", (chunk) => stderr += chunk);
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code, signal) => resolve({ code, signal, stdout, stderr }));
  });
}

/** Runs the program to its end. */
export function runChild(args: readonly string[], input?: Uint8Array): Promise<Outcome> {
  const child = new Child(args);
  child.process.stdin.end(input);
  return child.done;
}

/** `denied` are permissions that are taken away where there are any, which is on Deno. */
function commandLine(args: readonly string[], file: string = MAIN, denied: readonly string[] = []): string[] {
  const { deno, bun } = process.versions;
  if (deno !== undefined) {
    return ["run", "-A", ...denied.map((name) => `--deny-${name}`), "--no-check", file, ...args];
  }
  return [bun !== undefined ? file : bundled(file), ...args];
}

const bundles = new Map<string, string>();

/** The program as one file of JavaScript: on Node, a loader of TypeScript takes ten times as long to start. */
function bundled(file: string): string {
  let path = bundles.get(file);
  if (path !== undefined) return path;
  const folder = mkdtempSync(join(tmpdir(), "leat-child-"));
  process.on("exit", () => rmSync(folder, { recursive: true, force: true }));
  path = join(folder, "main.mjs");
  const url = JSON.stringify(pathToFileURL(file).href);
  buildSync({
    entryPoints: [file],
    outfile: path,
    bundle: true,
    platform: "node",
    format: "esm",
    define: { "import.meta.url": url },
  });
  bundles.set(file, path);
  return path;
}
