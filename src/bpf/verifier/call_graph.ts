/**
 * Limits on calls: no recursion, tail calls from the entry function alone, no more frames than there are, no more stack
 * than there is.
 *
 * @module
 */
import type { ControlFlow } from "../control_flow.ts";
import { BPF_CALL, BPF_HELPER_CALL, BPF_JMP } from "../isa.ts";
import { MAX_FRAMES } from "../runner.ts";
import { type ProgramText, refusal } from "./judge.ts";

/** Bytes of stack of all frames together, as in the kernel. */
const maxStackBytes = 512;

/** Helper that ends the program and begins another. */
const TAIL_CALL = 12;

/** A frame takes a multiple of so many bytes. */
const frameGrain = 16;

/**
 * Functions such that each comes after all that it calls.
 *
 * @throws {BpfError} `EACCES` where one calls itself, directly or not
 */
export function calleesFirst(text: ProgramText): number[] {
  const { functions } = text.flow;
  const done: number[] = [];
  const isOpen = functions.map(() => false);
  const isDone = functions.map(() => false);
  const callsTaken = functions.map(() => 0);
  const path = [0];
  isOpen[0] = true;
  while (path.length > 0) {
    const index = path[path.length - 1]!;
    const call = functions[index]!.calls[callsTaken[index]!++];
    if (call === undefined) {
      isOpen[index] = false;
      isDone[index] = true;
      done.push(index);
      path.pop();
    } else if (isOpen[call.callee] === true) {
      throw refusal(text, "the function calls itself, if only through others", call.slot);
    } else if (isDone[call.callee] === false) {
      isOpen[call.callee] = true;
      path.push(call.callee);
    }
  }
  return done;
}

/**
 * Checks that only the entry function makes tail calls: another one would have to go on behind its call with the
 * result of the other program.
 *
 * @throws {BpfError} `EACCES` where a local function does
 */
export function checkTailCalls(text: ProgramText): void {
  for (const { start, end } of text.flow.functions.slice(1)) {
    for (let slot = start; slot < end; slot++) {
      const { opcode, src, imm } = text.instructions[slot]!;
      const isTailCall = opcode === (BPF_JMP | BPF_CALL) && src === BPF_HELPER_CALL && imm === TAIL_CALL;
      if (isTailCall) throw refusal(text, "tail call in a local function", slot);
    }
  }
}

/** Cost of the most expensive chain of calls from each function on, and the call that it begins with. */
function chains(flow: ControlFlow, order: readonly number[], costOf: (index: number) => number) {
  const cost = flow.functions.map(() => 0);
  const via = flow.functions.map(() => -1);
  for (const index of order) {
    let most = 0;
    for (const { slot, callee } of flow.functions[index]!.calls) {
      if (cost[callee]! <= most) continue;
      most = cost[callee]!;
      via[index] = slot;
    }
    cost[index] = most + costOf(index);
  }
  return { cost, via };
}

/**
 * Checks that calls nest no deeper than there are frames.
 *
 * @throws {BpfError} `EACCES` where they do
 */
export function checkDepth(text: ProgramText, order: readonly number[]): void {
  const { cost, via } = chains(text.flow, order, () => 1);
  if (cost[0]! > MAX_FRAMES) {
    throw refusal(text, `calls nest ${cost[0]} frames deep, ${MAX_FRAMES} are allowed`, via[0]!);
  }
}

/**
 * Checks that frames of every chain of calls fit in the stack together.
 *
 * @throws {BpfError} `EACCES` where they do not
 */
export function checkStack(text: ProgramText, order: readonly number[], stackBytes: readonly number[]): void {
  const sizeOf = (index: number) => Math.ceil(stackBytes[index]! / frameGrain) * frameGrain;
  const { cost, via } = chains(text.flow, order, sizeOf);
  if (cost[0]! <= maxStackBytes) return;
  throw refusal(text, `frames take ${cost[0]} bytes of stack, there are ${maxStackBytes}`, Math.max(via[0]!, 0));
}
