/**
 * All legal encodings of an instruction slot (RFC 9669, with what Linux 6.18 adds), in one table that verifier,
 * assembler and disassembler share.
 *
 * An entry says of each field whether it is used. A field that is not used must be zero; one that tells operations apart
 * has the number that it must have.
 *
 * @module
 */
import * as isa from "./isa.ts";

/** What an instruction does, by name. */
export type Operation =
  | "add"
  | "sub"
  | "mul"
  | "div"
  | "sdiv"
  | "or"
  | "and"
  | "lsh"
  | "rsh"
  | "neg"
  | "mod"
  | "smod"
  | "xor"
  | "mov"
  | "movsx"
  | "arsh"
  | "le"
  | "be"
  | "bswap"
  | "ja"
  | "jeq"
  | "jgt"
  | "jge"
  | "jset"
  | "jne"
  | "jsgt"
  | "jsge"
  | "jlt"
  | "jle"
  | "jslt"
  | "jsle"
  | "may_goto"
  | "gotox"
  | "call"
  | "callx"
  | "exit"
  | "lddw"
  | "ldabs"
  | "ldind"
  | "ldx"
  | "ldxs"
  | "st"
  | "stx"
  | "atomic_add"
  | "atomic_or"
  | "atomic_and"
  | "atomic_xor"
  | "fetch_add"
  | "fetch_or"
  | "fetch_and"
  | "fetch_xor"
  | "xchg"
  | "cmpxchg"
  | "load_acquire"
  | "store_release";

/** Conformance group of RFC 9669; `linux` is what the RFC does not have. */
export type ConformanceGroup =
  | "base32"
  | "base64"
  | "divmul32"
  | "divmul64"
  | "atomic32"
  | "atomic64"
  | "packet"
  | "linux";

/** How a register field is used: not at all (zero), read, written, both. */
export type RegisterUse = "none" | "in" | "out" | "inout";

/** One legal encoding. */
export interface Encoding {
  /** The opcode. */
  readonly opcode: number;
  /** What it does. */
  readonly operation: Operation;
  /** Conformance group. */
  readonly group: ConformanceGroup;
  /** Lowest `-mcpu=vN` with which clang may emit it. */
  readonly level: 1 | 2 | 3 | 4;
  /** Bits of arithmetic, compare or byte order; of memory access 8 times its bytes. */
  readonly bits: 8 | 16 | 32 | 64;
  /** Use of the destination field. */
  readonly dst: RegisterUse;
  /** Use of the source field, or the number it must have. */
  readonly src: RegisterUse | number;
  /** Whether the offset is used, or the number it must have. */
  readonly offset: "any" | number;
  /** Whether the immediate is used, or the number it must have. */
  readonly imm: "any" | number;
  /** Why leat does not run it, where it does not. */
  readonly refusal?: string;
}

type Shape = Partial<Omit<Encoding, "opcode" | "operation" | "bits">>;

const table: Encoding[] = [];

function add(opcode: number, operation: Operation, bits: Encoding["bits"], shape: Shape): void {
  table.push({
    group: "base32",
    level: 1,
    dst: "none",
    src: "none",
    offset: 0,
    imm: 0,
    ...shape,
    opcode,
    operation,
    bits,
  });
}

const K: Shape = { src: "none", imm: "any" };
const X: Shape = { src: "in", imm: 0 };

const ARITHMETIC: readonly (readonly [Operation, number, number])[] = [
  ["add", isa.BPF_ADD, 0],
  ["sub", isa.BPF_SUB, 0],
  ["mul", isa.BPF_MUL, 0],
  ["div", isa.BPF_DIV, 0],
  ["sdiv", isa.BPF_DIV, 1],
  ["or", isa.BPF_OR, 0],
  ["and", isa.BPF_AND, 0],
  ["lsh", isa.BPF_LSH, 0],
  ["rsh", isa.BPF_RSH, 0],
  ["mod", isa.BPF_MOD, 0],
  ["smod", isa.BPF_MOD, 1],
  ["xor", isa.BPF_XOR, 0],
  ["mov", isa.BPF_MOV, 0],
  ["arsh", isa.BPF_ARSH, 0],
];

