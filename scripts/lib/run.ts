/** Child processes: no shell, no terminal, no colour, output kept or shown. */
import { type ChildProcess, spawn, type SpawnOptions } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import process from "node:process";
import { root } from "./repo.ts";

/** How a child process ended. */
export interface Outcome {
  /** Exit code; a signal, a missing program and a run whose time was over count as 1. */
  code: number;
  /** Standard output and error in the order in which they came. */
  output: string;
}

/** Options of {@linkcode run}. */
export interface RunOptions {
  /** Working folder; the repository's root by default. */
  cwd?: string;
  /** Added to the environment. */
  env?: Record<string, string>;
  /** Print the output while it comes. */
  show?: boolean;
  /**
   * Ends the process after so many milliseconds, and all that it has started, where there is a /proc to find that by; 15
   * minutes by default.
   */
  timeoutMs?: number;
}

/** This process's environment without what makes children colour their output. */
function plainEnvironment(): NodeJS.ProcessEnv {
  const { FORCE_COLOR: _forced, ...rest } = process.env;
  return { ...rest, NO_COLOR: "1", NODE_NO_WARNINGS: "1" };
}

/** What a process whose time is over may still say before it is killed. */
const LAST_WORDS_MS = 2000;

let runs = 0;

/** Runs a program to its end. */
export function run(program: string, args: readonly string[], options: RunOptions = {}): Promise<Outcome> {
  const mark = `LEAT_RUN_${process.pid}_${++runs}`;
  const timeoutMs = options.timeoutMs ?? 900_000;
  const spawnOptions: SpawnOptions = {
    cwd: options.cwd ?? root,
    env: { ...plainEnvironment(), ...options.env, [mark]: "1" },
    stdio: ["ignore", "pipe", "pipe"],
  };
  return new Promise((resolve) => {
    const child = spawn(program, [...args], spawnOptions);
    const parts: string[] = [];
    const take = (part: string) => {
      parts.push(part);
      if (options.show) process.stdout.write(part);
    };
    child.stdout?.setEncoding("utf8").on("data", take);
    child.stderr?.setEncoding("utf8").on("data", take);
    child.on("error", (error) => take(`${program}: ${error.message}\n`));
    let ending: Promise<void> | undefined;
    const timer = setTimeout(() => {
      take(`\nended: not done after ${timeoutMs / 1000} s\n`);
      ending = endAll(child, mark);
    }, timeoutMs);
    child.on("close", async (code) => {
      clearTimeout(timer);
      // whoever goes on, and ends this process, shall leave nothing behind
      await ending;
      const isOver = ending !== undefined || code === null || code < 0;
      resolve({ code: isOver ? 1 : code, output: parts.join("") });
    });
  });
}

/**
 * Ends a process, and then kills whatever has its mark in the environment: what it has left behind holds its output open,
 * and need not be its child any more, nor in its group (a virtual machine is neither).
 */
async function endAll(child: ChildProcess, mark: string): Promise<void> {
  child.kill();
  await new Promise((resolve) => setTimeout(resolve, LAST_WORDS_MS));
  for (const pid of processesWith(mark)) {
    try {
      process.kill(pid, "SIGKILL");
    } catch { /* has ended meanwhile */ }
  }
  child.kill("SIGKILL");
  // what could not be found may hold them open
  child.stdout?.destroy();
  child.stderr?.destroy();
}

/** Where there is a /proc. */
function processesWith(mark: string): number[] {
  const has = (pid: string): boolean => {
    try {
      return readFileSync(`/proc/${pid}/environ`, "latin1").includes(`${mark}=`);
    } catch {
      return false;
    }
  };
  try {
    return readdirSync("/proc").filter((name) => /^\d+$/.test(name) && has(name)).map(Number);
  } catch {
    return [];
  }
}

/** Runs a program and fails with its output when it does. */
export async function mustRun(program: string, args: readonly string[], options: RunOptions = {}): Promise<string> {
  const { code, output } = await run(program, args, options);
  if (code !== 0) throw new Error(`${program} ${args.join(" ")} ended with ${code}\n${tail(output)}`);
  return output;
}

/** The last lines of a text. */
export function tail(text: string, lines = 60): string {
  return text.trimEnd().split("\n").slice(-lines).join("\n");
}

/** A tool of the root's node_modules/.bin, as program and first arguments. */
export function nodeTool(path: string): [program: string, first: string[]] {
  return [process.execPath, [`${root}node_modules/${path}`]];
}

/** The first and the last lines of a long text. */
export function excerpt(text: string, head = 100, last = 30): string {
  const lines = text.trimEnd().split("\n");
  if (lines.length <= head + last) return lines.join("\n");
  return [...lines.slice(0, head), `... ${lines.length - head - last} lines ...`, ...lines.slice(-last)].join("\n");
}
