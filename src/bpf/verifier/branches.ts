/**
 * Conditional jumps: which ways can be gone, and what is known on each.
 *
 * @module
 */
import type { Encoding } from "../encoding_table.ts";
import { BPF_X, type Instruction } from "../isa.ts";
import { operandOf } from "./alu.ts";
import type { Judge } from "./judge.ts";
import { constant, constantOf, type Scalar } from "./scalar.ts";
import { refine } from "./scalar_compare.ts";
import type { MachineState } from "./state.ts";
import { isPointer, type NumberValue, numberValue, type Pointer, type Value } from "./value.ts";

/** What is known behind a jump: `undefined` for a way that cannot be gone. */
export interface Ways {
  /** Where it does not jump. */
  readonly next: MachineState | undefined;
  /** Where it jumps. */
  readonly target: MachineState | undefined;
}

/** Carries out a conditional jump. The state given becomes that of one way. */
export function runBranch(
  judge: Judge,
  state: MachineState,
  slot: number,
  instruction: Instruction,
  encoding: Encoding,
): Ways {
  if (encoding.operation === "may_goto") return { next: state, target: state.clone() };
  const left = judge.read(state, instruction.dst, slot);
  const right = operandOf(judge, state, slot, instruction, encoding.bits);
  if (!isPointer(left) && !isPointer(right)) {
    return numberWays(state, instruction, encoding, left as NumberValue, right as NumberValue);
  }
  const isNullTest = isPointer(left) && (instruction.opcode & BPF_X) === 0 && instruction.imm === 0 &&
    encoding.bits === 64 && (encoding.operation === "jeq" || encoding.operation === "jne");
  if (isNullTest && (left.kind === "value" || left.kind === "socket" || left.kind === "map")) {
    return nullWays(state, left, encoding.operation === "jeq");
  }
  if (!judge.isRoot) judge.refuse("compares an address with something else than null", slot, state);
  return { next: state, target: state.clone() };
}

function numberWays(
  state: MachineState,
  instruction: Instruction,
  { operation, bits }: Encoding,
  left: NumberValue,
  right: NumberValue,
): Ways {
  const ways = [false, true].map((isTaken) => refine(operation, bits, isTaken, left.scalar, right.scalar));
  const [next, target] = ways;
  // Both at a time cannot be impossible; should a loss of precision say so, nothing is concluded from it.
  if (next === undefined && target === undefined) return { next: state, target: state.clone() };
  const other = next !== undefined && target !== undefined ? state.clone() : state;
  if (next !== undefined) apply(state, instruction, [left, right], next);
  if (target !== undefined) apply(other, instruction, [left, right], target);
  return { next: next && state, target: target && other };
}

function apply(
  state: MachineState,
  { dst, src, opcode }: Instruction,
  operands: readonly [NumberValue, NumberValue],
  refined: readonly [Scalar, Scalar],
): void {
  if ((opcode & BPF_X) !== 0) learn(state, src, operands[1], refined[1]);
  learn(state, dst, operands[0], refined[0]);
}

/** A register is known better, and so is everything that holds the same number. */
function learn(state: MachineState, register: number, old: NumberValue, scalar: Scalar): void {
  if (scalar === old.scalar) return;
  const known = numberValue(scalar, constantOf(scalar) === undefined ? old.id : 0);
  state.registers[register] = known;
  if (old.id === 0) return;
  state.replace((value) => value.kind === "number" && value.id === old.id ? known : value);
}

function nullWays(state: MachineState, value: Pointer, jumpsWhenNull: boolean): Ways {
  if (!value.isMaybeNull) {
    return jumpsWhenNull ? { next: state, target: undefined } : { next: undefined, target: state };
  }
  const found = state.clone();
  const { id } = value;
  const isSame = (one: Value): one is Pointer => isPointer(one) && one.isMaybeNull && one.id === id;
  const zero = numberValue(constant(0n));
  found.replace((one) => isSame(one) ? { ...one, isMaybeNull: false, id: 0 } : one);
  state.replace((one) => isSame(one) ? zero : one);
  return jumpsWhenNull ? { next: found, target: state } : { next: state, target: found };
}
