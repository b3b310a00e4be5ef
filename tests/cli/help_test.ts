import { readFileSync } from "node:fs";
import { test } from "node:test";
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { plain } from "../../src/cli/format/color.ts";
import { wrap } from "../../src/cli/format/width.ts";
import { commandHelp, programHelp } from "../../src/cli/help.ts";
import { COMMON_OPTIONS } from "../../src/cli/options.ts";
import { COMMANDS, run } from "../../src/cli/run.ts";
import { VERSION } from "../../src/cli/version.ts";
import { parserTable } from "../../src/strparser/parsers/mod.ts";
import { MemoryIo } from "./support/memory_io.ts";

test("the help of each command lists all its options, and no line is wider than 80", () => {
  for (const command of COMMANDS) {
    const help = commandHelp(command, plain);
    for (const { name, short, argument } of [...command.options, ...COMMON_OPTIONS]) {
      assertStringIncludes(help, `--${name}${argument === undefined ? "" : ` ${argument}`}`);
      if (short !== undefined) assertStringIncludes(help, `-${short}, --${name}`);
    }
    for (const line of help.split("\n")) assert(line.length <= 80, line);
  }
});

test("the help of trace names all parsers, the filter language and the exit codes", () => {
  const help = commandHelp(COMMANDS.find(({ name }) => name === "trace")!, plain);
  for (const { name } of parserTable) assertStringIncludes(help, name);
  for (const word of ["port N", "host ADDRESS", "id N", "130"]) assertStringIncludes(help, word);
});

test("the help of demo points to no list that it has not", () => {
  const help = commandHelp(COMMANDS.find(({ name }) => name === "demo")!, plain);
  assertEquals([help.includes("below"), help.includes("leat trace --help")], [false, true]);
});

test("what is live is best read in immediate mode, says the help", () => {
  const help = commandHelp(COMMANDS.find(({ name }) => name === "trace")!, plain);
  assertStringIncludes(help, "tcpdump -i any --immediate-mode -U -w -");
});

test("the help of the program lists all commands, and no line is wider than 80", () => {
  const help = programHelp(COMMANDS, plain);
  for (const { name, usage } of COMMANDS) assertStringIncludes(help, `leat ${name} ${usage}`);
  for (const line of help.split("\n")) assert(line.length <= 80, line);
});

test("the page of the command line names every command and option", () => {
  const page = readFileSync(new URL("../../docs/cli.md", import.meta.url), "utf8");
  for (const command of COMMANDS) {
    assertStringIncludes(page, `leat ${command.name}`);
    for (const { name } of [...command.options, ...COMMON_OPTIONS]) assertStringIncludes(page, `--${name}`);
  }
});

for (
  const args of [
    ["--help"],
    ["-h"],
    ["help"],
    ["trace", "--help"],
    ["trace", "-h", "--nonsense"],
    ["trace", "-qh"],
    ["demo", "--help"],
  ]
) {
  test(`leat ${args.join(" ")} prints help to standard output and exits with 0`, async () => {
    const io = new MemoryIo();
    assertEquals(await run(args, io), 0);
    assertStringIncludes(io.stdout.text, "options:");
    assertEquals(io.stderr.text, "");
  });
}

test("without arguments the help goes to standard error, and the exit code is 2", async () => {
  const io = new MemoryIo();
  assertEquals(await run([], io), 2);
  assertStringIncludes(io.stderr.text, "usage:");
  assertEquals(io.stdout.text, "");
});

test("--color is heard by the help", async () => {
  for (const args of [["--color=always", "--help"], ["trace", "--color=always", "-qh"]]) {
    const io = new MemoryIo();
    assertEquals(await run(args, io), 0);
    assertStringIncludes(io.stdout.text, "\x1b[");
  }
});

test("the version is that of the manifests", async () => {
  for (const name of ["package.json", "deno.json"]) {
    const manifest = JSON.parse(readFileSync(new URL(`../../${name}`, import.meta.url), "utf8"));
    assertEquals(VERSION, manifest.version);
  }
  for (const args of [["--version"], ["-V"], ["trace", "--version"]]) {
    const io = new MemoryIo();
    assertEquals(await run(args, io), 0);
    assertEquals(io.stdout.text, `leat ${VERSION}\n`);
  }
});

test("commands that are none are usage errors with a hint", async () => {
  const cases: [string[], string][] = [
    [["trase"], 'leat: unknown command "trase"; did you mean trace? (see leat --help)\n'],
    [["x.pcap"], 'leat: unknown command "x.pcap"; did you mean leat trace x.pcap? (see leat --help)\n'],
    [["-"], 'leat: unknown command "-"; did you mean leat trace -? (see leat --help)\n'],
    [["--quiet"], "leat: a command is missing (see leat --help)\n"],
    [["--colour"], "leat: unknown option --colour; did you mean --color? (see leat --help)\n"],
  ];
  for (const [args, text] of cases) {
    const io = new MemoryIo();
    assertEquals(await run(args, io), 2);
    assertEquals(io.stderr.text, text);
  }
});

test("texts are broken between words", () => {
  assertEquals(wrap("one two three", 7), ["one two", "three"]);
  assertEquals(wrap("extraordinary day", 5), ["extraordinary", "day"]);
  assertEquals(wrap("", 5), [""]);
});
