/**
 * Checks rules of the house that no other tool knows: length of files, heads of files, no skipped tests, no default
 * exports, a test file per folder of `src`.
 *
 * @module
 */
import { Checks } from "./lib/checks.ts";
import { codeOnly, lineOf, withoutComments } from "./lib/imports.ts";
import { filesUnder, read } from "./lib/repo.ts";

const hardLimit = 500;
const softMedian = 150;

/** Tables and vectors, which may be longer than code. */
const tables = /(?:^|\/)(?:\w*_)?(?:tables?|vectors?|numbers|constants)\.ts$|_test\.ts$/;

const sources = filesUnder("src", (path) => path.endsWith(".ts"));
const ours = ["src", "scripts", "tests", "bench", "examples"].flatMap((folder) =>
  filesUnder(folder, (path) => path.endsWith(".ts") && !path.startsWith("tests/runtimes/"))
);
const tests = ours.filter((path) => path.startsWith("tests/") && path.endsWith("_test.ts"));
const lines = (path: string) => read(path).trimEnd().split("\n").length;

/** Where a pattern is found in the code (comments blanked, strings too unless they are wanted). */
function uses(paths: readonly string[], pattern: RegExp, textOf: (source: string) => string): string[] {
  return paths.flatMap((path) => {
    const text = textOf(read(path));
    return [...text.matchAll(pattern)].map((found) => `${path}:${lineOf(text, found.index)} ${found[0].trim()}`);
  });
}

const checks = new Checks();
checks.note(
  `no file over ${hardLimit} lines`,
  ours.filter((path) => !tables.test(path) && lines(path) > hardLimit).map((path) => `${path}: ${lines(path)} lines`),
);

const sorted = sources.map(lines).sort((a, b) => a - b);
const median = sorted[sorted.length >> 1] ?? 0;
checks.note(
  `median file of src at most ${softMedian} lines (is ${median})`,
  median > softMedian ? [`${median} lines`] : [],
);

checks.note(
  "every file of src says at its head what it is",
  sources.filter((path) => !/^(?:#!.*\n)?\/(?:\*\*|\/)/.test(read(path))),
);
checks.note(
  "no skipped, pending or exclusive tests",
  uses(tests, /\b(?:test|it|t|describe|suite)\.(?:skip|todo|only)\s*\(|\b(?:skip|todo|only): (?!\w+\()/g, codeOnly),
);
checks.note(
  "no marks of a merge that was not made",
  [...ours, ...filesUnder(".", (path) => path.endsWith(".md") && !path.includes("node_modules/"))]
    .filter((path) => /^(?:<<<<<<<|>>>>>>>) /m.test(read(path))),
);
checks.note("no default exports", uses(ours, /\bexport default\b/g, codeOnly));
checks.note(
  "examples run on the oldest Node: no Array.fromAsync",
  uses([...sources, ...filesUnder(".", (path) => path.endsWith(".md"))], /\bArray\.fromAsync\b/g, (source) => source),
);
checks.note("files are named in snake_case", ours.filter((path) => /[A-Z-]/.test(path.split("/").at(-1) ?? "")));
checks.note(
  "tests import node:test and bare names, not the source of assertions",
  uses(tests, /from "[^"]*std-assert[^"]*"|from "jsr:[^"]*"/g, withoutComments),
);

const locks = ["package-lock.json", "tests/runtimes/package-lock.json"];
checks.note("lock files name no registry", locks.filter((path) => /"resolved": "[a-z+]+:/.test(read(path))));
checks.note("every locked package has its checksum", locks.flatMap((path) => unsealed(path)));

/** Packages of a lock file that nothing but their name vouches for. */
function unsealed(path: string): string[] {
  const { packages } = JSON.parse(read(path)) as { packages: Record<string, { integrity?: string; link?: boolean }> };
  return Object.entries(packages)
    .filter(([name, one]) => name.includes("node_modules/") && !one.link && one.integrity === undefined)
    .map(([name]) => `${path}: ${name}`);
}

const layers = new Set(sources.map((path) => path.split("/")[1] ?? ""));
const tested = new Set(tests.map((path) => path.split("/")[1] ?? ""));
checks.note("every folder of src has tests", [...layers].filter((layer) => !tested.has(layer)));
checks.finish();
