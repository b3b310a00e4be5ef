/**
 * Carries what is known of registers through a function, to a fixed point.
 *
 * @module
 */
import type { FunctionFlow } from "../control_flow.ts";
import { valuesBehind } from "./branch_values.ts";
import { type Operand, operandsBetween, type ProgramText } from "./operations.ts";
import {
  anyValue,
  arithmeticResult,
  joinValues,
  mayBeFrame,
  sameValue,
  small,
  type Value,
  type Values,
} from "./values.ts";

const zero: Value = { kind: "constant", low: 0, high: 0 };
const mixed: Value = { kind: "mixed" };
const clobbered = [1, 2, 3, 4, 5];

/** How a function is entered: with the context, with a block of memory (in tests), or from another function. */
export type Entry = "context" | "block" | "call";

/** What is known at the entry of a function. Registers that nobody has set are 0. */
export function entryValues(entry: Entry): Values {
  const given = entry === "call" ? 5 : entry === "block" ? 2 : 0;
  const values = new Array<Value>(11).fill(zero).fill(anyValue, 1, given + 1);
  if (entry === "context") values[1] = { kind: "context", offset: 0 };
  values[10] = { kind: "frame", offset: 0 };
  return values;
}

/** What is known behind an instruction. */
export function valuesAfter(values: Values, at: Operand): Values {
  const result = resultOf(values, at);
  if (result === undefined) return values;
  const after = values.slice();
  if (at.group === "call" || at.group === "packet") {
    for (const register of clobbered) after[register] = anyValue;
    after[0] = result;
  } else if (at.operation === "cmpxchg") {
    after[0] = result;
  } else {
    after[isFetch(at) ? at.src : at.dst] = result;
  }
  return after;
}

function isFetch({ operation }: Operand): boolean {
  return operation === "xchg" || operation.startsWith("fetch_");
}

/** What an instruction leaves in its destination; `undefined` where it has none. */
function resultOf(values: Values, at: Operand): Value | undefined {
  const { operation, group, bits, src } = at;
  switch (group) {
    case "arithmetic":
      return arithmeticResult(values, at);
    case "wide":
      if (src === 1) return { kind: "map", index: at.imm };
      return src === 0 ? { kind: "constant", low: at.imm, high: at.high } : anyValue;
    case "load":
      return operation === "ldxs" ? { kind: "signed" } : small(2 ** bits - 1);
    case "packet":
      return small(2 ** bits - 1);
    case "call":
      return callResult(values, at);
    case "atomic":
      return isFetch(at) || operation === "cmpxchg" ? small(2 ** bits - 1) : undefined;
    default:
      return undefined;
  }
}

/** A map's values lie below 2^32; of functions that got an address in the frame, nobody knows what they return. */
function callResult(values: Values, { src, imm }: Operand): Value {
  if (src !== 0) return clobbered.some((register) => mayBeFrame(values[register]!)) ? mixed : anyValue;
  if (imm === 26 || imm === 68) return { kind: "signed" };
  return imm === 1 ? small(0xffff_ffff) : anyValue;
}

/** A basic block with what is known where it begins. */
export interface KnownBlock {
  /** Its instructions. */
  readonly operands: readonly Operand[];
  /** What is known at its start. */
  readonly values: Values;
}

/** What was found of functions: a program is written once for each way in which it is called. */
const found = new WeakMap<FunctionFlow, Map<Entry, readonly KnownBlock[]>>();

/** Finds what is known at the start of each block of a function of a text; the same text each time. */
export function findValues(text: ProgramText, flow: FunctionFlow, entry: Entry): readonly KnownBlock[] {
  let byEntry = found.get(flow);
  if (byEntry === undefined) found.set(flow, byEntry = new Map());
  let blocks = byEntry.get(entry);
  if (blocks === undefined) byEntry.set(entry, blocks = carryValues(text, flow, entry));
  return blocks;
}

function carryValues(text: ProgramText, flow: FunctionFlow, entry: Entry): KnownBlock[] {
  const operands = flow.blocks.map(({ start, end }) => operandsBetween(text, start, end));
  const known: (Values | undefined)[] = flow.blocks.map(() => undefined);
  known[0] = entryValues(entry);
  const pending = new Uint8Array(flow.blocks.length);
  pending[0] = 1;
  for (let again = true; again;) {
    again = false;
    for (const block of flow.order) {
      if (pending[block] === 0) continue;
      pending[block] = 0;
      let values = known[block]!;
      for (const at of operands[block]!) values = valuesAfter(values, at);
      const { target, next } = flow.blocks[block]!;
      const last = operands[block]!.at(-1)!;
      for (const to of [target, next]) {
        if (to < 0) continue;
        const there = target < 0 || target === next ? values : valuesBehind(values, last, to === target);
        if (!merge(known, to, there)) continue;
        pending[to] = 1;
        if (flow.position[to]! <= flow.position[block]!) again = true;
      }
    }
  }
  return operands.map((list, block) => ({ operands: list, values: known[block]! }));
}

/** Joins values into what is known at the start of a block; tells whether that changed anything. */
function merge(known: (Values | undefined)[], block: number, values: Values): boolean {
  const before = known[block];
  if (before === undefined) {
    known[block] = values;
    return true;
  }
  let joined: Value[] | undefined;
  for (let register = 0; register < before.length; register++) {
    const old = before[register]!, value = joinValues(old, values[register]!);
    if (value !== old && !sameValue(value, old)) (joined ??= before.slice())[register] = value;
  }
  known[block] = joined ?? before;
  return joined !== undefined;
}
