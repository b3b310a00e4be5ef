/**
 * Goes through instructions in a state, from a place to where it has to be decided how to go on.
 *
 * @module
 */
import type { Encoding } from "../encoding_table.ts";
import { BPF_LDDW, BPF_PSEUDO_CALL, BPF_PSEUDO_MAP_FD, BPF_PSEUDO_MAP_VALUE, type Instruction } from "../isa.ts";
import { jumpTarget } from "../control_flow.ts";
import { runArithmetic } from "./alu.ts";
import { runBranch } from "./branches.ts";
import { runHelperCall } from "./helper_calls.ts";
import type { Judge } from "./judge.ts";
import { isMemoryOpcode, runMemory } from "./memory_steps.ts";
import { constant, scalarOfBits, signedConstantOf } from "./scalar.ts";
import { type MachineState, newFrame } from "./state.ts";
import { isPointer, numberValue, pointer, unset, type Value } from "./value.ts";

/** How it goes on behind the instructions that were gone through. */
export type Outcome =
  | { readonly kind: "jump"; readonly ways: readonly (readonly [slot: number, state: MachineState])[] }
  | { readonly kind: "call"; readonly slot: number; readonly callee: number }
  | { readonly kind: "exit" };

/** State at the entry of a program: r1 is the context. */
export function entryState(judge: Judge, make: (frames: ReturnType<typeof newFrame>[]) => MachineState): MachineState {
  const frame = newFrame(0);
  frame.registers[1] = pointer("context");
  frame.registers[10] = pointer("stack", { frame: 0 });
  judge.noteStack(make([frame]), 0, 0);
  return make([frame]);
}

/** Carries out one instruction that neither jumps nor calls a local function nor exits. */
function runPlain(judge: Judge, state: MachineState, slot: number, instruction: Instruction, encoding: Encoding): void {
  const kind = instruction.opcode & 7;
  if (isMemoryOpcode(instruction.opcode)) runMemory(judge, state, slot, instruction, encoding);
  else if (kind === 0) runLoad(judge, state, slot, instruction, encoding);
  else if (encoding.operation === "call") runHelperCall(judge, state, slot, instruction.imm);
  else runArithmetic(judge, state, slot, instruction, encoding);
}

function runLoad(judge: Judge, state: MachineState, slot: number, instruction: Instruction, encoding: Encoding): void {
  if (instruction.opcode === BPF_LDDW) {
    state.registers[instruction.dst] = wideImmediate(judge, slot, instruction);
    return;
  }
  if (!judge.mayLoadPackets(state.frames[state.depth]!.functionIndex)) {
    judge.refuse(
      "packet load in a local function, which type information (-g) has to say returns a number",
      slot,
      state,
    );
  }
  const context = judge.read(state, 6, slot);
  if (context.kind !== "context" || signedConstantOf(context.offset) !== 0n) {
    judge.refuse("r6 is not the address of the context", slot, state);
  }
  if (encoding.operation === "ldind") judge.read(state, instruction.src, slot);
  for (let register = 1; register <= 5; register++) state.registers[register] = unset;
  state.registers[0] = numberValue(scalarOfBits(encoding.bits));
}

function wideImmediate(judge: Judge, slot: number, instruction: Instruction): Value {
  const { src, imm } = instruction;
  const upper = judge.instructions[slot + 1]!.imm;
  if (src === BPF_PSEUDO_MAP_FD) return pointer("map", { map: imm });
  if (src !== BPF_PSEUDO_MAP_VALUE) {
    return numberValue(constant(BigInt(upper >>> 0) << 32n | BigInt(imm >>> 0)));
  }
  return pointer("value", { map: imm, offset: constant(BigInt(upper >>> 0)) });
}

/**
 * What is known behind a local function where a packet load in it finds nothing: it ends at once, with 0. Of the entry
 * function nobody asks.
 */
function aborted(state: MachineState): MachineState {
  const copy = state.clone();
  copy.registers[0] = numberValue(constant(0n));
  return copy;
}

/**
 * Goes on from a slot to the end of its block, or to a call of a local function. `abort` takes the state in which a local
 * function ends before.
 */
export function runBlock(
  judge: Judge,
  state: MachineState,
  [from, last]: readonly [from: number, last: number],
  count: () => void,
  abort: (state: MachineState) => void,
): Outcome {
  for (let slot = from;; slot++) {
    count();
    const instruction = judge.instructions[slot]!;
    const encoding = judge.encodings[slot]!;
    const { operation } = encoding;
    if (operation === "exit") return { kind: "exit" };
    if (operation === "call" && instruction.src === BPF_PSEUDO_CALL) {
      return { kind: "call", slot, callee: judge.flow.functionAt.get(slot + 1 + instruction.imm)! };
    }
    const target = jumpTarget(instruction, slot);
    if (target !== undefined) return jump(judge, state, slot, instruction, encoding, target);
    const isLoad = operation === "ldabs" || operation === "ldind";
    const without = isLoad && state.depth > 0 ? aborted(state) : undefined;
    runPlain(judge, state, slot, instruction, encoding);
    if (without !== undefined) abort(without);
    const width = instruction.opcode === BPF_LDDW ? 1 : 0;
    if (slot === last) return { kind: "jump", ways: [[slot + 1 + width, state]] };
    slot += width;
  }
}

function jump(
  judge: Judge,
  state: MachineState,
  slot: number,
  instruction: Instruction,
  encoding: Encoding,
  target: number,
): Outcome {
  if (encoding.operation === "ja") return { kind: "jump", ways: [[target, state]] };
  const found = runBranch(judge, state, slot, instruction, encoding);
  const ways: [number, MachineState][] = [];
  if (found.next !== undefined) ways.push([slot + 1, found.next]);
  if (found.target !== undefined) ways.push([target, found.target]);
  return { kind: "jump", ways };
}

/** Enters a local function: a new frame with the caller's r1 to r5. */
export function enterFunction(state: MachineState, functionIndex: number): void {
  const frame = newFrame(functionIndex);
  const { registers } = state;
  for (let register = 1; register <= 5; register++) frame.registers[register] = registers[register]!;
  for (let register = 0; register <= 5; register++) registers[register] = unset;
  state.frames.push(frame);
  frame.registers[10] = pointer("stack", { frame: state.depth });
}

/** Leaves a function: the caller goes on with its r0, or the program has ended. */
export function leaveFunction(judge: Judge, state: MachineState, slot: number): void {
  const result = state.registers[0]!;
  if (state.depth === 0) {
    judge.read(state, 0, slot);
    if (isPointer(result) && !judge.isRoot) judge.refuse("returns an address", slot, state);
    return;
  }
  if (result.kind === "stack") judge.refuse("returns an address in a frame", slot, state);
  state.dropFrame();
  state.registers[0] = result;
}
