/**
 * From instructions to steps.
 *
 * @module
 */
import { BpfError } from "../errors.ts";
import {
  BPF_ABS,
  BPF_ALU,
  BPF_ALU64,
  BPF_CALL,
  BPF_EXIT,
  BPF_IND,
  BPF_JA,
  BPF_JCOND,
  BPF_JMP,
  BPF_JMP32,
  BPF_LD,
  BPF_LDDW,
  BPF_LDX,
  BPF_MEM,
  BPF_MEMSX,
  BPF_PSEUDO_MAP_FD,
  BPF_PSEUDO_MAP_VALUE,
  BPF_ST,
  BPF_STX,
  BPF_X,
  type Instruction,
} from "../isa.ts";
import { type BpfEnvironment, MAP_HANDLE_BASE } from "../runner.ts";
import { alu32Steps, signedAlu32Steps } from "./alu32_steps.ts";
import { alu64Steps, endSteps, signedAlu64Steps } from "./alu64_steps.ts";
import { atomicStep } from "./atomic_steps.ts";
import { type CallHost, callStep, exitStep } from "./call_steps.ts";
import { jump32Steps, jump64Steps } from "./jump_steps.ts";
import { loadSteps, signedLoadSteps, storeSteps } from "./memory_steps.ts";
import { absoluteSteps, indirectSteps } from "./packet_steps.ts";
import { type MakeStep, State, type Step } from "./state.ts";

/** A program's steps by slot, and their state. */
export interface Steps {
  /** By slot; the second slot of `lddw` has one that is never come to. */
  readonly steps: Step[];
  /** What they work on. */
  readonly state: State;
}

/** Constants of a program as pairs, each once. */
class Constants {
  readonly pairs: [low: number, high: number][] = [];
  readonly #indices = new Map<string, number>();

  index(low: number, high: number): number {
    const key = `${low},${high}`;
    const index = this.#indices.get(key) ?? this.pairs.push([low, high]) - 1;
    this.#indices.set(key, index);
    return State.constantAt(index);
  }
}

/** Makes all steps of a program. */
export function makeSteps(instructions: readonly Instruction[], environment: BpfEnvironment, host: CallHost): Steps {
  const constants = new Constants();
  const operands = instructions.map((instruction, slot) => {
    return operandOf(instruction, instructions[slot + 1], environment, constants);
  });
  const state = new State(environment, constants.pairs);
  const call = callStep(host);
  const steps: Step[] = [];
  for (let slot = 0; slot < instructions.length; slot++) {
    const instruction = instructions[slot]!;
    const isWide = instruction.opcode === BPF_LDDW;
    const make = makerOf(instruction, slot, call);
    if (make === undefined) {
      throw new BpfError(`opcode 0x${instruction.opcode.toString(16)} at instruction ${slot} is not supported`, {
        code: "ENOSYS",
        instruction: slot,
      });
    }
    const next = slot + (isWide ? 2 : 1);
    steps.push(make(state, instruction.dst * 2, operands[slot]!, next, instruction));
    if (isWide) {
      slot++;
      steps.push(() => next);
    }
  }
  return { steps, state };
}

const goOn: MakeStep = (_state, _d, _s, next) => () => next;

/** Index of the pair that is the second operand: a register's, or a constant's. */
function operandOf(
  instruction: Instruction,
  second: Instruction | undefined,
  environment: BpfEnvironment,
  constants: Constants,
): number {
  const { opcode, src, imm } = instruction;
  const group = opcode & 7;
  if (opcode === BPF_LDDW) {
    const high = second?.imm ?? 0;
    if (src === 0) return constants.index(imm, high);
    if (src === BPF_PSEUDO_MAP_FD) return constants.index(MAP_HANDLE_BASE + imm, 0);
    if (src === BPF_PSEUDO_MAP_VALUE) return constants.index((environment.valueAddresses[imm] ?? 0) + high, 0);
    throw new BpfError(`lddw of kind ${src} is not supported`, { code: "ENOSYS" });
  }
  const isArithmetic = group === BPF_ALU || group === BPF_ALU64 || group === BPF_JMP || group === BPF_JMP32;
  const isConstant = isArithmetic ? (opcode & BPF_X) === 0 : group === BPF_ST;
  return isConstant ? constants.index(imm, imm >> 31) : src * 2;
}

function makerOf(instruction: Instruction, slot: number, call: MakeStep): MakeStep | undefined {
  const { opcode, offset } = instruction;
  const operation = opcode >> 4;
  const size = opcode >> 3 & 3;
  const mode = opcode & 0xe0;
  switch (opcode & 7) {
    case BPF_LD:
      if (opcode === BPF_LDDW) return alu64Steps[11];
      return mode === BPF_ABS ? absoluteSteps[size] : mode === BPF_IND ? indirectSteps[size] : undefined;
    case BPF_LDX:
      return mode === BPF_MEM ? loadSteps[size] : mode === BPF_MEMSX ? signedLoadSteps[size] : undefined;
    case BPF_ST:
      return mode === BPF_MEM ? storeSteps[size] : undefined;
    case BPF_STX:
      return mode === BPF_MEM ? storeSteps[size] : atomicStep;
    case BPF_ALU:
      if (operation === 13) return endSteps[opcode >> 3 & 1];
      return offset === 0 ? alu32Steps[operation] : signedAlu32Steps[operation];
    case BPF_ALU64:
      return offset === 0 ? alu64Steps[operation] : signedAlu64Steps[operation];
    default:
      return jumpMaker(instruction, slot, call);
  }
}

function jumpMaker(instruction: Instruction, slot: number, call: MakeStep): MakeStep | undefined {
  const { opcode, offset, imm } = instruction;
  const isWide = (opcode & 7) === BPF_JMP;
  const operation = opcode & 0xf0;
  if (opcode === (BPF_JMP | BPF_CALL)) return call;
  if (opcode === (BPF_JMP | BPF_EXIT)) return exitStep;
  // "may goto": the jump out of a loop that has run for too long; here the budget sees to that.
  if (opcode === (BPF_JMP | BPF_JCOND)) return goOn;
  if (operation === BPF_JA) {
    if ((opcode & BPF_X) !== 0) return undefined;
    const target = slot + 1 + (isWide ? offset : imm);
    return () => () => target;
  }
  const jump = (isWide ? jump64Steps : jump32Steps)[operation >> 4];
  return jump && ((state, dst, src, next) => jump(state, dst, src, next, slot + 1 + offset));
}
