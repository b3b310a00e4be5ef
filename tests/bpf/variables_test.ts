import { test } from "node:test";
import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { assemble } from "../../src/bpf/assembler.ts";
import { BpfError } from "../../src/bpf/errors.ts";
import { BpfMachine, type BpfMachineOptions } from "../../src/bpf/machine.ts";
import { BPF_MAP_TYPE_ARRAY, BPF_MAP_TYPE_PROG_ARRAY } from "../../src/bpf/map_types.ts";
import { backends } from "./support/builds.ts";

const array = { type: BPF_MAP_TYPE_ARRAY, keySize: 4, valueSize: 8, maxEntries: 1, flags: 0 };
const word = { name: "word", offset: 0, size: 1, signed: false, count: 8 };

function constants(text: string) {
  return { ...array, name: ".rodata", frozen: true, initial: new TextEncoder().encode(text), fields: [word] };
}

/** Compares the text in the message with the constant; that it ends within its map the verifier has to know. */
const compare =
  "r6 = r1\nr2 = 0\nr3 = r10\nr3 += -16\nr4 = 16\ncall 26\nr1 = r10\nr1 += -16\nr2 = 16\nr3 = map[.rodata]+0 ll\ncall 182\nexit";
const jump = "r2 = map[next] ll\nr3 = 0\ncall 12\nr0 = 99\nexit";
const next = { ...array, name: "next", type: BPF_MAP_TYPE_PROG_ARRAY, valueSize: 4 };

const message = new TextEncoder().encode("cc".padEnd(16, "\0"));
const letters = Array<number>(8).fill(97);

test("several variables of one map are set in one copy, and the definitions given stay as they are", () => {
  const fields = [0, 1, 2].map((at) => ({ name: `v${at}`, offset: at, size: 1, signed: false }));
  const given = { ...array, name: ".data", initial: Uint8Array.of(7, 8, 9), fields };
  const machine = new BpfMachine(assemble("r1 = map[.data] ll\nr0 = 0\nexit", { maps: [given] }), {
    variables: { v0: 1, v2: 3 },
  });
  assertEquals(fields.map(({ name }) => machine.getVariable(name)), [1, 8, 3]);
  assertEquals(given.initial, Uint8Array.of(7, 8, 9));
});

for (const backend of backends) {
  const machineOf = (text: string, options: BpfMachineOptions = {}) =>
    new BpfMachine(assemble(compare, { maps: [constants(text)] }), { backend, ...options });

  test(`variables: a program is proven with the constants that it runs with, ${backend}`, () => {
    const whole = "ab\0\0\0\0\0\0";
    assertEquals(machineOf("cc\0\0\0\0\0\0").run(message), 0);
    assertEquals(machineOf(whole, { variables: { word: [99, 99, 0, 0, 0, 0, 0, 0] } }).run(message), 0);
    assertEquals(machineOf(whole, { variables: { word: [99, 99, 0, 0, 0, 0, 0, 0] } }).getVariable("word"), [
      99,
      99,
      0,
      0,
      0,
      0,
      0,
      0,
    ]);
    const error = assertThrows(() => machineOf(whole, { variables: { word: letters } }), BpfError);
    assertEquals(error.code, "EACCES");
    assertStringIncludes(error.message, "has no end");
    // The other way round as well: the object's constant has no end, the one that is set has.
    assertEquals(assertThrows(() => machineOf("abcdefgh"), BpfError).code, "EACCES");
    assertEquals(machineOf("abcdefgh", { variables: { word: [99, 99, 0, 0, 0, 0, 0, 0] } }).run(message), 0);
  });

  test(`variables: and so is the target of a tail call, whose map has the same name, ${backend}`, () => {
    const target = assemble(compare, { maps: [constants("ab\0\0\0\0\0\0")] });
    const machineWith = (word: readonly number[]) => {
      const program = assemble(jump, { maps: [next, constants("ab\0\0\0\0\0\0")] });
      return new BpfMachine(program, { backend, programs: { next: [target] }, variables: { word } });
    };
    assertEquals(machineWith([99, 99, 0, 0, 0, 0, 0, 0]).run(message), 0);
    assertEquals(assertThrows(() => machineWith(letters), BpfError).code, "EACCES");
  });

  test(`variables: what is no variable, or no value of it, is told, ${backend}`, () => {
    for (const name of ["none", "wor", "toString"]) {
      const { code, message } = assertThrows(() => machineOf("ab\0", { variables: { [name]: [1] } }), BpfError);
      assertEquals([code, message], ["ENOENT", `there is no global variable ${name}; but these: word`]);
    }
    assertThrows(() => machineOf("ab\0").setVariable("none", 1), BpfError, "no global variable none; but these: word");
    const nameless = assemble("r0 = 0\nexit");
    assertThrows(
      () => new BpfMachine(nameless, { backend, variables: { none: 1 } }),
      BpfError,
      "there is no global variable none; are there names (-g)?",
    );
    assertThrows(() => machineOf("ab\0", { variables: { word: [256, 0, 0, 0, 0, 0, 0, 0] } }), RangeError);
    assertThrows(() => machineOf("ab\0", { variables: { word: 5 } }), TypeError);
  });
}
