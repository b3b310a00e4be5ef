/**
 * How compiled code counts instructions, so that it ends a run by the same count as the interpreter.
 *
 * A segment is what runs whole or not at all: instructions up to the end of the block, or up to one behind which others
 * may not run (a load that may end the function) or others run first (a call). It is charged where it begins. Whether the
 * budget is spent is looked at where each turn of a loop passes, where functions are entered, and before the program ends
 * or leaves for another one: what is charged by then is what ran.
 *
 * Not exact: where an access fails in sandboxed programs, the rest of its segment is charged already.
 *
 * @module
 */
import type { CompilerInput, Operand } from "./operations.ts";

/** What is known ahead of how long a run may take. */
export interface Counted {
  /** Instructions of a run. */
  readonly budget: number;
  /** Whether tail calls may lead to the program. @default {false} */
  readonly isChained?: boolean | undefined;
}

/** Number of the helper that makes tail calls. */
export const TAIL_CALL = 12;

/** Whether an instruction makes a tail call. */
export function isTailCall({ operation, src, imm }: Operand): boolean {
  return operation === "call" && src === 0 && imm === TAIL_CALL;
}

/**
 * Whether a program must count: not where it ends before the budget can be spent, whatever it does. Of what tail calls
 * lead to, nobody knows how much is left by then.
 */
export function mustCount({ flow, encodings, instructions }: CompilerInput, { budget, isChained }: Counted): boolean {
  const { functions } = flow;
  if (isChained === true || functions.length > 1 || instructions.length > budget || functions.some(hasLoop)) {
    return true;
  }
  return encodings.some((encoding, slot) => {
    const { src, imm } = instructions[slot]!;
    return encoding?.operation === "call" && src === 0 && imm === TAIL_CALL;
  });
}

/** Whether a function has a loop. */
function hasLoop({ blocks, position }: CompilerInput["flow"]["functions"][number]): boolean {
  return blocks.some(({ index, target, next }) =>
    [target, next].some((to) => to >= 0 && position[to]! <= position[index]!)
  );
}

/** Instructions of the segment that begins with the one at `start`; 0 where none begins there. */
export function segmentAt(operands: readonly Operand[], start: number): number {
  if (start > 0 && !endsSegment(operands[start - 1]!)) return 0;
  let end = start + 1;
  while (end < operands.length && !endsSegment(operands[end - 1]!)) end++;
  return end - start;
}

function endsSegment(at: Operand): boolean {
  return at.group === "packet" || at.operation === "call" && (at.src !== 0 || at.imm === TAIL_CALL);
}
