/**
 * The assembler: text in either dialect to a program.
 *
 * Not here: the dialects themselves (`mnemonic_parser.ts`, `pseudo_c_parser.ts`), and whether what was written is legal,
 * which is for the verifier: tests of it need the illegal as well.
 *
 * @module
 */
import { checkOptions, checkText } from "./check_arguments.ts";
import { limitOption } from "../core/limits.ts";
import { Directives } from "./assembly_directives.ts";
import { BPF_EXIT, BPF_JMP, decodeInstruction, encodeInstructions, type Instruction } from "./isa.ts";
import { LineScanner, textError } from "./line_scanner.ts";
import { isMnemonic, parseMnemonic } from "./mnemonic_parser.ts";
import { functionsOf } from "./program_functions.ts";
import type { BpfProgram, MapDefinition } from "./program.ts";
import { parsePseudoC } from "./pseudo_c_parser.ts";
import type { Reference, Statement } from "./statement.ts";

/** Options of {@linkcode assemble}. */
export interface AssembleOptions {
  /** Name of the program, unless the text has `.program`. @default {"main"} */
  name?: string;
  /** Licence, unless the text has `.license`. @default {""} */
  license?: string;
  /** Maps that the text refers to; those of `.map` come behind them. @default {[]} */
  maps?: readonly MapDefinition[];
  /** Most characters of the text. @default {16777216} */
  maxTextLength?: number;
  /** Most slots of the program. @default {1000000} */
  maxSlots?: number;
  /** Most maps. @default {64} */
  maxMaps?: number;
}

/** A name that is still to be resolved. */
interface Fixup {
  readonly reference: Reference;
  readonly slot: number;
  readonly line: number;
}

