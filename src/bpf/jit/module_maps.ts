/**
 * Maps of programs that are compiled ahead of time: those alone that the code refers to.
 *
 * @module
 */
import { writeU32le } from "../../bytes/integers.ts";
import { BPF_LDDW, BPF_PSEUDO_MAP_FD, BPF_PSEUDO_MAP_VALUE, BPF_SLOT_BYTES, decodeInstructions } from "../isa.ts";
import type { BpfProgram, MapDefinition } from "../program.ts";
import { withMaps } from "../variables.ts";

/** A program without the maps that its code does not refer to: an object's other programs may want what a module cannot have. */
export function withUsedMaps(program: BpfProgram): BpfProgram {
  // What is no program is for the verifier to refuse.
  if (program.code.length % BPF_SLOT_BYTES !== 0) return program;
  const code = program.code.slice();
  const maps: MapDefinition[] = [];
  const places = new Map<number, number>();
  const instructions = decodeInstructions(code);
  for (let slot = 0; slot < instructions.length; slot++) {
    const { opcode, src, imm } = instructions[slot]!;
    if (opcode !== BPF_LDDW) continue;
    const map = program.maps[imm];
    if ((src === BPF_PSEUDO_MAP_FD || src === BPF_PSEUDO_MAP_VALUE) && map !== undefined) {
      if (!places.has(imm)) places.set(imm, maps.push(map) - 1);
      writeU32le(code, slot * 8 + 4, places.get(imm)!);
    }
    slot++;
  }
  return maps.length === program.maps.length ? program : withMaps(program, maps, code);
}
