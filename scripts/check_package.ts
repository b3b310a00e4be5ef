/**
 * Checks the packages for npm and JSR: the manifests agree, the tarball holds what it should, publint and attw find
 * nothing, `deno publish --dry-run` passes, and fresh projects on Node, Deno and Bun that install the tarball import
 * every subpath and run the smoke cases (the same as in the browser), the command line and the types.
 *
 * @module
 */
import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, posix } from "node:path";
import process from "node:process";
import { bundleSmoke } from "../tests/browser/bundle.ts";
import { Checks, closingLine } from "./lib/checks.ts";
import { reachableDeclarations } from "./lib/declarations.ts";
import { at, denoManifest, exists, npmManifest, read, subpaths } from "./lib/repo.ts";
import { mustRun, nodeTool, run, tail } from "./lib/run.ts";
import { needRuntime } from "./lib/runtimes.ts";
import { disagreements } from "./manifests.ts";

const npm = process.platform === "win32" ? "npm.cmd" : "npm";
const quiet = ["--no-audit", "--no-fund", "--loglevel=error"];
const { name } = npmManifest();
const checks = new Checks();
const scratch = mkdtempSync(join(tmpdir(), "leat-package-"));

/** Runs a program; its output is the complaint when it fails. */
async function passes(title: string, program: string, args: readonly string[], cwd?: string): Promise<boolean> {
  const { code, output } = await run(program, args, cwd === undefined ? {} : { cwd });
  checks.note(title, code === 0 ? [] : [tail(output, 100)]);
  return code === 0;
}

function checkManifests(): void {
  const changelog = exists("CHANGELOG.md") ? read("CHANGELOG.md") : "";
  checks.note(
    "deno.json, package.json and CHANGELOG.md agree",
    disagreements(denoManifest(), npmManifest(), changelog),
  );
  const withJsr = read("deno.json").replace("./tests/support/std-assert/mod.ts", "jsr:@std/assert@^1");
  const differs = read("deno.jsr.json") === withJsr ? [] : ["deno.jsr.json differs in more than @std/assert"];
  checks.note("deno.jsr.json is deno.json with the real @std/assert", differs);
  checks.note("public modules are there", subpaths().map(([, file]) => file).filter((file) => !exists(file)));
}

