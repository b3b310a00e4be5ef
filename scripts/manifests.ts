/**
 * The agreement of deno.json, package.json and CHANGELOG.md. Pure: manifests in, complaints out.
 *
 * @module
 */
import type { DenoManifest, NpmManifest } from "./lib/repo.ts";

/** What the two manifests and the change log do not agree on. */
export function disagreements(deno: DenoManifest, npm: NpmManifest, changelog: string): string[] {
  const problems: string[] = [];
  for (const field of ["name", "version", "license"] as const) {
    if (deno[field] !== npm[field]) {
      problems.push(`${field}: ${deno[field]} in deno.json, ${npm[field]} in package.json`);
    }
  }
  if (npm.sideEffects !== false) problems.push("package.json does not say sideEffects: false");
  if (npm.dependencies !== undefined) problems.push("package.json has dependencies");
  const latest = /^## \[?v?(\d+\.\d+\.\d+[^\s\]]*)/m.exec(changelog.replace(/^## \[?Unreleased.*$/im, ""))?.[1];
  if (latest !== npm.version) {
    problems.push(`CHANGELOG.md is at ${latest ?? "no version"}, package.json at ${npm.version}`);
  }
  return [...problems, ...differentExports(deno, npm)];
}

function differentExports(deno: DenoManifest, npm: NpmManifest): string[] {
  const problems: string[] = [];
  const wanted = new Map(Object.entries(deno.exports).map(([name, file]) => [name, built(file)]));
  for (const [name, { types, default: code }] of wanted) {
    const actual = npm.exports[name];
    if (actual === undefined) problems.push(`${name}: in deno.json only`);
    else if (typeof actual === "string" || actual.types !== types || actual.default !== code) {
      problems.push(`${name}: package.json should have ${types} and ${code}`);
    } else if (Object.keys(actual).join() !== "types,default") {
      problems.push(`${name}: package.json should have types, then default, and nothing else`);
    }
  }
  for (const name of Object.keys(npm.exports)) {
    if (name !== "./package.json" && !wanted.has(name)) problems.push(`${name}: in package.json only`);
  }
  return problems;
}

/** What the build makes of a source file. */
function built(file: string): { types: string; default: string } {
  const path = file.replace(/^\.\//, "./dist/").replace(/\.ts$/, "");
  return { types: `${path}.d.ts`, default: `${path}.js` };
}
