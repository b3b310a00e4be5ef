/**
 * Global variables that are set before a program is verified: what is proven of constants must hold of those that it runs
 * with.
 *
 * @module
 */
import { BpfError } from "./errors.ts";
import { isOfVariables } from "./maps/is_of_variables.ts";
import { type BpfNumber, writeField } from "./maps/value_codec.ts";
import type { BpfProgram, MapDefinition, ValueField } from "./program.ts";

/** Values of global variables by name. */
export type BpfVariables = { readonly [name: string]: BpfNumber | readonly BpfNumber[] };

/**
 * Maps with other values of the global variables in them.
 *
 * @throws {BpfError} `ENOENT` where they have no such variable
 */
export function setVariables(given: readonly MapDefinition[], variables: BpfVariables): MapDefinition[] {
  const maps = [...given];
  // a copy for each map, not for each variable
  const written = new Map<number, Uint8Array<ArrayBuffer>>();
  for (const [name, value] of Object.entries(variables)) {
    const isField = (field: ValueField) => field.name === name;
    const index = maps.findIndex((map) => isOfVariables(map) && map.fields?.some(isField) === true);
    const map = maps[index];
    if (map === undefined) throw noVariable(name, given);
    const initial = written.get(index) ?? valueOf(map);
    written.set(index, initial);
    writeField(new DataView(initial.buffer), 0, map.fields!.find(isField)!, value);
    maps[index] = { ...map, initial };
  }
  return maps;
}

/** What is told where none of the maps has such a variable: which there are, up to ten. */
export function noVariable(name: string, maps: readonly MapDefinition[]): BpfError {
  const names = maps.filter(isOfVariables).flatMap(({ fields = [] }) => fields.map((field) => field.name));
  const hint = names.length === 0
    ? "are there names (-g)?"
    : `but these: ${names.slice(0, 10).join(", ")}${names.length > 10 ? ", ..." : ""}`;
  return new BpfError(`there is no global variable ${name}; ${hint}`, { code: "ENOENT" });
}

function valueOf(map: MapDefinition): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(map.valueSize);
  bytes.set(map.initial ?? []);
  return bytes;
}

/** A program with other maps. Not by `...`, which would read the lines that are only wanted for errors. */
export function withMaps(program: BpfProgram, maps: readonly MapDefinition[], code: Uint8Array): BpfProgram {
  return Object.create(program, {
    maps: { value: maps, enumerable: true },
    code: { value: code, enumerable: true },
  }) as BpfProgram;
}
