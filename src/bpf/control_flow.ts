/**
 * Control flow of a program: its functions, their basic blocks, and in which order to visit these. Pass 2 of the
 * verifier; the back ends translate from the same graph.
 *
 * Whatever this refuses has no meaning as a program: a jump out of its function or into the middle of a wide
 * instruction, a function that runs into the next one, an instruction that nothing reaches. A jump backwards is none of
 * these: clang lays blocks out so that code without any loop jumps backwards.
 *
 * Nothing here recurses, and everything takes time linear in the number of instructions.
 *
 * @module
 */
import { BpfError } from "./errors.ts";
import { BPF_CALL, BPF_EXIT, BPF_JA, BPF_JMP, BPF_JMP32, BPF_LDDW, BPF_PSEUDO_CALL, type Instruction } from "./isa.ts";

const opcodeJump = BPF_JMP | BPF_JA;
const opcodeLongJump = BPF_JMP32 | BPF_JA;
const opcodeCall = BPF_JMP | BPF_CALL;
const opcodeExit = BPF_JMP | BPF_EXIT;

/** Instructions that run one after the other, entered at the first and left at the last. */
export interface BasicBlock {
  /** Its place among the blocks of its function, which are in the order of their slots. */
  readonly index: number;
  /** Slot of its first instruction. */
  readonly start: number;
  /** Slot of its last instruction. */
  readonly last: number;
  /** Slot behind its last instruction. */
  readonly end: number;
  /** Index of the block that it runs into, when its last instruction does not jump; -1 when there is none. */
  readonly next: number;
  /** Index of the block that its last instruction jumps to; -1 when that does not jump. */
  readonly target: number;
  /** Indices of the blocks that lead here. One that leads here both ways is named twice. */
  readonly predecessors: readonly number[];
}

/** A call from one function of the program to another. */
export interface LocalCall {
  /** Slot of the call. */
  readonly slot: number;
  /** Index of the function called. */
  readonly callee: number;
}

/** Control flow within a function. */
export interface FunctionFlow {
  /** Its place among the functions, which are in the order of their slots; the entry of the program is 0. */
  readonly index: number;
  /** Slot of its first instruction. */
  readonly start: number;
  /** Slot behind its last instruction. */
  readonly end: number;
  /** Its basic blocks in the order of their slots; it is entered at block 0. */
  readonly blocks: readonly BasicBlock[];
  /** Indices of the blocks in reverse postorder: a block comes after all that lead to it, except around a loop. */
  readonly order: readonly number[];
  /** Place of each block in `order`. An edge that does not lead to a higher place closes a cycle. */
  readonly position: Int32Array;
  /** Calls to functions of the program, in the order of their slots. */
  readonly calls: readonly LocalCall[];
}

/** Control flow of a program. */
export interface ControlFlow {
  /** Its functions in the order of their slots; the entry of the program is the first. */
  readonly functions: readonly FunctionFlow[];
  /** Index of the function that begins at a slot. */
  readonly functionAt: ReadonlyMap<number, number>;
}

/** Where an instruction may go on in its function; a call goes on behind itself. */
interface Exits {
  /** The slot behind it. */
  readonly behind: number;
  readonly next: boolean;
  readonly target: number | undefined;
}

/** Whether an instruction is a jump with a condition; `may_goto` is one. */
export function isConditionalJump(opcode: number): boolean {
  const kind = opcode & 0x07;
  if (kind !== BPF_JMP && kind !== BPF_JMP32) return false;
  const code = opcode & 0xf0;
  return code !== BPF_JA && code !== BPF_CALL && code !== BPF_EXIT;
}

/** Slot that a jump at `slot` leads to, or `undefined` when the instruction is no jump. */
export function jumpTarget(instruction: Instruction, slot: number): number | undefined {
  if (instruction.opcode === opcodeLongJump) return slot + 1 + instruction.imm;
  if (instruction.opcode !== opcodeJump && !isConditionalJump(instruction.opcode)) return undefined;
  return slot + 1 + instruction.offset;
}

