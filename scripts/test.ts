/**
 * Runs the tests on every runtime that is found, or with `--all` on all four, failing where one is missing; with
 * `--others` not on the Node that runs this script, where `npm test` has just done that. Names given as arguments choose
 * the test files whose path contains one of them.
 *
 * @module
 */
import process from "node:process";
import { Checks } from "./lib/checks.ts";
import { portableTests } from "./lib/repo.ts";
import {
  findRuntime,
  installRuntimes,
  type Runtime,
  type RuntimeName,
  runtimeNames,
  thisNode,
} from "./lib/runtimes.ts";
import { runTests } from "./lib/test_run.ts";

const args = process.argv.slice(2);
const wrong = args.find((arg) => arg.startsWith("--") && arg !== "--all" && arg !== "--others");
if (wrong !== undefined) {
  console.error(`${wrong}: unknown; there are --all, --others and parts of the paths of test files`);
  process.exit(2);
}
const isAll = args.includes("--all");
const isOthers = args.includes("--others");
const chosen = args.filter((arg) => !arg.startsWith("--"));
const checks = new Checks();

async function chooseRuntimes(): Promise<Runtime[]> {
  const ofChoice: RuntimeName[] = isAll ? runtimeNames : ["Deno", "Bun"];
  if (isAll) await installRuntimes();
  const found: Runtime[] = isAll || isOthers ? [] : [thisNode()];
  for (const name of ofChoice) {
    const runtime = findRuntime(name);
    if (runtime !== undefined && isOthers && runtime.program === process.execPath) continue;
    if (runtime !== undefined) found.push(runtime);
    else if (isAll) checks.note(`${name} is there`, ["missing: neither in tests/runtimes nor on the PATH"]);
    else console.log(`${name}: not found, not tested (npm run test:all installs it)`);
  }
  return found;
}

async function main(): Promise<void> {
  const files = portableTests().filter((file) => chosen.length === 0 || chosen.some((part) => file.includes(part)));
  if (files.length === 0) checks.note("there are tests", ["no test file matches"]);
  for (const runtime of files.length > 0 ? await chooseRuntimes() : []) {
    const { passed, failed, complaint, seconds } = await runTests(runtime, files);
    checks.add(passed, failed);
    const title = `${runtime.name} (${runtime.version})`.padEnd(20);
    console.log(`${title} ${passed} passed, ${failed} failed in ${files.length} files, ${seconds.toFixed(1)} s`);
    if (complaint !== "") console.log(complaint);
  }
  checks.finish();
}

await main();
