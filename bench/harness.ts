/**
 * What every benchmark uses: measures a figure beside its baseline in the same run, and prints both.
 *
 * Options of a benchmark file, also when it is run alone: `--quick` (less time and memory), `--json` (one object per
 * line), `--only TEXT` (only figures whose name has the text). Speeds are wall-clock; the machine may be busy, so a
 * figure and its baseline take turns and goals are judged on their ratio. Where it is so busy that processes wait for
 * each other, `--cpu` takes the processor time of this process, all threads, instead: for figures that wait for nothing.
 *
 * @module
 */
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { cpus } from "node:os";
import process from "node:process";
import { formatResult, type Goal, isMet, limited, pairedRatio, type Result, spreadOf } from "./statistics.ts";

/** How much was done, and the time that it took where not all of the round counts (cleaning up). */
export interface Timed {
  /** In the figure's unit times seconds. */
  amount: number;
  /** Milliseconds that count. */
  ms: number;
}

/** One round of work. Returns how much was done, in the figure's unit times seconds: messages, bytes. */
export type Work = () => number | Timed | Promise<number>;

/** What to measure. */
export interface Figure {
  /** Name within the benchmark. */
  name: string;
  /** Unit, printed behind a prefix: `messages/s`. */
  unit: string;
  /** The work whose speed is the figure. */
  run: Work;
  /** The work that it is compared to. */
  baseline?: { name: string; run: Work } | undefined;
  /** What the ratio must reach. */
  goal?: Goal | undefined;
  /**
   * What nothing can be faster than that does the figure's work in its form. Where that does not reach the goal either,
   * the goal is missed, and the line says that and why no other code in this form would meet it.
   */
  limit?: { name: string; run: Work } | undefined;
  /** What the figure itself must reach, where the goal is a number that depends on no baseline. */
  least?: number | undefined;
  /** What it is to reach on a quiet machine, where the goal is scaled to this one: printed, and not judged. */
  whenQuiet?: number | undefined;
  /** Repetitions, where the usual number would take too long. */
  repetitions?: number | undefined;
  /** Least duration of the warm-up in milliseconds, where one round is so long that the usual one is over too soon. */
  warmUpMs?: number | undefined;
  /**
   * Least duration of one measurement of `run` in milliseconds, where the baseline blocks this process for seconds: what V8
   * needs to get its young generation back to size is then not most of what is measured.
   */
  turnMs?: number | undefined;
}

/** A value that was found out otherwise: memory, counts. */
export interface Reading {
  /** Name within the benchmark. */
  name: string;
  /** Unit. */
  unit: string;
  /** What was read, once or more often. */
  values: readonly number[];
  /** What it is compared to. */
  baseline?: { name: string; value: number } | undefined;
  /** What the ratio must reach. */
  goal?: Goal | undefined;
}

/** What a benchmark is given. */
export interface Bench {
  /** Whether `--quick` was asked for. */
  readonly isQuick: boolean;
  /** Runtime and version: `node 20.1.2`. */
  readonly runtime: string;
  /** Measures and prints a figure, unless `--only` leaves it out. */
  figure(figure: Figure): Promise<void>;
  /** Prints a value that was found out otherwise. */
  reading(reading: Reading): void;
  /** Says something to people; not part of `--json`. */
  note(text: string): void;
  /** Whether `--only` leaves a figure out: for work that is dear to prepare. */
  isWanted(name: string): boolean;
}

/** How long to measure. */
export interface Timing {
  /** Pairs of measurements. */
  repetitions: number;
  /** Least duration of one measurement, in milliseconds. */
  repetitionMs: number;
  /** Least duration of the warm-up of each of the two, in milliseconds. */
  warmUpMs: number;
  /**
   * What time it is, in milliseconds.
   *
   * @default {performance.now}
   */
  now?: (() => number) | undefined;
}

const FULL: Timing = { repetitions: 7, repetitionMs: 250, warmUpMs: 400 };
const QUICK: Timing = { repetitions: 3, repetitionMs: 60, warmUpMs: 100 };

/** Runtime and version, in small letters. */
export function runtimeName(): string {
  const { deno, bun, node } = process.versions as Record<string, string | undefined>;
  if (deno !== undefined) return `deno ${deno}`;
  return bun !== undefined ? `bun ${bun}` : `node ${node}`;
}

/** Runs a benchmark with the options of the command line. */
export async function bench(name: string, body: (bench: Bench) => Promise<void>): Promise<void> {
  const args = process.argv.slice(2);
  const isQuick = args.includes("--quick"), isJson = args.includes("--json");
  const only = args.includes("--only") ? args[args.indexOf("--only") + 1]! : "";
  const isCpu = args.includes("--cpu");
  const timing = { ...isQuick ? QUICK : FULL, ...isCpu ? { now: processorTime } : {} };
  const runtime = runtimeName();
  const print = (part: Omit<Result, "runtime">) => {
    const result: Result = { ...part, name: `${name}/${part.name}`, runtime };
    console.log(isJson ? JSON.stringify(result) : formatResult(result));
  };
  const isWanted = (figure: string) => figure.includes(only);
  const note = (text: string) => {
    if (!isJson) console.log(text);
  };
  note(
    `# ${name} on ${runtime}, ${machine()}, ${new Date().toISOString().slice(0, 10)}${isQuick ? ", quick" : ""}${
      isCpu ? ", processor time" : ""
    }`,
  );
  await body({
    isQuick,
    runtime,
    isWanted,
    note,
    figure: async (figure) => {
      if (isWanted(figure.name)) print(await measure(figure, timing));
    },
    reading: (reading) => {
      if (isWanted(reading.name)) print(judge(reading));
    },
  });
}

