import { assert, assertEquals, assertThrows } from "@std/assert";
import { test } from "node:test";
import { assemble } from "../../src/bpf/assembler.ts";
import { BpfError } from "../../src/bpf/errors.ts";
import type { VerifierOptions } from "../../src/bpf/verifier/facts.ts";
import { verifyProgram } from "../../src/bpf/verifier/verify_program.ts";
import { mutate, SeededRandom } from "../../src/sim/mod.ts";
import { fuzzInputs, fuzzSeeds } from "../support/fuzz.ts";
import { kernelMaps } from "./support/kernel_maps.ts";
import { randomAccessProgram } from "./support/random_access.ts";

function limitHit(text: string, options: VerifierOptions): string {
  const error = assertThrows(() => verifyProgram(assemble(text), options), BpfError);
  assertEquals(error.code, "E2BIG");
  return error.message;
}

test("maxSlots", () => {
  assert(limitHit("r0 = 0\nr0 = 0\nexit", { maxSlots: 2 }).includes("3 slots, maxSlots is 2"));
  verifyProgram(assemble("r0 = 0\nexit"), { maxSlots: 2 });
});

test("maxSteps: a loop that is gone through ten million times is too complex", () => {
  const text = "r0 = 0\nagain:\nr0 += 1\nif r0 < 10000000 goto again\nexit";
  assert(limitHit(text, { loops: "bounded" }).includes("maxSteps 200000"));
  verifyProgram(assemble(text));
});

/** Ways through it double with each test of an unknown bit; their numbers are all different. */
const doubling = (tests: number) =>
  [
    "r6 = *(u32 *)(r1 + 0)",
    "r7 = r10",
    ...Array.from(
      { length: tests },
      (_, bit) => `r0 = r6\nr0 &= ${1 << bit % 30}\nif r0 == 0 goto +1\nr8${bit === 0 ? " = 0" : " += 1"}\nr8 = ${bit}`,
    ),
    "r0 = 0",
    "exit",
  ].join("\n");

test("maxStates: states of ways that differ", () => {
  assert(limitHit(doubling(20), { loops: "bounded", maxStates: 10 }).includes("maxStates 10"));
});

test("ways that double are not gone twice as often where joins do", () => {
  assert(verifyProgram(assemble(doubling(200))).steps < 2000);
});

test("calls that fan out at every level are too complex", () => {
  const level = (name: string, callee: string) =>
    `${name}:\n${Array.from({ length: 12 }, () => `call ${callee}\n`).join("")}exit\n`;
  const names = ["a", "b", "c", "d", "e", "f", "g"];
  const text = names.map((name, i) => level(name, names[i + 1] ?? "h")).join("") + "h:\nr0 = 0\nexit";
  limitHit(text, {});
});

test("ten thousand slots of every kind end at once", () => {
  const body = Array.from(
    { length: 2500 },
    (_, i) => `r0 += r6\nif r6 > ${i} goto +1\nr0 += 1\n*(u64 *)(r10 - ${8 * (1 + i % 64)}) = r0`,
  );
  const { steps } = verifyProgram(assemble(["r6 = *(u32 *)(r1 + 0)", "r0 = 7", ...body, "exit"].join("\n")));
  assertEquals(steps, 10_003);
});

test("options that are none", () => {
  const program = assemble("r0 = 0\nexit");
  assertThrows(() => verifyProgram(program, { mode: "lenient" as "strict" }), RangeError, "mode must be one of");
  assertThrows(() => verifyProgram(program, { loops: "all" as "budget" }), RangeError, "loops must be one of");
  for (const name of ["maxSlots", "maxSteps", "maxStates"]) {
    assertThrows(() => verifyProgram(program, { [name]: 0 }), RangeError, name);
  }
});

test("whatever the bytes are, there is a verdict", () => {
  for (const seed of fuzzSeeds()) {
    const random = new SeededRandom(seed);
    for (let left = Math.min(fuzzInputs(), 400_000) / 10; left > 0; left--) {
      const code = mutate(randomAccessProgram(random), random);
      for (const mode of ["strict", "sandbox"] as const) {
        try {
          verifyProgram({ name: "random", code, maps: kernelMaps, license: "" }, { mode });
        } catch (error) {
          if (!(error instanceof BpfError)) throw error;
        }
      }
    }
  }
});
