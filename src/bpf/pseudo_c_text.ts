/**
 * Prints instructions in the pseudo-C of `llvm-objdump`, which `pseudo_c_parser.ts` reads.
 *
 * @module
 */
import type { Encoding } from "./encoding_table.ts";
import { type Decoded, targetText, type TextStyle, wideOperandText, wideValue } from "./instruction_text.ts";
import * as isa from "./isa.ts";
import { ARITHMETIC_OPERATORS, COMPARE_OPERATORS } from "./pseudo_c_parser.ts";

/** Prints one instruction. */
export function pseudoCText(decoded: Decoded, style: TextStyle): string {
  switch (decoded.encoding.opcode & 7) {
    case isa.BPF_LD:
      return decoded.encoding.operation === "lddw" ? wideText(decoded, style) : packetText(decoded, style);
    case isa.BPF_ALU:
    case isa.BPF_ALU64:
      return arithmeticText(decoded, style);
    case isa.BPF_JMP:
    case isa.BPF_JMP32:
      return jumpText(decoded, style);
    default:
      return memoryText(decoded, style);
  }
}

function wideText(decoded: Decoded, style: TextStyle): string {
  const operand = wideOperandText(style, decoded) ?? style.number(wideValue(decoded));
  return `r${decoded.instruction.dst} = ${operand} ll`;
}

function packetText({ encoding, instruction: { src, imm } }: Decoded, style: TextStyle): string {
  const offset = imm === 0 ? "" : ` ${imm < 0 ? "-" : "+"} ${magnitude(imm, style)}`;
  const inside = encoding.operation === "ldabs" ? style.number(imm) : `r${src}${offset}`;
  return `r0 = *(u${encoding.bits} *)skb[${inside}]`;
}

function arithmeticText({ encoding, instruction }: Decoded, style: TextStyle): string {
  const { operation, bits, opcode } = encoding;
  const letter = (opcode & 7) === isa.BPF_ALU ? "w" : "r";
  const dst = `${letter}${instruction.dst}`;
  const operand = (opcode & isa.BPF_X) === 0 ? style.number(instruction.imm) : `${letter}${instruction.src}`;
  switch (operation) {
    case "le":
    case "be":
    case "bswap":
      return `r${instruction.dst} = ${operation}${bits} r${instruction.dst}`;
    case "neg":
      return `${dst} = -${dst}`;
    case "mov":
      return `${dst} = ${operand}`;
    case "movsx":
      return `${dst} = (s${instruction.offset})${operand}`;
  }
  const code = opcode & 0xf0;
  const operator = ARITHMETIC_OPERATORS.find(([, found, offset]) => found === code && offset === instruction.offset);
  return `${dst} ${operator![0]}= ${operand}`;
}

function jumpText({ encoding, instruction, slot }: Decoded, style: TextStyle): string {
  const { operation, opcode } = encoding;
  const { dst, src, offset, imm } = instruction;
  const isNarrow = (opcode & 7) === isa.BPF_JMP32;
  switch (operation) {
    case "exit":
      return "exit";
    case "ja":
      return isNarrow ? `gotol ${targetText(style, slot, imm)}` : `goto ${targetText(style, slot, offset)}`;
    case "may_goto":
      return `may_goto ${targetText(style, slot, offset)}`;
    case "gotox":
    case "callx":
      return `${operation} r${dst}`;
    case "call":
      return src === isa.BPF_PSEUDO_CALL ? `call ${targetText(style, slot, imm)}` : callText(src, imm, style);
  }
  const letter = isNarrow ? "w" : "r";
  const operator = COMPARE_OPERATORS.find(([, code]) => code === (opcode & 0xf0))![0];
  const right = (opcode & isa.BPF_X) === 0 ? style.number(imm) : `${letter}${src}`;
  return `if ${letter}${dst} ${operator} ${right} goto ${targetText(style, slot, offset)}`;
}

/** Numbers of helpers are not negative; one that is would read as a local call, and is no less refused unsigned. */
function callText(src: number, imm: number, style: TextStyle): string {
  const number = imm < 0 ? `0x${(imm >>> 0).toString(16)}` : style.number(imm);
  return src === isa.BPF_PSEUDO_KFUNC_CALL ? `call kernel ${number}` : `call ${number}`;
}

const ATOMIC_OPERATORS: Readonly<Record<string, string>> = {
  atomic_add: "+=",
  atomic_or: "|=",
  atomic_and: "&=",
  atomic_xor: "^=",
};

function memoryText({ encoding, instruction }: Decoded, style: TextStyle): string {
  const { operation, bits } = encoding;
  const { dst, src, offset, imm } = instruction;
  const value = bits < 64 ? `w${src}` : `r${src}`;
  const at = (base: number) => place(base, offset, style);
  switch (operation) {
    case "ldx":
      return `r${dst} = *(u${bits} *)(${at(src)})`;
    case "ldxs":
      return `r${dst} = *(s${bits} *)(${at(src)})`;
    case "st":
      return `*(u${bits} *)(${at(dst)}) = ${style.number(imm)}`;
    case "stx":
      return `*(u${bits} *)(${at(dst)}) = r${src}`;
    case "load_acquire":
      return `${bits < 64 ? "w" : "r"}${dst} = load_acquire((u${bits} *)(${at(src)}))`;
    case "store_release":
      return `store_release((u${bits} *)(${at(dst)}), ${value})`;
  }
  return atomicText(encoding, `${at(dst)}`, value);
}

function atomicText({ operation, bits }: Encoding, at: string, value: string): string {
  const suffix = bits === 64 ? "_64" : "32_32";
  const zero = bits === 64 ? "r0" : "w0";
  if (operation === "xchg") return `${value} = xchg${suffix}(${at}, ${value})`;
  if (operation === "cmpxchg") return `${zero} = cmpxchg${suffix}(${at}, ${zero}, ${value})`;
  const operator = ATOMIC_OPERATORS[operation];
  if (operator === undefined) return `${value} = atomic_${operation}((u${bits} *)(${at}), ${value})`;
  return `lock *(u${bits} *)(${at}) ${operator} ${value}`;
}

/** `r10 - 4` */
function place(base: number, offset: number, style: TextStyle): string {
  return `r${base} ${offset < 0 ? "-" : "+"} ${magnitude(offset, style)}`;
}

function magnitude(value: number, style: TextStyle): string {
  return style.number(Math.abs(value));
}
