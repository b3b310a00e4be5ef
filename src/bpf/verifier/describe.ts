/**
 * Text of an instruction for messages.
 *
 * @module
 */
import { disassembleLines } from "../disassembler.ts";
import { BPF_LDDW, BPF_SLOT_BYTES } from "../isa.ts";
import type { BpfProgram } from "../program.ts";

/** Shows an instruction as `llvm-objdump` does. */
export function describeInstruction({ code, maps }: BpfProgram, slot: number): string {
  const start = slot * BPF_SLOT_BYTES;
  const slots = code[start] === BPF_LDDW ? 2 : 1;
  const [line] = disassembleLines(code.slice(start, start + slots * BPF_SLOT_BYTES), {
    map: (index) => maps[index]?.name,
  });
  return line?.text ?? "no instruction";
}
