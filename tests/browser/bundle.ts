/**
 * Bundles the smoke cases of all public subpaths into one module that exports `runSmoke(capture)`, from the source or
 * with the package left outside (for projects that have it installed).
 *
 * @module
 */
import { build } from "esbuild";
import { at, denoManifest, exists, portableSubpaths, subpaths } from "../../scripts/lib/repo.ts";

/** Outcome of one case, as `runSmoke` gives it. */
export interface SmokeOutcome {
  name: string;
  error?: string;
}

/** A bundle and which subpaths it lacks because they have no source or no cases. */
export interface SmokeBundle {
  code: string;
  missing: string[];
}

/** The file of cases of a subpath. */
function casesOf(subpath: string): string {
  return `tests/browser/cases/${subpath === "." ? "root" : subpath.slice(2)}.ts`;
}

function entryFor(names: readonly string[]): string {
  const imports = names.map((name, i) => `import { cases as cases${i} } from "./${casesOf(name)}";`);
  const table = names.map((name, i) => `[${JSON.stringify(name)}, cases${i}]`);
  return `${imports.join("\n")}
export async function runSmoke(capture) {
  const outcomes = [];
  for (const [subpath, cases] of [${table.join(", ")}]) {
    for (const [title, run] of Object.entries(cases)) {
      const name = subpath + ": " + title;
      try {
        await run({ capture: capture.slice() });
        outcomes.push({ name });
      } catch (error) {
        outcomes.push({ name, error: String(error?.stack ?? error) });
      }
    }
  }
  return outcomes;
}
globalThis.runSmoke = runSmoke;`;
}

/** Makes the bundle. */
export async function bundleSmoke(from: "source" | "package"): Promise<SmokeBundle> {
  const { name } = denoManifest();
  const publicName = (subpath: string) => `${name}${subpath.slice(1)}`;
  const there = portableSubpaths().filter(([subpath, file]) => exists(file) && exists(casesOf(subpath)));
  // Longer names first: esbuild takes the first alias that is a prefix.
  const aliases = subpaths().map(([subpath, file]) => [publicName(subpath), at(file)] as const).reverse();
  const { outputFiles } = await build({
    stdin: { contents: entryFor(there.map(([subpath]) => subpath)), resolveDir: at(), loader: "js" },
    bundle: true,
    write: false,
    format: "esm",
    target: "es2022",
    platform: "browser",
    logLevel: "silent",
    ...(from === "source" ? { alias: Object.fromEntries(aliases) } : { external: [name, `${name}/*`] }),
  });
  const missing = portableSubpaths().filter((one) => !there.some(([subpath]) => subpath === one[0]));
  return {
    code: outputFiles[0]?.text ?? "",
    missing: missing.map(([subpath, file]) => `${subpath}: needs ${file} and ${casesOf(subpath)}`),
  };
}
