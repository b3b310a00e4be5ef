/**
 * Sends so many megabytes of capture through the pipeline and prints the most memory that the process has had, in
 * megabytes. Run by `pipeline_bench.ts` in a process of its own; the capture is made on the way, so no file limits its
 * length.
 *
 *     npx tsx bench/pipeline_memory.ts fused|batches MEGABYTES
 *
 * @module
 */
import process from "node:process";
import { peakMemory } from "./harness.ts";
import { runFused, runSpelledOut, streamOf } from "./pipeline.ts";
import { traffic } from "./traffic.ts";

/** As a file would be read. */
function* slices(megabytes: number): Generator<Uint8Array> {
  for (const chunk of traffic({ size: megabytes * 1e6 })) {
    for (let at = 0; at < chunk.length; at += 65536) yield chunk.slice(at, at + 65536);
  }
}

const [way, megabytes] = process.argv.slice(2);
const chunks = slices(Number(megabytes));
const { items } = await (way === "fused" ? runFused(streamOf(chunks)) : runSpelledOut(chunks, true));
if (items === 0) throw new Error("no message came out");
console.log(peakMemory());
