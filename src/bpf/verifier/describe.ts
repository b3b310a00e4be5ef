/**
 * Text of instructions for messages, and the error that refuses a program because of one.
 *
 * @module
 */
import { disassembleLines } from "../disassembler.ts";
import { BpfError, type BpfErrorCode } from "../errors.ts";
import { BPF_LDDW, BPF_SLOT_BYTES } from "../isa.ts";
import type { BpfProgram } from "../program.ts";

/** Shows an instruction as `llvm-objdump` does. */
function describeInstruction({ code, maps }: BpfProgram, slot: number): string {
  const start = slot * BPF_SLOT_BYTES;
  const slots = code[start] === BPF_LDDW ? 2 : 1;
  const [line] = disassembleLines(code.slice(start, start + slots * BPF_SLOT_BYTES), {
    map: (index) => maps[index]?.name,
  });
  return line?.text ?? "no instruction";
}

/** Makes the error that names an instruction, its source line where the program has them, and what is wrong. */
export function refusalAt(program: BpfProgram, slot: number, what: string, code: BpfErrorCode): BpfError {
  const source = program.lines?.findLast((line) => line.slot <= slot);
  const where = source === undefined ? "" : ` (${source.file}:${source.line})`;
  return new BpfError(`instruction ${slot}${where}: ${describeInstruction(program, slot)}: ${what}`, {
    code,
    instruction: slot,
    line: source?.line,
    column: source?.column,
  });
}
