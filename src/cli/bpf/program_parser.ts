/**
 * Programs as parsers: what `--parser FILE[:FUNCTION]` asks for.
 *
 * @module
 */
import { bpfParser } from "../../bpf/mod.ts";
import type { Parser } from "../../strparser/mod.ts";
import type { CliIo } from "../io.ts";
import type { OptionValues } from "../options.ts";
import { inFile, programOf, readSource } from "./program_source.ts";

/** Whether a name of `--parser` is a file's: those of parsers have no dots and no slashes. */
function isProgramFile(name: string): boolean {
  return /[./\\]/.test(name);
}

/**
 * The parser that `--parser` asks for, where it names a file; nothing, and at once, where it does not. Rejects with a
 * `FileProblem`.
 */
export function programOption(values: OptionValues, io: CliIo): Promise<Parser> | undefined {
  const name = values.parser;
  return typeof name === "string" && isProgramFile(name) ? programParser(name, io) : undefined;
}

async function programParser(name: string, io: CliIo): Promise<Parser> {
  const source = await readSource(name, io);
  return inFile(name, () => bpfParser(programOf(source)));
}
