/**
 * The maps of an object: described by types in `.maps`, by structures of numbers in the older `maps`, and the implicit
 * ones of global variables (`.rodata`, `.data`, `.bss`).
 *
 * @module
 */
import { BpfError } from "../errors.ts";
import { BPF_F_MMAPABLE, BPF_F_RDONLY_PROG, BPF_MAP_TYPE_ARRAY } from "../map_types.ts";
import { checkMap } from "../maps/make_map.ts";
import type { MapDefinition } from "../program.ts";
import { type Btf, BTF_KIND, type BtfMember } from "./btf.ts";
import { ByteView } from "./byte_view.ts";
import { type ElfFile, type ElfSection, type ElfSymbol, SHF, SHT, STT, symbolName } from "./elf_file.ts";
import type { LoaderLimits } from "./loader_limits.ts";
import { valueFields, variableFields } from "./value_fields.ts";

/** Bytes of a definition in the section `maps`. */
const LEGACY_BYTES = 20;
/** Most members of a map's description that are looked at. */
const MAX_MEMBERS = 64;

/** A map and where symbols find it. */
export interface ObjectMap {
  /** What it is. */
  readonly definition: MapDefinition;
  /** Number of its section. */
  readonly section: number;
  /** Offset in the section; 0 for global variables, which are the whole section. */
  readonly offset: number;
  /** Whether it is a section of global variables. */
  readonly isData: boolean;
}

/** Finds all maps of an object. */
export function objectMaps(elf: ElfFile, btf: Btf | undefined, limits: LoaderLimits): ObjectMap[] {
  const byName = new Map<string, ObjectMap>();
  for (const section of elf.sections) {
    const maps = section.name === ".maps"
      ? typedMaps(elf, section, btf)
      : section.name === "maps"
      ? legacyMaps(elf, section)
      : isData(section)
      ? [dataMap(elf, section, btf)]
      : [];
    for (const map of maps) addMap(elf, byName, map, limits);
  }
  return [...byName.values()];
}

function addMap(elf: ElfFile, byName: Map<string, ObjectMap>, map: ObjectMap, limits: LoaderLimits): void {
  const { name } = map.definition;
  if (byName.size >= limits.maxMaps) {
    throw new BpfError(`the object has more maps than maxMaps, ${limits.maxMaps}`, { code: "E2BIG" });
  }
  if (byName.has(name)) {
    const section = elf.sections[map.section]!.name;
    throw new BpfError(`section ${section}, offset ${map.offset}: there are two maps called ${name}`, {
      section,
      offset: map.offset,
    });
  }
  checkDefinition(elf, map);
  byName.set(name, map);
}

/** Refuses a map that no map can be. One of a type that there is not here is refused where it is made. */
function checkDefinition(elf: ElfFile, { definition, section: number, offset }: ObjectMap): void {
  try {
    checkMap(definition);
  } catch (error) {
    if (!(error instanceof BpfError)) throw error;
    if (error.code !== "EINVAL") return;
    const section = elf.sections[number]!.name;
    const message = `section ${section}, offset ${offset}: ${error.message}`;
    throw new BpfError(message, { section, offset, cause: error });
  }
}

/** Sections of global variables; there may be several of each, told apart behind a dot. */
const dataSections: readonly string[] = [".rodata", ".data", ".bss"];

function isData(section: ElfSection): boolean {
  const isThere = section.type === SHT.PROGBITS || section.type === SHT.NOBITS;
  if (!isThere || section.size === 0 || (section.flags & SHF.ALLOC) === 0) return false;
  // Without a pattern: where an object has no variables, the pattern would be compiled for nothing.
  for (const name of dataSections) if (section.name === name || section.name.startsWith(`${name}.`)) return true;
  return false;
}

function dataMap(elf: ElfFile, section: ElfSection, btf: Btf | undefined): ObjectMap {
  const { name, size } = section;
  if (size > 0x7fff_ffff) {
    throw new BpfError(`section ${name} has ${size} bytes`, { code: "E2BIG", section: name });
  }
  const frozen = name.startsWith(".rodata");
  const variables = btf && variablesOf(elf, section, btf);
  const fields = btf && variables && variableFields(btf, variables);
  const definition: MapDefinition = {
    name,
    type: BPF_MAP_TYPE_ARRAY,
    keySize: 4,
    valueSize: size,
    maxEntries: 1,
    flags: BPF_F_MMAPABLE | (frozen ? BPF_F_RDONLY_PROG : 0),
    initial: section.type === SHT.NOBITS ? undefined : section.bytes.slice(),
    frozen,
    fields,
  };
  return { definition, section: section.index, offset: 0, isData: true };
}

