import { readdirSync, readFileSync } from "node:fs";
import process from "node:process";
import { pathToFileURL } from "node:url";
import { test } from "node:test";
import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { disassembleLines } from "../../src/bpf/disassembler.ts";
import { encodingOf } from "../../src/bpf/encoding.ts";
import { ENCODINGS } from "../../src/bpf/encoding_table.ts";
import { BpfError } from "../../src/bpf/errors.ts";
import { decodeInstructions } from "../../src/bpf/isa.ts";
import type { BpfProgram } from "../../src/bpf/program.ts";
import { verifyProgram } from "../../src/bpf/verifier/verify_program.ts";
import { bareRunner } from "./support/bare_runner.ts";
import { program } from "./support/builds.ts";
import { ways } from "./support/ways.ts";
import { type ConformanceFile, parseConformanceFile } from "./support/conformance_file.ts";

interface Case extends ConformanceFile {
  readonly name: string;
}

/** The files of a folder and of those in it. */
function casesIn(folder: URL): Case[] {
  return readdirSync(folder, { withFileTypes: true }).sort((a, b) => a.name < b.name ? -1 : 1).flatMap((entry) => {
    if (entry.isDirectory()) return casesIn(new URL(`${entry.name}/`, folder));
    if (!entry.name.endsWith(".data")) return [];
    const file = parseConformanceFile(readFileSync(new URL(entry.name, folder), "utf8"));
    return file === undefined ? [] : [{ ...file, name: entry.name.slice(0, -5) }];
  });
}

function programOf({ code }: ConformanceFile): BpfProgram {
  return { ...program(""), code: code() };
}

/** A program is refused by whoever comes to it first: assembler, or verifier. */
function assertRefused(file: Case): void {
  const error = assertThrows(() => verifyProgram(programOf(file), { mode: "sandbox" }), BpfError);
  if (file.error !== undefined && file.error !== "refused") assertStringIncludes(error.message, file.error);
}

const own = casesIn(new URL("conformance/", import.meta.url));
const folder = process.env["LEAT_BPF_CONFORMANCE"];
const sets: readonly (readonly [name: string, cases: readonly Case[]])[] = folder === undefined
  ? [["own", own]]
  : [["own", own], ["of the suite", casesIn(pathToFileURL(`${folder}/`))]];

for (const [set, cases] of sets) {
  for (const way of ways) {
    test(`case 32: conformance files, ${set}, ${way.name}`, () => {
      let count = 0;
      for (const file of cases) {
        if (file.result === undefined) continue;
        if (file.name === "callx") {
          assertThrows(() => verifyProgram(programOf(file)), BpfError, "indirect call");
          continue;
        }
        const { runner, runtime, block } = bareRunner(programOf(file), way);
        runtime.memory.bytes.set(file.memory, block);
        const length = file.memory.length;
        assertEquals(runner.runBlock(length === 0 ? 0 : block, length), file.result, `${file.name} on ${way.name}`);
        count++;
      }
      assert(count > 160, `${count}`);
    });
  }
}

test("case 32: conformance files of what is refused", () => {
  const refused = own.filter(({ result }) => result === undefined);
  for (const file of refused) assertRefused(file);
  assert(refused.length > 15, `${refused.length}`);
});

test("the conformance files have every encoding that is run, but packet loads, calls and addresses", () => {
  const seen = new Set<unknown>();
  for (const file of own) {
    if (file.result === undefined) continue;
    const code = file.code();
    const instructions = decodeInstructions(code);
    for (const { slot } of disassembleLines(code)) seen.add(encodingOf(instructions[slot]!));
  }
  const missing = ENCODINGS.filter((encoding) => {
    const { operation, group, refusal, src } = encoding;
    const isElsewhere = refusal !== undefined || group === "packet" || operation === "call" && src === 0 ||
      operation === "lddw" && src !== 0;
    return !isElsewhere && !seen.has(encoding);
  });
  assertEquals(missing.map(({ operation, bits }) => `${operation}/${bits}`), []);
});

test("a conformance file is read as the suite's runner does", () => {
  const text = "# a comment\r\n-- asm\nmov %r0, 1 # one\nexit\n-- mem\n01 02\nff\n-- result\n0x10\n\n";
  const file = parseConformanceFile(text)!;
  assertEquals([file.code().length, [...file.memory], file.result, file.error], [16, [1, 2, 255], 16n, undefined]);
  const raw =
    "-- asm\nexit\n-- raw\n0x00000007000000b7\n149\n-- no register offset\nx\n-- c\nint i;\n-- result\n18446744073709551615\n";
  const second = parseConformanceFile(raw)!;
  assertEquals([second.code().length, second.code()[8], second.result], [16, 0x95, (1n << 64n) - 1n]);
  const wide = parseConformanceFile("-- asm\nmov32 %r0, 0x876543210\nexit\n-- result\n1\n")!;
  assertEquals([...wide.code().subarray(4, 8)], [0x10, 0x32, 0x54, 0x76]);
  assertEquals(parseConformanceFile("-- asm\nexit\n"), undefined);
  assertEquals(parseConformanceFile("-- wood\nexit\n-- result\n1\n"), undefined);
  assertEquals(parseConformanceFile("-- asm\nexit\n-- error\nno good\n")!.error, "no good");
  assertEquals(parseConformanceFile("-- raw\nb7 00 00 00 00 00 00 00\n-- error\n")!.code().length, 8);
});
