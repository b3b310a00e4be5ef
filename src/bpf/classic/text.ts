/**
 * Classic programs as text: what `tcpdump -d`, `-dd` and `-ddd` print, and the assembly of the kernel's `bpf_asm`.
 *
 * @module
 */
import { choiceOption } from "../../core/limits.ts";
import { checkText } from "../check_arguments.ts";
import { textError } from "../line_scanner.ts";
import { assembleClassic } from "./assembly_parser.ts";
import { checkFields, CLASSIC_MAX_INSTRUCTIONS, type ClassicInstruction } from "./classic.ts";
import { assemblyText, listingText } from "./instruction_text.ts";

/** Forms of text: `d`, `dd` and `ddd` as the options of `tcpdump`, `asm` as of `bpf_asm`. */
export type ClassicTextForm = "d" | "dd" | "ddd" | "asm";

/** Most characters of a program's text. */
const MAX_TEXT_LENGTH = 1 << 20;

/**
 * Reads a classic program from text, in whichever form it is: `{ 0x28, 0, 0, 0x0000000c },` a line (`tcpdump -dd`), a
 * count and `40 0 0 12` a line (`-ddd`; commas may stand for line ends), `(000) ldh [12]` (`-d`), or assembly with labels
 * (`ldh [12]`, `jeq #0x800, yes, no`).
 *
 * @throws {BpfError} `EINVAL` with line and column.
 *
 * @example
 * ```ts
 * import { formatClassic, parseClassic } from "@leat/streams/bpf";
 * import { assertEquals } from "@std/assert";
 *
 * const program = parseClassic("3\n40 0 0 0\n4 0 0 2\n22 0 0 0");
 * assertEquals(formatClassic(program, "asm"), "ldh [0]\nadd #2\nret a\n");
 * ```
 */
export function parseClassic(text: string): ClassicInstruction[] {
  checkText("a classic program", text);
  if (text.length > MAX_TEXT_LENGTH) {
    throw textError(`the text has ${text.length} characters, more than ${MAX_TEXT_LENGTH}`, 1, 1);
  }
  const program = parseForm(text);
  if (program.length > CLASSIC_MAX_INSTRUCTIONS) {
    const what = `the program has ${program.length} instructions, more than ${CLASSIC_MAX_INSTRUCTIONS}`;
    throw textError(what, 1, 1);
  }
  return program;
}

/**
 * Prints a classic program; {@linkcode parseClassic} reads all forms.
 *
 * @example
 * ```ts
 * import { formatClassic, parseClassic } from "@leat/streams/bpf";
 * import { assertEquals } from "@std/assert";
 *
 * const text = formatClassic(parseClassic("ldh [12]\njeq #0x800, yes\nret #0\nyes: ret #-1"), "dd");
 * assertEquals(text.split("\n")[1], "{ 0x15, 1, 0, 0x00000800 },");
 * ```
 */
export function formatClassic(program: readonly ClassicInstruction[], form: ClassicTextForm = "asm"): string {
  checkFields(program);
  choiceOption("form", form, "asm", ["asm", "d", "dd", "ddd"]);
  const lines = formatters[form](program);
  return lines.map((line) => `${line}\n`).join("");
}

function parseForm(text: string): ClassicInstruction[] {
  if (/^\s*\{/.test(text)) return parseBraces(text);
  if (/^\s*\d+\s*(?:[\n,]|$)/.test(text)) return parseNumbers(text);
  return assembleClassic(text);
}

const formatters: Readonly<Record<ClassicTextForm, (program: readonly ClassicInstruction[]) => string[]>> = {
  d: (program) => program.map(listingText),
  dd: (program) =>
    program.map(({ code, jt, jf, k }) => {
      return `{ 0x${code.toString(16)}, ${jt}, ${jf}, 0x${k.toString(16).padStart(8, "0")} },`;
    }),
  ddd: (program) => [`${program.length}`, ...program.map(({ code, jt, jf, k }) => `${code} ${jt} ${jf} ${k}`)],
  asm: assemblyText,
};

const BRACES = /^\s*\{\s*(\w+)\s*,\s*(\w+)\s*,\s*(\w+)\s*,\s*(\w+)\s*\}\s*(?:,\s*)?$/;

function parseBraces(text: string): ClassicInstruction[] {
  return text.split("\n").flatMap((line, index) => {
    if (line.trim() === "") return [];
    const found = BRACES.exec(line);
    if (found === null) throw textError("expected { code, jt, jf, k }", index + 1, firstColumn(line));
    return [instructionOf(found.slice(1), line, index + 1)];
  });
}

const QUADRUPLE = /^\s*(\d+)\s+(\d+)\s+(\d+)\s+(\d+)\s*$/;

function parseNumbers(text: string): ClassicInstruction[] {
  const parts = text.replaceAll(",", "\n").split("\n");
  const countLine = parts.findIndex((part) => part.trim() !== "");
  const program = parts.slice(countLine + 1).flatMap((part, index) => {
    if (part.trim() === "") return [];
    const line = countLine + index + 2;
    const found = QUADRUPLE.exec(part);
    if (found === null) throw textError("expected code, jt, jf and k in decimal", line, firstColumn(part));
    return [instructionOf(found.slice(1), part, line)];
  });
  const count = Number(parts[countLine]);
  if (count === program.length) return program;
  throw textError(`the count is ${count}, but there are ${program.length} instructions`, countLine + 1, 1);
}

const FIELD_LIMITS = [["code", 0xffff], ["jt", 0xff], ["jf", 0xff], ["k", 0xffff_ffff]] as const;

function instructionOf(fields: readonly string[], line: string, number: number): ClassicInstruction {
  const [code, jt, jf, k] = fields.map((field, index) => {
    const [name, limit] = FIELD_LIMITS[index]!;
    const value = Number(field);
    if (Number.isInteger(value) && value <= limit) return value;
    throw textError(`${name} ${field.slice(0, 24)} is no number up to ${limit}`, number, line.indexOf(field) + 1);
  });
  return { code: code!, jt: jt!, jf: jf!, k: k! };
}

function firstColumn(line: string): number {
  return line.search(/\S/) + 1;
}
