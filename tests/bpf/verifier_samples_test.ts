import { assert, assertEquals, assertMatch, assertThrows } from "@std/assert";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { loadObject } from "../../src/bpf/bpf_object.ts";
import { BpfError } from "../../src/bpf/errors.ts";
import type { BpfProgram } from "../../src/bpf/program.ts";
import { verifyProgram } from "../../src/bpf/verifier/verify_program.ts";

const data = new URL("./data/", import.meta.url);

/** Every program of every object that can be loaded, with the name of its build. */
function samples(): (readonly [name: string, program: BpfProgram])[] {
  const builds = readdirSync(data).filter((name) => /^(?:plain|c\d\d-v\d-g)$/.test(name));
  return builds.flatMap((build) =>
    readdirSync(new URL(`${build}/`, data)).filter((file) => file.endsWith(".o")).flatMap((file) => {
      const needsTypes = build === "plain" && /^1[126]_/.test(file);
      if (needsTypes || `${build}/${file}` === "c22-v4-g/19_dense_switch.o") return [];
      const object = loadObject(readFileSync(new URL(`${build}/${file}`, data)));
      return object.programs.map(({ name }) => [`${build}/${file}:${name}`, object.program(name)] as const);
    })
  );
}

const all = samples();

test("case 30: all programs of all builds are accepted, in few steps", () => {
  assertEquals(all.length, 149);
  for (const [name, program] of all) {
    for (const mode of ["strict", "kernel-root"] as const) {
      const verified = verifyProgram(program, { mode });
      assert(!verified.isChecked && !verified.needsZeroedStack, name);
      assert(verified.steps < 300, `${name}: ${verified.steps} steps`);
    }
  }
});

test("case 30: sandboxed, they need no checks", () => {
  for (const [name, program] of all) assertEquals(verifyProgram(program, { mode: "sandbox" }).isChecked, false, name);
});

test("case 30: their loops are found to end", () => {
  for (const [, program] of all) verifyProgram(program, { mode: "kernel-root", loops: "bounded" });
});

test("what each program accesses is known", () => {
  const [, program] = all.find(([name]) => name === "c14-v1-g/18_switch_cb.o:switch_cb")!;
  const { accesses, functions } = verifyProgram(program);
  const offsets = accesses.filter((access) => access?.region === "context").map((access) => access?.offset);
  assertEquals(offsets, [48, 0, 52]);
  assertEquals(functions, [{ stackBytes: 0 }]);
  const [, local] = all.find(([name]) => name === "c14-v3-g/14_local_func.o:local_func")!;
  assertEquals(verifyProgram(local).functions.map(({ stackBytes }) => stackBytes), [0, 3, 0]);
});

test("a rejection tells the source line, where the object has it", () => {
  const [, program] = all.find(([name]) => name === "c14-v3-g/01_len16be.o:len16be")!;
  const changed = [
    [1, 0x26, /: r6 = r2: reads r2/],
    [0, 0xff, /unknown opcode|\.8byte/],
    [24, 0xbf, /: r0 = r0: .* runs into what is behind it/],
  ] as const;
  for (const [at, byte, what] of changed) {
    const code = program.code.slice();
    code[at] = byte;
    const error = assertThrows(() => verifyProgram({ ...program, code }), BpfError);
    assert(error.line !== undefined && error.line > 0);
    assertMatch(error.message, /^instruction \d+ \(\.\/01_len16be\.c:\d+\): /);
    assertMatch(error.message, what);
  }
});
