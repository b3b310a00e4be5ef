/**
 * Makes the npm package's `dist` with `tsc`: JavaScript, declarations and maps that lead back to `src`.
 *
 * @module
 */
import { chmodSync, existsSync, rmSync } from "node:fs";
import process from "node:process";
import { at, npmManifest } from "./lib/repo.ts";
import { run } from "./lib/run.ts";

rmSync(at("dist"), { recursive: true, force: true });
const { code } = await run(process.execPath, [at("node_modules/typescript/bin/tsc"), "-p", "tsconfig.build.json"], {
  show: true,
});
process.exitCode = code;
for (const program of Object.values(npmManifest().bin)) {
  if (existsSync(at(program))) chmodSync(at(program), 0o755);
}