/**
 * Builds the control flow of a program from its instructions, one for each slot.
 *
 * @throws {BpfError} `EINVAL` when they are not a program
 */
export function buildControlFlow(instructions: readonly Instruction[]): ControlFlow {
  if (instructions.length === 0) throw refusal("the program has no instructions", 0);
  const { seconds, calls } = readSlots(instructions);
  const starts = calls.length === 0 ? [0] : functionStarts(instructions, seconds, calls);
  const functionAt = new Map<number, number>();
  for (const start of starts) functionAt.set(start, functionAt.size);
  const functions: FunctionFlow[] = [];
  let taken = 0;
  for (const start of starts) {
    const index = functions.length, end = starts[index + 1] ?? instructions.length;
    const inside: LocalCall[] = [];
    for (; taken < calls.length && calls[taken]! < end; taken++) {
      const slot = calls[taken]!;
      inside.push({ slot, callee: functionAt.get(slot + 1 + instructions[slot]!.imm)! });
    }
    functions.push(buildFunction({ instructions, seconds, calls: inside, index, start, end }));
  }
  if (functions.length > 1) refuseUncalled(functions);
  return { functions, functionAt };
}

/** What is known of a function before its blocks are. */
interface FunctionText {
  readonly instructions: readonly Instruction[];
  readonly seconds: Uint8Array;
  readonly calls: readonly LocalCall[];
  readonly index: number;
  readonly start: number;
  readonly end: number;
}

function refusal(what: string, instruction: number): BpfError {
  return new BpfError(what, { code: "EINVAL", instruction });
}

/** Marks the slots that hold the second half of a wide instruction, and finds the calls of functions of the program. */
function readSlots(instructions: readonly Instruction[]): { seconds: Uint8Array; calls: number[] } {
  const seconds = new Uint8Array(instructions.length + 1);
  const calls: number[] = [];
  for (let slot = 0; slot < instructions.length; slot++) {
    const { opcode, src } = instructions[slot]!;
    if (opcode === opcodeCall && src === BPF_PSEUDO_CALL) calls.push(slot);
    if (opcode !== BPF_LDDW) continue;
    slot++;
    if (slot === instructions.length) throw refusal("the program ends inside a wide instruction", slot - 1);
    seconds[slot] = 1;
  }
  return { seconds, calls };
}

function functionStarts(instructions: readonly Instruction[], seconds: Uint8Array, calls: readonly number[]): number[] {
  const starts = new Set([0]);
  for (const slot of calls) {
    const target = slot + 1 + instructions[slot]!.imm;
    if (!(target >= 0 && target < instructions.length) || seconds[target] === 1) {
      throw refusal(`call to instruction ${target}, which does not exist`, slot);
    }
    starts.add(target);
  }
  return [...starts].sort((a, b) => a - b);
}

function exitsOf(text: FunctionText, slot: number): Exits {
  const instruction = text.instructions[slot]!;
  const target = jumpTarget(instruction, slot);
  const ends = instruction.opcode === opcodeExit || instruction.opcode === opcodeJump ||
    instruction.opcode === opcodeLongJump;
  if (target !== undefined && (target < text.start || target >= text.end || text.seconds[target] === 1)) {
    throw wrongTarget(text, slot, target);
  }
  const behind = slot + (instruction.opcode === BPF_LDDW ? 2 : 1);
  if (!ends && behind >= text.end) {
    throw refusal("the function does not end in exit or an unconditional jump, and runs into what is behind it", slot);
  }
  return { behind, next: !ends, target };
}

function wrongTarget({ instructions, start, end }: FunctionText, slot: number, target: number): BpfError {
  if (target >= start && target < end) return refusal(`jump to ${target}, into the middle of a wide instruction`, slot);
  const what = target < 0 || target >= instructions.length ? "the program" : "its function";
  return refusal(`jump to instruction ${target}, out of ${what}`, slot);
}

