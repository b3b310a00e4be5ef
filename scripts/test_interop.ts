/**
 * Runs the tests against real programs (`tests/interop`) on this Node. A missing program is a failure.
 *
 * @module
 */
import process from "node:process";
import { Checks } from "./lib/checks.ts";
import { filesUnder } from "./lib/repo.ts";
import { thisNode } from "./lib/runtimes.ts";
import { runTests } from "./lib/test_run.ts";
import { findProgram, pathWithServers, peers } from "./peers.ts";

/** No file may take longer: the slowest needs a minute on a quiet machine, and who waits for ever is to be known by name. */
const FILE_LIMIT_MS = 300_000;

const checks = new Checks();
const missing = peers.filter((name) => findProgram(name) === undefined);
checks.note("the peers are installed", missing.map((name) => `${name} is missing: run scripts/install_peers.sh`));

const chosen = process.argv.slice(2);
const files = filesUnder("tests/interop", (path) => path.endsWith("_test.ts"))
  .filter((file) => chosen.length === 0 || chosen.some((part) => file.includes(part)));
checks.note("there are interop tests", files.length === 0 ? ["none found"] : []);
for (const file of files) {
  // One after the other: they start servers and capture on interfaces.
  const env = { PATH: pathWithServers() };
  const { passed, failed, complaint, seconds } = await runTests(thisNode(), [file], { env, timeoutMs: FILE_LIMIT_MS });
  checks.add(passed, failed);
  console.log(`${file}: ${passed} passed, ${failed} failed, ${seconds.toFixed(1)} s`);
  if (complaint !== "") console.log(complaint);
}
checks.finish();
