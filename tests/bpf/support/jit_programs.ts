/** Programs that show how compilers cope. */
import { encodeInstructions, type Instruction } from "../../../src/bpf/isa.ts";
import type { BpfProgram } from "../../../src/bpf/program.ts";

/** One instruction. */
export function at(opcode: number, dst = 0, src = 0, imm = 0, offset = 0): Instruction {
  return { opcode, dst, src, offset, imm };
}

/** A program of instructions. */
export function programOf(instructions: readonly Instruction[]): BpfProgram {
  return { name: "main", code: encodeInstructions(instructions), maps: [], license: "" };
}

/** Length in two bytes, which does not count itself. */
export const prefixProgram: BpfProgram = programOf([at(0xbf, 6, 1), at(0x28), at(0x07, 0, 0, 2), at(0x95)]);

/** So many slots: jumps over one another, every one of them taken or not as the sum goes. */
export function longProgram(slots: number): BpfProgram {
  const code = [at(0xb7, 0, 0, 1), at(0xb7, 1, 0, 3)];
  while (code.length < slots - 4) {
    code.push(at(0x45, 0, 0, 1 << code.length % 13, 1), at(0x07, 0, 0, code.length), at(0x0f, 0, 1), at(0x27, 1, 0, 5));
  }
  while (code.length < slots - 1) code.push(at(0xa7, 0, 0, 5));
  return programOf([...code, at(0x95)]);
}

/** Blocks of which the first jumps to the last, the second to the last but one: scopes in scopes. */
export function deepProgram(jumps: number): BpfProgram {
  const code = [at(0xbf, 6, 1), at(0x61, 2, 6, 0, 0), at(0xb7, 0, 0, 0)];
  for (let i = 0; i < jumps; i++) code.push(at(0x15, 2, 0, i, 2 * (jumps - i) - 2 + i), at(0x07, 0, 0, 1));
  for (let i = 0; i < jumps; i++) code.push(at(0x67, 0, 0, 1));
  return programOf([...code, at(0x95)]);
}

/** A loop that could end, but does not while `r1` is odd. */
export const endlessProgram: BpfProgram = programOf([
  at(0xb7, 0, 0, 0),
  at(0xb7, 1, 0, 1),
  at(0x07, 0, 0, 1),
  at(0x07, 1, 0, 2),
  at(0x55, 1, 0, 0, -3),
  at(0x95),
]);
