/**
 * Makes a program complete: the entry function and every function that it calls, one behind the other, calls and
 * references to maps resolved.
 *
 * @module
 */
import { writeU32le } from "../../bytes/integers.ts";
import { BpfError } from "../errors.ts";
import { BPF_CALL, BPF_JMP, BPF_LD, BPF_LDDW, BPF_PSEUDO_CALL, BPF_PSEUDO_KFUNC_CALL, BPF_X } from "../isa.ts";
import { decodeInstruction, type Instruction } from "../isa.ts";
import type { BpfProgram, ProgramFunction, SourceLine } from "../program.ts";
import { type ElfFile, type ElfRelocation, type ElfSection, type Relocations, STT, symbolName } from "./elf_file.ts";
import type { LoaderLimits } from "./loader_limits.ts";
import type { ObjectMap } from "./object_maps.ts";

/** Relocations that touch code. */
const R_BPF_64_64 = 1;
const R_BPF_64_32 = 10;

const CALL = BPF_JMP | BPF_CALL;
const GOTOX = BPF_JMP | BPF_X;
const GOTOX_REFUSAL = "gotox (a jump through a table, which clang makes with -mcpu=v4) is not supported; " +
  "compile with -mcpu=v3";

/** A function of the object. */
export interface ObjectFunction {
  /** Its name. */
  readonly name: string;
  /** The section it is in. */
  readonly section: ElfSection;
  /** Its first slot in the section. */
  readonly slot: number;
  /** Its length in slots. */
  readonly slots: number;
}

/** What the linker knows of an object. */
export interface LinkInput {
  /** The file. */
  readonly elf: ElfFile;
  /** Its maps; programs refer to them by index. */
  readonly maps: readonly ObjectMap[];
  /** Its licence. */
  readonly license: string;
  /** Limits. */
  readonly limits: LoaderLimits;
  /** Relocations of a section of code. */
  relocationsOf(section: ElfSection): Relocations;
  /** The function that begins at a slot of a section. */
  functionAt(section: number, slot: number): ObjectFunction | undefined;
  /** Whether type information says of a function that it returns a number. */
  returnsNumber(part: ObjectFunction): boolean;
  /** Whether the object has line information. */
  readonly mayHaveLines: boolean;
  /** Source lines of a function, by slot in it. */
  linesOf(part: ObjectFunction): readonly SourceLine[];
}

/** Links the program that begins with `entry`. */
export function link(input: LinkInput, entry: ObjectFunction): BpfProgram {
  return new Linker(input, entry).program;
}

class Linker {
  readonly program: BpfProgram;
  readonly #input: LinkInput;
  readonly #parts: ObjectFunction[] = [];
  /** First slot of each function in the program. */
  readonly #starts = new Map<ObjectFunction, number>();
  readonly #calls: { at: number; callee: ObjectFunction }[] = [];
  /** Functions other than the entry that load packet bytes. */
  readonly #loading = new Set<ObjectFunction>();
  #slots = 0;

