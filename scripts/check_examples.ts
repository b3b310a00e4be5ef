/**
 * Runs every example in JSDoc, README and docs, type-checked, by `deno test --doc`.
 *
 * @module
 */
import { Checks } from "./lib/checks.ts";
import { exists, filesUnder, read } from "./lib/repo.ts";
import { run, tail } from "./lib/run.ts";
import { needRuntime } from "./lib/runtimes.ts";
import { readDenoCounts } from "./lib/test_run.ts";

const hasExample = (path: string) =>
  /^(?:\s*\*? ?)```(?:ts|typescript|js|javascript)\b(?!.*\bignore\b)/m.test(read(path));

const sources = filesUnder("src", (path) => path.endsWith(".ts") && hasExample(path));
const pages = ["README.md", ...filesUnder("docs", (path) => path.endsWith(".md"))].filter(exists).filter(hasExample);

const checks = new Checks();
const { code, output } = await run(await needRuntime("Deno"), ["test", "--doc", "-A", "--quiet", ...sources, ...pages]);
const counts = readDenoCounts(output);
checks.add(counts?.passed ?? 0, counts?.failed ?? 0);
console.log(`examples in ${sources.length} source files and in ${pages.join(", ") || "no page"}`);
checks.note("README has an example", pages.includes("README.md") ? [] : ["none found"]);
if (code !== 0) console.log(tail(output, 200));
if (code !== 0 && !counts?.failed) checks.note("examples run", [`deno ended with ${code}`]);
checks.finish();
