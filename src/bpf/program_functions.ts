/**
 * Finds the functions of linked code: where calls go.
 *
 * @module
 */
import * as isa from "./isa.ts";
import type { ProgramFunction } from "./program.ts";

/** Slots that a call of a function of this program, or a callback's address, at this slot refers to. */
export function functionTarget({ opcode, src, imm }: isa.Instruction, slot: number): number | undefined {
  const isCall = opcode === (isa.BPF_JMP | isa.BPF_CALL) && src === isa.BPF_PSEUDO_CALL;
  const isAddress = opcode === isa.BPF_LDDW && src === isa.BPF_PSEUDO_FUNC;
  return isCall || isAddress ? slot + 1 + imm : undefined;
}

/** The functions by slot; the entry is the first. Targets outside of the code are left out. */
export function functionsOf(
  code: readonly isa.Instruction[],
  nameOf: (slot: number) => string | undefined,
): ProgramFunction[] {
  const targets = code.map(functionTarget).filter((target) => target !== undefined);
  const starts = [...new Set([0, ...targets])].filter((slot) => slot >= 0 && slot < code.length).sort((a, b) => a - b);
  return starts.map((slot, index) => ({
    name: nameOf(slot) ?? `function_${slot}`,
    slot,
    slots: (starts[index + 1] ?? code.length) - slot,
  }));
}
