/**
 * Pass 1: every instruction by itself. Fields that are not used, unknown opcodes, helpers that there are not, numbers
 * that are known to be wrong before anything runs.
 *
 * @module
 */
import { encodingOf, encodingProblem, isSecondSlot } from "../encoding.ts";
import type { Encoding } from "../encoding_table.ts";
import type { BpfErrorCode } from "../errors.ts";
import { helperTable } from "../helper_table.ts";
import {
  BPF_HELPER_CALL,
  BPF_LDDW,
  BPF_PSEUDO_FUNC,
  BPF_PSEUDO_MAP_FD,
  BPF_PSEUDO_MAP_VALUE,
  BPF_REG_FP,
  BPF_X,
  type Instruction,
} from "../isa.ts";
import { BPF_MAP_TYPE_ARRAY } from "../map_types.ts";
import type { BpfProgram } from "../program.ts";
import { refusalAt } from "./describe.ts";

const divisions: readonly string[] = ["div", "sdiv", "mod", "smod"];
const shifts: readonly string[] = ["lsh", "rsh", "arsh"];

/**
 * Finds the encoding of each instruction.
 *
 * @throws {BpfError} `EINVAL` for what is no instruction, `ENOSYS` for one that is not supported
 */
export function checkEncodings(program: BpfProgram, instructions: readonly Instruction[]): (Encoding | undefined)[] {
  const encodings: (Encoding | undefined)[] = [];
  const fail = (what: string, slot: number, code: BpfErrorCode): never => {
    throw refusalAt(program, slot, what, code);
  };
  for (let slot = 0; slot < instructions.length; slot++) {
    const instruction = instructions[slot]!;
    const { opcode, dst, src } = instruction;
    const encoding = encodingOf(instruction);
    // What is asked for here and below is asked of few instructions, and so not compiled for most programs.
    const isOdd = encoding === undefined || dst === BPF_REG_FP || src === BPF_REG_FP ||
      opcode === BPF_LDDW && (src !== 0 || !isSecondSlot(instructions[slot + 1]));
    const problem = isOdd ? encodingProblem(instructions, slot) : undefined;
    if (encoding === undefined || problem !== undefined) return fail(problem!, slot, "EINVAL");
    encodings[slot] = encoding;
    const isReference = opcode === BPF_LDDW && src !== 0;
    const refusal = encoding.refusal ?? (isReference ? unsupported(instruction) : undefined);
    if (refusal !== undefined) fail(`${refusal} is not supported`, slot, "ENOSYS");
    const wrong = isReference ? wrongMap(program, instructions, slot) : wrongImmediate(instruction, encoding);
    if (wrong !== undefined) fail(wrong, slot, "EINVAL");
    if (opcode === BPF_LDDW) encodings[++slot] = undefined;
  }
  return encodings;
}

function unsupported({ opcode, src }: Instruction): string | undefined {
  return opcode === BPF_LDDW && src === BPF_PSEUDO_FUNC ? "the address of a function" : undefined;
}

/** A reference to a map that there is not, or to a place outside of its only value. */
function wrongMap(
  { maps }: BpfProgram,
  instructions: readonly Instruction[],
  slot: number,
): string | undefined {
  const { opcode, src, imm } = instructions[slot]!;
  if (opcode !== BPF_LDDW || src !== BPF_PSEUDO_MAP_FD && src !== BPF_PSEUDO_MAP_VALUE) return undefined;
  const map = maps[imm];
  if (map === undefined) return `there is no map ${imm}`;
  if (src === BPF_PSEUDO_MAP_FD) return undefined;
  if (map.type !== BPF_MAP_TYPE_ARRAY || map.maxEntries !== 1) {
    return `map ${map.name} has no single value to take the address of`;
  }
  const offset = instructions[slot + 1]!.imm >>> 0;
  return offset < map.valueSize ? undefined : `offset ${offset} leaves the map value of ${map.valueSize} bytes`;
}

function wrongImmediate(
  { opcode, src, imm }: Instruction,
  { operation, bits }: Encoding,
): string | undefined {
  if (operation === "call" && src === BPF_HELPER_CALL && !helperTable.has(imm)) {
    return `there is no helper ${imm} for a socket filter`;
  }
  const isImmediate = (opcode & BPF_X) === 0;
  if (isImmediate && divisions.includes(operation) && imm === 0) return "division by 0";
  if (isImmediate && shifts.includes(operation) && !(imm >= 0 && imm < bits)) {
    return `shift by ${imm}, the operand has ${bits} bits`;
  }
  return undefined;
}
