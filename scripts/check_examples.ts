/**
 * Type-checks and runs every example in JSDoc, README and docs, by `deno check --doc-only` and `deno test --doc`.
 *
 * @module
 */
import { Checks } from "./lib/checks.ts";
import { exists, filesUnder, read } from "./lib/repo.ts";
import { excerpt, run } from "./lib/run.ts";
import { needRuntime } from "./lib/runtimes.ts";
import { readDenoCounts } from "./lib/test_run.ts";

const fence = /^(?:\s*\*? ?)```(?:ts|typescript|js|javascript)\b(?!.*\bignore\b)/m;
const hasExample = (path: string) => fence.test(read(path));

const sources = filesUnder("src", (path) => path.endsWith(".ts"));
if (exists("mod.ts")) sources.push("mod.ts");
const pages = ["README.md", ...filesUnder("docs", (path) => path.endsWith(".md"))].filter(exists);
const files = [...sources, ...pages].filter(hasExample);

const deno = await needRuntime("Deno");
const checks = new Checks();
console.log(
  `examples in ${files.filter((path) => path.endsWith(".ts")).length} source files and in ${
    files.filter((path) => path.endsWith(".md")).join(", ") || "no page"
  }`,
);
for (const page of ["README.md", "docs/guide.md"]) {
  checks.note(`${page} has an example`, files.includes(page) ? [] : ["none found"]);
}

const types = await run(deno, ["check", "--doc-only", "--quiet", ...files]);
checks.note("types of the examples", types.code === 0 ? [] : [excerpt(types.output)]);

// the one program that only Deno has the types for
const program = await run(deno, ["check", "--quiet", "examples/echo_server_deno.ts"]);
checks.note("types of Deno's example program", program.code === 0 ? [] : [excerpt(program.output)]);

const { code, output } = await run(deno, ["test", "--doc", "--parallel", "-A", "--no-check", "--quiet", ...files]);
const counts = readDenoCounts(output);
checks.add(counts?.passed ?? 0, counts?.failed ?? 0);
if (code !== 0) console.log(excerpt(output.slice(Math.max(0, output.search(/^ ?(?:ERRORS|FAILURES|error)/m)))));
if (code !== 0 && !counts?.failed) checks.note("examples run", [`deno ended with ${code}`]);
else if (!counts?.passed) checks.note("examples run", ["deno counted none"]);
checks.finish();
