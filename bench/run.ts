/**
 * Runs benchmarks on Node, Deno and Bun in turn: `npm run bench -- NAME... [--json] [--quick] [--cpu]
 * [--runtime node,deno,bun] [--only TEXT]`. Without a name it lists them; `all` runs all. A benchmark file can also be
 * run alone.
 *
 * @module
 */
import { spawnSync } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import process from "node:process";
import { fileURLToPath } from "node:url";

const ENDING = "_bench.ts";
const folder = new URL("./", import.meta.url);
const installed = (path: string) => fileURLToPath(new URL(`../tests/runtimes/node_modules/${path}`, folder));

/** How each runtime is started, without the file. */
const RUNTIMES: Record<string, { programs: string[]; args: string[] }> = {
  node: { programs: [process.execPath, "node"], args: ["--import", new URL("register_loader.mjs", folder).href] },
  deno: { programs: [installed("@deno/linux-x64-glibc/deno"), "deno"], args: ["run", "-A", "--no-check"] },
  bun: { programs: [installed("@oven/bun-linux-x64/bin/bun"), "bun"], args: [] },
};

function optionOf(args: string[], name: string): string | undefined {
  const at = args.indexOf(name);
  return at < 0 ? undefined : args.splice(at, 2)[1] ?? "";
}

function programOf(runtime: string): string | undefined {
  const works = (program: string) =>
    (existsSync(program) || !program.includes("/")) && spawnSync(program, ["--version"]).status === 0;
  return RUNTIMES[runtime]!.programs.find(works);
}

function main(): number {
  const args = process.argv.slice(2);
  const runtimes = (optionOf(args, "--runtime") ?? Object.keys(RUNTIMES).join(",")).split(",");
  const only = optionOf(args, "--only");
  const flags = args.filter((arg) => arg.startsWith("--"));
  const all = readdirSync(folder).filter((file) => file.endsWith(ENDING)).map((file) => file.slice(0, -ENDING.length));
  const asked = args.filter((arg) => !arg.startsWith("--"));
  // `kcm` also means `kcm_mux`
  const parts = (name: string) => all.filter((one) => one === name || one.startsWith(`${name}_`));
  const names = args.includes("all") ? all : asked.flatMap((name) => parts(name).length === 0 ? [name] : parts(name));
  const unknown = [
    ...names.filter((name) => !all.includes(name)),
    ...runtimes.filter((name) => !(name in RUNTIMES)),
    ...flags.filter((flag) => !["--json", "--quick", "--cpu"].includes(flag)),
  ];
  if (unknown.length > 0 || names.length === 0) {
    if (unknown.length > 0) console.error(`unknown: ${unknown.join(", ")}`);
    console.error(
      `npm run bench -- NAME... [--json] [--quick] [--cpu] [--runtime ${Object.keys(RUNTIMES)}] [--only TEXT]`,
    );
    console.error(`benchmarks: ${all.join(", ")}, or all`);
    return 2;
  }
  const passed = only === undefined ? flags : [...flags, "--only", only];
  return runAll(names, runtimes, passed) ? 0 : 1;
}

/** Returns whether every benchmark ran to its end. Goals that are missed are no failure: they are printed. */
function runAll(names: string[], runtimes: string[], flags: string[]): boolean {
  let isWell = true;
  for (const runtime of runtimes) {
    const program = programOf(runtime);
    if (program === undefined) {
      console.error(`${runtime}: not found, not measured (npm run test:all installs it)`);
      continue;
    }
    for (const name of names) {
      const file = fileURLToPath(new URL(`${name}${ENDING}`, folder));
      const { status } = spawnSync(program, [...RUNTIMES[runtime]!.args, file, ...flags], {
        stdio: ["ignore", "inherit", "inherit"],
      });
      if (status !== 0) isWell = false;
    }
  }
  return isWell;
}

process.exitCode = main();
