/**
 * Writes a capture for the benchmarks:
 *
 *     npx tsx bench/make_capture.ts [--size 256] [--flows 64] [--burst 8192] [--reorder 0.01] [--message BYTES]
 *       [--longest BYTES] [--seed 1] [--out bench/data/NAME.pcap]
 *
 * `--size` is in megabytes (10^6 bytes). The same options give the same file, which is not made twice.
 *
 * @module
 */
import { closeSync, existsSync, mkdirSync, openSync, renameSync, statSync, writeSync } from "node:fs";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { traffic, type TrafficOptions } from "./traffic.ts";

/** Path of the capture made with these options, made now where it is not there yet. */
export function captureFile(options: TrafficOptions, out?: string): string {
  const parts = Object.entries(options).filter(([, value]) => value !== undefined).sort(([a], [b]) => a < b ? -1 : 1);
  const name = parts.map(([key, value]) => `${key}-${value}`).join("_");
  const path = out ?? fileURLToPath(new URL(`data/${name}.pcap`, import.meta.url));
  if (out === undefined && existsSync(path)) return path;
  mkdirSync(new URL("data/", import.meta.url), { recursive: true });
  const file = openSync(`${path}.part`, "w");
  for (const chunk of traffic(options)) writeSync(file, chunk);
  closeSync(file);
  renameSync(`${path}.part`, path);
  return path;
}

function main(): void {
  const texts = ["size", "flows", "burst", "reorder", "message", "longest", "seed", "out"];
  const { values } = parseArgs({ options: Object.fromEntries(texts.map((name) => [name, { type: "string" }])) });
  const given = Object.entries(values).filter(([name]) => name !== "out").map(([name, text]) => [name, Number(text)]);
  const wrong = given.find(([, value]) => !Number.isFinite(value));
  // no capture is ever as long as NaN
  if (wrong !== undefined) throw new TypeError(`--${wrong[0]} must be a number`);
  const options: TrafficOptions = { size: 256, ...Object.fromEntries(given) };
  const path = captureFile({ ...options, size: options.size * 1e6 }, values["out"] as string | undefined);
  console.log(`${path}: ${statSync(path).size} bytes`);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) main();
