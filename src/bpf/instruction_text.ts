/**
 * The parts of disassembly that both dialects share.
 *
 * @module
 */
import type { Encoding } from "./encoding_table.ts";
import * as isa from "./isa.ts";

/** One instruction to print, its encoding known. */
export interface Decoded {
  /** The slot. */
  readonly instruction: isa.Instruction;
  /** Its encoding. */
  readonly encoding: Encoding;
  /** Immediate of the second slot; 0 unless it is `lddw`. */
  readonly high: number;
  /** Number of the slot. */
  readonly slot: number;
}

/** How numbers and names are printed. */
export interface TextStyle {
  /** Prints a signed number. */
  number(value: number | bigint): string;
  /** Name of the place at this slot, where it has one. */
  label(slot: number): string | undefined;
  /** Name of the map of this index, where it has one. */
  map(index: number): string | undefined;
}

/** Prints a jump's target: its label, or `+3`. */
export function targetText(style: TextStyle, slot: number, distance: number): string {
  return style.label(slot + 1 + distance) ?? signed(style, distance);
}

/** Prints a number with its sign, also where it is positive. */
export function signed(style: TextStyle, value: number): string {
  return value < 0 ? style.number(value) : `+${style.number(value)}`;
}

/** Prints the operand of a `lddw` that is not a constant; `undefined` where it is. */
export function wideOperandText(style: TextStyle, { instruction, high, slot }: Decoded): string | undefined {
  const { src, imm } = instruction;
  const offset = signed(style, high);
  switch (src) {
    case isa.BPF_PSEUDO_MAP_FD:
      return `map[${style.map(imm) ?? imm}]`;
    case isa.BPF_PSEUDO_MAP_VALUE:
      return `map[${style.map(imm) ?? imm}]${offset}`;
    case isa.BPF_PSEUDO_BTF_ID:
      return `btf[${imm}]${offset}`;
    case isa.BPF_PSEUDO_FUNC:
      return `code[${targetText(style, slot, imm)}]`;
    case isa.BPF_PSEUDO_MAP_IDX:
      return `map_idx[${imm}]`;
    case isa.BPF_PSEUDO_MAP_IDX_VALUE:
      return `map_idx[${imm}]${offset}`;
  }
  return undefined;
}

/** The 64-bit constant of a `lddw`, unsigned. */
export function wideValue({ instruction, high }: Decoded): bigint {
  return BigInt(high >>> 0) << 32n | BigInt(instruction.imm >>> 0);
}
