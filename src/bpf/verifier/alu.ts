/**
 * Arithmetic of an instruction on what registers are known to hold, addresses included.
 *
 * @module
 */
import type { Encoding } from "../encoding_table.ts";
import { BPF_X, type Instruction } from "../isa.ts";
import type { Judge } from "./judge.ts";
import { anyScalar, constant, constantOf, lowHalf, type Scalar, scalarOfBits, signedConstantOf } from "./scalar.ts";
import { arithmetic, byteOrder, negate, signedDivision, signExtend } from "./scalar_arithmetic.ts";
import type { MachineState } from "./state.ts";
import { frameBytes } from "./stack.ts";
import { isPointer, type NumberValue, numberValue, type Pointer, type Value } from "./value.ts";

/** Offsets that go further than this leave every region for good. */
const maxOffset = 1n << 29n;

/** An arithmetic instruction in a state. */
interface Step {
  readonly judge: Judge;
  readonly state: MachineState;
  readonly slot: number;
  readonly instruction: Instruction;
  readonly encoding: Encoding;
}

/** Carries out an arithmetic instruction. */
export function runArithmetic(
  judge: Judge,
  state: MachineState,
  slot: number,
  instruction: Instruction,
  encoding: Encoding,
): void {
  const step: Step = { judge, state, slot, instruction, encoding };
  state.registers[instruction.dst] = resultOf(step);
}

function refuse({ judge, slot, state }: Step, what: string): never {
  return judge.refuse(what, slot, state);
}

/** The operand that may be an immediate. */
export function operandOf(
  judge: Judge,
  state: MachineState,
  slot: number,
  instruction: Instruction,
  bits: number,
): Value {
  if ((instruction.opcode & BPF_X) !== 0) return judge.read(state, instruction.src, slot);
  return numberValue(constant(BigInt(bits === 32 ? instruction.imm >>> 0 : instruction.imm)));
}

function resultOf(step: Step): Value {
  const { judge, state, slot, instruction, encoding } = step;
  const { operation, bits } = encoding;
  switch (operation) {
    case "mov":
      return moved(step);
    case "movsx": {
      const source = numberOf(step, judge.read(state, instruction.src, slot));
      return numberValue(signExtend(instruction.offset, bits, source));
    }
    case "neg":
      return numberValue(negate(bits, numberOf(step, judge.read(state, instruction.dst, slot))));
    case "le":
    case "be":
    case "bswap":
      return numberValue(byteOrder(operation, bits, numberOf(step, judge.read(state, instruction.dst, slot))));
    default:
      return binary(step);
  }
}

/** A number; an address counts as any number where that is allowed. */
function numberOf(step: Step, value: Value): Scalar {
  if (value.kind === "number") return value.scalar;
  if (!step.judge.isRoot) refuse(step, `${step.encoding.operation} on an address`);
  return anyScalar;
}

function moved(step: Step): Value {
  const { judge, state, slot, instruction, encoding } = step;
  const value = operandOf(judge, state, slot, instruction, encoding.bits);
  if ((instruction.opcode & BPF_X) === 0) return value;
  if (encoding.bits === 64) return shared(judge, state, instruction.src);
  if (value.kind !== "number") {
    if (!judge.isRoot) refuse(step, `copies half of an address in r${instruction.src}`);
    return numberValue(scalarOfBits(32));
  }
  if (value.scalar.wide.umax <= 0xffff_ffffn) return shared(judge, state, instruction.src);
  return numberValue(lowHalf(value.scalar));
}

/** The value of a register that is about to be copied: a number gets an identity, so that the copies stay alike. */
export function shared(judge: Judge, state: MachineState, register: number): Value {
  const value = state.registers[register]!;
  if (value.kind !== "number" || value.id !== 0 || value.scalar.bits.mask === 0n) return value;
  return state.registers[register] = numberValue(value.scalar, judge.newId());
}

function binary(step: Step): Value {
  const { judge, state, slot, instruction, encoding } = step;
  const { operation, bits } = encoding;
  const right = operandOf(judge, state, slot, instruction, bits);
  const left = judge.read(state, instruction.dst, slot);
  if (isPointer(left) || isPointer(right)) return pointerResult(step, left, right);
  const [a, b] = [(left as NumberValue).scalar, (right as NumberValue).scalar];
  if (operation === "sdiv" || operation === "smod") return numberValue(signedDivision(operation, bits, a, b));
  return numberValue(arithmetic(operation, bits, a, b));
}

function pointerResult(step: Step, left: Value, right: Value): Value {
  const { judge, encoding } = step;
  if (judge.isRoot && encoding.operation === "sub" && isPointer(left) && (isPointer(right) || encoding.bits === 32)) {
    return numberValue(encoding.bits === 32 ? scalarOfBits(32) : anyScalar);
  }
  if (isPointer(left) && isPointer(right)) refuse(step, `${encoding.operation} of two addresses`);
  if (encoding.bits === 32) refuse(step, "32-bit arithmetic on an address");
  if (encoding.operation !== "add" && encoding.operation !== "sub") {
    refuse(step, `${encoding.operation} on an address, which can only be added to`);
  }
  if (encoding.operation === "sub" && isPointer(right)) refuse(step, "subtracts an address from a number");
  const [base, number] = isPointer(left) ? [left, right] : [right as Pointer, left];
  return displaced(step, base, (number as NumberValue).scalar);
}

function displaced(step: Step, base: Pointer, by: Scalar): Pointer {
  const isSub = step.encoding.operation === "sub";
  if (base.kind === "map" || base.kind === "socket") refuse(step, `arithmetic on a reference to a ${base.kind}`);
  if (base.isMaybeNull) refuse(step, "arithmetic on an address that may be null: test it first");
  if (isSub && base.kind === "stack") refuse(step, "subtracts from an address on the stack: add a negative number");
  checkReach(step, by);
  const offset = arithmetic(isSub ? "sub" : "add", 64, base.offset, by);
  checkReach(step, offset);
  if (!step.judge.isRoot) checkInside(step, base, by, offset);
  return { ...base, offset };
}

function checkReach(step: Step, { wide }: Scalar): void {
  if (wide.smin > -maxOffset && wide.smin < maxOffset) return;
  refuse(step, "the number added to the address has no bound that is near enough");
}

/** Without root's rights an address must stay in its region even before it is used. */
function checkInside(step: Step, base: Pointer, by: Scalar, offset: Scalar): void {
  if (base.kind === "context" && (step.instruction.opcode & BPF_X) !== 0) {
    refuse(step, "adds a register to the address of the context");
  }
  if (constantOf(by) === undefined && by.wide.smin < 0n && by.wide.smax >= 0n) {
    refuse(step, "the number added to the address may be negative or positive");
  }
  if (base.kind === "stack") {
    const at = signedConstantOf(offset);
    if (at === undefined) refuse(step, "the offset in the stack is not a constant");
    if (at >= 0n || at < -BigInt(frameBytes)) refuse(step, `the address leaves the stack (offset ${at})`);
  }
  if (base.kind !== "value") return;
  const { valueSize } = step.judge.map(base.map);
  if (offset.wide.smin < 0n || offset.wide.umax >= BigInt(valueSize)) {
    refuse(step, `the address leaves the map value of ${valueSize} bytes`);
  }
}
