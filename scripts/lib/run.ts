/** Child processes: no shell, no terminal, no colour, output kept or shown. */
import { spawn, type SpawnOptions } from "node:child_process";
import process from "node:process";
import { root } from "./repo.ts";

/** How a child process ended. */
export interface Outcome {
  /** Exit code; a signal or a missing program counts as 1. */
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
  /** Ends the process after so many milliseconds; 15 minutes by default. */
  timeoutMs?: number;
}

/** This process's environment without what makes children colour their output. */
function plainEnvironment(): NodeJS.ProcessEnv {
  const { FORCE_COLOR: _forced, ...rest } = process.env;
  return { ...rest, NO_COLOR: "1", NODE_NO_WARNINGS: "1" };
}

/** Runs a program to its end. */
export function run(program: string, args: readonly string[], options: RunOptions = {}): Promise<Outcome> {
  const spawnOptions: SpawnOptions = {
    cwd: options.cwd ?? root,
    env: { ...plainEnvironment(), ...options.env },
    stdio: ["ignore", "pipe", "pipe"],
    timeout: options.timeoutMs ?? 900_000,
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
    child.on("close", (code) => resolve({ code: code ?? 1, output: parts.join("") }));
  });
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
