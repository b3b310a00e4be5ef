/**
 * Loads TypeScript with its types taken off and nothing else changed, which is what the published package is. `tsx` adds
 * a call to every function that is given a name by assignment; where functions are made for each message, a benchmark
 * would measure those calls.
 */
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { transform } from "esbuild";

/** A hook of `node:module`. */
export async function load(url, context, nextLoad) {
  if (!url.endsWith(".ts")) return nextLoad(url, context);
  const sourcefile = fileURLToPath(url);
  const options = { loader: "ts", format: "esm", target: "es2022", sourcefile, sourcemap: "inline" };
  const { code } = await transform(await readFile(sourcefile, "utf8"), options);
  return { format: "module", source: code, shortCircuit: true };
}
