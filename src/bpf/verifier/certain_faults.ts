/**
 * Accesses that are wrong whenever they are made: at a constant distance from r10, the context or a map's value, outside
 * of it. In sandbox mode, where what is not proven is checked while it runs, these are refused all the same: the program
 * could only fail there, or, next to other memory of its own, go on with what it never meant.
 *
 * A register has a known address only where it has the same on all ways there, so that nothing is refused that some way
 * makes right. Ways that a compare of constants rules out are none: of constants as 64-bit moves set them, not of what
 * 32-bit moves or arithmetic make. What goes through the stack is not followed, nor what a function is given; every
 * function is looked at.
 *
 * @module
 */
import type { BasicBlock, FunctionFlow } from "../control_flow.ts";
import type { Encoding } from "../encoding_table.ts";
import { type ArgumentKind, helperTable } from "../helper_table.ts";
import { BPF_LDDW, BPF_X, type Instruction } from "../isa.ts";
import type { MapDefinition } from "../program.ts";
import { CONTEXT_BYTES, FRAME_BYTES } from "../runner.ts";
import { type ProgramText, refusal } from "./judge.ts";
import { constant } from "./scalar.ts";
import { refine } from "./scalar_compare.ts";

/** What is known of a register: an address and its distance from where it belongs to, a number, a map, or nothing. */
interface Known {
  readonly kind: "frame" | "context" | "value" | "number" | "map" | "any";
  /** Distance; of numbers the number. */
  readonly offset: number;
  /** Index of the map of a value or a reference. */
  readonly map: number;
}

type Registers = Known[];

const any: Known = { kind: "any", offset: 0, map: -1 };
const number = (value: number): Known => ({ kind: "number", offset: value, map: -1 });
const LOOKUP = 1;

/** Refuses a program that has such an access. */
export function refuseCertainFaults(text: ProgramText): void {
  for (const flow of text.flow.functions) {
    const known = carry(text, flow);
    for (const { index, start, end } of flow.blocks) {
      const registers = known[index]?.slice();
      if (registers === undefined) continue;
      for (let slot = start; slot < end; slot++) {
        const problem = problemOf(text, slot, registers);
        if (problem !== undefined) throw refusal(text, problem, slot);
        step(text, slot, registers);
      }
    }
  }
}

/**
 * What is known at the start of each block; `undefined` of those that no run comes to. Each register loses what is known
 * of it at most once: this ends soon.
 */
function carry(text: ProgramText, flow: FunctionFlow): readonly (Registers | undefined)[] {
  const known: (Registers | undefined)[] = flow.blocks.map(() => undefined);
  known[0] = new Array<Known>(11).fill(any);
  known[0][10] = { kind: "frame", offset: 0, map: -1 };
  if (flow.index === 0) known[0][1] = { kind: "context", offset: 0, map: -1 };
  const pending = [0];
  for (let index = pending.pop(); index !== undefined; index = pending.pop()) {
    const block = flow.blocks[index]!;
    const registers = known[index]!.slice();
    for (let slot = block.start; slot < block.end; slot++) step(text, slot, registers);
    for (const to of waysBehind(text, block, registers)) if (join(known, to, registers)) pending.push(to);
  }
  return known;
}

/** The blocks behind one: where constants decide its jump, one of the two. */
function waysBehind({ instructions, encodings }: ProgramText, block: BasicBlock, registers: Registers): number[] {
  const { next, target, last } = block;
  if (next < 0 || target < 0) return [next, target].filter((to) => to >= 0);
  // a jump to the next instruction goes there either way
  if (next === target) return [next];
  const { dst, src, imm, opcode } = instructions[last]!;
  const a = registers[dst]!, b = (opcode & BPF_X) === 0 ? number(imm) : registers[src]!;
  if (a.kind !== "number" || b.kind !== "number") return [next, target];
  const { operation, bits } = encodings[last]!;
  const [left, right] = [constant(BigInt(a.offset)), constant(BigInt(b.offset))];
  return [next, target].filter((to) => refine(operation, bits, to === target, left, right) !== undefined);
}

/** Takes what is known behind a block to one behind it; tells whether that changed anything. */
function join(known: (Registers | undefined)[], to: number, from: Registers): boolean {
  const there = known[to];
  if (there === undefined) {
    known[to] = from.slice();
    return true;
  }
  let isChanged = false;
  for (let register = 0; register < there.length; register++) {
    const a = there[register]!, b = from[register]!;
    if (a === any || a.kind === b.kind && a.offset === b.offset && a.map === b.map) continue;
    there[register] = any;
    isChanged = true;
  }
  return isChanged;
}