/** Finds what is reached from the function's entry, and where blocks begin. */
function explore(text: FunctionText): { reached: Uint8Array; leaders: Uint8Array } {
  const reached = new Uint8Array(text.end - text.start);
  const leaders = new Uint8Array(text.end - text.start + 1);
  const pending = [text.start];
  leaders[0] = 1;
  while (pending.length > 0) {
    let slot = pending.pop() ?? text.start;
    while (reached[slot - text.start] === 0) {
      reached[slot - text.start] = 1;
      const { behind, next, target } = exitsOf(text, slot);
      if (target !== undefined) {
        leaders[target - text.start] = 1;
        pending.push(target);
      }
      if (target !== undefined || !next) leaders[behind - text.start] = 1;
      if (!next) break;
      slot = behind;
    }
  }
  return { reached, leaders };
}

function unreached(text: FunctionText, slot: number): BpfError {
  // A function that runs into the next one is the better thing to tell, where both are so.
  exitsOf(text, slot);
  return refusal("nothing reaches this instruction", slot);
}

function buildFunction(text: FunctionText): FunctionFlow {
  const { reached, leaders } = explore(text);
  const starts: number[] = [];
  const blockAt = new Int32Array(text.end - text.start);
  for (let slot = text.start; slot < text.end; slot++) {
    if (reached[slot - text.start] === 0 && text.seconds[slot] === 0) throw unreached(text, slot);
    if (leaders[slot - text.start] === 1) starts.push(slot);
    blockAt[slot - text.start] = starts.length - 1;
  }
  const blocks = connect(text, starts, blockAt);
  const order = reversePostorder(blocks);
  const position = new Int32Array(blocks.length);
  for (let place = 0; place < order.length; place++) position[order[place] ?? 0] = place;
  const { index, start, end, calls } = text;
  return { index, start, end, blocks, order, position, calls };
}

function connect(text: FunctionText, starts: readonly number[], blockAt: Int32Array): BasicBlock[] {
  const predecessors: number[][] = [];
  for (let index = 0; index < starts.length; index++) predecessors.push([]);
  const blocks: BasicBlock[] = [];
  for (let index = 0; index < starts.length; index++) {
    const start = starts[index]!, end = starts[index + 1] ?? text.end;
    const last = text.seconds[end - 1] === 1 ? end - 2 : end - 1;
    const exits = exitsOf(text, last);
    const next = exits.next ? blockAt[end - text.start] ?? -1 : -1;
    const target = exits.target === undefined ? -1 : blockAt[exits.target - text.start] ?? -1;
    predecessors[next]?.push(index);
    predecessors[target]?.push(index);
    blocks.push({ index, start, last, end, next, target, predecessors: predecessors[index]! });
  }
  return blocks;
}

/** Orders blocks by a depth-first walk with a stack of its own: a program may be deeper than JavaScript's stack. */
function reversePostorder(blocks: readonly BasicBlock[]): number[] {
  const postorder: number[] = [];
  const edgesTaken = new Uint8Array(blocks.length);
  const seen = new Uint8Array(blocks.length);
  const path = [0];
  seen[0] = 1;
  while (path.length > 0) {
    const index = path[path.length - 1] ?? 0;
    const block = blocks[index];
    const edge = edgesTaken[index] ?? 2;
    if (block === undefined || edge === 2) {
      postorder.push(index);
      path.pop();
      continue;
    }
    edgesTaken[index] = edge + 1;
    // The jump first, so that in reverse the block behind comes before the one jumped to, as in the program's text.
    const successor = edge === 0 ? block.target : block.next;
    if (successor < 0 || seen[successor] === 1) continue;
    seen[successor] = 1;
    path.push(successor);
  }
  return postorder.reverse();
}

/** Refuses functions that the entry does not lead to, such as two that only call each other. */
function refuseUncalled(functions: readonly FunctionFlow[]): void {
  const reached = new Set([0]);
  for (const index of reached) {
    for (const { callee } of functions[index]?.calls ?? []) reached.add(callee);
  }
  const uncalled = functions.find(({ index }) => !reached.has(index));
  if (uncalled !== undefined) throw refusal("nothing reaches this function", uncalled.start);
}