/** Packs what is built and gives the tarball's path. */
async function pack(): Promise<string> {
  const packed = await mustRun(npm, ["pack", "--ignore-scripts", "--json", "--pack-destination", scratch, ...quiet]);
  const [{ filename, files, size }] = JSON.parse(packed.slice(packed.indexOf("["))) as [
    { filename: string; files: { path: string }[]; size: number },
  ];
  const paths = new Set(files.map(({ path }) => path));
  const { bin, exports, files: wanted } = npmManifest();
  const targets = Object.values(exports).flatMap((one) => typeof one === "string" ? [one] : Object.values(one));
  const missing = [...targets, ...Object.values(bin)].map((path) => path.replace(/^\.\//, ""));
  missing.push(...wanted.filter((path) => path.includes(".") || path === "LICENSE"));
  checks.note(
    `the tarball (${paths.size} files, ${(size / 1000).toFixed(0)} kB) holds every target`,
    missing.filter((path) => !paths.has(path)),
  );
  const strange = [...paths].filter((path) => /(?:^|\/)(?:tests|bench|scripts|node_modules)\/|_test\./.test(path));
  checks.note("the tarball holds no tests", strange);
  checks.note("declarations lead to declarations and to sources that the tarball holds", astray(paths));
  return join(scratch, filename);
}

/** Where declarations and their maps lead to what is not there: an editor could not go on to the definition. */
function astray(paths: ReadonlySet<string>): string[] {
  const declarations = [...paths].filter((path) => path.startsWith("dist/") && path.endsWith(".d.ts"));
  const named = reachableDeclarations(declarations, (path) => exists(path) ? read(path) : "");
  const sources = declarations.flatMap((path) => {
    if (!paths.has(`${path}.map`)) return [`${path}.map`];
    return (JSON.parse(read(`${path}.map`)) as { sources: string[] }).sources.map((one) =>
      posix.join(dirname(path), one)
    );
  });
  return [...named, ...sources].filter((path) => !paths.has(path));
}

async function checkTarball(tarball: string): Promise<void> {
  await passes("publint (strict)", ...tool("publint/src/cli.js", ["run", tarball, "--strict"]));
  await passes("attw (esm-only)", ...tool("@arethetypeswrong/cli/dist/index.js", [tarball, "--profile", "esm-only"]));
}

function tool(path: string, args: readonly string[]): [program: string, args: string[]] {
  const [program, first] = nodeTool(path);
  return [program, [...first, ...args]];
}

async function checkJsr(): Promise<void> {
  const deno = await needRuntime("Deno");
  await passes("deno publish --dry-run", deno, ["publish", "--dry-run", "--allow-dirty", "--quiet"]);
}

const consumer = `
import { readFileSync } from "node:fs";
import { runSmoke } from "./smoke.mjs";
for (const name of NAMES) {
  const module = await import(name);
  if (Object.keys(module).length === 0) throw new Error(name + " exports nothing");
}
console.log("imported " + NAMES.length);
let passed = 0, failed = 0;
for (const { name, error } of await runSmoke(new Uint8Array(readFileSync("capture.pcap")))) {
  if (error === undefined) passed++;
  else failed++;
  if (error !== undefined) console.log("FAIL " + name + "\\n" + error);
}
const runtime = "Deno" in globalThis ? "deno" : "Bun" in globalThis ? "bun" : "node";
const { connect, listen } = await import(NAME + "/" + runtime);
const listener = listen("127.0.0.1:0");
const { localAddress } = await listener.opened;
const client = connect(localAddress);
const server = await listener.accept();
await client.writev([new Uint8Array([1, 2]), new Uint8Array([3])]);
const received = new Uint8Array(3);
await server.readv([received]);
if (received.join() !== "1,2,3") throw new Error("the socket of " + runtime + " received " + received.join());
passed++;
await Promise.all([client.close(), server.close(), listener.close()]);
console.log(passed + " passed, " + failed + " failed");
if (failed > 0) process.exit(1);
`;

const typedConsumer = (names: readonly string[]) =>
  names.map((one, i) => `import * as m${i} from "${one}";`).join("\n") +
  `\nexport const all: object[] = [${names.map((_, i) => `m${i}`).join(", ")}];\n`;

/** Stages joined as a server without the DOM library does it. */
const pipingConsumer = (name: string) => `
import { createReadStream } from "node:fs";
import { Readable } from "node:stream";
import { CaptureStream, FilterStream, FlowStream, lengthPrefix, MessageStream, Multiplexor, type Packet,
  SegmentStream, type StreamPair } from "${name}";
const bytes = Readable.toWeb(createReadStream("capture.pcap")) as ReadableStream<Uint8Array>;
const capture: StreamPair<Packet, Uint8Array> = new CaptureStream();
const few = new FilterStream<Packet>(({ number }) => number < 9);
const flows = bytes.pipeThrough(capture).pipeThrough(few).pipeThrough(new SegmentStream()).pipeThrough(new FlowStream());
const kcm = new Multiplexor();
export const piped: Promise<void> = flows.pipeTo(kcm.attachments({ parser: lengthPrefix(2) }));
export const messages: ReadableStream<Uint8Array> = bytes.pipeThrough(new MessageStream({ parser: lengthPrefix(2) }));
`;

/** Makes a folder with what every fresh project has. */
function freshProject(title: string, smoke: string, names: readonly string[]): string {
  const folder = join(scratch, title);
  mkdirSync(folder);
  writeFileSync(join(folder, "package.json"), JSON.stringify({ name: "fresh", private: true, type: "module" }));
  writeFileSync(join(folder, "smoke.mjs"), smoke);
  writeFileSync(
    join(folder, "consumer.mjs"),
    consumer.replaceAll("NAMES", JSON.stringify(names)).replaceAll("NAME", JSON.stringify(name)),
  );
  writeFileSync(join(folder, "consumer.ts"), typedConsumer(names));
  writeFileSync(join(folder, "piping.ts"), pipingConsumer(name));
  cpSync(at("examples/captures/framed_nanosecond.pcap"), join(folder, "capture.pcap"));
  return folder;
}

async function runConsumer(title: string, program: string, args: readonly string[], cwd: string): Promise<void> {
  const { code, output } = await run(program, args, { cwd });
  const counts = closingLine(output);
  checks.add(counts?.passed ?? 0, 0);
  const label = `a fresh ${title} project runs the package (${counts?.passed ?? 0} smoke cases)`;
  checks.note(label, code === 0 && counts !== undefined && counts.passed > 0 ? [] : [tail(output, 60)]);
}

async function checkTypes(cwd: string): Promise<void> {
  const tsc = at("node_modules/typescript/bin/tsc");
  const common = ["--noEmit", "--strict", "--exactOptionalPropertyTypes", "--target", "es2022"];
  const web = ["--types", "", "--lib", "es2024,esnext.disposable,dom,dom.asynciterable", "consumer.ts"];
  const node = ["--types", "node", "--typeRoots", at("node_modules/@types"), "--lib", "es2022"];
  for (const [module, resolution] of [["nodenext", "nodenext"], ["preserve", "bundler"]] as const) {
    const args = [tsc, ...common, "--module", module, "--moduleResolution", resolution];
    await passes(`types of the package under ${resolution}`, process.execPath, [...args, ...web], cwd);
    const files = ["consumer.ts", "piping.ts"];
    const title = `types of the package under ${resolution}, with Node's types instead of the DOM library`;
    await passes(title, process.execPath, [...args, ...node, ...files], cwd);
  }
}

async function checkFreshProjects(tarball: string): Promise<void> {
  const { code, missing } = await bundleSmoke("package");
  checks.note("every public subpath has smoke cases", missing);
  const names = subpaths().filter(([, file]) => exists(file)).map(([subpath]) => `${name}${subpath.slice(1)}`);

  const onNode = freshProject("Node", code, names);
  if (await passes("npm installs the tarball", npm, ["install", tarball, ...quiet], onNode)) {
    await runConsumer("Node", process.execPath, ["consumer.mjs"], onNode);
    await checkTypes(onNode);
    const program = join(onNode, "node_modules/.bin/leat");
    if (exists("src/cli/main.ts")) await passes("the installed program starts", program, ["--help"], onNode);
  }

  // Deno reads tarballs only through node_modules that another program has filled.
  const onDeno = freshProject("Deno", code, names);
  writeFileSync(join(onDeno, "deno.json"), JSON.stringify({ nodeModulesDir: "manual" }));
  if (await passes("npm installs the tarball for Deno", npm, ["install", tarball, ...quiet], onDeno)) {
    await runConsumer("Deno", await needRuntime("Deno"), ["run", "-A", "--no-lock", "consumer.mjs"], onDeno);
  }

  const onBun = freshProject("Bun", code, names);
  const bun = await needRuntime("Bun");
  if (await passes("bun installs the tarball", bun, ["add", tarball], onBun)) {
    await runConsumer("Bun", bun, ["consumer.mjs"], onBun);
  }
}

try {
  checkManifests();
  await checkJsr();
  const isBuilt = await passes("npm run build", npm, ["run", "build", "--silent"]);
  if (isBuilt && readdirSync(at("dist")).length > 0) {
    const tarball = await pack();
    await checkTarball(tarball);
    await checkFreshProjects(tarball);
  }
} catch (error) {
  checks.note("the package is made", [error instanceof Error ? error.message : String(error)]);
} finally {
  rmSync(scratch, { recursive: true, force: true });
}
checks.finish();
