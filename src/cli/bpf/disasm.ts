/**
 * `leat bpf disasm`: code to assembly.
 *
 * @module
 */
import {
  type AssemblyDialect,
  type BpfProgram,
  disassemble,
  disassembleLines,
  type DisassembleOptions,
  formatClassic,
  type SourceLine,
} from "../../bpf/mod.ts";
import { plural } from "../format/bytes.ts";
import { type CliIo, ExitCode } from "../io.ts";
import type { CommandSpec, OptionValues } from "../options.ts";
import { printable } from "../problem_log.ts";
import { onlyOperand, OUTPUT_OPTION, writeOutput } from "./program_output.ts";
import { inFile, programOf, programsOf, type ProgramSource, readSource, reporting } from "./program_source.ts";

/** The command. */
export const disasmCommand: CommandSpec = {
  name: "bpf disasm",
  usage: "FILE[:FUNCTION]|-",
  summary: "Disassemble the programs of a file",
  details: [
    "FILE is an object file, assembly, slots in hexadecimal or raw, or a classic",
    "program. Programs of objects are shown linked, as they run: called functions",
    "behind them, maps and functions by name.",
    "",
  ],
  options: [
    {
      name: "dialect",
      argument: "NAME",
      choices: ["llvm", "conformance"],
      help: "llvm (default: r0 = 5, as llvm-objdump) or conformance (mov %r0, 5)",
    },
    { name: "radix", argument: "N", choices: ["10", "16"], help: "Numbers in decimal (default) or hexadecimal" },
    { name: "asm", help: "No numbers of slots: one program as text that leat bpf asm takes" },
    { name: "source", help: "Lines of the source, where the object has them" },
    { name: "classic", help: "Assembly in FILE is classic BPF" },
    { name: "ebpf", help: "Classic programs as the eBPF that they are translated to" },
    OUTPUT_OPTION,
  ],
  run: (operands, values, io) => {
    const operand = onlyOperand(operands, "bpf disasm");
    return reporting(io, values, () => disassembleFile(operand, values, io));
  },
};

async function disassembleFile(operand: string, values: OptionValues, io: CliIo): Promise<number> {
  const source = await readSource(operand, io, { isClassic: values.classic === true });
  await writeOutput(inFile(operand, () => textOf(source, values)), operand, values, io);
  return ExitCode.OK;
}

function textOf(source: ProgramSource, values: OptionValues): string {
  if (source.kind === "classic" && values.ebpf !== true) {
    return formatClassic(source.classic, values.asm === true ? "asm" : "d");
  }
  const options: DisassembleOptions = {
    dialect: (values.dialect ?? "llvm") as AssemblyDialect,
    radix: values.radix === "16" ? 16 : 10,
  };
  // A text of assembly is one program.
  if (values.asm === true) return disassemble(programOf(source), options);
  return programsOf(source).map((program) => listing(program, options, values.source === true)).join("\n");
}

function listing(program: BpfProgram, options: DisassembleOptions, showsSource: boolean): string {
  const { name, code, maps, functions = [], lines = [] } = program;
  const labels = new Map([[0, name], ...functions.map((one) => [one.slot, one.name] as const)]);
  const sources = new Map(showsSource ? shownLines(lines).map((line) => [line.slot, line]) : []);
  const map = (index: number) => maps[index]?.name;
  const texts = disassembleLines(code, { ...options, label: (slot) => labels.get(slot), map });
  return texts.map(({ slot, text }) => {
    const label = labels.get(slot);
    const head = label === undefined ? "" : `${slot === 0 ? "" : "\n"}${printable(label)}:${headOf(program, slot)}\n`;
    return `${head}${sourceText(sources.get(slot))}${String(slot).padStart(8)}: ${printable(text)}\n`;
  }).join("");
}

/** Lines of the source that say something, and something else than the one before. */
function shownLines(lines: readonly SourceLine[]): SourceLine[] {
  return lines.filter(({ line, text, file }, index) => {
    const before = lines[index - 1];
    return text.trim() !== "" && (before?.line !== line || before.text !== text || before.file !== file);
  });
}

function headOf({ code }: BpfProgram, slot: number): string {
  return slot === 0 ? `  ; ${plural(code.length / 8, "slot")}` : "";
}

function sourceText(source: SourceLine | undefined): string {
  return source === undefined ? "" : printable(`; ${source.file}:${source.line}: ${source.text.trim()}`) + "\n";
}