  constructor(input: LinkInput, entry: ObjectFunction) {
    this.#input = input;
    this.#place(entry, entry, 0);
    const pieces: Uint8Array[] = [];
    // The list grows while it is walked: functions that are called are placed behind.
    for (const part of this.#parts) pieces.push(this.#patched(part));
    const code = new Uint8Array(this.#slots * 8);
    const functions: ProgramFunction[] = [];
    for (const part of this.#parts) {
      const slot = this.#starts.get(part)!;
      code.set(pieces[functions.length]!, slot * 8);
      const known = { name: part.name, slot, slots: part.slots };
      // Not asked of others: most objects have none, and then their types need not be looked through.
      functions.push(this.#loading.has(part) ? { ...known, returnsNumber: input.returnsNumber(part) } : known);
    }
    for (const { at, callee } of this.#calls) writeU32le(code, at * 8 + 4, this.#starts.get(callee)! - at - 1);
    const program = {
      name: entry.name,
      code,
      maps: input.maps.map((map) => map.definition),
      license: input.license,
      functions,
    };
    this.program = input.mayHaveLines ? this.#withLines(program) : program;
  }

  /** Lines are for errors: they are read when one is told. */
  #withLines(program: BpfProgram): BpfProgram {
    let lines: SourceLine[] | undefined;
    const get = () => (lines ??= this.#findLines()).length > 0 ? lines : undefined;
    return Object.defineProperty(program, "lines", { get, enumerable: true, configurable: true });
  }

  #findLines(): SourceLine[] {
    return this.#parts.flatMap((part) => {
      const start = this.#starts.get(part)!;
      return this.#input.linesOf(part).map((line) => ({ ...line, slot: line.slot + start }));
    });
  }

  #place(part: ObjectFunction, caller: ObjectFunction, at: number): void {
    if (this.#starts.has(part)) return;
    this.#starts.set(part, this.#slots);
    this.#parts.push(part);
    this.#slots += part.slots;
    const { maxSlots } = this.#input.limits;
    if (this.#slots > maxSlots) {
      this.#refuse(caller, at, `the program has more slots than maxSlots, ${maxSlots}`, "E2BIG");
    }
  }

  /** A copy of the function's code, its references resolved; calls are noted for later. */
  #patched(part: ObjectFunction): Uint8Array {
    const { section, slot: first, slots } = part;
    const code = section.bytes.slice(first * 8, (first + slots) * 8);
    const relocations = this.#input.relocationsOf(section);
    for (let slot = 0; slot < slots; slot++) {
      const opcode = code[slot * 8]!;
      const relocation = relocations.get((first + slot) * 8);
      // Of the class of `lddw` all others are loads of packet bytes.
      if ((opcode & 7) === BPF_LD && opcode !== BPF_LDDW && part !== this.#parts[0]) this.#loading.add(part);
      if (opcode === GOTOX) this.#refuse(part, slot, GOTOX_REFUSAL, "ENOSYS");
      if (opcode === CALL) this.#linkCall(part, slot, decodeInstruction(code, slot), relocation);
      else if (relocation !== undefined) this.#linkAddress(part, slot, code, decodeInstruction(code, slot), relocation);
      if (opcode !== BPF_LDDW) continue;
      slot++;
      if (relocations.has((first + slot) * 8)) this.#refuse(part, slot, "a relocation is in the second slot of lddw");
    }
    return code;
  }

  #linkCall(part: ObjectFunction, slot: number, call: Instruction, relocation: ElfRelocation | undefined): void {
    const { elf } = this.#input;
    if (relocation === undefined && call.src !== BPF_PSEUDO_CALL) return;
    const symbol = relocation === undefined ? undefined : elf.symbols[relocation.symbol]!;
    if (symbol?.section === 0 || call.src === BPF_PSEUDO_KFUNC_CALL) {
      const name = symbol === undefined ? "" : ` ${symbolName(elf, symbol)}`;
      this.#refuse(part, slot, `the call of${name} is one of a kernel function, which is not supported`, "ENOSYS");
    }
    if (call.src !== BPF_PSEUDO_CALL) this.#refuse(part, slot, "a helper call has a relocation");
    if (relocation !== undefined && relocation.type !== R_BPF_64_32) {
      this.#refuse(part, slot, `a call has a relocation of type ${relocation.type}, 10 expected`);
    }
    const section = symbol?.section ?? part.section.index;
    const target = symbol === undefined
      ? part.slot + slot + 1 + call.imm
      : (symbol.type === STT.SECTION ? 0 : symbol.value / 8) + call.imm + 1;
    const callee = this.#input.functionAt(section, target);
    if (callee === undefined) {
      const name = elf.sections[section]!.name;
      this.#refuse(part, slot, `no function begins at slot ${target} of section ${name}, which is called here`);
    }
    this.#place(callee, part, slot);
    this.#calls.push({ at: this.#starts.get(part)! + slot, callee });
  }

  #linkAddress(
    part: ObjectFunction,
    slot: number,
    code: Uint8Array,
    load: Instruction,
    relocation: ElfRelocation,
  ): void {
    const { elf, maps } = this.#input;
    const symbol = elf.symbols[relocation.symbol]!;
    const name = symbolName(elf, symbol);
    if (relocation.type !== R_BPF_64_64 || load.opcode !== BPF_LDDW || slot + 1 >= part.slots) {
      this.#refuse(
        part,
        slot,
        `a relocation of type ${relocation.type} does not fit opcode 0x${load.opcode.toString(16)}`,
      );
    }
    const section = elf.sections[symbol.section]!;
    if (section.name === ".jumptables") {
      this.#refuse(part, slot, "jump tables (gotox, -mcpu=v4) are not supported; compile with -mcpu=v3", "ENOSYS");
    }
    if (section.index === 0) this.#refuse(part, slot, `symbol ${name} is not defined in the object`, "ENOSYS");
    const offset = symbol.value + load.imm;
    const index = maps.findIndex((map) => map.section === section.index && (map.isData || map.offset === offset));
    const map = maps[index];
    if (map === undefined) {
      this.#refuse(
        part,
        slot,
        `the address of ${name} in section ${section.name} is that of no map or variable`,
        "ENOSYS",
      );
    }
    if (map.isData && !(offset >= 0 && offset < map.definition.valueSize)) {
      this.#refuse(part, slot, `offset ${offset} is outside of section ${section.name}`);
    }
    code[slot * 8 + 1] = load.dst | (map.isData ? 2 : 1) << 4;
    writeU32le(code, slot * 8 + 4, index);
    writeU32le(code, slot * 8 + 12, map.isData ? offset : 0);
  }

  #refuse(part: ObjectFunction, slot: number, what: string, code: "EINVAL" | "E2BIG" | "ENOSYS" = "EINVAL"): never {
    const section = part.section.name;
    const offset = (part.slot + slot) * 8;
    const message = `section ${section}, offset ${offset} (instruction ${slot} of ${part.name}): ${what}`;
    throw new BpfError(message, { code, section, offset, instruction: slot });
  }
}
