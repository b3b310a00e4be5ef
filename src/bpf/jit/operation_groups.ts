/**
 * Which operations are translated alike.
 *
 * @module
 */
import type { Operation } from "../encoding_table.ts";

/** A group of operations. */
export type OperationGroup =
  | "arithmetic"
  | "wide"
  | "load"
  | "store"
  | "atomic"
  | "packet"
  | "jump"
  | "call"
  | "exit";

const groups: Readonly<Partial<Record<Operation, OperationGroup>>> = {
  lddw: "wide",
  ldx: "load",
  ldxs: "load",
  load_acquire: "load",
  st: "store",
  stx: "store",
  store_release: "store",
  atomic_add: "atomic",
  atomic_or: "atomic",
  atomic_and: "atomic",
  atomic_xor: "atomic",
  fetch_add: "atomic",
  fetch_or: "atomic",
  fetch_and: "atomic",
  fetch_xor: "atomic",
  xchg: "atomic",
  cmpxchg: "atomic",
  ldabs: "packet",
  ldind: "packet",
  ja: "jump",
  jeq: "jump",
  jgt: "jump",
  jge: "jump",
  jset: "jump",
  jne: "jump",
  jsgt: "jump",
  jsge: "jump",
  jlt: "jump",
  jle: "jump",
  jslt: "jump",
  jsle: "jump",
  may_goto: "jump",
  gotox: "jump",
  call: "call",
  callx: "call",
  exit: "exit",
};

/** The group of an operation. */
export function groupOf(operation: Operation): OperationGroup {
  return groups[operation] ?? "arithmetic";
}

/** What an atomic does with memory and operand: of `fetch_add` it is `add`. */
export function atomicAction(operation: Operation): string {
  return operation.slice(operation.indexOf("_") + 1);
}
