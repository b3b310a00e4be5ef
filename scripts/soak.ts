/**
 * Runs the fuzz tests for longer: `LEAT_FUZZ_INPUTS` inputs for each seed of `LEAT_SEEDS`, such as `1-1000` (a single
 * number is one seed), and writes what came of it to `docs/soak.md`. By default a million inputs are shared by the seeds,
 * but none gets fewer than in a normal run. Names given as arguments choose test files.
 *
 * @module
 */
import { writeFileSync } from "node:fs";
import { cpus, totalmem } from "node:os";
import process from "node:process";
import { Checks } from "./lib/checks.ts";
import { at, portableTests, read } from "./lib/repo.ts";
import { thisNode } from "./lib/runtimes.ts";
import { fuzzSeeds } from "../tests/support/fuzz.ts";
import { runTests, type TestCounts } from "./lib/test_run.ts";

const seeds = process.env["LEAT_SEEDS"] ?? "1";
process.env["LEAT_SEEDS"] = seeds;
// a million for each of a thousand seeds took a day
const inputs = process.env["LEAT_FUZZ_INPUTS"] ?? String(Math.max(20_000, Math.ceil(1_000_000 / fuzzSeeds().length)));
const chosen = process.argv.slice(2);

/** Files that take the number of inputs or seeds from the environment. */
const isFuzz = (path: string) => /LEAT_FUZZ_INPUTS|LEAT_SEEDS|support\/fuzz\.ts|"\.\/check\.ts"/.test(read(path));

function page(rows: readonly (readonly [file: string, counts: TestCounts])[]): string {
  const processors = cpus();
  const machine = `${processors.length} x ${processors[0]?.model.trim() ?? "unknown"}, ` +
    `${Math.round(totalmem() / 2 ** 30)} GiB, ${process.platform}-${process.arch}, Node ${process.versions.node}`;
  return [
    "# Soak",
    "",
    "The last run of `npm run soak`, which writes this page: the fuzz tests with many more inputs than in `npm test`.",
    "",
    `- date: ${new Date().toISOString().slice(0, 16).replace("T", " ")} UTC`,
    `- machine: ${machine}`,
    `- inputs per fuzz test: ${Number(inputs).toLocaleString("en-US")} (\`LEAT_FUZZ_INPUTS\`)`,
    `- seeds: ${seeds} (\`LEAT_SEEDS\`)`,
    "",
    "| test file | passed | failed | seconds |",
    "| --- | ---: | ---: | ---: |",
    ...rows.map(([file, { passed, failed, seconds }]) => `| ${file} | ${passed} | ${failed} | ${seconds.toFixed(1)} |`),
    "",
  ].join("\n");
}

const checks = new Checks();
const files = portableTests().filter((file) => !file.startsWith("tests/support/")).filter(isFuzz).filter((file) =>
  chosen.length === 0 || chosen.some((part) => file.includes(part))
);
if (files.length === 0) checks.note("there are fuzz tests", ["none found"]);
const rows: [string, TestCounts][] = [];
for (const file of files) {
  const env = { LEAT_FUZZ_INPUTS: inputs, LEAT_SEEDS: seeds };
  const counts = await runTests(thisNode(), [file], { env, timeoutMs: 12 * 3_600_000 });
  rows.push([file, counts]);
  checks.add(counts.passed, counts.failed);
  console.log(`${file}: ${counts.passed} passed, ${counts.failed} failed, ${counts.seconds.toFixed(1)} s`);
  if (counts.complaint !== "") console.log(counts.complaint);
}
if (chosen.length === 0 && rows.length > 0) writeFileSync(at("docs/soak.md"), page(rows));
checks.finish();
