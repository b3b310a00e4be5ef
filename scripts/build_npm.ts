/**
 * Makes the npm package's `dist` with `tsc`: JavaScript, and declarations with maps that lead an editor back to `src`.
 * Functions that a first BPF program calls are put in parentheses.
 *
 * Declarations that no public subpath leads to are thrown away: nobody's compiler gets to them.
 *
 * @module
 */
import { chmodSync, existsSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import process from "node:process";
import { reachableDeclarations } from "./lib/declarations.ts";
import { FIRST_LOAD, inParentheses } from "./lib/first_load.ts";
import { at, npmManifest, read } from "./lib/repo.ts";
import { run } from "./lib/run.ts";

const { bin, exports } = npmManifest();

function dropUnreachable(): void {
  const entries = Object.values(exports).flatMap((one) => typeof one === "string" ? [] : [one.types.slice(2)]);
  const wanted = reachableDeclarations(entries, read);
  for (const name of readdirSync(at("dist"), { recursive: true, encoding: "utf8" })) {
    const path = `dist/${name.replaceAll("\\", "/")}`;
    if (/\.d\.ts(\.map)?$/.test(path) && !wanted.has(path.replace(/\.map$/, ""))) rmSync(at(path));
  }
}

function putInParentheses(): void {
  for (const [source, names] of Object.entries(FIRST_LOAD)) {
    const path = `dist/${source.replace(/ts$/, "js")}`;
    writeFileSync(at(path), inParentheses(read(path), names));
  }
}

rmSync(at("dist"), { recursive: true, force: true });
const { code } = await run(process.execPath, [at("node_modules/typescript/bin/tsc"), "-p", "tsconfig.build.json"], {
  show: true,
});
process.exitCode = code;
if (code === 0) {
  dropUnreachable();
  putInParentheses();
}
for (const program of Object.values(bin)) {
  if (existsSync(at(program))) chmodSync(at(program), 0o755);
}