/** What stands before a comment; in quotes there is none. */
const CODE = /^(?:[^"#;/]|"[^"]*"|"(?!.*")|\/(?!\/))*/;
/** What `llvm-objdump` puts before and behind an instruction. */
const LISTING_SLOT = /(\d+):(?=[ \t])/y;
const LISTING_LABEL = /[0-9a-fA-F]{8,16}[ \t]+<([^>]*)>:/y;
/** A word that is no pseudo-C: not its keywords but where they are followed by what only mnemonics have. */
const MNEMONIC =
  /(?:call(?=[ \t]+(?:local|helper|runtime)[ \t]+\S)|lock(?=[ \t]+\w)|(?!(?:[rw]\d+|call|callx|exit|goto|gotol|gotox|may_goto|if|lock|store_release)\b)[a-z]\w*)/y;
const RAW_SLOT = /\.8byte(?!\w)/y;
const LISTING_TARGET = /<[^>]*>/y;

/**
 * Turns assembly into a program. Each line has one instruction, in either of two dialects: `r0 = *(u16 *)skb[0]` as
 * `llvm-objdump` prints it, or `ldxw %r0, [%r1+4]` as bpf_conformance and uBPF have it. `name:` is a label, `#`, `//` and
 * `;` begin a comment. Jumps go to labels or a number of slots from the next instruction (`+3`).
 *
 * `.map NAME TYPE KEYSIZE VALUESIZE MAXENTRIES [FLAGS]` declares a map, `.init NAME HEX` the value at the start of the
 * one entry, `.frozen NAME` that nobody writes it; `.returns_number NAME` says of a function what type information
 * would say, so that it may load packet bytes; `.license "GPL"`, `.program NAME`, and `.8byte` for a raw slot.
 *
 * @throws {BpfError} `EINVAL` with line and column.
 *
 * @example
 * ```ts
 * import { assemble } from "@leat/streams/bpf";
 * import { assertEquals } from "@std/assert";
 *
 * const { code } = assemble(`
 *   r6 = r1                  # packet loads want the context here
 *   r0 = *(u16 *)skb[0]
 *   r0 += 2
 *   exit
 * `, { name: "len16be" });
 * assertEquals(code.length / 8, 4);
 * ```
 */
export function assemble(text: string, options: AssembleOptions = {}): BpfProgram {
  checkText("assembly", text);
  checkOptions(options);
  const maxTextLength = limitOption("maxTextLength", options.maxTextLength, 1 << 24);
  if (text.length > maxTextLength) {
    throw textError(`the text has ${text.length} characters, more than maxTextLength ${maxTextLength}`, 1, 1);
  }
  const assembly = new Assembly(options);
  text.split("\n").forEach((line, index) => assembly.addLine(line, index + 1));
  return assembly.finish();
}

class Assembly {
  readonly #options: AssembleOptions;
  readonly #maxSlots: number;
  readonly #directives: Directives;
  readonly #slots: Instruction[] = [];
  readonly #labels = new Map<string, number>();
  readonly #fixups: Fixup[] = [];
  #firstExit: number | undefined;

  constructor(options: AssembleOptions) {
    this.#options = options;
    this.#maxSlots = limitOption("maxSlots", options.maxSlots, 1_000_000);
    this.#directives = new Directives(options.maps ?? [], limitOption("maxMaps", options.maxMaps, 64));
  }

  addLine(text: string, number: number): void {
    const line = new LineScanner(withoutComment(text), number);
    this.#takeLabels(line);
    if (line.isAtEnd) return;
    const first = line.column;
    const { slots, reference } = this.#statement(line) ?? { slots: [] };
    line.match(LISTING_TARGET);
    line.end();
    if (this.#slots.length + slots.length > this.#maxSlots) {
      line.fail(`the program has more than maxSlots ${this.#maxSlots} slots`, first);
    }
    if (reference !== undefined) this.#fixups.push({ reference, slot: this.#slots.length, line: number });
    if (slots[0]?.opcode === (BPF_JMP | BPF_EXIT)) this.#firstExit ??= this.#slots.length;
    this.#slots.push(...slots);
  }

  finish(): BpfProgram {
    for (const fixup of this.#fixups) this.#resolve(fixup);
    const { name, license, maps, numeric } = this.#directives;
    const labels = new Map([...this.#labels].map(([label, slot]) => [slot, label]));
    const ownName = name ?? this.#options.name ?? "main";
    const functions = functionsOf(this.#slots, (slot) => slot === 0 ? ownName : labels.get(slot)).map((one) =>
      one.slot !== 0 && numeric.delete(one.name) ? { ...one, returnsNumber: true } : one
    );
    for (const [other, { line, column }] of numeric) {
      throw textError(`no function ${JSON.stringify(other)} is called`, line, column);
    }
    return {
      name: ownName,
      code: encodeInstructions(this.#slots),
      maps,
      license: license ?? this.#options.license ?? "",
      ...(functions.length > 1 && { functions }),
    };
  }

  #takeLabels(line: LineScanner): void {
    for (;;) {
      const { column } = line;
      const listed = line.match(LISTING_LABEL)?.[1];
      const label = listed ?? line.match(/([A-Za-z_.$][\w.$]*):/y)?.[1];
      if (label === undefined) break;
      if (this.#labels.has(label)) line.fail(`label ${JSON.stringify(label)} is defined twice`, column);
      this.#labels.set(label, this.#slots.length);
    }
    const { column } = line;
    const listed = line.match(LISTING_SLOT)?.[1];
    if (listed !== undefined && Number(listed) !== this.#slots.length) {
      line.fail(`the line says slot ${listed}, but this is slot ${this.#slots.length}`, column);
    }
  }

  /** The instruction on the line; `undefined` for a directive. */
  #statement(line: LineScanner): Statement | undefined {
    const { column } = line;
    if (line.match(RAW_SLOT) !== undefined) return rawSlot(line);
    const directive = line.match(/\.\w+/y)?.[0];
    if (directive !== undefined) {
      const isKnown = this.#directives.parse({ name: directive, column }, line);
      return isKnown ? undefined : line.fail(`unknown directive ${JSON.stringify(directive)}`, column);
    }
    const mnemonic = line.match(MNEMONIC)?.[0];
    if (mnemonic !== undefined && isMnemonic(mnemonic)) return parseMnemonic({ name: mnemonic, column }, line);
    if (mnemonic !== undefined) line.fail(`unknown instruction ${JSON.stringify(mnemonic)}`, column);
    return parsePseudoC(line) ?? line.failHere("expected an instruction");
  }

  #resolve({ reference, slot, line }: Fixup): void {
    const { name, kind, field, column } = reference;
    const value = kind === "map" ? this.#mapIndex(name) : this.#distance(name, slot);
    if (value === undefined) throw textError(`there is no ${kind} ${JSON.stringify(name)}`, line, column);
    if (field === "offset" && value << 16 >> 16 !== value) {
      throw textError(`label ${JSON.stringify(name)} is ${value} slots away, more than 16 bits can say`, line, column);
    }
    this.#slots[slot] = { ...this.#slots[slot]!, [field]: value };
  }

  #mapIndex(name: string): number | undefined {
    const index = this.#directives.maps.findIndex((map) => map.name === name);
    return index < 0 ? undefined : index;
  }

  /** In the dialect of bpf_conformance the first `exit` is a label of that name. */
  #distance(name: string, from: number): number | undefined {
    const target = this.#labels.get(name) ?? (name === "exit" ? this.#firstExit : undefined);
    return target === undefined ? undefined : target - from - 1;
  }
}

function withoutComment(text: string): string {
  return CODE.exec(text)![0].trimEnd();
}

function rawSlot(line: LineScanner): Statement {
  const value = line.number(64, "a raw slot");
  const code = new Uint8Array(8);
  new DataView(code.buffer).setBigInt64(0, value, true);
  return { slots: [decodeInstruction(code, 0)] };
}
