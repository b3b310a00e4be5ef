/**
 * Prints instructions as mnemonics with `%r` registers, the dialect that `mnemonic_parser.ts` reads.
 *
 * @module
 */
import type { Operation } from "./encoding_table.ts";
import { type Decoded, signed, targetText, type TextStyle, wideOperandText, wideValue } from "./instruction_text.ts";
import * as isa from "./isa.ts";
import { mnemonicOf } from "./mnemonic_parser.ts";

/** Prints one instruction. */
export function mnemonicText(decoded: Decoded, style: TextStyle): string {
  const { encoding, instruction } = decoded;
  const { operation } = encoding;
  if (operation === "call" || operation === "callx") return callText(decoded, style);
  if (operation === "lddw") {
    const operand = wideOperandText(style, decoded) ?? `0x${wideValue(decoded).toString(16)}`;
    return `lddw %r${instruction.dst}, ${operand}`;
  }
  const operands = isAtomic(operation) ? lockOperands(decoded, style) : operandsOf(decoded, style);
  const word = isAtomic(operation) ? lockWord(operation, encoding.bits) : mnemonicOf(encoding);
  return operands.length === 0 ? word : `${word} ${operands.join(", ")}`;
}

function isAtomic(operation: Operation): boolean {
  return /^(?:atomic_|fetch_|xchg|cmpxchg)/.test(operation);
}

function lockWord(operation: Operation, bits: number): string {
  const words = operation.replace("atomic_", "").replace("_", " ");
  return `lock ${words}${bits === 32 ? "32" : ""}`;
}

function lockOperands({ instruction: { dst, src, offset } }: Decoded, style: TextStyle): string[] {
  return [address(dst, offset, style), `%r${src}`];
}

function address(base: number, offset: number, style: TextStyle): string {
  return `[%r${base}${offset === 0 ? "" : signed(style, offset)}]`;
}

/** Operands by what fields are used: the memory forms first, which have an address. */
function operandsOf({ encoding, instruction, slot }: Decoded, style: TextStyle): string[] {
  const { dst, src, offset, imm } = instruction;
  switch (encoding.operation) {
    case "ldx":
    case "ldxs":
    case "load_acquire":
      return [`%r${dst}`, address(src, offset, style)];
    case "st":
      return [address(dst, offset, style), style.number(imm)];
    case "stx":
    case "store_release":
      return [address(dst, offset, style), `%r${src}`];
  }
  const operands: string[] = [];
  if (encoding.dst !== "none") operands.push(`%r${dst}`);
  if (encoding.src !== "none") operands.push(`%r${src}`);
  const isLongJump = encoding.opcode === (isa.BPF_JMP32 | isa.BPF_JA);
  if (isLongJump) operands.push(targetText(style, slot, imm));
  else if (encoding.imm === "any") operands.push(style.number(imm));
  if (encoding.offset === "any") operands.push(targetText(style, slot, offset));
  return operands;
}

function callText({ encoding, instruction, slot }: Decoded, style: TextStyle): string {
  const { src, imm, dst } = instruction;
  if (encoding.operation === "callx") return `call helper %r${dst}`;
  if (src === isa.BPF_PSEUDO_CALL) return `call local ${targetText(style, slot, imm)}`;
  if (src === isa.BPF_PSEUDO_KFUNC_CALL) return `call runtime ${style.number(imm)}`;
  return `call helper ${style.number(imm)}`;
}
