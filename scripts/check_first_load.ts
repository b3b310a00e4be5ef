/**
 * Checks that the list of `lib/first_load.ts` is what a process's first BPF program calls, by the engine's own count. Node
 * alone has the means for that.
 *
 * @module
 */
import { Session } from "node:inspector/promises";
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";
import { Checks } from "./lib/checks.ts";
import { FIRST_LOAD, FIRST_PROGRAMS } from "./lib/first_load.ts";
import { at, read, root } from "./lib/repo.ts";

/** Names of the functions that a first load has called, by module; of methods, too. */
async function called(): Promise<Map<string, string[]>> {
  const { BpfMachine, loadObject } = await import("../src/bpf/mod.ts");
  const files = FIRST_PROGRAMS.map((name) => readFileSync(at(`tests/bpf/data/c14-v3-g/${name}.o`)));
  const session = new Session();
  session.connect();
  await session.post("Profiler.enable");
  await session.post("Profiler.startPreciseCoverage", { callCount: true });
  for (const file of files) new BpfMachine(loadObject(file).program(), { backend: "js" }).run(new Uint8Array(64));
  const { result } = await session.post("Profiler.takePreciseCoverage");
  session.disconnect();
  const folder = pathToFileURL(root).href;
  return new Map(
    result.filter(({ url }) => url.startsWith(`${folder}src/bpf/`)).map(({ url, functions }) => [
      url.slice(folder.length),
      functions.filter(({ ranges }) => ranges[0]!.count > 0).map(({ functionName }) => functionName),
    ]),
  );
}

/**
 * Those of the names that are functions at the top level of the module, or methods of its classes, as `Class.method`. The
 * engine does not say of which class: one that has the name is enough. What `super` is in is made as it is.
 */
function inModule(source: string, names: readonly string[]): string[] {
  const wanted = new Set(names);
  const found: string[] = [];
  let className = "";
  for (const line of source.split("\n")) {
    className = line === "}" ? "" : /^(?:export )?(?:abstract )?class (\w+)/.exec(line)?.[1] ?? className;
    const name = /^(?:export )?function (\w+)/.exec(line)?.[1] ??
      /^ {2}(?:override |protected )?(#?\w+)(?:<.*>)?\(.*(?<!;)$/.exec(line)?.[1];
    if (name === undefined || name === "constructor" || !wanted.has(name)) continue;
    if (!line.startsWith(" ")) found.push(name);
    else if (className !== "") found.push(`${className}.${name}`);
  }
  return found.sort();
}

const checks = new Checks();
const found = await called();
checks.note("a first load was counted", found.size > 0 ? [] : ["the engine has counted nothing"]);
const problems = [...new Set([...found.keys(), ...Object.keys(FIRST_LOAD)])].sort().flatMap((module) => {
  const wanted = inModule(read(module), found.get(module) ?? []);
  const listed = [...FIRST_LOAD[module] ?? []].sort();
  return `${wanted}` === `${listed}`
    ? []
    : [`"${module}": ${JSON.stringify(wanted)}, and is ${JSON.stringify(listed)}`];
});
checks.note("functions in parentheses are those of a first load", problems);
checks.finish();
