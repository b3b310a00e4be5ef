/**
 * Calls of helpers: arguments against what the helper asks for, and what is known afterwards.
 *
 * @module
 */
import { type ArgumentKind, type HelperSignature, helperTable } from "../helper_table.ts";
import { BPF_MAP_TYPE_ARRAY, BPF_MAP_TYPE_PERCPU_ARRAY } from "../map_types.ts";
import { isReadOnly } from "../maps/is_read_only.ts";
import type { Judge } from "./judge.ts";
import { type Access, addressOf, stackExtent, valueExtent } from "./region_access.ts";
import { anyScalar, constantOf, signedConstantOf } from "./scalar.ts";
import type { MachineState } from "./state.ts";
import { isPointer, numberValue, type Pointer, pointer, unset, type Value } from "./value.ts";

const tailCall = 12;

/** Most bytes that a size argument may be, as in the kernel. */
const maxSize = 1n << 29n;

/** A call in a state. */
interface Call {
  readonly judge: Judge;
  readonly state: MachineState;
  readonly slot: number;
  readonly signature: HelperSignature;
  /** The map that an earlier argument names. */
  map: number;
}

/** Bytes that a helper reads or writes through an argument. */
interface Block {
  readonly register: number;
  readonly size: number;
  readonly isWrite: boolean;
  /** Whether the bytes need not have been written before. */
  readonly mayBeUnwritten: boolean;
  /** Whether the address must be aligned to the size. */
  readonly isAligned?: boolean;
}

/** Carries out a call of the helper with this number. */
export function runHelperCall(judge: Judge, state: MachineState, slot: number, number: number): void {
  const signature = helperTable.get(number);
  if (signature === undefined) return judge.refuse(`there is no helper ${number} for a socket filter`, slot, state);
  const call: Call = { judge, state, slot, signature, map: -1 };
  signature.arguments.forEach((kind, index) => checkArgument(call, kind, index));
  const isFound = signature.result === "value-or-null" && hasConstantKey(call);
  const { registers } = state;
  for (let register = 1; register <= 5; register++) registers[register] = unset;
  registers[0] = number === tailCall ? unset : resultOf(call, isFound);
}

function resultOf({ judge, signature, map }: Call, isFound: boolean): Value {
  if (signature.result === "none") return unset;
  if (signature.result === "scalar") return numberValue(anyScalar);
  return pointer("value", { map, isMaybeNull: !isFound, id: isFound ? 0 : judge.newId() });
}

function refuse({ judge, slot, state, signature }: Call, what: string): never {
  return judge.refuse(`helper ${signature.name}: ${what}`, slot, state);
}

function checkArgument(call: Call, kind: ArgumentKind, index: number): void {
  const { judge, state, slot } = call;
  const register = index + 1;
  if (kind === "optional" && state.registers[register]!.kind === "unset") return;
  const value = judge.read(state, register, slot);
  switch (kind) {
    case "scalar":
    case "optional":
      if (isPointer(value) && !judge.isRoot) refuse(call, `r${register} is an address, a number is wanted`);
      return;
    case "context":
      if (value.kind !== "context" || signedConstantOf(value.offset) !== 0n) {
        refuse(call, `r${register} is not the address of the context`);
      }
      return;
    case "map":
      checkMap(call, register, value);
      return;
    case "key":
      checkBlock(call, mapBlock(call, register, "keySize", false));
      return;
    case "value":
      checkBlock(call, mapBlock(call, register, "valueSize", false));
      return;
    case "value-out":
      checkBlock(call, mapBlock(call, register, "valueSize", true));
      return;
    case "size":
    case "size-or-zero":
      checkSized(call, kind, register, value);
      return;
    case "lock":
      checkValueBytes(call, register, 4);
      return;
    case "string":
      checkString(call, register);
      return;
    case "result":
      checkBlock(call, { register, size: 8, isWrite: true, mayBeUnwritten: true, isAligned: true });
      return;
    default:
      // `memory` and `memory-out` are judged with the size behind them.
      return;
  }
}

function checkMap(call: Call, register: number, value: Value): void {
  if (value.kind !== "map") return refuse(call, `r${register} is not a reference to a map`);
  const definition = call.judge.map(value.map);
  const { type, name } = definition;
  if (call.signature.mapTypes?.includes(type) === false) {
    refuse(call, `map ${name} has type ${type}, which it cannot use`);
  }
  if (call.signature.writesMap === true && isReadOnly(definition)) refuse(call, `map ${name} is read-only`);
  call.map = value.map;
}

