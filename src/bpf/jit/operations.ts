/**
 * Instructions in the form that both compilers work on: what to do by name, the wide immediate in one piece.
 *
 * @module
 */
import type { ControlFlow } from "../control_flow.ts";
import type { Encoding, Operation } from "../encoding_table.ts";
import { BpfError } from "../errors.ts";
import { BPF_LDDW, BPF_X, type Instruction } from "../isa.ts";
import type { BpfProgram } from "../program.ts";
import { groupOf, type OperationGroup } from "./operation_groups.ts";

/** What a compiler is given: what it needs to know of a program that was verified. */
export interface CompilerInput {
  /** The program. */
  readonly program: BpfProgram;
  /** Its instructions by slot. */
  readonly instructions: readonly Instruction[];
  /** Encodings of these; `undefined` for the second slot of `lddw`. */
  readonly encodings: readonly (Encoding | undefined)[];
  /** Its control flow. */
  readonly flow: ControlFlow;
  /** Whether nothing was proven, so that every access must be checked. */
  readonly isChecked: boolean;
  /** Whether frames may be read before they are written. */
  readonly needsZeroedStack: boolean;
  /** Whether it is one function that calculates with numbers and packet bytes alone. */
  readonly isPlain: boolean;
}

/** An instruction by name. */
export interface Operand {
  /** Its slot. */
  readonly slot: number;
  /** What it does. */
  readonly operation: Operation;
  /** How it is translated. */
  readonly group: OperationGroup;
  /** Bits of arithmetic, compare or byte order; of memory access 8 times its bytes. */
  readonly bits: 8 | 16 | 32 | 64;
  /** Whether the second operand of arithmetic and jumps is a register. */
  readonly isRegister: boolean;
  /** Destination register. */
  readonly dst: number;
  /** Source register, or kind of immediate. */
  readonly src: number;
  /** Signed offset. */
  readonly offset: number;
  /** Signed immediate; of `lddw` the low half. */
  readonly imm: number;
  /** High half of the immediate: its sign, or what `lddw` says. */
  readonly high: number;
}

/** Instructions and their encodings. */
export type ProgramText = Pick<CompilerInput, "instructions" | "encodings">;

/**
 * Names the instruction in a slot.
 *
 * @throws {BpfError} `ENOSYS` for one that nobody can compile
 */
export function operandAt({ instructions, encodings }: ProgramText, slot: number): Operand {
  const instruction = instructions[slot]!;
  const encoding = encodings[slot];
  if (encoding === undefined || encoding.refusal !== undefined) {
    const what = encoding?.refusal ?? `opcode 0x${instruction.opcode.toString(16)}`;
    throw new BpfError(`instruction ${slot}: ${what} cannot be compiled`, { code: "ENOSYS", instruction: slot });
  }
  const { dst, src, offset, imm, opcode } = instruction;
  const high = opcode === BPF_LDDW ? instructions[slot + 1]!.imm : imm >> 31;
  const { operation, bits } = encoding;
  const group = groupOf(operation);
  return { slot, operation, group, bits, isRegister: (opcode & BPF_X) !== 0, dst, src, offset, imm, high };
}

/** The instructions from one slot to before another. */
export function operandsBetween(text: ProgramText, start: number, end: number): Operand[] {
  const operands: Operand[] = [];
  for (let slot = start; slot < end; slot++) {
    operands.push(operandAt(text, slot));
    if (text.instructions[slot]!.opcode === BPF_LDDW) slot++;
  }
  return operands;
}
