import { readFileSync } from "node:fs";
import { test } from "node:test";
import { assert, assertNotMatch } from "@std/assert";
import { run } from "../../src/cli/run.ts";
import { mutate, SeededRandom } from "../../src/sim/mod.ts";
import { fuzzInputs, fuzzSeeds } from "../support/fuzz.ts";
import { redisCapture } from "./support/captures.ts";
import { MemoryIo } from "./support/memory_io.ts";

const ROOT = new URL("../../examples/captures/", import.meta.url);
const SEEDS: readonly Uint8Array[] = [
  redisCapture(),
  ...["dns_udp.pcap", "port_reuse.pcap", "connection_ends.pcap", "snaplen_cut.pcap"].map((name) =>
    new Uint8Array(readFileSync(new URL(name, ROOT)))
  ),
];
const ARGS: readonly (readonly string[])[] = [
  [],
  ["--stats", "--hex", "--show", "packets,segments,flows,messages,channels"],
  ["--json", "--data", "--stats"],
  ["--flow", "id 1 or not port 53", "--write", "out.pcap", "--parser", "len16"],
];
/** Each input is a run of the whole program, which costs as much as twenty of an engine. */
const RUNS = Math.max(1, Math.floor(fuzzInputs() / 20));

async function check(capture: Uint8Array, args: readonly string[], chunkSize: number): Promise<void> {
  const io = new MemoryIo({ a: capture });
  io.chunkSize = chunkSize;
  const code = await run(["trace", ...args, "a"], io);
  assert(code === 0 || code === 1, `exit code ${code}`);
  for (const output of [io.stdout, io.stderr]) assertNotMatch(output.text, /[^\P{C}\n]/u);
  for (const line of io.stderr.lines) {
    assert(/^leat: (?:(?:a|out\.pcap): [^\n]+|wrote [\d,]+ packets? to out\.pcap)$/.test(line), line);
  }
  if (args.includes("--json")) assert(io.json.every(({ type }) => typeof type === "string"));
}

for (const seed of fuzzSeeds()) {
  test(`whatever is in a capture, it is shown safely and errors are lines (seed ${seed})`, async () => {
    const random = new SeededRandom(seed);
    for (let i = 0; i < RUNS; i++) {
      const capture = mutate(random.pick(SEEDS), random);
      const args = random.pick(ARGS);
      const chunkSize = random.pick([64, 1000, 65536]);
      try {
        await check(capture, args, chunkSize);
      } catch (error) {
        throw new Error(`run ${i}, ${args.join(" ")}, chunks of ${chunkSize}`, { cause: error });
      }
    }
  });
}
