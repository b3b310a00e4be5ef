// The check of the house's direction is itself checked: made-up sets of files, each with one fault, must be named.
import { test } from "node:test";
import { assertEquals, assertMatch } from "@std/assert";
import { judge, placeOf, type Sources, type Violations } from "../../scripts/lib/deps.ts";
import { codeOnly, importsOf } from "../../scripts/lib/imports.ts";
import { forbiddenUses, type Use } from "../../scripts/deps_rules.ts";

const healthy: Sources = {
  "mod.ts": `export { FlowStream } from "./src/flow/mod.ts";\n`,
  "src/bytes/concat.ts": `export function concat() {}\n`,
  "src/bytes/mod.ts": `export { concat } from "./concat.ts";\n`,
  "src/core/errors.ts": `export class LeatError extends Error {}\n`,
  "src/core/clock.ts": `export const systemClock = { now: () => performance.now(), set: setTimeout };\n`,
  "src/stream/stage.ts":
    `import { LeatError } from "../core/errors.ts";\nexport const make = () => new ReadableStream();\n`,
  "src/packet/packet.ts": `export interface Packet {}\n`,
  "src/packet/segment.ts": `export class Segment {}\n`,
  "src/packet/segment_decoder.ts": `import { Segment } from "./segment.ts";\n`,
  "src/packet/segment_stream.ts":
    `import { SegmentDecoder } from "./segment_decoder.ts";\nimport { make } from "../stream/stage.ts";\n`,
  "src/pcap/pcap_reader.ts": `import type { Packet } from "../packet/packet.ts";\n`,
  "src/flow/assembler.ts":
    `import { Segment } from "../packet/segment.ts";\nimport { concat } from "../bytes/mod.ts";\n`,
  "src/flow/flow.ts": `import { make } from "../stream/stage.ts";\n`,
  "src/flow/flow_stream.ts": `import { Assembler } from "./assembler.ts";\nimport { Flow } from "./flow.ts";\n`,
  "src/flow/mod.ts": `export { FlowStream } from "./flow_stream.ts";\n`,
  "src/strparser/parser.ts": `export type Parser = () => number;\n`,
  "src/strparser/stream_parser.ts": `import type { Parser } from "./parser.ts";\n`,
  "src/kcm/multiplexor.ts": `import { StreamParser } from "../strparser/stream_parser.ts";\n`,
  "src/kcm/attachments_stream.ts": `import type { Flow } from "../flow/flow.ts";\n`,
  "src/sim/splits.ts": `import { concat } from "../bytes/concat.ts";\n`,
  "src/cli/main.ts":
    `import process from "node:process";\nimport { splits } from "../sim/splits.ts";\nconsole.log(process.argv);\n`,
};

/** What is found when the healthy house gets these files. */
function found(files: Sources): Violations {
  return judge({ ...healthy, ...files });
}

test("a house in order has no violations", () => {
  assertEquals(judge(healthy), { direction: [], cycles: [], purity: [] });
});

