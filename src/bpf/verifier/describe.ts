/**
 * Text of an instruction for messages.
 *
 * @module
 */
import { encodingOf } from "../encoding.ts";
import type { Instruction } from "../isa.ts";

/** Names an instruction with its fields. */
export function describeInstruction(instructions: readonly Instruction[], slot: number): string {
  const instruction = instructions[slot];
  if (instruction === undefined) return "no instruction";
  const { dst, src, offset, imm } = instruction;
  const name = encodingOf(instruction)?.operation ?? `opcode ${instruction.opcode}`;
  return `${name} dst ${dst} src ${src} offset ${offset} imm ${imm}`;
}
