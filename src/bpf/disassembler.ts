/**
 * The disassembler: code to text, from which the assembler makes the same code again.
 *
 * @module
 */
import { checkBytes, checkProgram } from "./check_arguments.ts";
import { toHex } from "../bytes/hex.ts";
import { MAP_TYPE_NAMES } from "./assembly_directives.ts";
import { encodingOf, encodingProblem } from "./encoding.ts";
import type { TextStyle } from "./instruction_text.ts";
import { BPF_SLOT_BYTES, decodeInstructions } from "./isa.ts";
import { mnemonicText } from "./mnemonic_text.ts";
import type { BpfProgram, MapDefinition } from "./program.ts";
import { pseudoCText } from "./pseudo_c_text.ts";

/** Dialect of assembly: `llvm` is pseudo-C as `llvm-objdump` prints it, `conformance` mnemonics as in bpf_conformance. */
export type AssemblyDialect = "llvm" | "conformance";

/** Options of {@linkcode disassemble} and {@linkcode disassembleLines}. */
export interface DisassembleOptions {
  /** Dialect. @default {"llvm"} */
  dialect?: AssemblyDialect;
  /** Radix of numbers: LLVM printed decimal ones up to version 18, hexadecimal ones since. @default {10} */
  radix?: 10 | 16;
  /** Names of places in the code, for jumps and calls; where there is none, the distance is printed. */
  label?: (slot: number) => string | undefined;
  /** Names of maps by index. */
  map?: (index: number) => string | undefined;
}

/** One instruction as text. */
export interface DisassembledLine {
  /** Number of its first slot. */
  readonly slot: number;
  /** How many slots it has: 2 for `lddw`. */
  readonly slots: number;
  /** The text, without line end. */
  readonly text: string;
}

/** A name that the assembler reads back. */
const NAME = /^[A-Za-z_.$][\w.$]*$/;

/** Prints each instruction of the code. A slot that is no legal instruction is printed as `.8byte`. */
export function disassembleLines(code: Uint8Array, options: DisassembleOptions = {}): DisassembledLine[] {
  checkBytes("code", code);
  const { dialect = "llvm" } = options;
  const style = styleOf(options);
  const print = dialect === "llvm" ? pseudoCText : mnemonicText;
  const instructions = decodeInstructions(code);
  const lines: DisassembledLine[] = [];
  for (let slot = 0; slot < instructions.length;) {
    const instruction = instructions[slot]!;
    const encoding = encodingOf(instruction);
    const isWide = encoding?.operation === "lddw";
    if (encoding === undefined || isWide && encodingProblem(instructions, slot) !== undefined) {
      lines.push({ slot, slots: 1, text: rawText(code, slot) });
      slot++;
      continue;
    }
    const high = isWide ? instructions[slot + 1]!.imm : 0;
    const slots = isWide ? 2 : 1;
    lines.push({ slot, slots, text: print({ instruction, encoding, high, slot }, style) });
    slot += slots;
  }
  return lines;
}

/**
 * Prints a program, or code alone, as text that {@linkcode assemble} turns into the same again: its maps and licence,
 * its functions by name, its instructions. What is only known of debug information (source lines, fields of maps) is not
 * in the text.
 *
 * @example
 * ```ts
 * import { assemble, disassemble } from "@leat/streams/bpf";
 * import { assertEquals } from "@std/assert";
 *
 * const { code } = assemble("ldabsh 0\nadd %r0, 2\nexit");
 * assertEquals(disassemble(code), "r0 = *(u16 *)skb[0]\nr0 += 2\nexit\n");
 * assertEquals(disassemble(code, { dialect: "conformance" }), "ldabsh 0\nadd %r0, 2\nexit\n");
 * ```
 */
export function disassemble(program: BpfProgram | Uint8Array, options: DisassembleOptions = {}): string {
  if (!(program instanceof Uint8Array)) checkProgram(program);
  if (program instanceof Uint8Array) {
    return disassembleLines(program, options).map(({ text }) => `${text}\n`).join("");
  }
  const { maps } = program;
  const functions = (program.functions?.length ?? 0) > 1 ? program.functions! : [];
  const functionNames = writable(functions.map(({ name }) => name), "function");
  const names = new Map(functions.map(({ slot }, index) => [slot, functionNames[index]!]));
  const mapNames = writable(maps.map(({ name }) => name), "map");
  const label = options.label ?? ((slot: number) => names.get(slot));
  const map = options.map ?? ((index: number) => mapNames[index]);
  const head = headOf(program, mapNames);
  functions.forEach(({ slot, returnsNumber }, index) => {
    if (slot !== 0 && returnsNumber === true) head.push(`.returns_number ${functionNames[index]!}`);
  });
  const body = disassembleLines(program.code, { ...options, label, map }).flatMap(({ slot, text }) => {
    const name = names.get(slot);
    return name === undefined ? [`  ${text}`] : [`${name}:`, `  ${text}`];
  });
  return [...head, ...body].map((line) => `${line}\n`).join("");
}

function styleOf({ radix = 10, label, map }: DisassembleOptions): TextStyle {
  return {
    number: radix === 10 ? (value) => String(value) : hexadecimal,
    label: label ?? (() => undefined),
    map: map ?? (() => undefined),
  };
}

function hexadecimal(value: number | bigint): string {
  return value < 0 ? `-0x${(-value).toString(16)}` : `0x${value.toString(16)}`;
}

function rawText(code: Uint8Array, slot: number): string {
  const view = new DataView(code.buffer, code.byteOffset + slot * BPF_SLOT_BYTES, BPF_SLOT_BYTES);
  return `.8byte 0x${view.getBigUint64(0, true).toString(16).padStart(16, "0")}`;
}

/** Names as they can be written, no two the same: a name from an object may hold anything. */
function writable(names: readonly string[], fallback: string): string[] {
  const isWritable = (name: string, index: number) => NAME.test(name) && names.indexOf(name) === index;
  return names.map((name, index) => isWritable(name, index) ? name : `${fallback}_${index}`);
}

function headOf({ name, license, maps }: BpfProgram, mapNames: readonly string[]): string[] {
  const lines = writable([name], "program").map((name) => `.program ${name}`);
  if (license !== "") lines.push(`.license "${license.replace(/[^\x20-\x7e]|"/g, " ")}"`);
  maps.forEach((map, index) => lines.push(...mapLines(map, mapNames[index]!)));
  return lines;
}

function mapLines(map: MapDefinition, name: string): string[] {
  const { type, keySize, valueSize, maxEntries, flags, initial, frozen } = map;
  const typeName = [...MAP_TYPE_NAMES].find(([, number]) => number === type)?.[0] ?? type;
  const lines = [`.map ${name} ${typeName} ${keySize} ${valueSize} ${maxEntries}${flags === 0 ? "" : ` ${flags}`}`];
  const isZero = initial?.every((byte) => byte === 0) ?? true;
  if (initial !== undefined && !isZero) lines.push(`.init ${name} ${toHex(initial)}`);
  if (frozen === true) lines.push(`.frozen ${name}`);
  return lines;
}