/** What registers hold behind an instruction. */
function step({ instructions, encodings }: ProgramText, slot: number, registers: Registers): void {
  const encoding = encodings[slot];
  if (encoding === undefined) return;
  const instruction = instructions[slot]!;
  const { dst, src, imm } = instruction;
  const { operation } = encoding;
  if (operation === "call") {
    const found = src === 0 && imm === LOOKUP && registers[1]!.kind === "map" ? registers[1]!.map : undefined;
    registers.fill(any, 0, 6);
    if (found !== undefined) registers[0] = { kind: "value", offset: 0, map: found };
  } else if (operation === "ldabs" || operation === "ldind") registers.fill(any, 0, 6);
  else if (operation === "lddw") registers[dst] = wide(instruction, instructions[slot + 1]!);
  else if (operation === "cmpxchg") registers[0] = any;
  else if (encoding.src === "inout" || encoding.src === "out") registers[src] = any;
  else if (encoding.dst === "out" || encoding.dst === "inout") {
    registers[dst] = result(instruction, encoding, registers);
  }
}

function wide({ opcode, src, imm }: Instruction, second: Instruction): Known {
  if (opcode !== BPF_LDDW) return any;
  if (src === 1) return { kind: "map", offset: 0, map: imm };
  if (src === 2) return { kind: "value", offset: second.imm, map: imm };
  return src === 0 && second.imm === imm >> 31 ? number(imm) : any;
}

/** Of arithmetic: copies, and sums of what is known. */
function result({ opcode, dst, src, imm }: Instruction, { operation, bits }: Encoding, registers: Registers): Known {
  if (bits !== 64) return any;
  const b: Known = (opcode & BPF_X) === 0 ? number(imm) : registers[src]!;
  if (operation === "mov") return b;
  if (operation !== "add" && operation !== "sub" || b.kind !== "number") return any;
  const a = registers[dst]!;
  if (a.kind === "any" || a.kind === "map") return any;
  const offset = operation === "add" ? a.offset + b.offset : a.offset - b.offset;
  return Math.abs(offset) <= 0x7fff_ffff ? { ...a, offset } : any;
}

/** What is wrong with an instruction. */
function problemOf({ instructions, encodings, program }: ProgramText, slot: number, registers: Registers) {
  const encoding = encodings[slot];
  if (encoding === undefined) return undefined;
  const { opcode, dst, src, offset, imm } = instructions[slot]!;
  const { operation, bits } = encoding;
  if (operation === "call") return src === 0 ? callProblem(imm, registers, program.maps) : undefined;
  // Classes 1 to 3: loads, stores and atomics.
  if ((opcode & 7) === 0 || (opcode & 7) > 3) return undefined;
  const isRead = operation === "ldx" || operation === "ldxs" || operation === "load_acquire";
  return outside(registers[isRead ? src : dst]!, offset, bits / 8, program.maps);
}

/** Why so many bytes at a distance from a known address are not in what it is the address of. */
function outside(base: Known, distance: number, size: number, maps: readonly MapDefinition[]): string | undefined {
  const at = base.offset + distance;
  const what = `${size} bytes at offset ${at} leave`;
  if (base.kind === "frame" && (at < -FRAME_BYTES || at + size > 0)) return `${what} the stack`;
  if (base.kind === "context" && (at < 0 || at + size > CONTEXT_BYTES)) {
    return `${what} the context of ${CONTEXT_BYTES} bytes`;
  }
  const valueSize = base.kind === "value" ? maps[base.map]!.valueSize : 0;
  if (base.kind !== "value" || at >= 0 && at + size <= valueSize) return undefined;
  return `${what} the map value of ${valueSize} bytes`;
}

/** What is wrong with the memory that a helper is given. */
function callProblem(number: number, registers: Registers, maps: readonly MapDefinition[]): string | undefined {
  const kinds = helperTable.get(number)?.arguments ?? [];
  const map = maps[registers[1]!.kind === "map" ? registers[1]!.map : -1];
  for (const [index, kind] of kinds.entries()) {
    const size = sizeOf(kind, map, registers[index + 2]);
    if (size === undefined || size <= 0) continue;
    const problem = outside(registers[index + 1]!, 0, size, maps);
    if (problem !== undefined) return problem;
  }
  return undefined;
}

function sizeOf(kind: ArgumentKind, map: MapDefinition | undefined, next: Known | undefined): number | undefined {
  if (kind === "key") return map?.keySize;
  if (kind === "value" || kind === "value-out") return map?.valueSize;
  if (kind === "result") return 8;
  return (kind === "memory" || kind === "memory-out") && next?.kind === "number" ? next.offset : undefined;
}
