/**
 * Object files: the `.o` that clang makes for the kernel. ELF and BTF are read here, programs linked when they are asked
 * for.
 *
 * Not supported, and refused with `ENOSYS`: big-endian objects, kernel functions and variables, callbacks, jump tables.
 * Relocations of CO-RE are not done: the types of the context don't move.
 *
 * @module
 */
import { Btf } from "./elf/btf.ts";
import { text } from "./elf/byte_view.ts";
import {
  type ElfFile,
  type ElfSection,
  readElf,
  readRelocations,
  type Relocations,
  sectionNamed,
  SHF,
  SHT,
  STT,
  symbolName,
} from "./elf/elf_file.ts";
import { LineTable } from "./elf/line_table.ts";
import { link, type LinkInput, type ObjectFunction } from "./elf/linker.ts";
import { type LoaderLimitOptions, type LoaderLimits, loaderLimits } from "./elf/loader_limits.ts";
import { objectMaps } from "./elf/object_maps.ts";
import { checkOptions, checkText } from "./check_arguments.ts";
import { BpfError } from "./errors.ts";
import type { BpfProgram, MapDefinition } from "./program.ts";

/** A program of an object, not linked yet. */
export interface ObjectProgram {
  /** Name of the entry function. */
  readonly name: string;
  /** The section it is in: what `SEC()` says. */
  readonly section: string;
  /** Slots of the entry function alone. */
  readonly slots: number;
}

/** An object file. */
export interface BpfObject {
  /** Its programs, in the order of the file. */
  readonly programs: readonly ObjectProgram[];
  /** Its maps, those of global variables included. */
  readonly maps: readonly MapDefinition[];
  /** The licence it states; `""` where it does not. */
  readonly license: string;
  /**
   * Links a program: called functions behind it, references to maps resolved.
   *
   * @param name name of the function, or of a section that holds only one program. Not needed where the object has one
   * program, or one in a section whose name begins with `socket`.
   * @throws {BpfError} `ENOENT` where there is no such program, or several would do; `EINVAL`, `ENOSYS` or `E2BIG` where
   * it cannot be linked
   */
  program(name?: string): BpfProgram;
}

/**
 * Reads an object file. Any version of the instruction set (`-mcpu=v1` to `v4`) will do; maps need `-g`.
 *
 * @throws {BpfError} that names section and offset: `EINVAL` where it is malformed, `ENOSYS` where it is not supported,
 * `E2BIG` where a limit is exceeded
 * @example
 * ```ts
 * import { BpfError, bpfParser, loadObject } from "@leat/streams/bpf";
 * import type { Parser } from "@leat/streams/strparser";
 * import { assertThrows } from "@std/assert";
 *
 * const parserOf = (file: Uint8Array): Parser => bpfParser(loadObject(file).program());
 * assertThrows(() => parserOf(new Uint8Array(63)), BpfError, "63 bytes are no ELF object");
 * ```
 */
export function loadObject(bytes: Uint8Array, options: LoaderLimitOptions = {}): BpfObject {
  if (!(bytes instanceof Uint8Array)) throw new TypeError(`an object file must be a Uint8Array, got ${typeof bytes}`);
  // Of a Node.js `Buffer` each part is another one, which takes some ten times as long to make.
  checkOptions(options);
  const plain = new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return new LoadedObject(plain, loaderLimits(options));
}

class LoadedObject implements BpfObject {
  readonly programs: readonly ObjectProgram[];
  readonly maps: readonly MapDefinition[];
  readonly license: string;
  readonly #entries: readonly ObjectFunction[];
  /** The first of each name. */
  #byName: Map<string, ObjectFunction> | undefined;
  readonly #input: LinkInput;