function addArithmetic(bits: 32 | 64): void {
  const opclass = bits === 32 ? isa.BPF_ALU : isa.BPF_ALU64;
  const group = `base${bits}` as const;
  const usual = bits === 32 ? 3 : 1;
  for (const [operation, code, offset] of ARITHMETIC) {
    const divides = ["mul", "div", "sdiv", "mod", "smod"].includes(operation);
    const shape: Shape = {
      group: divides ? `divmul${bits}` : group,
      level: offset === 1 ? 4 : usual,
      dst: operation === "mov" ? "out" : "inout",
      offset,
    };
    add(opclass | isa.BPF_K | code, operation, bits, { ...shape, ...K });
    add(opclass | isa.BPF_X | code, operation, bits, { ...shape, ...X });
  }
  add(opclass | isa.BPF_NEG, "neg", bits, { group, level: usual, dst: "inout" });
  for (const offset of bits === 32 ? [8, 16] : [8, 16, 32]) {
    add(opclass | isa.BPF_X | isa.BPF_MOV, "movsx", bits, { group, level: 4, dst: "out", offset, ...X });
  }
}

function addByteOrder(bits: 16 | 32 | 64): void {
  const shape: Shape = { group: bits === 64 ? "base64" : "base32", dst: "inout", imm: bits };
  add(isa.BPF_ALU | isa.BPF_K | isa.BPF_END, "le", bits, shape);
  add(isa.BPF_ALU | isa.BPF_X | isa.BPF_END, "be", bits, shape);
  add(isa.BPF_ALU64 | isa.BPF_K | isa.BPF_END, "bswap", bits, { ...shape, level: 4 });
}

const COMPARES: readonly (readonly [Operation, number, 1 | 2])[] = [
  ["jeq", isa.BPF_JEQ, 1],
  ["jgt", isa.BPF_JGT, 1],
  ["jge", isa.BPF_JGE, 1],
  ["jset", isa.BPF_JSET, 1],
  ["jne", isa.BPF_JNE, 1],
  ["jsgt", isa.BPF_JSGT, 1],
  ["jsge", isa.BPF_JSGE, 1],
  ["jlt", isa.BPF_JLT, 2],
  ["jle", isa.BPF_JLE, 2],
  ["jslt", isa.BPF_JSLT, 2],
  ["jsle", isa.BPF_JSLE, 2],
];

function addCompares(bits: 32 | 64): void {
  const opclass = bits === 32 ? isa.BPF_JMP32 : isa.BPF_JMP;
  for (const [operation, code, level] of COMPARES) {
    const shape: Shape = { group: `base${bits}`, level: bits === 32 ? 3 : level, dst: "in", offset: "any" };
    add(opclass | isa.BPF_K | code, operation, bits, { ...shape, ...K });
    add(opclass | isa.BPF_X | code, operation, bits, { ...shape, ...X });
  }
}

function addControl(): void {
  add(isa.BPF_JMP | isa.BPF_JA, "ja", 64, { offset: "any" });
  add(isa.BPF_JMP32 | isa.BPF_JA, "ja", 32, { level: 4, imm: "any" });
  add(isa.BPF_JMP | isa.BPF_EXIT, "exit", 64, {});
  const call = isa.BPF_JMP | isa.BPF_CALL;
  add(call, "call", 64, { src: isa.BPF_HELPER_CALL, imm: "any" });
  add(call, "call", 64, { src: isa.BPF_PSEUDO_CALL, imm: "any" });
  add(call, "call", 64, {
    group: "linux",
    src: isa.BPF_PSEUDO_KFUNC_CALL,
    imm: "any",
    refusal: "call of a kernel function",
  });
  add(call | isa.BPF_X, "callx", 64, {
    group: "linux",
    dst: "in",
    refusal: "indirect call through a register (callx)",
  });
  add(isa.BPF_JMP | isa.BPF_JCOND, "may_goto", 64, { group: "linux", level: 4, offset: "any" });
  add(isa.BPF_JMP | isa.BPF_X | isa.BPF_JA, "gotox", 64, {
    group: "linux",
    level: 4,
    dst: "in",
    refusal: "jump through a register (gotox): compile with -mcpu=v3",
  });
}

type Size = readonly [bits: 8 | 16 | 32 | 64, code: number];
const SIZES: readonly Size[] = [[8, isa.BPF_B], [16, isa.BPF_H], [32, isa.BPF_W], [64, isa.BPF_DW]];

