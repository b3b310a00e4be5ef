/**
 * Loads, stores and atomics on what memory and registers are known to hold.
 *
 * @module
 */
import type { Encoding } from "../encoding_table.ts";
import { BPF_LDX, BPF_ST, type Instruction } from "../isa.ts";
import { shared } from "./alu.ts";
import { contextSocketOffset, isContextReadable, isContextWritable } from "./context_table.ts";
import type { Judge } from "./judge.ts";
import { type Access, addressOf, stackExtent, valueExtent } from "./region_access.ts";
import { constant, scalarOfBits, signedConstantOf, signedScalarOfBits } from "./scalar.ts";
import { signExtend } from "./scalar_arithmetic.ts";
import type { MachineState } from "./state.ts";
import { isPointer, type NumberValue, numberValue, type Pointer, pointer, type Value } from "./value.ts";

/** A memory instruction in a state. */
interface Step {
  readonly judge: Judge;
  readonly state: MachineState;
  readonly slot: number;
  readonly access: Access;
}

/** Carries out a load, store or atomic. */
export function runMemory(
  judge: Judge,
  state: MachineState,
  slot: number,
  instruction: Instruction,
  encoding: Encoding,
): void {
  const size = encoding.bits / 8;
  const step = (isWrite: boolean, aligned: Access["aligned"] = "stack"): Step => ({
    judge,
    state,
    slot,
    access: { offset: instruction.offset, size, isWrite, aligned },
  });
  const { operation } = encoding;
  if (operation === "ldx" || operation === "ldxs") {
    load(step(false), instruction, operation === "ldxs");
  } else if (operation === "load_acquire") {
    refuseContext(step(false), instruction.src);
    load(step(false, "everywhere"), instruction, false);
  } else if (operation === "st" || operation === "stx") {
    store(step(true), instruction);
  } else if (operation === "store_release") {
    refuseContext(step(true), instruction.dst);
    store(step(true, "everywhere"), instruction);
  } else {
    runAtomic(step(true, "everywhere"), instruction, encoding);
  }
}

function refuse({ judge, slot, state }: Step, what: string): never {
  return judge.refuse(what, slot, state);
}

function refuseContext(step: Step, register: number): void {
  const value = step.state.registers[register]!;
  if (value.kind === "context") refuse(step, "atomic access to the context");
}

function load(step: Step, { dst, src }: Instruction, isSigned: boolean): void {
  const { judge, state, slot, access: { size } } = step;
  const base = addressOf(judge, state, slot, src);
  const value = readFrom(step, base);
  if (!isSigned) {
    state.registers[dst] = value;
    return;
  }
  if (isPointer(value)) refuse(step, "sign-extends an address");
  const scalar = value.kind === "number" ? signExtend(size * 8, 64, value.scalar) : signedScalarOfBits(size * 8);
  state.registers[dst] = numberValue(scalar);
}

function readFrom(step: Step, base: Pointer): Value {
  const { judge, state, slot, access } = step;
  const any = numberValue(scalarOfBits(access.size * 8));
  switch (base.kind) {
    case "context":
      return readContext(step, base, any);
    case "value": {
      const { at } = valueExtent(judge, state, slot, base, access);
      judge.noteAccess(slot, { region: "value", offset: at, frame: -1, map: base.map });
      return any;
    }
    case "stack":
      return readStack(step, base, any);
    default:
      return refuse(step, `reads through a reference to a ${base.kind}`);
  }
}

function contextOffset(step: Step, base: Pointer): number {
  if (signedConstantOf(base.offset) !== 0n) refuse(step, "the address of the context was changed");
  const { offset } = step.access;
  step.judge.noteAccess(step.slot, { region: "context", offset, frame: -1, map: -1 });
  return offset;
}

function readContext(step: Step, base: Pointer, any: Value): Value {
  const { size } = step.access;
  const offset = contextOffset(step, base);
  if (offset === contextSocketOffset && size === 8) {
    return pointer("socket", { isMaybeNull: true, id: step.judge.newId() });
  }
  if (!isContextReadable(offset, size)) refuse(step, `${size} bytes at offset ${offset} of the context cannot be read`);
  return any;
}

function noteStackAccess({ judge, state, slot }: Step, base: Pointer, at: number | undefined): void {
  judge.noteAccess(slot, { region: "stack", offset: at, frame: state.depth - base.frame, map: -1 });
}

function readStack(step: Step, base: Pointer, any: Value): Value {
  const { judge, state, slot, access } = step;
  const { from, to, at } = stackExtent(judge, state, slot, base, access);
  noteStackAccess(step, base, at);
  const { stack } = state.frames[base.frame]!;
  if (at === undefined) {
    if (!stack.isWritten(from, to - from)) judge.readsUnwritten = true;
    return any;
  }
  const found = stack.read(at, access.size);
  if ("problem" in found) return refuse(step, found.problem);
  if (found.isWritten) return found.value;
  if (!judge.isRoot) refuse(step, `reads ${access.size} bytes of stack at ${at}, not all of which were written`);
  judge.readsUnwritten = true;
  return any;
}

