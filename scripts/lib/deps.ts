/** Judges a set of source files by the rules in `deps_rules.ts`. Pure: files come in as texts, violations go out. */
import { codeOnly, importsOf, lineOf } from "./imports.ts";
import {
  atHome,
  exceptions,
  forbiddenEverywhere,
  forbiddenInStreams,
  forbiddenUses,
  importedByNobody,
  type Kind,
  type LayerRule,
  layerRules,
  mayImportRuntime,
  type Target,
  type Use,
} from "../deps_rules.ts";

/** Source texts by path relative to the root. */
export type Sources = Readonly<Record<string, string>>;

/** What was found, by check. */
export interface Violations {
  direction: string[];
  cycles: string[];
  purity: string[];
}

/** Where a file belongs. */
interface Place {
  layer: string;
  file: string;
  kind: Kind;
  rule: LayerRule;
}

/** One edge of the graph of files. */
interface Edge {
  from: string;
  to: string;
  isTypeOnly: boolean;
}

const rootModule = "mod.ts";

/** Where a path belongs; undefined for the root module and for folders that no rule knows. */
export function placeOf(path: string): Place | undefined {
  const [, folder, file] = /^src\/(.+)\/([^/]+)$/.exec(path) ?? [];
  const layer = folder === undefined ? undefined : layerOf(folder);
  if (layer === undefined || file === undefined) return undefined;
  const rule = layerRules[layer]!;
  const isStream = file === "mod.ts" || file.endsWith("_stream.ts") || rule.stream?.test(file) === true;
  const kind = isStream ? "stream" : rule.wire?.test(file) === true ? "wire" : "engine";
  return { layer, file, kind, rule };
}

/** The innermost folder that has a rule. */
function layerOf(folder: string): string | undefined {
  for (let layer = folder; layer !== ""; layer = layer.split("/").slice(0, -1).join("/")) {
    if (layerRules[layer] !== undefined) return layer;
  }
  return undefined;
}

/** Judges the files. */
export function judge(sources: Sources): Violations {
  const edges: Edge[] = [];
  const violations: Violations = { direction: [], cycles: [], purity: [] };
  for (const [path, text] of Object.entries(sources)) {
    if (path !== rootModule && placeOf(path) === undefined) {
      violations.direction.push(`${path}: no rule knows this layer`);
      continue;
    }
    for (const site of importsOf(text)) {
      const to = resolve(path, site.specifier);
      if (to !== undefined) edges.push({ from: path, to, isTypeOnly: site.isTypeOnly });
      const why = judgeImport(path, to ?? site.specifier, site.isTypeOnly);
      if (why !== undefined) violations.direction.push(`${path}:${site.line} imports ${to ?? site.specifier}: ${why}`);
    }
    violations.purity.push(...judgeUses(path, text));
  }
  violations.cycles.push(...cycles(edges));
  return violations;
}

/** The path that a relative specifier means. */
function resolve(from: string, specifier: string): string | undefined {
  if (!specifier.startsWith(".")) return undefined;
  const parts = from.split("/").slice(0, -1);
  for (const part of specifier.split("/")) {
    if (part === "..") parts.pop();
    else if (part !== ".") parts.push(part);
  }
  return parts.join("/");
}

function judgeImport(from: string, to: string, isTypeOnly: boolean): string | undefined {
  const place = placeOf(from);
  if (/^[a-z]+:/.test(to) || !/^(?:src\/|mod\.ts$)/.test(to)) return judgeOutside(place, to);
  if (to === rootModule) return "nothing imports the root module";
  const target = placeOf(to);
  if (target === undefined) return "no rule knows that layer";
  if (place === undefined) {
    return target.file === "mod.ts" ? undefined : "the root module re-exports the modules of layers, nothing else";
  }
  if (place.layer === target.layer) return judgeWithin(place, target);
  if (importedByNobody.includes(target.layer) && place.layer !== "cli") return `nothing imports ${target.layer}`;
  const allowed = allowedTargets(place);
  if (allowed.some((one) => permits(one, target, isTypeOnly))) return undefined;
  return `${place.layer}'s ${place.kind} files may import ${allowed.join(", ") || "nothing"} of other layers`;
}

