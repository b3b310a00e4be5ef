/**
 * The eBPF instruction word: field layout of RFC 9669, and its constants under the names of the RFC and the kernel's
 * header.
 *
 * Not here: which combinations are legal (`encoding_table.ts`), and what they do (verifier and back ends).
 *
 * @module
 */
import { checkBytes, checkInstructions } from "./check_arguments.ts";

/** Bytes of an instruction slot. */
export const BPF_SLOT_BYTES = 8;
/** Registers of the machine: r0 to r10. */
export const BPF_REGISTERS = 11;
/** The frame pointer's number: read-only, one past the top of the frame. */
export const BPF_REG_FP = 10;
/** Bytes of a stack frame. */
export const BPF_STACK_BYTES = 512;

// classes: the low three bits of the opcode
/** Class: wide immediates and packet loads. */
export const BPF_LD = 0x00;
/** Class: loads from memory. */
export const BPF_LDX = 0x01;
/** Class: stores of an immediate. */
export const BPF_ST = 0x02;
/** Class: stores of a register, and atomics. */
export const BPF_STX = 0x03;
/** Class: 32-bit arithmetic. */
export const BPF_ALU = 0x04;
/** Class: 64-bit jumps, calls, exit. */
export const BPF_JMP = 0x05;
/** Class: 32-bit jumps. */
export const BPF_JMP32 = 0x06;
/** Class: 64-bit arithmetic. */
export const BPF_ALU64 = 0x07;

// source of the second operand of arithmetic and jumps
/** The operand is the immediate. */
export const BPF_K = 0x00;
/** The operand is the source register. */
export const BPF_X = 0x08;

// sizes of loads and stores
/** Four bytes. */
export const BPF_W = 0x00;
/** Two bytes. */
export const BPF_H = 0x08;
/** One byte. */
export const BPF_B = 0x10;
/** Eight bytes. */
export const BPF_DW = 0x18;

// modes of loads and stores
/** Mode: the immediate itself. */
export const BPF_IMM = 0x00;
/** Mode: packet data at a constant offset. */
export const BPF_ABS = 0x20;
/** Mode: packet data at an offset in a register. */
export const BPF_IND = 0x40;
/** Mode: memory. */
export const BPF_MEM = 0x60;
/** Mode: memory, sign-extended. */
export const BPF_MEMSX = 0x80;
/** Mode: atomic operation, told by the immediate. */
export const BPF_ATOMIC = 0xc0;

// arithmetic
/** Addition. */
export const BPF_ADD = 0x00;
/** Subtraction. */
export const BPF_SUB = 0x10;
/** Multiplication. */
export const BPF_MUL = 0x20;
/** Division: unsigned, or signed with offset 1. */
export const BPF_DIV = 0x30;
/** Bitwise or. */
export const BPF_OR = 0x40;
/** Bitwise and. */
export const BPF_AND = 0x50;
/** Shift left. */
export const BPF_LSH = 0x60;
/** Logical shift right. */
export const BPF_RSH = 0x70;
/** Negation. */
export const BPF_NEG = 0x80;
/** Remainder: unsigned, or signed with offset 1. */
export const BPF_MOD = 0x90;
/** Bitwise exclusive or. */
export const BPF_XOR = 0xa0;
/** Move; sign-extending with offset 8, 16 or 32. */
export const BPF_MOV = 0xb0;
/** Arithmetic shift right. */
export const BPF_ARSH = 0xc0;
/** Byte order. */
export const BPF_END = 0xd0;

// jumps
/** Jump always: by offset (JMP) or immediate (JMP32). */
export const BPF_JA = 0x00;
/** Equal. */
export const BPF_JEQ = 0x10;
/** Greater, unsigned. */
export const BPF_JGT = 0x20;
/** Greater or equal, unsigned. */
export const BPF_JGE = 0x30;
/** Any common bit. */
export const BPF_JSET = 0x40;
/** Not equal. */
export const BPF_JNE = 0x50;
/** Greater, signed. */
export const BPF_JSGT = 0x60;
/** Greater or equal, signed. */
export const BPF_JSGE = 0x70;
/** Call. */
export const BPF_CALL = 0x80;
/** Return. */
export const BPF_EXIT = 0x90;
/** Less, unsigned. */
export const BPF_JLT = 0xa0;
/** Less or equal, unsigned. */
export const BPF_JLE = 0xb0;
/** Less, signed. */
export const BPF_JSLT = 0xc0;
/** Less or equal, signed. */
export const BPF_JSLE = 0xd0;
/** Jump that may be taken when a loop has run for long. */
export const BPF_JCOND = 0xe0;

// atomics, in the immediate
/** Bit of the immediate: the source register receives the old value. */
export const BPF_FETCH = 0x01;
/** Exchange. */
export const BPF_XCHG = 0xe1;
/** Compare with r0 and exchange. */
export const BPF_CMPXCHG = 0xf1;
/** Load-acquire. */
export const BPF_LOAD_ACQ = 0x100;
/** Store-release. */
export const BPF_STORE_REL = 0x110;

