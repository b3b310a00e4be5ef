/**
 * Maps of programs that are compiled ahead of time: those alone that the code refers to, with the variables set.
 *
 * @module
 */
import { writeU32le } from "../../bytes/integers.ts";
import { BpfError } from "../errors.ts";
import { BPF_LDDW, BPF_PSEUDO_MAP_FD, BPF_PSEUDO_MAP_VALUE, BPF_SLOT_BYTES, decodeInstructions } from "../isa.ts";
import type { BpfVariables } from "../machine.ts";
import { isOfVariables } from "../maps/is_of_variables.ts";
import { writeField } from "../maps/value_codec.ts";
import type { BpfProgram, MapDefinition } from "../program.ts";

/**
 * A program with other values of its global variables.
 *
 * @throws {BpfError} `ENOENT` where it has no such variable
 */
export function withVariables(program: BpfProgram, variables: BpfVariables): BpfProgram {
  const maps = [...program.maps];
  for (const [name, value] of Object.entries(variables)) {
    const isField = (field: { readonly name: string }) => field.name === name;
    const index = maps.findIndex((map) => isOfVariables(map) && map.fields?.some(isField) === true);
    const map = maps[index];
    if (map === undefined) {
      throw new BpfError(`there is no global variable ${name}; are there names (-g)?`, { code: "ENOENT" });
    }
    maps[index] = { ...map, initial: written(map, map.fields!.find(isField)!, value) };
  }
  return withMaps(program, maps, program.code);
}

function written(map: MapDefinition, field: Parameters<typeof writeField>[2], value: unknown): Uint8Array {
  const bytes = new Uint8Array(map.valueSize);
  bytes.set(map.initial ?? []);
  writeField(new DataView(bytes.buffer), 0, field, value);
  return bytes;
}

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

/** Not by `...`, which would read the lines that are only wanted for errors. */
function withMaps(program: BpfProgram, maps: readonly MapDefinition[], code: Uint8Array): BpfProgram {
  return Object.create(program, {
    maps: { value: maps, enumerable: true },
    code: { value: code, enumerable: true },
  }) as BpfProgram;
}