  constructor(bytes: Uint8Array, limits: LoaderLimits) {
    const elf = readElf(bytes, limits);
    const btfSection = sectionNamed(elf, ".BTF");
    const btf = btfSection && new Btf(btfSection.bytes, limits);
    const functions = functionsOf(elf);
    // Loops where elsewhere there would be closures: see decision 42.
    const all: ObjectFunction[] = [], named: ObjectFunction[] = [];
    for (const inSection of functions.values()) {
      for (const one of inSection.values()) {
        all.push(one);
        if (one.section.name !== ".text") named.push(one);
      }
    }
    // Without SEC() all code is in .text, where otherwise only functions that are called are.
    this.#entries = named.length > 0 ? named : all;
    const programs: ObjectProgram[] = [];
    for (const { name, section, slots } of this.#entries) programs.push({ name, section: section.name, slots });
    this.programs = programs;
    this.license = licenseOf(elf);
    const maps = objectMaps(elf, btf, limits);
    this.maps = maps.map((map) => map.definition);
    const relocations = new Map<ElfSection, Relocations>();
    const lineBytes = sectionNamed(elf, ".BTF.ext")?.bytes;
    let lines: LineTable | undefined;
    this.#input = {
      elf,
      maps,
      license: this.license,
      limits,
      returnsNumber: (part) => btf?.returnsNumber(part.name) === true,
      functionAt: (section, slot) => functions.get(section)?.get(slot),
      mayHaveLines: lineBytes !== undefined && btf !== undefined,
      linesOf: (part) => (lines ??= new LineTable(lineBytes, btf)).of(part.section.name, part.slot, part.slots),
      relocationsOf(section) {
        const found = relocations.get(section) ?? readRelocations(elf, section, limits);
        relocations.set(section, found);
        return found;
      },
    };
  }

  program(name?: string): BpfProgram {
    if (name !== undefined) checkText("name of a program", name);
    return link(this.#input, this.#entry(name));
  }

  /** Not by a search: whoever wants one after the other of very many programs would wait for long. */
  #named(name: string): ObjectFunction | undefined {
    if (this.#byName === undefined) {
      this.#byName = new Map();
      for (const one of this.#entries) if (!this.#byName.has(one.name)) this.#byName.set(one.name, one);
    }
    return this.#byName.get(name);
  }

  #entry(name: string | undefined): ObjectFunction {
    const entries = this.#entries;
    const exact = name === undefined ? undefined : this.#named(name);
    if (exact !== undefined) return exact;
    return name === undefined && entries.length === 1 ? entries[0]! : this.#bySection(name);
  }

  #bySection(name: string | undefined): ObjectFunction {
    const entries = this.#entries;
    const fits = (section: string): boolean => name === undefined ? section.startsWith("socket") : section === name;
    const [first, ...others] = entries.filter((one) => fits(one.section.name));
    if (first !== undefined && others.length === 0) return first;
    const names = entries.slice(0, 20).map((one) => one.name).join(", ");
    const what = entries.length === 0
      ? "the object has no programs"
      : name === undefined || first !== undefined
      ? `the object has several programs, name one of them: ${names}`
      : `the object has no program ${name}, but these: ${names}`;
    throw new BpfError(what, { code: "ENOENT" });
  }
}

/** Functions by section and first slot. */
function functionsOf(elf: ElfFile): Map<number, Map<number, ObjectFunction>> {
  const functions = new Map<number, Map<number, ObjectFunction>>();
  for (const symbol of elf.symbols) {
    const section = elf.sections[symbol.section]!;
    const isCode = section.type === SHT.PROGBITS && (section.flags & SHF.EXECINSTR) !== 0;
    if (symbol.type !== STT.FUNC || !isCode) continue;
    const { value, size } = symbol;
    const name = symbolName(elf, symbol);
    if (value % 8 !== 0 || size % 8 !== 0 || size === 0 || value + size > section.size) {
      throw new BpfError(
        `section ${section.name}, offset ${value}: function ${name} of ${size} bytes is not a part of it in whole slots`,
        { section: section.name, offset: value },
      );
    }
    const inSection = functions.get(section.index) ?? new Map<number, ObjectFunction>();
    functions.set(section.index, inSection);
    // A second symbol at the same place is another name for the same function.
    if (!inSection.has(value / 8)) inSection.set(value / 8, { name, section, slot: value / 8, slots: size / 8 });
  }
  return functions;
}

function licenseOf(elf: ElfFile): string {
  const section = sectionNamed(elf, "license");
  if (section === undefined) return "";
  const license = text(section.bytes, 0);
  if (license !== undefined) return license;
  throw new BpfError("section license, offset 0: the licence does not end", { section: "license", offset: 0 });
}
