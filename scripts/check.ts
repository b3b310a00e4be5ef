/**
 * All checks that need no test run: types, direction of imports, house rules, formatting, lint, documentation,
 * examples, sizes, links. `npm run check:package` is apart, because it builds and installs.
 *
 * @module
 */
import process from "node:process";
import { Checks, closingLine } from "./lib/checks.ts";
import { at } from "./lib/repo.ts";
import { excerpt, run } from "./lib/run.ts";
import { needRuntime } from "./lib/runtimes.ts";

const deno = await needRuntime("Deno");
const script = (name: string): string[] => [process.execPath, "--import", "tsx", at("scripts", name)];
const tsc = (project: string): string[] => [process.execPath, at("node_modules/typescript/bin/tsc"), "-p", project];

const steps: [name: string, command: string[]][] = [
  ["types of the core, without node's", tsc("tsconfig.core.json")],
  ["types of everything", tsc("tsconfig.json")],
  ["deno fmt", [deno, "fmt", "--check"]],
  ["deno lint", [deno, "lint", "--quiet"]],
  ["direction of imports", script("check_deps.ts")],
  ["house rules", script("check_house.ts")],
  ["functions of a first load", script("check_first_load.ts")],
  ["documentation", script("check_doc.ts")],
  ["examples", script("check_examples.ts")],
  ["sizes", script("check_size.ts")],
  ["links", script("check_docs_links.ts")],
];

/** The files that `deno fmt --check` names, without what it would make of them. */
function unformatted(output: string): string {
  const files = [...output.matchAll(/^from (.*):$/gm)].map((found) => found[1]);
  return files.length === 0 ? excerpt(output) : `not formatted: ${files.join(" ")}`;
}

const checks = new Checks();
for (const [name, [program = "", ...args]] of steps) {
  const started = performance.now();
  const { code, output } = await run(program, args);
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  const counts = closingLine(output);
  if (counts !== undefined) {
    console.log(`${name} (${seconds} s)\n${output.trimEnd().split("\n").slice(0, -1).join("\n").replace(/^/gm, "  ")}`);
    checks.add(counts.passed, counts.failed);
  }
  if (counts === undefined || (code !== 0 && counts.failed === 0)) {
    checks.note(
      `${name} (${seconds} s)`,
      code === 0 ? [] : [name === "deno fmt" ? unformatted(output) : excerpt(output)],
    );
  }
}
checks.finish();
