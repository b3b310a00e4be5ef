/**
 * Tells which encoding an instruction has, or why it is none.
 *
 * @module
 */
import { type Encoding, encodingsOf } from "./encoding_table.ts";
import { BPF_PSEUDO_FUNC, BPF_PSEUDO_MAP_FD, BPF_PSEUDO_MAP_IDX, BPF_REG_FP, type Instruction } from "./isa.ts";

/**
 * Finds the encoding of an instruction, from one slot alone: of `lddw` the second slot is not looked at. `undefined`
 * where it is not legal; {@linkcode encodingProblem} says why.
 */
export function encodingOf(instruction: Instruction): Encoding | undefined {
  // By loops and without words: the first program of a process waits for each function that this calls.
  for (const encoding of encodingsOf(instruction.opcode)) if (isFitting(instruction, encoding)) return encoding;
  return undefined;
}

/** Whether an instruction has this encoding: whether {@linkcode problemWith} would find no fault. */
function isFitting({ dst, src, offset, imm }: Instruction, encoding: Encoding): boolean {
  return isFittingRegister(dst, encoding.dst) && isFittingRegister(src, encoding.src) &&
    (encoding.offset === "any" || encoding.offset === offset) && (encoding.imm === "any" || encoding.imm === imm);
}

function isFittingRegister(value: number, use: Encoding["src"]): boolean {
  return typeof use === "number" ? value === use : value <= (use === "none" ? 0 : BPF_REG_FP);
}

/** Says why the slot of this number is not a legal instruction, with its second slot where it is `lddw`. */
export function encodingProblem(instructions: readonly Instruction[], slot: number): string | undefined {
  const instruction = instructions[slot]!;
  const encodings = encodingsOf(instruction.opcode);
  const [first] = encodings;
  if (first === undefined) return `unknown opcode ${hex(instruction.opcode)}`;
  const found = encodingOf(instruction);
  if (found === undefined) return problemWith(instruction, closest(instruction, encodings), encodings);
  if (writesFramePointer(instruction, found)) return `${found.operation} writes r10, which is read-only`;
  return found.operation === "lddw" ? secondSlotProblem(instruction.src, instructions[slot + 1]) : undefined;
}

function writesFramePointer({ dst, src }: Instruction, encoding: Encoding): boolean {
  const isWritten = (use: Encoding["src"]) => use === "out" || use === "inout";
  return isWritten(encoding.dst) && dst === BPF_REG_FP || isWritten(encoding.src) && src === BPF_REG_FP;
}

/** The encoding that was most likely meant: the one whose telling fields agree. */
function closest(instruction: Instruction, encodings: readonly Encoding[]): Encoding {
  const fits = (encoding: Encoding) =>
    (["src", "offset", "imm"] as const).filter((field) => encoding[field] === instruction[field]).length;
  return encodings.reduce((best, encoding) => fits(encoding) > fits(best) ? encoding : best);
}

function problemWith(
  instruction: Instruction,
  encoding: Encoding,
  siblings: readonly Encoding[],
): string | undefined {
  const name = encoding.operation;
  for (const field of ["dst", "src"] as const) {
    const use = encoding[field];
    const value = instruction[field];
    if (typeof use === "number") {
      if (value !== use) return `${name} has no kind ${value} (field ${field})`;
    } else if (use === "none") {
      if (value !== 0) return `${name} does not use ${field}, which must be 0 but is ${value}`;
    } else if (value > BPF_REG_FP) {
      return `there is no register r${value} (field ${field} of ${name})`;
    }
  }
  for (const field of ["offset", "imm"] as const) {
    const use = encoding[field];
    if (use !== "any" && instruction[field] !== use) {
      const expected = [...new Set(siblings.map((sibling) => sibling[field]))].join(", ");
      return `${name} cannot have ${field} ${instruction[field]}: expected ${expected}`;
    }
  }
  return undefined;
}

/** Kinds of `lddw` that have nothing to say in the second slot. */
const NARROW_KINDS: readonly number[] = [BPF_PSEUDO_MAP_FD, BPF_PSEUDO_FUNC, BPF_PSEUDO_MAP_IDX];

function secondSlotProblem(kind: number, second: Instruction | undefined): string | undefined {
  if (second === undefined) return "lddw lacks its second slot";
  if (second.imm !== 0 && NARROW_KINDS.includes(kind)) return `lddw of kind ${kind} has no second immediate`;
  return isSecondSlot(second) ? undefined : "the second slot of lddw must be zero but for its immediate";
}

/** Whether a slot is there and can be the second one of `lddw`. */
export function isSecondSlot(slot: Instruction | undefined): boolean {
  return slot !== undefined && (slot.opcode | slot.dst | slot.src | slot.offset) === 0;
}

function hex(value: number): string {
  return `0x${value.toString(16).padStart(2, "0")}`;
}
