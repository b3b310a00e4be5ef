/**
 * What a line of assembly stands for, before names are resolved, and the parts that both dialects share.
 *
 * @module
 */
import type { LineScanner, WrittenName } from "./line_scanner.ts";
import * as isa from "./isa.ts";

/** A name in place of a number. */
export interface Reference extends WrittenName {
  /** What is named: a place in the code, or a map. */
  readonly kind: "label" | "map";
  /** Field of the first slot that receives it. */
  readonly field: "offset" | "imm";
}

/** One instruction: a slot, of `lddw` two, and the name that is still to be resolved. */
export interface Statement {
  /** The slots. */
  readonly slots: readonly isa.Instruction[];
  /** The name. */
  readonly reference?: Reference | undefined;
}

/** Fields of an instruction but for the opcode; absent ones are 0. */
export type Fields = Partial<Omit<isa.Instruction, "opcode">>;

/** One instruction of one slot. */
export function statement(opcode: number, fields: Fields = {}, reference?: Reference): Statement {
  return { slots: [slot(opcode, fields)], reference };
}

/** One slot; absent fields are 0. */
export function slot(opcode: number, { dst = 0, src = 0, offset = 0, imm = 0 }: Fields = {}): isa.Instruction {
  return { opcode, dst, src, offset, imm };
}

/** The two slots of `lddw`. */
export function wide(dst: number, src: number, low: number, high: number, reference?: Reference): Statement {
  return { slots: [slot(isa.BPF_LDDW, { dst, src, imm: low }), slot(0, { imm: high })], reference };
}

/** `lddw` of a 64-bit constant. */
export function wideConstant(dst: number, value: bigint): Statement {
  return wide(dst, 0, Number(BigInt.asIntN(32, value)), Number(BigInt.asIntN(32, value >> 32n)));
}

/** Takes where a jump goes: a label, or how many slots from the next instruction (`+3`, `-1`, `0x10`). */
export function jumpTarget(line: LineScanner, field: Reference["field"]): { value: number; reference?: Reference } {
  const written = line.integer();
  if (written !== undefined) {
    const bits = field === "imm" ? 32 : 16;
    return { value: Number(line.fit(written, bits, "jump distance")) };
  }
  const label = line.name();
  if (label === undefined) line.failHere("expected a label or a distance");
  return { value: 0, reference: { kind: "label", field, ...label } };
}

/** A jump of this opcode to the target that comes next on the line. */
export function jump(line: LineScanner, opcode: number, fields: Fields = {}): Statement {
  const field = opcode === (isa.BPF_JMP32 | isa.BPF_JA) ? "imm" : "offset";
  const { value, reference } = jumpTarget(line, field);
  return statement(opcode, { ...fields, [field]: value }, reference);
}

/** A call of a function of this program: by label, or distance in slots. */
export function localCall(line: LineScanner): Statement {
  const { value, reference } = jumpTarget(line, "imm");
  return statement(isa.BPF_JMP | isa.BPF_CALL, { src: isa.BPF_PSEUDO_CALL, imm: value }, reference);
}

/** A call of a helper or, with `src` 2, a function of the kernel, by the number that comes next on the line. */
export function numberedCall(line: LineScanner, src: number = isa.BPF_HELPER_CALL): Statement {
  const imm = Number(line.number(32, "number of a function"));
  return statement(isa.BPF_JMP | isa.BPF_CALL, { src, imm });
}

const WIDE_KINDS: readonly (readonly [name: string, plain: number, withOffset: number])[] = [
  ["map", isa.BPF_PSEUDO_MAP_FD, isa.BPF_PSEUDO_MAP_VALUE],
  ["map_idx", isa.BPF_PSEUDO_MAP_IDX, isa.BPF_PSEUDO_MAP_IDX_VALUE],
  ["btf", isa.BPF_PSEUDO_BTF_ID, isa.BPF_PSEUDO_BTF_ID],
];

/**
 * Takes the operand of a `lddw` that is not a number, if one is next: `map[name]`, `map[2]`, `map[.data]+8`,
 * `map_idx[0]`, `btf[17]`, `code[label]`.
 */
export function wideOperand(line: LineScanner, dst: number): Statement | undefined {
  if (line.take("code")) return codeOperand(line, dst);
  for (const [name, plain, withOffset] of WIDE_KINDS) {
    if (!line.take(name)) continue;
    line.expect("[");
    const named = name === "map" ? line.name() : undefined;
    const imm = named === undefined ? Number(line.number(32, "a number")) : 0;
    line.expect("]");
    const offset = line.integer();
    const high = offset === undefined ? 0 : Number(line.fit(offset, 32, "offset"));
    const reference = named && { kind: "map", field: "imm", ...named } as const;
    return wide(dst, offset === undefined ? plain : withOffset, imm, high, reference);
  }
  return undefined;
}

function codeOperand(line: LineScanner, dst: number): Statement {
  line.expect("[");
  const { value, reference } = jumpTarget(line, "imm");
  line.expect("]");
  return wide(dst, isa.BPF_PSEUDO_FUNC, value, 0, reference);
}

/** Takes what stands behind a register in an address: `+ 4`, `-4`, nothing. */
export function addressOffset(line: LineScanner): number {
  const written = line.integer();
  if (written === undefined) return 0;
  if (!written.isSigned) line.fail("expected + or -", written.column);
  return Number(line.fit(written, 16, "offset"));
}

/** Code of a size of memory access, by its bits. */
export function sizeCode(bits: number): number {
  if (bits === 8) return isa.BPF_B;
  if (bits === 16) return isa.BPF_H;
  return bits === 32 ? isa.BPF_W : isa.BPF_DW;
}
