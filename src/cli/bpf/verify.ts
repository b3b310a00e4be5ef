/**
 * `leat bpf verify`: whether programs would be taken.
 *
 * @module
 */
import { BpfError, type BpfProgram, type LoopRule, type VerifierMode, verifyProgram } from "../../bpf/mod.ts";
import { plural } from "../format/bytes.ts";
import { type CliIo, ExitCode, UsageError } from "../io.ts";
import type { CommandSpec, OptionSpec, OptionValues } from "../options.ts";
import { printable } from "../problem_log.ts";
import { complain, inFile, programsOf, readSource, reporting } from "./program_source.ts";

/** The option that says how strictly to judge. */
export const MODE_OPTION: OptionSpec = {
  name: "mode",
  argument: "MODE",
  choices: ["strict", "sandbox", "kernel-root"],
  help: "How strictly programs are judged: strict (default), kernel-root, or sandbox (checked while they run)",
};

/** The option that says how loops are judged. */
export const LOOPS_OPTION: OptionSpec = {
  name: "loops",
  argument: "RULE",
  choices: ["budget", "bounded", "refused"],
  help: "Loops: budget (default: a limit of instructions ends them), bounded (must be found to end), refused",
};

/** The option that says what assembly is. */
export const CLASSIC_OPTION: OptionSpec = { name: "classic", help: "Assembly in FILE is classic BPF" };

/** The command. */
export const verifyCommand: CommandSpec = {
  name: "bpf verify",
  usage: "FILE[:FUNCTION]...",
  summary: "Verify programs as the kernel would",
  details: [
    "Of an object file all programs are verified, or FUNCTION. For each that is",
    "refused, a line says which instruction, why, and what is known there.",
    "",
  ],
  options: [
    MODE_OPTION,
    LOOPS_OPTION,
    CLASSIC_OPTION,
  ],
  run: (operands, values, io) => {
    if (operands.length === 0) throw new UsageError("no program given: leat bpf verify FILE");
    return verifyFiles(operands, values, io);
  },
};

async function verifyFiles(operands: readonly string[], values: OptionValues, io: CliIo): Promise<number> {
  let worst: number = ExitCode.OK;
  for (const operand of operands) {
    worst = Math.max(worst, await reporting(io, values, () => verifyFile(operand, values, io)));
  }
  return worst;
}

async function verifyFile(operand: string, values: OptionValues, io: CliIo): Promise<number> {
  const source = await readSource(operand, io, { isClassic: values.classic === true });
  const programs = inFile(operand, () => programsOf(source));
  let worst: number = ExitCode.OK;
  for (const program of programs) {
    const refused = refusalOf(program, values);
    if (typeof refused === "string") await io.stdout.write(refused);
    else {
      worst = ExitCode.FAILURE;
      complain(io, values, operand, `${program.name}: ${refused.message} (${refused.code})`);
    }
  }
  return worst;
}

/** The line about a program that is accepted, or why it is not. */
function refusalOf(program: BpfProgram, values: OptionValues): string | BpfError {
  try {
    const { steps, isChecked } = verifyProgram(program, {
      mode: values.mode as VerifierMode | undefined,
      loops: values.loops as LoopRule | undefined,
    });
    const how = isChecked ? "accepted, checked while it runs" : "accepted";
    const size = `${plural(program.code.length / 8, "slot")}, ${plural(steps, "step")}`;
    return `${printable(program.name)}: ${how} (${size})\n`;
  } catch (error) {
    if (error instanceof BpfError) return error;
    throw error;
  }
}
