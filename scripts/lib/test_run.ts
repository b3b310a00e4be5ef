/** Runs test files on one runtime and reads the counts out of its report. */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { excerpt, run } from "./run.ts";
import type { Runtime } from "./runtimes.ts";

/** What a test run came to. Skipped tests count as failed: this project has none. */
export interface TestCounts {
  /** Tests that passed. */
  passed: number;
  /** Tests that failed, were cancelled or were skipped; at least 1 when the runner failed. */
  failed: number;
  /** What the runner said about failures; empty when there were none. */
  complaint: string;
  /** How long it took, in seconds. */
  seconds: number;
}

/** Options of a run. */
export interface TestRunOptions {
  /** Added to the environment. */
  env?: Record<string, string>;
  /** How many files run at once, on Node; by default as many as there are processors. */
  concurrency?: number;
  /** Ends the run after so many milliseconds. */
  timeoutMs?: number;
}

/** Runs the files. */
export async function runTests(
  runtime: Runtime,
  files: readonly string[],
  options: TestRunOptions = {},
): Promise<TestCounts> {
  const started = performance.now();
  const runner = runtime.name === "Deno" ? onDeno : runtime.name === "Bun" ? onBun : onNode;
  const counts = await runner(runtime.program, files, options);
  return { ...counts, seconds: (performance.now() - started) / 1000 };
}

type Counts = Omit<TestCounts, "seconds">;

async function onNode(program: string, files: readonly string[], options: TestRunOptions): Promise<Counts> {
  const scratch = mkdtempSync(join(tmpdir(), "leat-tests-"));
  const inScratch = (name: string): string => join(scratch, name);
  const [tap, beginnings, reporter] = [inScratch("report.tap"), inScratch("beginnings"), inScratch("reporter.mjs")];
  const read = (path: string): string => existsSync(path) ? readFileSync(path, "utf8") : "";
  try {
    writeFileSync(reporter, REPORTER);
    const args = ["--import", "tsx", "--test"];
    // Node's own default leaves one processor idle, which is half of a small machine.
    args.push(`--test-concurrency=${options.concurrency ?? availableParallelism()}`);
    args.push("--test-reporter=tap", `--test-reporter-destination=${tap}`);
    args.push(`--test-reporter=${reporter}`, `--test-reporter-destination=${beginnings}`);
    args.push("--test-reporter=spec", "--test-reporter-destination=stdout");
    const { code, output } = await run(program, [...args, ...files], options);
    return summed(code, readNodeCounts(read(tap)), () => nodeComplaint(output) + stillRunning(read(beginnings)));
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

async function onDeno(program: string, files: readonly string[], options: TestRunOptions): Promise<Counts> {
  // one after the other: threads would not do for tests that count what their process holds open
  const { code, output } = await run(program, ["test", "-A", "--no-check", "--quiet", ...files], options);
  return summed(code, readDenoCounts(output), () => from(output, /^ ERRORS|^ FAILURES|^error/m));
}

async function onBun(program: string, files: readonly string[], options: TestRunOptions): Promise<Counts> {
  // Bun's own limit of 5 seconds per test is no part of what the tests say.
  const args = ["test", "--timeout", "600000", ...files.map((file) => `./${file}`)];
  const { code, output } = await run(program, args, options);
  return summed(code, readBunCounts(output), () => output.replaceAll(/^\(pass\).*\n/gm, ""));
}

/** What a report's summary says: tests that passed, and all others. */
export interface Summary {
  passed: number;
  failed: number;
}

/** What a run came to, by its exit code and its summary. */
export function summed(code: number, summary: Summary | undefined, complaint: () => string): Counts {
  const passed = summary?.passed ?? 0;
  let failed = summary?.failed ?? 1;
  // a runner that has run nothing has not passed
  if (failed === 0 && (code !== 0 || passed === 0)) failed = 1;
  return { passed, failed, complaint: failed > 0 ? excerpt(complaint()) : "" };
}

/** Reads the summary of node's TAP report. */
export function readNodeCounts(tap: string): Summary | undefined {
  const count = (name: string) => Number(new RegExp(`^# ${name} (\\d+)$`, "m").exec(tap)?.[1] ?? NaN);
  const passed = count("pass");
  if (Number.isNaN(passed)) return undefined;
  return { passed, failed: count("fail") + count("cancelled") + count("skipped") + count("todo") };
}

/** Reads the summary of `deno test`. */
export function readDenoCounts(output: string): Summary | undefined {
  const line = /^(?:ok|FAILED) \| (\d+) passed.*? \| (\d+) failed(.*)$/m.exec(output);
  if (line === null) return undefined;
  const ignored = Number(/(\d+) ignored/.exec(line[3] ?? "")?.[1] ?? 0);
  return { passed: Number(line[1]), failed: Number(line[2]) + ignored };
}

/** Reads the summary of `bun test`. */
export function readBunCounts(output: string): Summary | undefined {
  const count = (name: string) => Number(new RegExp(`^ *(\\d+) ${name}$`, "m").exec(output)?.[1] ?? NaN);
  const passed = count("pass");
  if (Number.isNaN(passed)) return undefined;
  return { passed, failed: ["fail", "skip", "todo", "error"].reduce((sum, name) => sum + (count(name) || 0), 0) };
}

/**
 * What has begun and what has ended, as it happens: of a run that was ended from outside, other reporters do not tell where it
 * was. JavaScript, as Node 20 loads reporters before it knows of TypeScript.
 */
const REPORTER = `export default async function* (events) {
  for await (const { type, data } of events) {
    if (type === "test:dequeue") yield "begun " + data.name + "\\n";
    if (type === "test:pass" || type === "test:fail") yield "ended " + data.name + "\\n";
  }
}
`;

/** Names of tests that have begun and not ended. A file is a test of its own, named after its path. */
export function unended(report: string): string[] {
  const names: string[] = [];
  for (const [, what, name = ""] of report.matchAll(/^(begun|ended) (.*)$/gm)) {
    const index = names.indexOf(name);
    if (what === "begun") names.push(name);
    else if (index >= 0) names.splice(index, 1);
  }
  return names;
}

/** For a run that was ended from outside; where a file alone is named, it has left something open. */
function stillRunning(beginnings: string): string {
  const names = unended(beginnings);
  return names.length === 0 ? "" : `\nbegun and not ended:\n  ${names.join("\n  ")}`;
}

function nodeComplaint(output: string): string {
  return from(output, /failing tests:/);
}

function from(output: string, start: RegExp): string {
  const found = start.exec(output);
  return found === null ? output : output.slice(found.index);
}