function store(step: Step, instruction: Instruction): void {
  const { judge, state, slot, access } = step;
  const isImmediate = (instruction.opcode & 7) === BPF_ST;
  const value = isImmediate ? numberValue(constant(BigInt(instruction.imm))) : judge.read(state, instruction.src, slot);
  const base = addressOf(judge, state, slot, instruction.dst);
  const isFull = access.size === 8;
  if (base.kind === "stack") {
    writeStack(step, base, isFull && !isImmediate ? shared(judge, state, instruction.src) : value);
    return;
  }
  if (isPointer(value) && !judge.isRoot) refuse(step, "stores an address where others can see it");
  writeOutside(step, base);
}

function writeOutside(step: Step, base: Pointer): void {
  const { judge, state, slot, access } = step;
  if (base.kind === "value") {
    const { at } = valueExtent(judge, state, slot, base, access);
    judge.noteAccess(slot, { region: "value", offset: at, frame: -1, map: base.map });
    return;
  }
  if (base.kind !== "context") refuse(step, `writes through a reference to a ${base.kind}`);
  const offset = contextOffset(step, base);
  if (!isContextWritable(offset, access.size)) {
    refuse(step, `${access.size} bytes at offset ${offset} of the context cannot be written`);
  }
}

function writeStack(step: Step, base: Pointer, value: Value): void {
  const { judge, state, slot, access } = step;
  const { from, to, at } = stackExtent(judge, state, slot, base, access);
  noteStackAccess(step, base, at);
  const { stack } = state.frames[base.frame]!;
  if (isPointer(value) && access.size !== 8) refuse(step, `stores ${access.size} of the 8 bytes of an address`);
  if (isPointer(value) && value.kind === "stack" && value.frame > base.frame) {
    refuse(step, "stores the address of a frame in a frame that outlives it");
  }
  if (at === undefined) {
    stack.blur(from, to - from);
    return;
  }
  if (!judge.isRoot && access.size !== 8 && stack.hasPointer(at, access.size)) {
    refuse(step, "overwrites a part of an address on the stack");
  }
  stack.write(at, access.size, value);
}

function runAtomic(step: Step, instruction: Instruction, { operation, src, bits }: Encoding): void {
  const { judge, state, slot } = step;
  const operands = operation === "cmpxchg" ? [instruction.src, 0] : [instruction.src];
  for (const register of operands) {
    const value = judge.read(state, register, slot);
    if (isPointer(value) && !judge.isRoot) refuse(step, `atomic operation on the address in r${register}`);
  }
  const base = addressOf(judge, state, slot, instruction.dst);
  const receiver = operation === "cmpxchg" ? 0 : src === "inout" ? instruction.src : undefined;
  if (receiver === instruction.dst) refuse(step, `r${receiver} is both the address and what receives the old value`);
  if (base.kind === "context") refuse(step, "atomic access to the context");
  const any = numberValue(scalarOfBits(bits));
  let old: Value = any;
  if (base.kind === "value") valueExtent(judge, state, slot, base, { ...step.access, isWrite: false });
  if (base.kind === "stack") old = atomicOnStack(step, base) ?? any;
  else writeOutside(step, base);
  if (receiver !== undefined) state.registers[receiver] = old;
}

/** Returns the number that was there, where it is known. */
function atomicOnStack(step: Step, base: Pointer): NumberValue | undefined {
  const { judge, state, slot, access } = step;
  const { from, to, at } = stackExtent(judge, state, slot, base, access);
  noteStackAccess(step, base, at);
  const { stack } = state.frames[base.frame]!;
  const size = to - from;
  if (!stack.isWritten(from, size)) {
    if (!judge.isRoot) refuse(step, `reads bytes of stack at ${from} that were not written`);
    judge.readsUnwritten = true;
  }
  if ((!judge.isRoot || access.size !== 8) && stack.hasPointer(from, size)) {
    refuse(step, "atomic operation on an address on the stack");
  }
  if (at === undefined) {
    stack.blur(from, size);
    return undefined;
  }
  const found = stack.read(at, access.size);
  stack.writeBytes(at, access.size);
  return "value" in found && found.isWritten && found.value.kind === "number" ? found.value : undefined;
}

/** Whether an opcode is a load from memory, a store or an atomic. */
export function isMemoryOpcode(opcode: number): boolean {
  const kind = opcode & 7;
  return kind >= BPF_LDX && kind <= 3;
}