function mapBlock(call: Call, register: number, size: "keySize" | "valueSize", isWrite: boolean): Block {
  return { register, size: call.judge.map(call.map)[size], isWrite, mayBeUnwritten: isWrite };
}

function checkSized(call: Call, kind: ArgumentKind, register: number, value: Value): void {
  if (value.kind !== "number") return refuse(call, `r${register} is an address, a size is wanted`);
  const { wide } = value.scalar;
  if (wide.smin < 0n) refuse(call, `the size in r${register} may be negative`);
  if (wide.umin === 0n && kind === "size") refuse(call, `the size in r${register} may be 0`);
  if (wide.umax >= maxSize) refuse(call, `the size in r${register} has no bound`);
  const isWrite = call.signature.arguments[register - 2] === "memory-out";
  const isKnown = constantOf(value.scalar) !== undefined;
  const size = Number(wide.umax);
  if (size === 0 && isNull(call.state.registers[register - 1]!)) return;
  checkBlock(call, { register: register - 1, size, isWrite, mayBeUnwritten: isWrite && isKnown });
}

function isNull(value: Value): boolean {
  return value.kind === "number" && constantOf(value.scalar) === 0n;
}

function accessOf({ size, isWrite, isAligned }: Block): Access {
  return { offset: 0, size, isWrite, aligned: isAligned === true ? "everywhere" : "nowhere" };
}

function checkBlock(call: Call, block: Block): void {
  const { judge, state, slot } = call;
  const base = addressOf(judge, state, slot, block.register);
  if (base.kind === "value") {
    valueExtent(judge, state, slot, base, accessOf(block));
    return;
  }
  if (base.kind !== "stack") refuse(call, `r${block.register} is the address of neither the stack nor a map's value`);
  checkStackBlock(call, block, base);
}

function checkStackBlock(call: Call, block: Block, base: Pointer): void {
  const { judge, state, slot } = call;
  const { from, to, at } = stackExtent(judge, state, slot, base, accessOf(block));
  const { stack } = state.frames[base.frame]!;
  const size = to - from;
  const mayBeUnwritten = block.mayBeUnwritten && at !== undefined;
  if (!mayBeUnwritten && !stack.isWritten(from, size)) {
    if (!judge.isRoot) refuse(call, `reads stack at ${from}..${to - 1}, not all of which was written`);
    judge.readsUnwritten = true;
  }
  if (!judge.isRoot && stack.hasPointer(from, size)) {
    refuse(call, `the stack at ${from}..${to - 1} holds an address, which it would see or spoil`);
  }
  if (!block.isWrite) return;
  if (mayBeUnwritten) stack.writeBytes(from, size);
  else stack.blur(from, size);
}

function checkValueBytes(call: Call, register: number, size: number): Pointer {
  const base = addressOf(call.judge, call.state, call.slot, register);
  if (base.kind !== "value") refuse(call, `r${register} is not the address of a map's value`);
  valueExtent(call.judge, call.state, call.slot, base, { offset: 0, size, isWrite: false, aligned: "nowhere" });
  return base;
}

function checkString(call: Call, register: number): void {
  const base = checkValueBytes(call, register, 1);
  const { frozen, initial, name } = call.judge.map(base.map);
  const at = signedConstantOf(base.offset);
  if (frozen !== true || initial === undefined) refuse(call, `map ${name} is not read-only`);
  if (at === undefined || !initial.includes(0, Number(at))) refuse(call, `the text in r${register} has no end`);
}

/** Whether a key in range of an array is looked up: that finds a value always. */
function hasConstantKey({ judge, state, map }: Call): boolean {
  const { type, keySize, maxEntries } = judge.map(map);
  if (type !== BPF_MAP_TYPE_ARRAY && type !== BPF_MAP_TYPE_PERCPU_ARRAY) return false;
  const base = state.registers[2]!;
  if (base.kind !== "stack" || keySize !== 4) return false;
  const at = signedConstantOf(base.offset);
  if (at === undefined || at % 4n !== 0n) return false;
  const found = state.frames[base.frame]!.stack.read(Number(at), 4);
  if ("problem" in found || found.value.kind !== "number" || !found.isWritten) return false;
  const key = constantOf(found.value.scalar);
  return key !== undefined && key < BigInt(maxEntries);
}
