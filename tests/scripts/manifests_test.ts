// That deno.json and package.json agree is checked; that the check sees each way to disagree is tested here.
import { test } from "node:test";
import { assertEquals, assertMatch } from "@std/assert";
import { disagreements } from "../../scripts/manifests.ts";
import type { DenoManifest, NpmManifest } from "../../scripts/lib/repo.ts";

const deno: DenoManifest = {
  name: "@a/b",
  version: "1.2.3",
  license: "MIT",
  exports: { ".": "./mod.ts", "./c": "./src/c/mod.ts" },
  publish: { include: [] },
};
const npm: NpmManifest = {
  name: "@a/b",
  version: "1.2.3",
  license: "MIT",
  files: [],
  bin: {},
  sideEffects: false,
  exports: {
    ".": { types: "./dist/mod.d.ts", default: "./dist/mod.js" },
    "./c": { types: "./dist/src/c/mod.d.ts", default: "./dist/src/c/mod.js" },
    "./package.json": "./package.json",
  },
};
const changelog = "# Changes\n\n## [Unreleased]\n\n## [1.2.3] - 2026-11-21\n\n## [1.2.2]\n";

test("manifests that agree have no complaint", () => {
  assertEquals(disagreements(deno, npm, changelog), []);
});

const faults: [name: string, deno: DenoManifest, npm: NpmManifest, changelog: string, complaint: RegExp][] = [
  ["another name", { ...deno, name: "@a/c" }, npm, changelog, /^name: @a\/c in deno\.json, @a\/b in package\.json/],
  ["another licence", deno, { ...npm, license: "ISC" }, changelog, /^license/],
  ["another version in the change log", deno, npm, "## [1.2.2]\n", /^CHANGELOG\.md is at 1\.2\.2/],
  ["no version in the change log", deno, npm, "## Unreleased\n", /no version/],
  ["side effects", deno, { ...npm, sideEffects: true }, changelog, /sideEffects/],
  ["a dependency", deno, { ...npm, dependencies: { x: "1" } }, changelog, /dependencies/],
  [
    "a subpath for Deno only",
    { ...deno, exports: { ...deno.exports, "./d": "./d.ts" } },
    npm,
    changelog,
    /^\.\/d: in deno/,
  ],
  [
    "a subpath for npm only",
    deno,
    { ...npm, exports: { ...npm.exports, "./d": { types: "", default: "" } } },
    changelog,
    /^\.\/d: in package/,
  ],
  [
    "a subpath that leads elsewhere",
    deno,
    { ...npm, exports: { ...npm.exports, "./c": { types: "./dist/src/c/mod.d.ts", default: "./dist/c.js" } } },
    changelog,
    /^\.\/c: package\.json should have \.\/dist\/src\/c\/mod\.d\.ts and \.\/dist\/src\/c\/mod\.js/,
  ],
  [
    "conditions in an order that hides the types",
    deno,
    { ...npm, exports: { ...npm.exports, ".": { default: "./dist/mod.js", types: "./dist/mod.d.ts" } } },
    changelog,
    /types, then default/,
  ],
];

for (const [name, ofDeno, ofNpm, log, complaint] of faults) {
  test(`manifests with ${name} are named`, () => {
    const found = disagreements(ofDeno, ofNpm, log);
    assertEquals(found.length, 1, found.join("\n"));
    assertMatch(found[0] ?? "", complaint);
  });
}

test("manifests with another version are named, once for each that disagrees", () => {
  assertEquals(disagreements(deno, { ...npm, version: "1.2.4" }, changelog).length, 2);
});
