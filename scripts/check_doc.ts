/**
 * Checks that every exported symbol and member is documented, and that public types lead to public types only, by
 * `deno doc --lint` on all public modules at once.
 *
 * @module
 */
import { Checks } from "./lib/checks.ts";
import { exists, subpaths } from "./lib/repo.ts";
import { run, tail } from "./lib/run.ts";
import { needRuntime } from "./lib/runtimes.ts";

const checks = new Checks();
const modules = subpaths().map(([, file]) => file);
checks.note("public modules are there", modules.filter((file) => !exists(file)));

const deno = await needRuntime("Deno");
const { code, output } = await run(deno, ["doc", "--lint", ...modules.filter(exists)]);
// Deno complains about every file of @types/node, which the public modules do not use.
const complaint = output.split("\n").filter((line) =>
  !/^Warning Failed resolving|at file:\/\/\S*\/node_modules\//.test(line)
);
checks.note("documentation of all exported symbols", code === 0 ? [] : [tail(complaint.join("\n"), 300)]);
checks.finish();