/** What this process has used of the processors, in milliseconds. */
function processorTime(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

/** Processor and number of its threads. */
export function machine(): string {
  const all = cpus();
  return `${all.length} x ${all[0]?.model.trim() ?? "unknown processor"}`;
}

/** Measures a figure and its baseline in turns; who goes first alternates. */
export async function measure(figure: Figure, timing: Timing): Promise<Omit<Result, "runtime">> {
  const { run, baseline, limit } = figure;
  const now = timing.now ?? (() => performance.now());
  const speed = (work: Work) => {
    return speedOf(work, Math.max(timing.repetitionMs, work === run ? figure.turnMs ?? 0 : 0), now);
  };
  await speedOf(run, Math.max(timing.warmUpMs, figure.warmUpMs ?? 0), now);
  if (baseline !== undefined) await speedOf(baseline.run, timing.warmUpMs, now);
  if (limit !== undefined) await speedOf(limit.run, timing.warmUpMs, now);
  const values: number[] = [], baselines: number[] = [], limits: number[] = [];
  for (let i = 0; i < (figure.repetitions ?? timing.repetitions); i++) {
    if (i % 2 === 0) values.push(await speed(run));
    if (baseline !== undefined) baselines.push(await speed(baseline.run));
    if (i % 2 === 1) values.push(await speed(run));
    if (limit !== undefined) limits.push(await speed(limit.run));
  }
  const result = judgePairs(figure, values, baseline && { name: baseline.name, values: baselines });
  if (limit === undefined || baseline === undefined) return result;
  return limited(result, limit.name, pairedRatio(limits, baselines));
}

function judge(reading: Reading): Omit<Result, "runtime"> {
  const { values, baseline } = reading;
  return judgePairs(reading, values, baseline && { name: baseline.name, values: values.map(() => baseline.value) });
}

function judgePairs(
  { name, unit, goal, least, whenQuiet }: Pick<Figure, "name" | "unit" | "goal" | "least" | "whenQuiet">,
  values: readonly number[],
  baseline: { name: string; values: readonly number[] } | undefined,
): Omit<Result, "runtime"> {
  const { median: value, min, max } = spreadOf(values);
  const ratio = baseline === undefined ? null : pairedRatio(values, baseline.values);
  const verdicts = [
    ...goal === undefined || ratio === null ? [] : [isMet(ratio, goal)],
    ...least === undefined ? [] : [value >= least],
  ];
  return {
    name,
    value,
    unit,
    min,
    max,
    baselineName: baseline?.name ?? null,
    baseline: baseline === undefined ? null : spreadOf(baseline.values).median,
    ratio,
    goal: goal?.ratio ?? null,
    bound: goal === undefined ? null : goal.bound ?? "at least",
    least: least ?? null,
    ...whenQuiet === undefined ? {} : { whenQuiet },
    met: verdicts.length === 0 ? null : verdicts.every(Boolean),
  };
}

/** Amount per second of work that is repeated for at least so long. */
async function speedOf(run: Work, leastMs: number, now: () => number): Promise<number> {
  let amount = 0, elapsed = 0;
  do {
    const startedAt = now();
    // Not awaited unless it must be: an await costs as much as a few messages.
    const done = run();
    const result = done instanceof Promise ? await done : done;
    const isTimed = typeof result === "object";
    amount += isTimed ? result.amount : result;
    elapsed += isTimed ? result.ms : now() - startedAt;
  } while (elapsed < leastMs);
  return amount * 1000 / elapsed;
}

/**
 * Runs another file of this folder in a process of its own, on the same runtime, and gives what it printed. Flags are for
 * Node.
 */
export function runAlone(file: URL, args: readonly string[], flags: readonly string[] = []): string {
  const before = runtimeName().startsWith("deno") ? ["run", "-A", "--no-check"] : [...process.execArgv, ...flags];
  const { status, stdout, stderr } = spawnSync(process.execPath, [...before, file.pathname, ...args], {
    encoding: "utf8",
    maxBuffer: 1 << 26,
  });
  if (status !== 0) throw new Error(`${file.pathname} ended with ${status}: ${stderr}`);
  return stdout;
}

/** Largest resident memory that this process has ever had, in megabytes (10^6 bytes); NaN where the system does not say. */
export function peakMemory(): number {
  try {
    const kibibytes = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync("/proc/self/status", "utf8"))?.[1];
    return Number(kibibytes) * 1024 / 1e6;
  } catch {
    return NaN;
  }
}