const wrongDirections: [name: string, path: string, text: string, complaint: RegExp][] = [
  ["bytes import nothing", "src/bytes/a.ts", `import "../core/errors.ts";`, /bytes's wire files may import nothing/],
  ["core imports no stream", "src/core/a.ts", `import { s } from "../stream/stage.ts";`, /imports src\/stream\/stage/],
  ["stream imports no layer", "src/stream/a.ts", `import type { P } from "../packet/packet.ts";`, /packet\/packet\.ts/],
  ["an engine imports no stream", "src/flow/a.ts", `import { s } from "../stream/stage.ts";`, /flow's engine files/],
  ["not even its types", "src/flow/a.ts", `import type { S } from "../stream/stage.ts";`, /flow's engine files/],
  ["a re-export counts", "src/flow/a.ts", `export * from "../stream/stage.ts";`, /flow's engine files/],
  ["a dynamic import counts", "src/flow/a.ts", `const s = await import("../stream/stage.ts");`, /stream\/stage\.ts/],
  ["an import for its effect counts", "src/flow/a.ts", `import "../stream/stage.ts";`, /stream\/stage\.ts/],
  [
    "an import over several lines counts",
    "src/flow/a.ts",
    `import {\n  s,\n  t,\n} from "../stream/stage.ts";`,
    /a\.ts:4 /,
  ],
  [
    "an engine imports no other engine",
    "src/flow/a.ts",
    `import { D } from "../packet/segment_decoder.ts";`,
    /packet:wire/,
  ],
  ["nor its layer's module", "src/flow/a.ts", `import { D } from "../packet/mod.ts";`, /packet:wire/],
  [
    "nor a stream file of its own layer",
    "src/flow/a.ts",
    `import { F } from "./flow_stream.ts";`,
    /may not import a stream/,
  ],
  ["nor its own module", "src/flow/flow_stream.ts", `import { F } from "./mod.ts";`, /do not import its module/],
  [
    "wire imports no engine",
    "src/strparser/parser.ts",
    `import { S } from "./stream_parser.ts";`,
    /a wire file may not/,
  ],
  [
    "pcap knows packets only",
    "src/pcap/a.ts",
    `import { S } from "../packet/segment.ts";`,
    /may import .*packet\/packet\.ts/,
  ],
  [
    "packet does not know pcap",
    "src/packet/a.ts",
    `import { R } from "../pcap/pcap_reader.ts";`,
    /packet's wire files/,
  ],
  ["strparser does not know flows", "src/strparser/a.ts", `import { A } from "../flow/flow_record.ts";`, /strparser's/],
  ["kcm's engine does not know flows", "src/kcm/a.ts", `import type { F } from "../flow/flow.ts";`, /kcm's engine/],
  [
    "kcm's streams know types of flows only",
    "src/kcm/attachments_stream.ts",
    `import { Flow } from "../flow/flow.ts";`,
    /type flow/,
  ],
  [
    "a lower layer's parsers in a subfolder count too",
    "src/flow/a.ts",
    `import "../strparser/parsers/x.ts";`,
    /flow's/,
  ],
  [
    "nothing imports sim",
    "src/flow/flow_stream.ts",
    `import { splits } from "../sim/splits.ts";`,
    /nothing imports sim/,
  ],
  ["nothing imports cli", "src/stream/stage.ts", `import { main } from "../cli/main.ts";`, /nothing imports cli/],
  ["nothing imports the root module", "src/cli/a.ts", `import { F } from "../../mod.ts";`, /root module/],
  ["the root module re-exports modules", "mod.ts", `export { F } from "./src/flow/flow_stream.ts";`, /nothing else/],
  [
    "only the command and drivers import node's modules",
    "src/stream/a.ts",
    `import { x } from "node:fs";`,
    /only cli, tsocket\/drivers\/node, tsocket\/drivers\/bun may/,
  ],
  ["sockets import no runtime", "src/tsocket/a.ts", `import { x } from "node:net";`, /only cli, .* may/],
  [
    "sockets import no driver of a runtime",
    "src/tsocket/a.ts",
    `import { x } from "./drivers/node/x.ts";`,
    /tsocket's stream files may import/,
  ],
  [
    "drivers import no other layer",
    "src/tsocket/drivers/node/a.ts",
    `import { x } from "../../../flow/flow_stream.ts";`,
    /tsocket\/drivers\/node's stream files may import/,
  ],
  ["there are no dependencies", "src/cli/a.ts", `import { x } from "left-pad";`, /no dependencies/],
  ["nothing comes from outside of src", "src/cli/a.ts", `import { x } from "../../tests/x.ts";`, /no dependencies/],
  ["a layer without a rule is named", "src/quic/a.ts", ``, /src\/quic\/a\.ts: no rule/],
];

for (const [name, path, text, complaint] of wrongDirections) {
  test(`direction: ${name}`, () => {
    const { direction } = found({ [path]: text });
    assertEquals(direction.length, 1, `found: ${direction.join("\n")}`);
    assertMatch(direction[0] ?? "", complaint);
    assertMatch(direction[0] ?? "", new RegExp(`^${path.replaceAll(".", "\\.")}`));
  });
}

test("cycles: files of one layer that import each other are named", () => {
  const { cycles } = found({
    "src/flow/a.ts": `import { b } from "./b.ts";`,
    "src/flow/b.ts": `import { c } from "./c.ts";`,
    "src/flow/c.ts": `import { a } from "./a.ts";`,
  });
  assertEquals(cycles, ["cycle: src/flow/a.ts, src/flow/b.ts, src/flow/c.ts"]);
});

test("cycles: through types they are tolerated within a folder, not across", () => {
  const within = {
    "src/flow/a.ts": `import type { B } from "./b.ts";`,
    "src/flow/b.ts": `import { a } from "./a.ts";`,
  };
  assertEquals(found(within).cycles, []);
  const across = {
    "src/bytes/a.ts": `import type { E } from "../core/e.ts";`,
    "src/core/e.ts": `import { a } from "../bytes/a.ts";`,
  };
  assertEquals(found(across).cycles, ["cycle through types across folders: src/bytes/a.ts, src/core/e.ts"]);
});

test("cycles: a file that imports itself is one", () => {
  assertEquals(found({ "src/flow/a.ts": `import { a } from "./a.ts";` }).cycles, ["cycle: src/flow/a.ts"]);
});

const samples: Record<Use, string[]> = {
  timer: ["setTimeout(run, 5)", "const { setInterval } = globalThis", "queueMicrotask(run)"],
  clock: ["new Date()", "Date.now()", "performance.now()"],
  random: ["Math.random()", "crypto.getRandomValues(bytes)"],
  console: ["console.log(1)"],
  promise: ["Promise.resolve()", "async () => 1", "await x", "const p: PromiseLike<void> = x"],
  "web stream": ["new ReadableStream()", "const t: TransformStream = x", "WritableStreamDefaultController"],
  runtime: ["Deno.cwd()", "Bun.file(x)", "process.env", "Buffer.from(x)", "require('x')"],
  "not everywhere": [
    "ReadableStream.from(x)",
    "Promise.withResolvers()",
    "Promise.try(x)",
    "Array.fromAsync(x)",
    "Object.groupBy(x, y)",
    "new AsyncDisposableStack()",
    "await using a = b",
    "Uint8Array.fromHex(x)",
    "a.symmetricDifference(b)",
  ],
};

for (const [use, lines] of Object.entries(samples)) {
  test(`purity: an engine with ${use} is named`, () => {
    for (const line of lines) {
      const { purity } = found({ "src/flow/a.ts": `const x = 1;\n${line};\n` });
      assertMatch(
        purity.find((one) => one.includes(`(${use})`)) ?? `nothing found in ${line}`,
        /^src\/flow\/a\.ts:2 uses /,
      );
    }
  });
}

test("purity: every use has a sample here", () => {
  assertEquals(Object.keys(samples).sort(), Object.keys(forbiddenUses).sort());
});

test("purity: comments and strings are not uses", () => {
  const text =
    `// setTimeout(a)\n/* new Date()\n * await */\nconst a = "console.log()" + 'Math.random()' + \`Promise\`;\n`;
  assertEquals(found({ "src/flow/a.ts": text }).purity, []);
});

test("purity: stream files may use promises and streams, not clock, console, randomness and runtime", () => {
  const stream = (text: string) => found({ "src/flow/a_stream.ts": text }).purity.length;
  assertEquals(stream("new ReadableStream({ pull: async () => await x }); setTimeout(f, 1);"), 0);
  for (const text of ["Date.now()", "console.log()", "Math.random()", "Deno.cwd()", "ReadableStream.from(x)"]) {
    assertEquals(stream(text), 1, text);
  }
});

test("purity: the command line may print, but must run everywhere", () => {
  assertEquals(found({ "src/cli/a.ts": "console.log(Date.now(), process.argv); await x;" }).purity, []);
  assertEquals(found({ "src/cli/a.ts": "Promise.withResolvers();" }).purity.length, 1);
});

test("kinds: names say what a file is", () => {
  const kind = (path: string) => placeOf(path)?.kind;
  assertEquals(kind("src/packet/segment.ts"), "wire");
  assertEquals(kind("src/packet/segment_decoder.ts"), "engine");
  assertEquals(kind("src/packet/segment_stream.ts"), "stream");
  assertEquals(kind("src/packet/mod.ts"), "stream");
  assertEquals(kind("src/strparser/parser.ts"), "wire");
  assertEquals(kind("src/strparser/parsers/line.ts"), "engine");
  assertEquals(kind("mod.ts"), undefined);
});

test("imports are read in every form, with their lines", () => {
  const source = [
    `// import { no } from "./comment.ts";`,
    `import { a, type B } from "./a.ts";`,
    `import type { C } from "./c.ts";`,
    `export type { D } from "./d.ts";`,
    `export * as e from "./e.ts";`,
    `import type from "./type.ts";`,
    `const text = 'import { no } from "./string.ts"';`,
    `export const f = "from", g = "./no.ts";`,
  ].join("\n");
  assertEquals(importsOf(source), [
    { specifier: "./a.ts", isTypeOnly: false, line: 2 },
    { specifier: "./c.ts", isTypeOnly: true, line: 3 },
    { specifier: "./d.ts", isTypeOnly: true, line: 4 },
    { specifier: "./e.ts", isTypeOnly: false, line: 5 },
    { specifier: "./type.ts", isTypeOnly: false, line: 6 },
  ]);
});

test("blanking keeps every line where it was", () => {
  const source = "a /* b\nc */ d\n`e\nf` g // h\n";
  assertEquals(codeOnly(source).split("\n").map((line) => line.trim()), ["a", "d", "", "g", ""]);
});