/**
 * The variables of a section with their places: those in BTF are all 0 in an object file (the linker of the kernel's
 * library fills them in), the symbols know them.
 */
function variablesOf(elf: ElfFile, section: ElfSection, btf: Btf): BtfMember[] | undefined {
  const variables = btf.section(section.name);
  if (variables === undefined) return undefined;
  const places = new Map<string, number>();
  for (const symbol of elf.symbols) {
    if (symbol.section === section.index && isObject(symbol)) places.set(symbolName(elf, symbol), symbol.value);
  }
  return variables.map((variable) => ({ ...variable, offset: places.get(variable.name) ?? variable.offset }));
}

function legacyMaps(elf: ElfFile, section: ElfSection): ObjectMap[] {
  const symbols = elf.symbols.filter((one) => one.section === section.index && isObject(one));
  const view = new ByteView(section.bytes, section.name, "a map definition");
  return symbols.map((symbol) => {
    const at = symbol.value;
    view.slice(at, LEGACY_BYTES, "a map definition");
    const definition: MapDefinition = {
      name: symbolName(elf, symbol),
      type: view.u32(at),
      keySize: view.u32(at + 4),
      valueSize: view.u32(at + 8),
      maxEntries: view.u32(at + 12),
      flags: view.u32(at + 16),
    };
    return { definition, section: section.index, offset: at, isData: false };
  });
}

function isObject(symbol: ElfSymbol): boolean {
  return symbol.type === STT.OBJECT || symbol.type === STT.NOTYPE;
}

function typedMaps(elf: ElfFile, section: ElfSection, btf: Btf | undefined): ObjectMap[] {
  const variables = btf && variablesOf(elf, section, btf);
  if (btf === undefined || variables === undefined) {
    throw new BpfError("section .maps, offset 0: maps are described by BTF, which the object lacks; compile with -g", {
      section: ".maps",
      offset: 0,
    });
  }
  return variables.map((variable) => ({
    definition: typedMap(btf, variable),
    section: section.index,
    offset: variable.offset ?? 0,
    isData: false,
  }));
}

/** Members of a description that are numbers, and which number they set. */
const numbers: Readonly<Record<string, "type" | "keySize" | "valueSize" | "maxEntries" | "flags">> = {
  type: "type",
  key_size: "keySize",
  value_size: "valueSize",
  max_entries: "maxEntries",
  map_flags: "flags",
};

function typedMap(btf: Btf, variable: BtfMember): MapDefinition {
  const { name } = variable;
  const refuse = (what: string): never => {
    throw new BpfError(`section .maps, offset ${variable.offset ?? 0}: map ${name} ${what}`, {
      section: ".maps",
      offset: variable.offset,
    });
  };
  const struct = btf.type(variable.type);
  if (struct.kind !== BTF_KIND.STRUCT) refuse("is no structure");
  const found = { type: 0, keySize: 0, valueSize: 0, maxEntries: 0, flags: 0 };
  let fields: MapDefinition["fields"];
  for (const member of btf.members(struct, MAX_MEMBERS)) {
    const pointer = btf.type(member.type);
    const number = numbers[member.name];
    if (number !== undefined) {
      const array = pointer.kind === BTF_KIND.PTR
        ? btf.type(pointer.sizeOrType)
        : refuse(`has no number ${member.name}`);
      if (array.kind !== BTF_KIND.ARRAY) refuse(`has no number ${member.name}`);
      found[number] = btf.array(array).count;
    } else if (member.name === "key" && pointer.kind === BTF_KIND.PTR) {
      found.keySize = btf.size(pointer.sizeOrType);
    } else if (member.name === "value" && pointer.kind === BTF_KIND.PTR) {
      found.valueSize = btf.size(pointer.sizeOrType);
      fields = valueFields(btf, pointer.sizeOrType);
    } else if (member.name !== "pinning" && member.name !== "numa_node") {
      refuse(`has a member ${JSON.stringify(member.name)}, which is not supported`);
    }
  }
  return { name, ...found, fields };
}
