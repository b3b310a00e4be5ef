/**
 * The check of accesses where nothing was proven: each must be in what is the program's own, stores where it may
 * write.
 *
 * @module
 */
import { refusalOfAccess } from "../helpers/access_fault.ts";
import { BPF_DW, BPF_LDX, BPF_ST, BPF_STX, type Instruction } from "../isa.ts";
import type { Guard } from "./interpreter.ts";
import type { State } from "./state.ts";

const sizes = [4, 2, 1, 8] as const;

/** Makes the guard. */
export function rangeGuard(instructions: readonly Instruction[], { registers, environment }: State): Guard {
  return (slot) => {
    const { opcode, dst, src, offset } = instructions[slot]!;
    const group = opcode & 7;
    if (group !== BPF_LDX && group !== BPF_ST && group !== BPF_STX) return undefined;
    const isRead = group === BPF_LDX || isAcquire(instructions[slot]!);
    const register = 2 * (isRead ? src : dst);
    const at = (registers[register + 1]! >>> 0) * 2 ** 32 + (registers[register]! >>> 0) + offset;
    const size = sizes[(opcode & BPF_DW) >> 3 as 0]!;
    if (environment.mayAccess(at, size, !isRead)) return undefined;
    return refusalOfAccess(!isRead && environment.mayAccess(at, size, false));
  };
}

/** Load-acquire: an atomic that reads from where the source points to. */
function isAcquire({ opcode, imm }: Instruction): boolean {
  return (opcode & 0xe0) === 0xc0 && imm === 0x100;
}
