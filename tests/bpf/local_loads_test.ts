import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { pathToFileURL } from "node:url";
import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { assemble } from "../../src/bpf/assembler.ts";
import { loadObject } from "../../src/bpf/bpf_object.ts";
import { disassemble } from "../../src/bpf/disassembler.ts";
import { BpfError } from "../../src/bpf/errors.ts";
import { compileToModule } from "../../src/bpf/jit/compile_module.ts";
import { BpfMachine } from "../../src/bpf/machine.ts";
import { BPF_MAP_TYPE_ARRAY } from "../../src/bpf/map_types.ts";
import type { BpfProgram } from "../../src/bpf/program.ts";
import { verifyProgram } from "../../src/bpf/verifier/verify_program.ts";
import { backends } from "./support/builds.ts";

const object = loadObject(await readFile(new URL("data/local_loads.o", import.meta.url)));
const modes = ["strict", "kernel-root"] as const;
/** What Linux 6.18 returned for these bytes. */
const recorded = [["0005000007", 107], ["0005", 100], ["0005000000", 100]] as const;
const bytesOf = (hex: string) => Uint8Array.from(hex.match(/../g)!, (byte) => parseInt(byte, 16));

for (const backend of backends) {
  test(`packet loads in a function that types say returns a number end that function alone, ${backend}`, () => {
    for (const mode of modes) {
      for (const name of ["with_int", "with_long"]) {
        const machine = new BpfMachine(object.program(name), { backend, mode });
        for (const [hex, result] of recorded) assertEquals(machine.run(bytesOf(hex)), result, `${name} ${hex}`);
      }
    }
  });
}

test("packet loads in a function that returns nothing are refused, as in the kernel", () => {
  for (const mode of modes) {
    const error = assertThrows(() => verifyProgram(object.program("with_void"), { mode }), BpfError);
    assertEquals(error.code, "EACCES");
    assertStringIncludes(error.message, "packet load in a local function, which type information (-g) has to say");
  }
  assertEquals(new BpfMachine(object.program("with_void"), { mode: "sandbox" }).run(bytesOf("0005000007")), 107);
});

const maps = [{ name: "eight", type: BPF_MAP_TYPE_ARRAY, keySize: 4, valueSize: 8, maxEntries: 1, flags: 0 }];

/** A program whose function `f` is at this slot; types say what it returns, or don't. */
function withTypes(text: string, returnsNumber: boolean): BpfProgram {
  const program = assemble(text, { maps });
  const [entry, f] = program.functions!;
  return { ...program, functions: [entry!, { ...f!, returnsNumber }] };
}

test("without types packet loads in a function are refused", () => {
  const text = "call f\nr0 = 0\nexit\nf:\nr6 = r1\nr0 = *(u8 *)skb[0]\nexit";
  for (const mode of modes) {
    assertEquals(verifyProgram(withTypes(text, true), { mode }).isChecked, false);
    for (const program of [withTypes(text, false), assemble(text)]) {
      assertEquals(assertThrows(() => verifyProgram(program, { mode }), BpfError).code, "EACCES");
    }
  }
});

test("a function that a packet load may have ended returns 0, and what it wrote before stays: both count as known", () => {
  const program = (use: string) =>
    withTypes(
      `r6 = r1\nr2 = r10\nr2 += -8\n*(u64 *)(r10 - 8) = 1\ncall f\n${use}\nexit
f:\nr6 = r1\nr7 = r2\n*(u64 *)(r7 + 0) = 7\nr0 = *(u8 *)skb[0]\n*(u64 *)(r7 + 0) = 2\nr0 = 4\nexit`,
      true,
    );
  // With r0 = 4 alone this would be offset 0; r0 = 0 makes it -4.
  const outside = "r1 = map[eight]+0 ll\nr1 += r0\nr0 = *(u8 *)(r1 - 4)";
  const inside = "r1 = map[eight]+0 ll\nr1 += r0\nr0 = *(u8 *)(r1 + 3)";
  // 7 is what was written before the load, 2 what is written behind it.
  const index = "r2 = *(u64 *)(r10 - 8)\nr1 = map[eight]+0 ll\nr1 += r2\nr0 = *(u8 *)(r1 + 0)";
  const indexOver = "r2 = *(u64 *)(r10 - 8)\nr1 = map[eight]+0 ll\nr1 += r2\nr0 = *(u8 *)(r1 + 1)";
  for (const loops of ["budget", "refused"] as const) {
    for (const text of [inside, index]) assertEquals(verifyProgram(program(text), { loops }).isChecked, false, text);
    for (const text of [outside, indexOver]) {
      const error = assertThrows(() => verifyProgram(program(text), { loops }), BpfError);
      assertStringIncludes(error.message, "leave the map value of 8 bytes");
    }
  }
});

test("many loads in many functions: what types say of these is read once", () => {
  const count = 50;
  const calls = Array.from({ length: count }, (_, i) => `r1 = r6\ncall f${i}`).join("\n");
  const bodies = Array.from({ length: count }, (_, i) => `f${i}:\nr6 = r1\nr0 = *(u8 *)skb[${i}]\nexit`).join("\n");
  const program = assemble(`r6 = r1\n${calls}\nr0 = 0\nexit\n${bodies}`);
  let reads = 0;
  const functions = program.functions!.map(({ name, slot, slots }) => ({
    name,
    slots,
    returnsNumber: true,
    get slot() {
      reads++;
      return slot;
    },
  }));
  assertEquals(verifyProgram({ ...program, functions }).isChecked, false);
  assertEquals(reads, count + 1);
});

test("assembly says of a function what types say, and so a program is one again", () => {
  for (const name of ["with_int", "with_long"]) {
    for (const dialect of ["llvm", "conformance"] as const) {
      const text = disassemble(object.program(name), { dialect });
      assertEquals(text.match(/^\.returns_number /gm)?.length, 1);
      const again = assemble(text);
      const machine = new BpfMachine(again);
      for (const [hex, result] of recorded) assertEquals(machine.run(bytesOf(hex)), result, `${name} ${hex}`);
      assertEquals(disassemble(again, { dialect }), text);
    }
  }
  const withVoid = disassemble(object.program("with_void"));
  assertEquals(withVoid.includes(".returns_number"), false);
  assertEquals(assertThrows(() => verifyProgram(assemble(withVoid)), BpfError).code, "EACCES");
  const wrong = [
    ["r0 = 0\n.returns_number f\nexit", 2, 17],
    ["  .returns_number main\nr0 = 0\nexit", 1, 19],
    ["call f\nexit\n.returns_number\nf:\nr0 = 0\nexit", 3, 16],
  ] as const;
  for (const [text, line, column] of wrong) {
    const error = assertThrows(() => assemble(text), BpfError);
    assertEquals([error.code, error.line, error.column], ["EINVAL", line, column], text);
  }
});

test("a module ahead of time has them as well", async () => {
  const text = compileToModule(object.program("with_int"));
  const folder = await mkdtemp(join(tmpdir(), "leat-"));
  try {
    const file = join(folder, "parser.mjs");
    await writeFile(file, text);
    const { parser } = await import(pathToFileURL(file).href);
    for (const [hex, result] of recorded) {
      const bytes = bytesOf(hex);
      assertEquals(parser.parse(bytes, 0, bytes.length, parser.start({})), result);
    }
  } finally {
    await rm(folder, { recursive: true });
  }
});
