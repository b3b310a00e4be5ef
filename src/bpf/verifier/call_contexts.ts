/**
 * Where a function was called from: functions are judged anew for every way of calls that leads to them.
 *
 * @module
 */
import type { BasicBlock, FunctionFlow } from "../control_flow.ts";

/** A function as it was called. */
export class CallContext {
  /** The context of the caller; `undefined` for the entry function. */
  readonly parent: CallContext | undefined;
  /** Slot of the call in the caller. */
  readonly callSlot: number;
  /** The function. */
  readonly flow: FunctionFlow;
  /** How many calls deep. */
  readonly depth: number;
  readonly #callees = new Map<number, CallContext>();

  /** Makes the context of a function. */
  constructor(flow: FunctionFlow, parent?: CallContext, callSlot = -1) {
    this.flow = flow;
    this.parent = parent;
    this.callSlot = callSlot;
    this.depth = parent === undefined ? 0 : parent.depth + 1;
  }

  /** Context of the function called at a slot. */
  callee(slot: number, flow: FunctionFlow): CallContext {
    const known = this.#callees.get(slot);
    if (known !== undefined) return known;
    const made = new CallContext(flow, this, slot);
    this.#callees.set(slot, made);
    return made;
  }
}

/** The block that a slot is in. */
export function blockOf({ blocks }: FunctionFlow, slot: number): BasicBlock {
  let [low, high] = [0, blocks.length - 1];
  while (low < high) {
    const middle = low + high + 1 >> 1;
    if (blocks[middle]!.start <= slot) low = middle;
    else high = middle - 1;
  }
  return blocks[low]!;
}

/** Whether a block is where a loop is entered: some edge to it closes a cycle. */
export function isLoopHead({ position }: FunctionFlow, { index, predecessors }: BasicBlock): boolean {
  return predecessors.some((from) => position[from]! >= position[index]!);
}

/** Whether ways meet at a block. */
export function isMeetingPoint(flow: FunctionFlow, block: BasicBlock): boolean {
  return block.index === 0 || block.predecessors.length > 1 || isLoopHead(flow, block);
}
