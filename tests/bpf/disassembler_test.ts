import { assert, assertEquals } from "@std/assert";
import { test } from "node:test";
import { assemble } from "../../src/bpf/assembler.ts";
import { disassemble, disassembleLines } from "../../src/bpf/disassembler.ts";
import { toHex } from "../../src/bytes/hex.ts";
import { codeSections } from "./support/code_sections.ts";
import { buildFolders, objectFile, objectNames, randomPrograms, recordedDisassembly } from "./support/recordings.ts";

/** Text of each instruction that llvm-objdump printed, by section and slot. */
function recorded(text: string): Map<string, Map<number, string>> {
  const sections = new Map<string, Map<number, string>>();
  let lines = new Map<number, string>();
  for (const line of text.split("\n")) {
    const section = /^Disassembly of section (.*):$/.exec(line)?.[1];
    if (section !== undefined) sections.set(section, lines = new Map());
    const [, slot, instruction] = /^ *(\d+):\t(.*)$/.exec(line) ?? [];
    if (slot !== undefined) lines.set(Number(slot), instruction!.replace(/ <[^<>]*>$/, ""));
  }
  return sections;
}

for (const build of buildFolders().filter((name) => name !== "c14-be")) {
  test(`the disassembly of all objects of ${build} is that of llvm-objdump, and assembles to the same`, () => {
    const radix = build.startsWith("c14") || build === "plain" ? 10 : 16;
    let count = 0;
    for (const name of objectNames(build)) {
      const sections = codeSections(objectFile(build, name));
      const expected = recorded(recordedDisassembly(build, name));
      for (const [section, code] of sections) {
        if (code.length === 0) continue;
        const wanted = expected.get(section)!;
        const lines = disassembleLines(code, { radix });
        // LLVM prints calls of local functions as if of helpers; here a sign tells them apart
        const ours = lines.map(({ slot, text }) => [slot, text.replace(/^call \+/, "call ")] as const);
        assertEquals([...new Map(ours)], [...wanted], `${name} ${section}`);
        assertEquals(toHex(assemble(disassemble(code, { radix })).code), toHex(code));
        count += lines.length;
      }
    }
    assert(count > 90, `${count}`);
  });
}

test("1,000 random programs survive both dialects", () => {
  for (const { code } of randomPrograms()) {
    for (const dialect of ["llvm", "conformance"] as const) {
      const text = disassemble(code, { dialect });
      assert(!text.includes(".8byte"));
      assertEquals(toHex(assemble(text).code), toHex(code));
    }
  }
});
