/**
 * The whole pipeline, from the bytes of a capture to messages in a channel of the multiplexor: against tshark and
 * tcpflow, its ways of being put together against each other, and how much memory it takes.
 *
 * What each does with the file: tshark (`-q -z conv,tcp`) counts connections, and neither reassembles nor delineates;
 * tcpflow reassembles and writes every direction to a file (on tmpfs); ours reassembles, delineates messages and hands
 * each out, and writes nothing. All read the file from the page cache; ours reads ahead while the engines work, as
 * `createReadStream` does.
 *
 * @module
 */
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Bench, bench, runAlone, type Timed, type Work } from "./harness.ts";
import { captureFile } from "./make_capture.ts";
import { DEPTHS, fileAhead, fileChunks, runFused, runJoined, runSpelledOut, streamOf, type Tally } from "./pipeline.ts";
import type { Goal } from "./statistics.ts";
import { ToolShell } from "./tool_shell.ts";
import type { TrafficOptions } from "./traffic.ts";

const MEGABYTE = 1e6;
const MEMORY_LIMIT = 300;

/** Runs tshark over the file; returns its size. */
function tshark(shell: ToolShell, path: string): number {
  shell.run("tshark", ["-r", path, "-q", "-z", "conv,tcp"]);
  return statSync(path).size;
}

/** Runs tcpflow over the file, into memory where there is a tmpfs. What it wrote is removed, which does not count. */
function tcpflow(shell: ToolShell, path: string): Timed {
  const folder = mkdtempSync(join(existsSync("/dev/shm") ? "/dev/shm" : tmpdir(), "leat-tcpflow-"));
  try {
    const startedAt = performance.now();
    shell.run("tcpflow", ["-q", "-r", path, "-o", folder]);
    return { amount: statSync(path).size, ms: performance.now() - startedAt };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function checked(tally: Tally, expected: Tally): number {
  if (tally.items !== expected.items || tally.bytes !== expected.bytes) {
    throw new Error(`${tally.items} messages of ${tally.bytes} bytes came out, not ${JSON.stringify(expected)}`);
  }
  return tally.items;
}

/** A pipeline is compiled only after some rounds of a quarter of a second. */
const WARM_UP_MS = 2000;
/** Four rounds, as long as a capture of 1 GB takes; a tool needs seconds for one. See decision 56. */
const TURN_MS = 1000;

async function againstTools(bench: Bench): Promise<void> {
  const path = captureFile({ size: (bench.isQuick ? 32 : 256) * MEGABYTE });
  const size = statSync(path).size;
  let expected: Tally | undefined;
  const ours = async () => {
    const tally = await runFused(fileAhead(path));
    return checked(tally, expected ??= tally) && size;
  };
  const tools: [string, (shell: ToolShell, path: string) => ReturnType<Work>, Goal][] = [
    ["tshark", tshark, { ratio: 10 }],
    ["tcpflow", tcpflow, { ratio: 1 }],
  ];
  for (const [name, run, goal] of tools) {
    if (spawnSync(name, ["-h"], { stdio: "ignore" }).error !== undefined) {
      bench.note(`${name} is missing, not compared`);
      continue;
    }
    const shell = new ToolShell();
    await bench.figure({
      name: `mixed flows from file, fused, against ${name}`,
      unit: "B/s",
      run: ours,
      baseline: { name, run: () => run(shell, path) },
      goal,
      repetitions: 5,
      warmUpMs: bench.isQuick ? 0 : WARM_UP_MS,
      turnMs: bench.isQuick ? 0 : TURN_MS,
    });
    shell.close();
  }
  // afterwards, since code that has run in two pipelines is compiled for both, which no user's program does
  if (expected !== undefined) checked(runJoined("channel", fileChunks(path)), expected);
  for (const depth of DEPTHS) {
    await bench.figure({
      name: `mixed flows from file, engines alone as far as ${depth}`,
      unit: "B/s",
      run: () => runJoined(depth, fileChunks(path)).items > 0 ? size : 0,
      repetitions: 3,
    });
  }
}

async function waysOfJoining(bench: Bench, what: string, options: TrafficOptions, goal?: Goal): Promise<void> {
  const chunks = [...fileChunks(captureFile(options))];
  const expected = runJoined("channel", chunks);
  const engines = { name: "engines alone", run: () => checked(runJoined("channel", chunks), expected) };
  const fused = { name: "fused", run: async () => checked(await runFused(streamOf(chunks)), expected) };
  const spelledOut = (isBatch: boolean) => async () => checked(await runSpelledOut(chunks, isBatch), expected);
  const unit = "messages/s";
  await bench.figure({ name: `${what}, fused`, unit, run: fused.run, baseline: engines });
  await bench.figure({ name: `${what}, five stages in batches`, unit, run: spelledOut(true), baseline: fused, goal });
  await bench.figure({ name: `${what}, five stages item by item`, unit, run: spelledOut(false), baseline: fused });
}

function memory(bench: Bench): void {
  const lengths = bench.isQuick ? [16, 64] : [64, 256, 1024];
  for (const way of ["fused", "batches"]) {
    for (const length of lengths) {
      const name = `most memory after ${length} MB, ${way}`;
      if (!bench.isWanted(name)) continue;
      bench.reading({
        name,
        unit: "MB",
        values: [Number(runAlone(new URL("pipeline_memory.ts", import.meta.url), [way, String(length)]))],
        baseline: { name: "the limit", value: MEMORY_LIMIT },
        goal: { ratio: 1, bound: "at most" },
      });
    }
  }
}

await bench("pipeline", async (bench) => {
  await againstTools(bench);
  const size = (bench.isQuick ? 8 : 32) * MEGABYTE;
  const isNode20 = bench.runtime.startsWith("node 20");
  for (const [label, message] of [["64 B", 64], ["1 kB", 1024], ["16 kB", 16384]] as const) {
    const bursts = { size, flows: 8, burst: 65536, longest: 1e7, message: message + 4 };
    const goal = isNode20 && message === 64 ? { ratio: 0.5 } : undefined;
    await waysOfJoining(bench, `8 flows in bursts, ${label}`, bursts, goal);
  }
  await waysOfJoining(bench, "mixed flows", { size });
  memory(bench);
});
