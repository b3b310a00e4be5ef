/** Where things are in this repository. All paths given out are absolute, or relative to the root with forward slashes. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { join } from "node:path";

/** The root folder of the repository. */
export const root: string = fileURLToPath(new URL("../../", import.meta.url));

/** The absolute path of something in the repository. */
export function at(...parts: string[]): string {
  return join(root, ...parts);
}

/** The text of a file in the repository. */
export function read(path: string): string {
  return readFileSync(at(path), "utf8");
}

/** Says whether a file of the repository is there. */
export function exists(path: string): boolean {
  return existsSync(at(path));
}

const skippedFolders = new Set(["node_modules", "dist", "coverage", ".git", ".cache"]);

/** All files under a folder for which `wanted` holds, as sorted paths relative to the root. */
export function filesUnder(folder: string, wanted: (path: string) => boolean): string[] {
  if (!exists(folder)) return [];
  const found: string[] = [];
  const walk = (path: string) => {
    for (const entry of readdirSync(at(path), { withFileTypes: true })) {
      const child = path === "." ? entry.name : `${path}/${entry.name}`;
      if (entry.isDirectory() && !skippedFolders.has(entry.name)) walk(child);
      else if (entry.isFile() && wanted(child)) found.push(child);
    }
  };
  walk(folder);
  return found.sort();
}

/** Test files that every runtime runs, unmodified. */
export function portableTests(): string[] {
  const elsewhere = ["tests/interop/", "tests/browser/", "tests/runtimes/"];
  return filesUnder("tests", (path) => path.endsWith("_test.ts") && !elsewhere.some((part) => path.startsWith(part)));
}

/** What this project reads of deno.json. */
export interface DenoManifest {
  name: string;
  version: string;
  license: string;
  exports: Record<string, string>;
  publish: { include: string[] };
}

/** What this project reads of package.json. */
export interface NpmManifest {
  name: string;
  version: string;
  license: string;
  files: string[];
  bin: Record<string, string>;
  exports: Record<string, string | { types: string; default: string }>;
  dependencies?: Record<string, string>;
  sideEffects?: boolean;
}

/** deno.json, the source of truth for public subpaths. */
export function denoManifest(): DenoManifest {
  return JSON.parse(read("deno.json"));
}

/** package.json. */
export function npmManifest(): NpmManifest {
  return JSON.parse(read("package.json"));
}

/** Public subpaths with the source file of each: `["./pcap", "src/pcap/mod.ts"]`. */
export function subpaths(): [subpath: string, file: string][] {
  return Object.entries(denoManifest().exports).map(([name, file]) => [name, file.replace(/^\.\//, "")]);
}

/** Subpaths that are for one runtime each, by whatever else may be able to load them; no browser can. */
export const runtimeSubpaths: ReadonlySet<string> = new Set(["./node", "./deno", "./bun"]);

/** Public subpaths that run everywhere, browsers included. */
export function portableSubpaths(): [subpath: string, file: string][] {
  return subpaths().filter(([subpath]) => !runtimeSubpaths.has(subpath));
}