function judgeOutside(place: Place | undefined, to: string): string | undefined {
  const mayUseRuntime = place !== undefined && mayImportRuntime.includes(place.layer);
  if (to.startsWith("node:") && mayUseRuntime) return undefined;
  return to.startsWith("node:") ? `only ${mayImportRuntime.join(", ")} may` : "there are no dependencies";
}

const order: readonly Kind[] = ["wire", "engine", "stream"];

function judgeWithin(place: Place, target: Place): string | undefined {
  if (target.file === "mod.ts" && place.file !== "mod.ts" && place.layer !== "cli") {
    return "files of a layer do not import its module";
  }
  if (order.indexOf(target.kind) <= order.indexOf(place.kind)) return undefined;
  return `a ${place.kind} file may not import a ${target.kind} file of its layer`;
}

function allowedTargets(place: Place): readonly Target[] {
  const { engineImports, streamImports } = place.rule;
  return place.kind === "stream" ? [...engineImports, ...streamImports ?? []] : engineImports;
}

function permits(allowed: Target, target: Place, isTypeOnly: boolean): boolean {
  if (allowed === "*") return true;
  if (allowed.startsWith("type ")) return isTypeOnly && permits(allowed.slice(5), target, isTypeOnly);
  if (allowed.includes("/") && !allowed.includes(":")) {
    return allowed === `${target.layer}/${target.file}` || allowed === `${target.layer}/*`;
  }
  const [layer, upTo = "engine"] = allowed.split(":");
  return layer === target.layer && order.indexOf(target.kind) <= order.indexOf(upTo as Kind);
}

function judgeUses(path: string, text: string): string[] {
  const code = codeOnly(text);
  const found: string[] = [];
  for (const use of forbiddenFor(path)) {
    if (exceptions[path]?.includes(use)) continue;
    for (const match of code.matchAll(forbiddenUses[use])) {
      found.push(`${path}:${lineOf(code, match.index)} uses ${match[0].trim()} (${use})`);
    }
  }
  return found;
}

function forbiddenFor(path: string): readonly Use[] {
  const place = placeOf(path);
  if (place === undefined) return forbiddenEverywhere;
  if (atHome.includes(place.layer)) return ["not everywhere"];
  if (place.kind === "stream") return place.rule.streamFreeOf ?? [...forbiddenEverywhere, ...forbiddenInStreams];
  return place.rule.freeOf ?? Object.keys(forbiddenUses) as Use[];
}

/** Cycles at run time anywhere, and cycles through types that leave a folder. */
function cycles(edges: readonly Edge[]): string[] {
  const atRunTime = edges.filter((edge) => !edge.isTypeOnly);
  const folder = (path: string) => path.split("/").slice(0, -1).join("/");
  const throughTypes = components(edges).filter((ring) => new Set(ring.map(folder)).size > 1);
  const found = new Map<string, string>();
  for (const ring of components(atRunTime)) found.set(ring.join(), `cycle: ${ring.join(", ")}`);
  for (const ring of throughTypes) {
    if (!found.has(ring.join())) found.set(ring.join(), `cycle through types across folders: ${ring.join(", ")}`);
  }
  return [...found.values()];
}

/** Groups of files that reach each other (a file that imports itself is one), sorted. */
function components(edges: readonly Edge[]): string[][] {
  const next = new Map<string, string[]>();
  for (const { from, to } of edges) next.set(from, [...next.get(from) ?? [], to]);
  const reach = new Map([...next.keys()].map((start) => [start, reachable(start, next)]));
  const seen = new Set<string>();
  const rings: string[][] = [];
  for (const [start, reached] of reach) {
    if (seen.has(start) || !reached.has(start)) continue;
    const ring = [...reached].filter((other) => reach.get(other)?.has(start)).sort();
    for (const one of ring) seen.add(one);
    rings.push(ring);
  }
  return rings;
}

function reachable(start: string, next: ReadonlyMap<string, readonly string[]>): Set<string> {
  const reached = new Set<string>();
  const queue = [...next.get(start) ?? []];
  for (let path = queue.pop(); path !== undefined; path = queue.pop()) {
    if (reached.has(path)) continue;
    reached.add(path);
    queue.push(...next.get(path) ?? []);
  }
  return reached;
}
