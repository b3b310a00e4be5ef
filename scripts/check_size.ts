/**
 * Bundles each public subpath, prints the sizes and checks them, and what each bundle carries, against
 * `size_ceilings.ts`. With `--json` the table is one line of JSON.
 *
 * @module
 */
import { gzipSync } from "node:zlib";
import process from "node:process";
import { build } from "esbuild";
import { Checks } from "./lib/checks.ts";
import { exists, root, subpaths } from "./lib/repo.ts";
import { type Ceiling, ceilings, common, shaken } from "./size_ceilings.ts";

/** One bundle, measured. */
interface Row {
  name: string;
  minified: number;
  gzip: number;
  ceiling: number;
  carries: string[];
  problems: string[];
}

async function bundle(entry: string): Promise<{ code: Uint8Array; carries: string[] }> {
  const { outputFiles, metafile } = await build({
    stdin: { contents: entry, resolveDir: root, loader: "ts" },
    absWorkingDir: root,
    bundle: true,
    minify: true,
    metafile: true,
    write: false,
    outfile: "bundle.js",
    format: "esm",
    target: "es2022",
    platform: "browser",
    external: ["node:*"],
    logLevel: "silent",
  });
  const inputs = Object.values(metafile.outputs)[0]?.inputs ?? {};
  const carries = Object.keys(inputs).filter((path) => path !== "<stdin>" && (inputs[path]?.bytesInOutput ?? 0) > 0);
  return { code: outputFiles[0]?.contents ?? new Uint8Array(0), carries };
}

async function measure(name: string, entry: string, ceiling: Ceiling | undefined): Promise<Row> {
  const problems: string[] = [];
  const { code, carries } = await bundle(entry).catch((error: unknown) => {
    problems.push(error instanceof Error ? error.message : String(error));
    return { code: new Uint8Array(0), carries: [] };
  });
  const gzip = gzipSync(code, { level: 9 }).length;
  if (ceiling === undefined) problems.push("no ceiling in scripts/size_ceilings.ts");
  else {
    if (gzip > ceiling.gzipBytes) problems.push(`${gzip} bytes are over the ceiling of ${ceiling.gzipBytes}`);
    const allowed = [...common, ...ceiling.carries];
    const strange = carries.filter((path) => !allowed.some((start) => path === start || path.startsWith(start)));
    if (strange.length > 0) problems.push(`carries what it should not: ${strange.join(", ")}`);
    if (problems.length === 0 && carries.length === 0) problems.push("the bundle is empty");
  }
  return { name, minified: code.length, gzip, ceiling: ceiling?.gzipBytes ?? 0, carries, problems };
}

async function measureAll(): Promise<Row[]> {
  const rows: Row[] = [];
  for (const [name, file] of subpaths()) {
    if (!exists(file)) rows.push(await measure(name, `throw new Error("${file} is missing")`, ceilings[name]));
    else rows.push(await measure(name, `export * from "./${file}";`, ceilings[name]));
  }
  for (const [symbol, ceiling] of Object.entries(shaken)) {
    rows.push(await measure(`{ ${symbol} }`, `export { ${symbol} } from "./mod.ts";`, ceiling));
  }
  return rows;
}

const rows = await measureAll();
function printTable(): void {
  console.log(`${"import".padEnd(20)}${"min".padStart(9)}${"min+gzip".padStart(10)}${"ceiling".padStart(9)}  files`);
  for (const { name, minified, gzip, ceiling, carries } of rows) {
    const numbers = `${String(minified).padStart(9)}${String(gzip).padStart(10)}${String(ceiling).padStart(9)}`;
    console.log(`${name.padEnd(20)}${numbers}  ${carries.length}`);
  }
}

if (process.argv.includes("--json")) {
  console.log(JSON.stringify(rows));
  if (rows.some(({ problems }) => problems.length > 0)) process.exitCode = 1;
} else {
  printTable();
  const checks = new Checks();
  for (const { name, problems } of rows) checks.note(`size and content of ${name}`, problems);
  checks.finish();
}
