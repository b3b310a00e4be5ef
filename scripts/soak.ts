/**
 * Runs the fuzz tests for longer: `LEAT_FUZZ_INPUTS` inputs for each seed of `LEAT_SEEDS`, such as `1-1000` (a single
 * number is one seed), and writes what came of it to `docs/soak.md`, where the last run of each file with these seeds
 * stands. By default a million inputs are shared by the seeds, but none gets fewer than in a normal run. Names given as
 * arguments choose test files.
 *
 * @module
 */
import { existsSync, writeFileSync } from "node:fs";
import { cpus } from "node:os";
import process from "node:process";
import { Checks } from "./lib/checks.ts";
import { at, portableTests, read } from "./lib/repo.ts";
import { run } from "./lib/run.ts";
import { needRuntime, thisNode } from "./lib/runtimes.ts";
import { fuzzSeeds } from "../tests/support/fuzz.ts";
import { runTests, type TestCounts } from "./lib/test_run.ts";

const seeds = process.env["LEAT_SEEDS"] ?? "1";
process.env["LEAT_SEEDS"] = seeds;
// a million for each of a thousand seeds took a day
const inputs = process.env["LEAT_FUZZ_INPUTS"] ?? String(Math.max(20_000, Math.ceil(1_000_000 / fuzzSeeds().length)));
const chosen = process.argv.slice(2);

/** Files that take the number of inputs or seeds from the environment. */
const isFuzz = (path: string) => /LEAT_FUZZ_INPUTS|LEAT_SEEDS|support\/fuzz\.ts|\/check\.ts"/.test(read(path));

const heading = `# Soak

The last runs of \`npm run soak\`, which writes this page: the fuzz tests with many more inputs (\`LEAT_FUZZ_INPUTS\`, for
each seed) or seeds (\`LEAT_SEEDS\`) than in \`npm test\`.

| test file | seeds | inputs | passed | failed | seconds | date | machine |
| --- | --- | ---: | ---: | ---: | ---: | --- | --- |
`;
const pagePath = "docs/soak.md";
const machine = `${cpus().length} x ${cpus()[0]?.model.trim() ?? "unknown"}, Node ${process.versions.node}`;

/** The page with this outcome added, in the place of an older one of the same file with the same seeds. */
function withRow(page: string, file: string, { passed, failed, seconds }: TestCounts): string {
  const cells = (line: string) => line.split("|").map((cell) => cell.trim());
  const others = page.split("\n").filter((line) => line.startsWith("| tests/")).filter((line) => {
    const [, otherFile = "", otherSeeds] = cells(line);
    return existsSync(at(otherFile)) && !(otherFile === file && otherSeeds === seeds);
  }).map((line) => `| ${cells(line).slice(1, -1).join(" | ")} |`);
  const date = new Date().toISOString().slice(0, 10);
  const figures = [Number(inputs).toLocaleString("en-US"), passed, failed, seconds.toFixed(1)];
  const rows = [...others, `| ${[file, seeds, ...figures, date, machine].join(" | ")} |`];
  return heading + rows.sort().join("\n") + "\n";
}

const checks = new Checks();
const files = portableTests().filter((file) => !file.startsWith("tests/support/")).filter(isFuzz).filter((file) =>
  chosen.length === 0 || chosen.some((part) => file.includes(part))
);
if (files.length === 0) checks.note("there are fuzz tests", ["none found"]);
for (const file of files) {
  const env = { LEAT_FUZZ_INPUTS: inputs, LEAT_SEEDS: seeds };
  const counts = await runTests(thisNode(), [file], { env, timeoutMs: 12 * 3_600_000 });
  checks.add(counts.passed, counts.failed);
  console.log(`${file}: ${counts.passed} passed, ${counts.failed} failed, ${counts.seconds.toFixed(1)} s`);
  if (counts.complaint !== "") console.log(counts.complaint);
  writeFileSync(at(pagePath), withRow(read(pagePath), file, counts));
}
const formatted = await run(await needRuntime("Deno"), ["fmt", "--quiet", at(pagePath)]);
if (formatted.code !== 0) checks.note(`${pagePath} is formatted`, [formatted.output]);
checks.finish();
