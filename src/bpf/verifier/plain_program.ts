/**
 * Programs that need little proof: one function, which calculates with numbers and packet bytes and touches no memory.
 * Such is the usual parser. All that can be wrong with it is which registers are set, and two sets of registers tell
 * that: a small part of the verifier, and so a small part of the time that the first program takes.
 *
 * What this accepts the whole verifier accepts too; of what it does not, the whole verifier has to tell.
 *
 * @module
 */
import type { BasicBlock } from "../control_flow.ts";
import type { Encoding } from "../encoding_table.ts";
import { BPF_ALU, BPF_X, type Instruction } from "../isa.ts";
import type { ProgramText } from "./judge.ts";

/** Sets of registers, one bit each. */
interface Registers {
  /** Those that hold numbers. */
  numbers: number;
  /** Those that hold the address of the context. */
  contexts: number;
}

const R0 = 1, R1 = 1 << 1, R6 = 1 << 6;
/** What a packet load leaves unset. */
const CLOBBERED = 0b111110;
const ALL = 0x7ff;

/**
 * Proves a program safe; returns how many instructions it has looked at, or `undefined` where it cannot, or not within
 * so many.
 */
export function provePlain({ instructions, encodings, flow }: ProgramText, maxSteps: number): number | undefined {
  const { blocks, order, position } = flow.functions[0]!;
  if (flow.functions.length > 1) return undefined;
  const known: Registers[] = [{ numbers: 0, contexts: R1 }];
  while (known.length < blocks.length) known.push({ numbers: ALL, contexts: ALL });
  let steps = 0;
  for (let place = 0; place < order.length;) {
    const block = blocks[order[place]!]!;
    const { numbers, contexts } = known[block.index]!;
    const registers = { numbers, contexts };
    for (let slot = block.start; slot < block.end; slot++) {
      const encoding = encodings[slot];
      if (encoding === undefined) continue;
      if (++steps > maxSteps || !isPlainStep(registers, instructions[slot]!, encoding)) return undefined;
    }
    place = Math.min(place + 1, arrive(known, block, registers, position));
  }
  return steps;
}

/** Takes what is known behind a block to those behind it; returns the earliest place that has to be gone to again. */
function arrive(known: readonly Registers[], block: BasicBlock, from: Registers, position: Int32Array): number {
  let again = Infinity;
  for (const index of [block.next, block.target]) {
    const there = known[index];
    if (there === undefined || ((there.numbers & ~from.numbers) | (there.contexts & ~from.contexts)) === 0) continue;
    there.numbers &= from.numbers;
    there.contexts &= from.contexts;
    again = Math.min(again, position[index]!);
  }
  return again;
}

/** Carries out an instruction; false where it is none for this, or not safe. */
function isPlainStep(registers: Registers, { opcode, dst, src }: Instruction, encoding: Encoding): boolean {
  const { numbers, contexts } = registers;
  const to = 1 << dst, from = 1 << src;
  const isRead = encoding.dst === "in" || encoding.dst === "inout";
  switch (encoding.operation) {
    case "exit":
      return (numbers & R0) !== 0;
    case "ldabs":
    case "ldind":
      if ((contexts & R6) === 0 || encoding.src === "in" && (numbers & from) === 0) return false;
      registers.numbers = numbers & ~CLOBBERED | R0;
      registers.contexts = contexts & ~CLOBBERED & ~R0;
      return true;
    case "mov":
      if (encoding.bits === 64 && (opcode & BPF_X) !== 0 && (contexts & from) !== 0) {
        registers.numbers = numbers & ~to;
        registers.contexts = contexts | to;
        return true;
      }
      break;
    case "lddw":
      if (src !== 0) return false;
      break;
    default:
      if ((opcode & 7) < BPF_ALU || encoding.operation === "call" || encoding.operation === "may_goto") return false;
  }
  if (isRead && (numbers & to) === 0 || encoding.src === "in" && (numbers & from) === 0) return false;
  if (encoding.dst === "in" || encoding.dst === "none") return true;
  registers.numbers = numbers | to;
  registers.contexts = contexts & ~to;
  return true;
}
