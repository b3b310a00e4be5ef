/**
 * ELF64 relocatable objects, as clang writes them for BPF: header, sections, symbols, relocations. Only reading, only
 * little-endian. Every number of the file is checked before it is used.
 *
 * @module
 */
import { BpfError } from "../errors.ts";
import { ByteView, text } from "./byte_view.ts";
import type { LoaderLimits } from "./loader_limits.ts";

/** `e_machine` of BPF. */
const EM_BPF = 247;
const ET_REL = 1;
const HEADER_BYTES = 64;
const SECTION_BYTES = 64;
const SYMBOL_BYTES = 24;
const RELOCATION_BYTES = 16;

/** Section types. */
export const SHT = { PROGBITS: 1, SYMTAB: 2, STRTAB: 3, RELA: 4, NOBITS: 8, REL: 9 } as const;
/** Section flags. */
export const SHF = { WRITE: 1, ALLOC: 2, EXECINSTR: 4 } as const;
/** Symbol types. */
export const STT = { NOTYPE: 0, OBJECT: 1, FUNC: 2, SECTION: 3, FILE: 4 } as const;

/** A section. */
export interface ElfSection {
  /** Its number. */
  readonly index: number;
  /** Its name. */
  readonly name: string;
  /** `sh_type`. */
  readonly type: number;
  /** `sh_flags`, the low 32 bits. */
  readonly flags: number;
  /** Its bytes; none for NOBITS. */
  readonly bytes: Uint8Array;
  /** Its size, also where it has no bytes in the file. */
  readonly size: number;
  /** `sh_link`. */
  readonly link: number;
  /** `sh_info`. */
  readonly info: number;
}

/** A symbol. */
export interface ElfSymbol {
  /** Where its name is in the names; {@linkcode symbolName} reads it, for many symbols may share a long one. */
  readonly nameAt: number;
  /** `STT_*`. */
  readonly type: number;
  /** Number of the section it is in; 0 where it is not defined here. */
  readonly section: number;
  /** Offset in the section. */
  readonly value: number;
  /** Its bytes. */
  readonly size: number;
}

/** A relocation: `offset` in the section that is patched, `symbol` by number. */
export interface ElfRelocation {
  /** Where in the section. */
  readonly offset: number;
  /** `R_BPF_*`. */
  readonly type: number;
  /** Number of the symbol. */
  readonly symbol: number;
}

/** An object file, read. */
export interface ElfFile {
  /** Sections by number; number 0 is the empty one. */
  readonly sections: readonly ElfSection[];
  /** Symbols by number. */
  readonly symbols: readonly ElfSymbol[];
  /** Names of the symbols. */
  readonly names: Uint8Array;
}

/**
 * Reads header, sections and symbols.
 *
 * @throws {BpfError} that names section and offset
 */
export function readElf(bytes: Uint8Array, limits: LoaderLimits): ElfFile {
  if (bytes.length > limits.maxObjectBytes) {
    throw new BpfError(`the object has ${bytes.length} bytes, maxObjectBytes is ${limits.maxObjectBytes}`, {
      code: "E2BIG",
    });
  }
  const file = new ByteView(bytes, undefined, "the file");
  checkHeader(file);
  const sections = readSections(file, limits);
  return { sections, ...readSymbols(sections, limits) };
}

/** What to do with a source where an object is wanted. */
export const COMPILE_HINT = "it looks like C source, compile it first: clang -O2 -g -target bpf -c prog.c -o prog.o";

/** Whether bytes are the source of an object rather than the object. */
export function looksLikeC(bytes: Uint8Array): boolean {
  const text = new TextDecoder().decode(bytes.subarray(0, 65_536));
  return !text.includes("\0") && /^[ \t]*#[ \t]*include[ \t]*[<"]|\bSEC[ \t]*\("/m.test(text);
}

function checkHeader(file: ByteView): void {
  const { bytes } = file;
  if (bytes.length < HEADER_BYTES) file.refuse(`${bytes.length} bytes are no ELF object, its header has 64`, 0);
  if (bytes[0] !== 0x7f || bytes[1] !== 0x45 || bytes[2] !== 0x4c || bytes[3] !== 0x46) {
    file.refuse(`not an ELF object: the magic number is missing${looksLikeC(bytes) ? `; ${COMPILE_HINT}` : ""}`, 0);
  }
  if (bytes[4] !== 2) file.refuse(`ELF class ${bytes[4]} is not 64-bit`, 4);
  if (bytes[5] === 2) {
    throw new BpfError("the object is big-endian (made with -target bpfeb); compile with -target bpf", {
      code: "ENOSYS",
      offset: 5,
    });
  }
  if (bytes[5] !== 1) file.refuse(`ELF byte order ${bytes[5]} is unknown`, 5);
  const machine = file.u16(18);
  if (machine !== EM_BPF) file.refuse(`the object is for machine ${machine}, not for BPF (${EM_BPF})`, 18);
  const type = file.u16(16);
  if (type !== ET_REL) file.refuse(`ELF type ${type} is no relocatable object (1)`, 16);
}