function addMemory([bits, size]: Size): void {
  const shape: Shape = { group: bits === 64 ? "base64" : "base32", offset: "any" };
  add(isa.BPF_LDX | isa.BPF_MEM | size, "ldx", bits, { ...shape, dst: "out", src: "in" });
  add(isa.BPF_ST | isa.BPF_MEM | size, "st", bits, { ...shape, level: 4, dst: "in", imm: "any" });
  add(isa.BPF_STX | isa.BPF_MEM | size, "stx", bits, { ...shape, dst: "in", src: "in" });
  const ordered: Shape = { group: "linux", level: 4, offset: "any" };
  const atomic = isa.BPF_STX | isa.BPF_ATOMIC | size;
  add(atomic, "load_acquire", bits, { ...ordered, dst: "out", src: "in", imm: isa.BPF_LOAD_ACQ });
  add(atomic, "store_release", bits, { ...ordered, dst: "in", src: "in", imm: isa.BPF_STORE_REL });
  if (bits === 64) return;
  add(isa.BPF_LDX | isa.BPF_MEMSX | size, "ldxs", bits, {
    group: "base64",
    level: 4,
    offset: "any",
    dst: "out",
    src: "in",
  });
  add(isa.BPF_LD | isa.BPF_ABS | size, "ldabs", bits, { group: "packet", imm: "any" });
  add(isa.BPF_LD | isa.BPF_IND | size, "ldind", bits, { group: "packet", src: "in", imm: "any" });
}

const ATOMICS: readonly (readonly [Operation, Operation, number])[] = [
  ["atomic_add", "fetch_add", isa.BPF_ADD],
  ["atomic_or", "fetch_or", isa.BPF_OR],
  ["atomic_and", "fetch_and", isa.BPF_AND],
  ["atomic_xor", "fetch_xor", isa.BPF_XOR],
];

function addAtomics(bits: 32 | 64): void {
  const opcode = isa.BPF_STX | isa.BPF_ATOMIC | (bits === 32 ? isa.BPF_W : isa.BPF_DW);
  const shape: Shape = { group: `atomic${bits}`, level: 3, dst: "in", src: "inout", offset: "any" };
  for (const [plain, fetching, imm] of ATOMICS) {
    const level = plain === "atomic_add" ? 1 : 3;
    add(opcode, plain, bits, { ...shape, level, src: "in", imm });
    add(opcode, fetching, bits, { ...shape, imm: imm | isa.BPF_FETCH });
  }
  add(opcode, "xchg", bits, { ...shape, imm: isa.BPF_XCHG });
  add(opcode, "cmpxchg", bits, { ...shape, src: "in", imm: isa.BPF_CMPXCHG });
}

function addWide(): void {
  const shape: Shape = { group: "base64", dst: "out", imm: "any" };
  const refusals: Record<number, string> = {
    [isa.BPF_PSEUDO_BTF_ID]: "address of a variable of the kernel",
    [isa.BPF_PSEUDO_MAP_IDX]: "map by its index among descriptors",
    [isa.BPF_PSEUDO_MAP_IDX_VALUE]: "map value by the map's index among descriptors",
  };
  for (let src = 0; src <= isa.BPF_PSEUDO_MAP_IDX_VALUE; src++) {
    const refusal = refusals[src];
    add(isa.BPF_LDDW, "lddw", 64, { ...shape, src, ...(refusal !== undefined && { refusal }) });
  }
}

for (const bits of [32, 64] as const) {
  addArithmetic(bits);
  addCompares(bits);
  addAtomics(bits);
}
for (const bits of [16, 32, 64] as const) addByteOrder(bits);
for (const size of SIZES) addMemory(size);
addControl();
addWide();

/** All legal encodings. */
export const ENCODINGS: readonly Encoding[] = table;

const byOpcode: readonly (readonly Encoding[])[] = Array.from(
  { length: 256 },
  (_, opcode) => table.filter((encoding) => encoding.opcode === opcode),
);

/** All legal encodings with this opcode; none where there is no such opcode. */
export function encodingsOf(opcode: number): readonly Encoding[] {
  return byOpcode[opcode] ?? [];
}