// what the source field of `lddw` says
/** `lddw`: index into the program's maps (in an object before linking: file descriptor of a map). */
export const BPF_PSEUDO_MAP_FD = 1;
/** `lddw`: address in the value of a map with a single entry; the next slot's immediate is the offset. */
export const BPF_PSEUDO_MAP_VALUE = 2;
/** `lddw`: variable of the kernel. */
export const BPF_PSEUDO_BTF_ID = 3;
/** `lddw`: address of a function of this program. */
export const BPF_PSEUDO_FUNC = 4;
/** `lddw`: map by its index in an array of descriptors. */
export const BPF_PSEUDO_MAP_IDX = 5;
/** `lddw`: address in the value of a map by its index in an array of descriptors. */
export const BPF_PSEUDO_MAP_IDX_VALUE = 6;

// what the source field of `call` says
/** `call`: helper function by number. */
export const BPF_HELPER_CALL = 0;
/** `call`: function of this program, relative. */
export const BPF_PSEUDO_CALL = 1;
/** `call`: function of the kernel by BTF id. */
export const BPF_PSEUDO_KFUNC_CALL = 2;

/** `lddw`, the only instruction of two slots. */
export const BPF_LDDW: number = BPF_LD | BPF_IMM | BPF_DW;

/** One slot of code, its fields apart. */
export interface Instruction {
  /** What to do. */
  readonly opcode: number;
  /** Destination register, 0 to 15: legal ones end at 10. */
  readonly dst: number;
  /** Source register, or what kind of immediate. */
  readonly src: number;
  /** Signed 16-bit offset. */
  readonly offset: number;
  /** Signed 32-bit immediate. */
  readonly imm: number;
}

const fields = ["opcode", "dst", "src", "offset", "imm"] as const;

/** Reads the slot of this number. */
export function decodeInstruction(code: Uint8Array, slot: number): Instruction {
  const at = slot * BPF_SLOT_BYTES;
  if (!(slot >>> 0 === slot && at + BPF_SLOT_BYTES <= code?.length && code instanceof Uint8Array)) {
    checkBytes("code", code);
    throw new RangeError(`slot ${slot} is outside of ${code.length} bytes of code`);
  }
  const registers = code[at + 1]!;
  return {
    opcode: code[at]!,
    dst: registers & 15,
    src: registers >> 4,
    offset: (code[at + 2]! | code[at + 3]! << 8) << 16 >> 16,
    imm: code[at + 4]! | code[at + 5]! << 8 | code[at + 6]! << 16 | code[at + 7]! << 24,
  };
}

/**
 * Reads all slots. The second slot of `lddw` is an entry too, so that an index is a slot's number.
 *
 * @example
 * ```ts
 * import { decodeInstructions } from "@leat/streams/bpf";
 * import { assertEquals } from "@std/assert";
 *
 * const code = Uint8Array.of(0xb7, 0, 0, 0, 7, 0, 0, 0, 0x95, 0, 0, 0, 0, 0, 0, 0); // r0 = 7; exit
 * assertEquals(decodeInstructions(code)[0], { opcode: 0xb7, dst: 0, src: 0, offset: 0, imm: 7 });
 * ```
 */
export function decodeInstructions(code: Uint8Array): Instruction[] {
  if (!(code?.length % BPF_SLOT_BYTES === 0 && code instanceof Uint8Array)) {
    checkBytes("code", code);
    throw new RangeError(`${code.length} bytes of code are no whole number of slots of ${BPF_SLOT_BYTES}`);
  }
  const instructions: Instruction[] = [];
  for (let slot = 0; slot < code.length / BPF_SLOT_BYTES; slot++) instructions.push(decodeInstruction(code, slot));
  return instructions;
}

/**
 * Writes slots as little-endian code, as they stand: also illegal ones, for which tests have use.
 *
 * @example
 * ```ts
 * import { BPF_EXIT, BPF_JMP, encodeInstructions } from "@leat/streams/bpf";
 * import { assertEquals } from "@std/assert";
 *
 * const exit = { opcode: BPF_JMP | BPF_EXIT, dst: 0, src: 0, offset: 0, imm: 0 };
 * assertEquals(encodeInstructions([exit]), Uint8Array.of(0x95, 0, 0, 0, 0, 0, 0, 0));
 * ```
 */
export function encodeInstructions(instructions: readonly Instruction[]): Uint8Array {
  checkInstructions("code", instructions, fields);
  const code = new Uint8Array(instructions.length * BPF_SLOT_BYTES);
  const view = new DataView(code.buffer);
  instructions.forEach(({ opcode, dst, src, offset, imm }, slot) => {
    const at = slot * BPF_SLOT_BYTES;
    code[at] = opcode;
    code[at + 1] = (src & 15) << 4 | dst & 15;
    view.setInt16(at + 2, offset, true);
    view.setInt32(at + 4, imm, true);
  });
  return code;
}
