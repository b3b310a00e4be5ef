/**
 * Runs Deno, from tests/runtimes or the PATH, with the given arguments.
 *
 * @module
 */
import process from "node:process";
import { run } from "./lib/run.ts";
import { needRuntime } from "./lib/runtimes.ts";

const { code } = await run(await needRuntime("Deno"), process.argv.slice(2), { show: true });
process.exitCode = code;
