/**
 * Classic BPF: the instruction, and the checks that the kernel makes when a program is attached.
 *
 * @module
 */
import { checkInstructions } from "../check_arguments.ts";
import { BpfError } from "../errors.ts";
import { ancillaryAt, CLASSIC_OPERATIONS, type ClassicOperation, SKF_AD_OFF } from "./codes_table.ts";

/** `BPF_MAXINSNS`: most instructions of a classic program. */
export const CLASSIC_MAX_INSTRUCTIONS = 4096;
/** `BPF_MEMWORDS`: words of scratch memory. */
export const CLASSIC_MEMORY_WORDS = 16;

/** One instruction of classic BPF (`struct sock_filter`). */
export interface ClassicInstruction {
  /** Operation. */
  readonly code: number;
  /** Instructions to skip where a compare holds. */
  readonly jt: number;
  /** Instructions to skip where it does not. */
  readonly jf: number;
  /** Operand, unsigned, 32 bits. */
  readonly k: number;
}

const fields = ["code", "jt", "jf", "k"] as const;

/** @throws {TypeError} unless it is a list of instructions, right or wrong */
export function checkFields(program: readonly ClassicInstruction[]): void {
  checkInstructions("a classic program", program, fields);
}

/** The operation of an instruction that was checked. */
export function classicOperation({ code }: ClassicInstruction): ClassicOperation {
  return CLASSIC_OPERATIONS.get(code)!;
}

/** Where an instruction goes on: none, one or two places. */
export function classicSuccessors(instruction: ClassicInstruction, index: number): number[] {
  const { jt, jf, k } = instruction;
  switch (classicOperation(instruction).kind) {
    case "return":
    case "return-a":
      return [];
    case "jump":
      return [index + 1 + k];
    case "branch":
    case "branch-x":
      return [index + 1 + jt, index + 1 + jf];
    default:
      return [index + 1];
  }
}

/**
 * Checks a classic program as Linux does before it takes it: codes, jumps, shifts and divisions by constants, scratch
 * memory that is written before it is read, the return at the end.
 *
 * @throws {BpfError} `E2BIG` where it is too long, else `EINVAL`; `instruction` says where.
 *
 * @example
 * ```ts
 * import { checkClassic, parseClassic } from "@leat/streams/bpf";
 * import { assertThrows } from "@std/assert";
 *
 * checkClassic(parseClassic("ldh [0]\nadd #2\nret a"));
 * assertThrows(() => checkClassic(parseClassic("ldh [0]\ndiv #0\nret a")));
 * ```
 */
export function checkClassic(program: readonly ClassicInstruction[]): void {
  checkFields(program);
  if (program.length === 0) throw new BpfError("a classic program has at least one instruction");
  if (program.length > CLASSIC_MAX_INSTRUCTIONS) {
    const what = `a classic program has at most ${CLASSIC_MAX_INSTRUCTIONS} instructions, this one ${program.length}`;
    throw new BpfError(what, { code: "E2BIG" });
  }
  program.forEach((instruction, index) => {
    const problem = problemOf(instruction, program.length - index - 1);
    if (problem !== undefined) throw classicError(problem, index);
  });
  const last = program.length - 1;
  if (classicSuccessors(program[last]!, last).length > 0) throw classicError("the last instruction must return", last);
  checkMemory(program);
}

function classicError(what: string, index: number): BpfError {
  return new BpfError(`instruction ${index}: ${what}`, { instruction: index });
}

function problemOf(instruction: ClassicInstruction, left: number): string | undefined {
  const { code, jt, jf, k } = instruction;
  const operation = CLASSIC_OPERATIONS.get(code);
  if (operation === undefined) return `unknown code 0x${code.toString(16)}`;
  const { kind, name } = operation;
  switch (kind) {
    case "jump":
      return k < left ? undefined : `jump over ${k} instructions, but ${left} are left`;
    case "branch":
    case "branch-x":
      return Math.max(jt, jf) < left ? undefined : `jump over ${Math.max(jt, jf)} instructions, but ${left} are left`;
    case "fetch":
    case "store":
      return k < CLASSIC_MEMORY_WORDS ? undefined : `there is no M[${k}]`;
    case "absolute":
      return k < SKF_AD_OFF || ancillaryAt(k) !== undefined
        ? undefined
        : `nothing is known at ancillary offset ${k - SKF_AD_OFF}`;
    case "arithmetic":
      return arithmeticProblem(name, k);
  }
  return undefined;
}

function arithmeticProblem(name: string, k: number): string | undefined {
  if ((name === "div" || name === "mod") && k === 0) return `${name} by 0`;
  if ((name === "lsh" || name === "rsh") && k >= 32) return `${name} by ${k} of 32 bits`;
  return undefined;
}

/** Jumps only go forward: one pass sees every path to an instruction before the instruction. */
function checkMemory(program: readonly ClassicInstruction[]): void {
  const written = new Array<number>(program.length).fill(-1);
  written[0] = 0;
  program.forEach((instruction, index) => {
    const { kind } = classicOperation(instruction);
    let mask = written[index]!;
    if (kind === "store") mask |= 1 << instruction.k;
    if (kind === "fetch" && (mask & 1 << instruction.k) === 0) {
      throw classicError(`M[${instruction.k}] is read, but not written on every path to here`, index);
    }
    for (const next of classicSuccessors(instruction, index)) written[next]! &= mask;
  });
}
