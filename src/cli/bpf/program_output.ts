/**
 * Writes what a command has made: to standard output, or to a file.
 *
 * @module
 */
import { type CliIo, systemMessage, UsageError } from "../io.ts";
import type { OptionSpec, OptionValues } from "../options.ts";
import { FileProblem } from "./program_source.ts";

/** The option that names the file. */
export const OUTPUT_OPTION: OptionSpec = {
  name: "output",
  short: "o",
  argument: "FILE",
  help: "Write to this file instead of standard output",
};

/**
 * Writes text or bytes, made of the program that `operand` names, to where `--output` says. Bytes are not written to a
 * terminal, and nothing over what was read.
 */
export async function writeOutput(
  data: string | Uint8Array,
  operand: string,
  values: OptionValues,
  io: CliIo,
): Promise<void> {
  const path = values.output;
  if (typeof path !== "string" || path === "-") {
    if (typeof data !== "string" && io.stdout.isTerminal) {
      throw new UsageError("these are bytes, not for a terminal; give --output FILE");
    }
    await io.stdout.write(data);
    return;
  }
  for (const file of [operand, operand.slice(0, Math.max(0, operand.lastIndexOf(":")))]) {
    if (await io.isSameFile(file, path)) throw new UsageError(`--output would overwrite ${file}, which is read`);
  }
  try {
    const file = await io.createFile(path);
    try {
      await file.write(typeof data === "string" ? new TextEncoder().encode(data) : data);
    } finally {
      await file.close();
    }
  } catch (error) {
    throw new FileProblem(path, systemMessage(error));
  }
}

/** The one operand of a command that takes one. */
export function onlyOperand(operands: readonly string[], command: string): string {
  const [first, ...more] = operands;
  if (first === undefined) throw new UsageError(`no program given: leat ${command} FILE`);
  if (more.length > 0) throw new UsageError(`one program at a time, got ${operands.length}`);
  return first;
}