function readSections(file: ByteView, limits: LoaderLimits): ElfSection[] {
  const table = file.u64(40);
  const entryBytes = file.u16(58);
  const count = file.u16(60);
  const namesIndex = file.u16(62);
  if (entryBytes !== SECTION_BYTES) file.refuse(`section headers of ${entryBytes} bytes, 64 expected`, 58);
  if (count === 0) file.refuse("the object has no sections", 60);
  if (count > limits.maxSections) {
    throw new BpfError(`the object has ${count} sections, maxSections is ${limits.maxSections}`, { code: "E2BIG" });
  }
  if (namesIndex >= count) file.refuse(`section ${namesIndex} of names is none of ${count}`, 62);
  file.slice(table, count * SECTION_BYTES, "the section headers");
  const headers: ElfSection[] = [];
  for (let index = 0; index < count; index++) headers.push(readSection(file, table + index * SECTION_BYTES, index));
  const names = headers[namesIndex]!.bytes;
  const sections: ElfSection[] = [];
  for (const header of headers) {
    const at = table + header.index * SECTION_BYTES;
    const name = header.index === 0 ? "" : text(names, file.u32(at));
    if (name === undefined) file.refuse(`name of section ${header.index} is outside of the names`, at);
    sections.push({ ...header, name: name! });
  }
  return sections;
}

/** The first section of a name. */
export function sectionNamed({ sections }: ElfFile, name: string): ElfSection | undefined {
  for (const section of sections) if (section.name === name) return section;
  return undefined;
}

function readSection(file: ByteView, at: number, index: number): ElfSection {
  const type = index === 0 ? 0 : file.u32(at + 4);
  const offset = file.u64(at + 24);
  const size = file.u64(at + 32);
  const hasBytes = type !== 0 && type !== SHT.NOBITS;
  return {
    index,
    name: "",
    type,
    flags: file.u32(at + 8),
    bytes: hasBytes ? file.slice(offset, size, `section ${index}`) : new Uint8Array(0),
    size: type === 0 ? 0 : size,
    link: file.u32(at + 40),
    info: file.u32(at + 44),
  };
}

/** Name of a symbol; that of the section for symbols of sections. */
export function symbolName(elf: ElfFile, symbol: ElfSymbol): string {
  if (symbol.type === STT.SECTION) return elf.sections[symbol.section]!.name;
  return text(elf.names, symbol.nameAt) ?? `symbol at ${symbol.value}`;
}

function readSymbols(sections: readonly ElfSection[], limits: LoaderLimits): Pick<ElfFile, "symbols" | "names"> {
  let table: ElfSection | undefined;
  for (const section of sections) if (section.type === SHT.SYMTAB) table ??= section;
  if (table === undefined) return { symbols: [], names: new Uint8Array(0) };
  const view = new ByteView(table.bytes, table.name, "the symbol table");
  if (table.size % SYMBOL_BYTES !== 0) view.refuse(`${table.size} bytes are no whole number of symbols`, 0);
  const count = table.size / SYMBOL_BYTES;
  if (count > limits.maxSymbols) {
    throw new BpfError(`the object has ${count} symbols, maxSymbols is ${limits.maxSymbols}`, { code: "E2BIG" });
  }
  const names = sections[table.link];
  if (names?.type !== SHT.STRTAB) view.refuse(`section ${table.link} of symbol names is no string table`, 0);
  const symbols: ElfSymbol[] = [];
  for (let at = 0; at < table.size; at += SYMBOL_BYTES) {
    symbols.push(readSymbol(view, at, names!.size, sections.length));
  }
  return { symbols, names: names!.bytes };
}

function readSymbol(view: ByteView, at: number, nameBytes: number, sections: number): ElfSymbol {
  // Type and binding, visibility, number of the section.
  const word = view.u32(at + 4);
  const type = word & 15, number = word >>> 16;
  // From 0xff00 on the numbers have meanings of their own (absolute values, common storage).
  const section = number >= 0xff00 ? 0 : number;
  if (section >= sections) view.refuse(`a symbol is in section ${section} of ${sections}`, at);
  const nameAt = view.u32(at);
  if (nameAt >= nameBytes && nameAt !== 0) view.refuse("the name of a symbol is outside of the names", at);
  return {
    nameAt,
    type,
    section,
    value: view.u64(at + 8),
    size: view.u64(at + 16),
  };
}

/** Relocations of one section's bytes, by offset. */
export type Relocations = ReadonlyMap<number, ElfRelocation>;

/** Reads the relocations of a section of code. */
export function readRelocations(elf: ElfFile, target: ElfSection, limits: LoaderLimits): Relocations {
  const found = new Map<number, ElfRelocation>();
  for (const section of elf.sections) {
    if ((section.type !== SHT.REL && section.type !== SHT.RELA) || section.info !== target.index) continue;
    addRelocations(elf, section, target, limits, found);
  }
  return found;
}

function addRelocations(
  elf: ElfFile,
  section: ElfSection,
  target: ElfSection,
  limits: LoaderLimits,
  found: Map<number, ElfRelocation>,
): void {
  const view = new ByteView(section.bytes, section.name, "the relocations");
  if (section.type === SHT.RELA) view.refuse("relocations with addends are not made for BPF", 0);
  if (section.size % RELOCATION_BYTES !== 0) view.refuse(`${section.size} bytes are no whole number of relocations`, 0);
  const count = section.size / RELOCATION_BYTES;
  if (count > limits.maxRelocations) {
    throw new BpfError(`${section.name} has ${count} relocations, maxRelocations is ${limits.maxRelocations}`, {
      code: "E2BIG",
      section: section.name,
    });
  }
  for (let at = 0; at < section.size; at += RELOCATION_BYTES) {
    const offset = view.u64(at);
    const symbol = view.u32(at + 12);
    if (offset % 8 !== 0) view.refuse(`a relocation at offset ${offset} is not at an instruction`, at);
    if (offset >= target.size) view.refuse(`a relocation at offset ${offset} is behind the end of ${target.name}`, at);
    if (symbol >= elf.symbols.length) view.refuse(`symbol ${symbol} is none of ${elf.symbols.length}`, at);
    if (found.has(offset)) view.refuse(`there are two relocations at offset ${offset}`, at);
    found.set(offset, { offset, type: view.u32(at + 8), symbol });
  }
}
