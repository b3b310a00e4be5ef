/**
 * Programs from files, in whichever form they are: object files, assembly, slots raw or in hexadecimal, classic
 * programs.
 *
 * @module
 */
import { basename } from "node:path";
import {
  assemble,
  BpfError,
  type BpfErrorCode,
  type BpfObject,
  type BpfProgram,
  type ClassicInstruction,
  classicToEbpf,
  loadObject,
  parseClassic,
} from "../../bpf/mod.ts";
import { COMPILE_HINT, looksLikeC } from "../../bpf/elf/elf_file.ts";
import { concat } from "../../bytes/mod.ts";
import { paintFor } from "../format/color.ts";
import { hexBytes } from "../format/hex_digits.ts";
import { type CliIo, ExitCode, outputProblem, systemMessage } from "../io.ts";
import type { OptionValues } from "../options.ts";
import { problemLine } from "../problem_log.ts";

/** Larger files are no programs, nor keys. */
const MAX_PROGRAM_BYTES = 16 * 1024 * 1024;

/** What a file holds. */
export type ProgramSource =
  | { readonly kind: "object"; readonly object: BpfObject; readonly functionName: string | undefined }
  | { readonly kind: "program"; readonly form: "assembly" | "hex" | "raw"; readonly program: BpfProgram }
  | { readonly kind: "classic"; readonly name: string; readonly classic: readonly ClassicInstruction[] };

/** Something is wrong with a file: a line on standard error, and the end. */
export class FileProblem extends Error {
  /** Name of the class. */
  override readonly name: string = "FileProblem";
  /** The file. */
  readonly file: string | undefined;

  /** Tells what is wrong with a file. */
  constructor(file: string | undefined, what: string, cause?: unknown) {
    super(what, { cause });
    this.file = file;
  }
}

/** Runs the work of a command; when it is done, all of its output has left, or a line says why not. */
export function reporting(io: CliIo, values: OptionValues, work: () => Promise<number>): Promise<number> {
  return guarded(io, values, async () => {
    const code = await work();
    await io.stdout.flush();
    const problem = outputProblem(io);
    if (problem === undefined) return code;
    throw new FileProblem(undefined, problem);
  });
}

/** Runs some work; what is wrong with files and programs is a line on standard error, and exit code 1. */
export async function guarded(io: CliIo, values: OptionValues, work: () => Promise<number>): Promise<number> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof FileProblem)) throw error;
    complain(io, values, error.file, error.message);
    return ExitCode.FAILURE;
  }
}

/** Writes one line about what is wrong. */
export function complain(io: CliIo, values: OptionValues, file: string | undefined, what: string): void {
  const mode = values.color === "always" || values.color === "never" ? values.color : "auto";
  io.stderr.write(problemLine(file, what, paintFor(mode, io.stderr.isTerminal, io.environment)));
}

/** Reads a whole file of at most `max` bytes; `-` is standard input. */
export async function readWhole(file: string, io: CliIo, max: number = MAX_PROGRAM_BYTES): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  try {
    const input = await (file === "-" ? io.openStdin() : io.openFile(file));
    try {
      for (let chunk = await input.read(); chunk !== undefined; chunk = await input.read()) {
        length += chunk.length;
        if (length > max) throw new FileProblem(file, `longer than ${max} bytes`);
        chunks.push(chunk.slice());
      }
    } finally {
      await input.close();
    }
  } catch (error) {
    throw error instanceof FileProblem ? error : new FileProblem(file, systemMessage(error));
  }
  return concat(chunks);
}

/** How a file is to be read where it could be read either way. */
export interface ReadSourceOptions {
  /** Whether assembly is of classic BPF. */
  readonly isClassic?: boolean | undefined;
}

/** Reads a program: `FILE`, or `FILE:FUNCTION` of an object. */
export async function readSource(
  operand: string,
  io: CliIo,
  options: ReadSourceOptions = {},
): Promise<ProgramSource> {
  const { file, functionName, bytes } = await readOperand(operand, io);
  return inFile(file, () => {
    const source = sourceOf(bytes, nameOf(file), functionName, options.isClassic === true);
    if (functionName !== undefined && source.kind !== "object") {
      throw new BpfError("only object files have functions to choose from");
    }
    return source;
  });
}

/** Runs this; what is wrong with a program becomes what is wrong with its file. */
export function inFile<T>(file: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw error instanceof BpfError ? new FileProblem(file, error.message, error) : error;
  }
}

/** All programs of a source; of an object the one that was chosen, else all. */
export function programsOf(source: ProgramSource): BpfProgram[] {
  if (source.kind !== "object" || source.functionName !== undefined) return [programOf(source)];
  return source.object.programs.map(({ name }) => source.object.program(name));
}

/** The program of a source; of an object the one that was chosen, or that stands to reason. */
export function programOf(source: ProgramSource): BpfProgram {
  switch (source.kind) {
    case "object":
      return source.object.program(source.functionName);
    case "program":
      return source.program;
    case "classic":
      return classicToEbpf(source.classic, { name: source.name });
  }
}

/** A colon may be part of a file's name: such a file goes before a function. */
async function readOperand(
  operand: string,
  io: CliIo,
): Promise<{ file: string; functionName: string | undefined; bytes: Uint8Array }> {
  const colon = operand.lastIndexOf(":");
  const file = operand.slice(0, colon);
  const isPlain = colon <= 0 || colon === operand.length - 1;
  try {
    return { file: operand, functionName: undefined, bytes: await readWhole(operand, io) };
  } catch (error) {
    if (isPlain) throw error;
    return { file, functionName: operand.slice(colon + 1), bytes: await readWhole(file, io) };
  }
}

function nameOf(file: string): string {
  if (file === "-") return "main";
  const name = basename(file).replace(/\.[^.]*$/, "").replace(/[^\w.$]/g, "_");
  return /^[A-Za-z_.$]/.test(name) ? name : "main";
}

const ELF_MAGIC = [0x7f, 0x45, 0x4c, 0x46];

function sourceOf(
  bytes: Uint8Array,
  name: string,
  functionName: string | undefined,
  isClassic: boolean,
): ProgramSource {
  if (ELF_MAGIC.every((byte, index) => bytes[index] === byte)) {
    return { kind: "object", object: loadObject(bytes), functionName };
  }
  const text = textOf(bytes);
  if (text === undefined) return rawSource(bytes, name);
  if (looksLikeC(bytes)) throw new BpfError(COMPILE_HINT);
  if (isClassic || looksClassic(text)) return { kind: "classic", name, classic: parseClassic(text) };
  const slots = hexBytes(text);
  if (slots !== undefined && slots.length > 0 && slots.length % 8 === 0) {
    return { kind: "program", form: "hex", program: bare(slots, name) };
  }
  const program = assembled(text, name);
  if (program.code.length === 0) throw new BpfError("the file has no instructions");
  return { kind: "program", form: "assembly", program };
}

function assembled(text: string, name: string): BpfProgram {
  try {
    return assemble(text, { name });
  } catch (error) {
    if (!(error instanceof BpfError)) throw error;
    const hint = hintFor(text);
    if (hint === undefined) throw error;
    const { code, line, column } = error;
    throw new BpfError(`${error.message}; ${hint}`, { code: code as BpfErrorCode, line, column, cause: error });
  }
}

/** What a text that is no assembly may be instead. */
function hintFor(text: string): string | undefined {
  if (/^ *\d+: /m.test(text)) {
    return "a listing has neither maps nor more than one program: leat bpf disasm --asm writes what can be assembled";
  }
  try {
    parseClassic(text);
    return "as classic BPF it is right: say --classic, or assemble it with leat bpf asm --classic";
  } catch {
    return undefined;
  }
}

function rawSource(bytes: Uint8Array, name: string): ProgramSource {
  if (bytes.length === 0 || bytes.length % 8 !== 0) {
    throw new BpfError(`neither an object file nor text, and ${bytes.length} bytes are no whole number of slots`);
  }
  return { kind: "program", form: "raw", program: bare(bytes, name) };
}

function bare(code: Uint8Array, name: string): BpfProgram {
  return { name, code, maps: [], license: "" };
}

/** Text, or `undefined` where these bytes are none. */
function textOf(bytes: Uint8Array): string | undefined {
  if (bytes.includes(0)) return undefined;
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

/** The forms of `tcpdump`, which nothing else looks like. */
function looksClassic(text: string): boolean {
  return /^\s*(?:\{|\(000\)|\d{1,4}\s*[\n,]\s*\d+\s+\d+\s+\d+\s+\d+)/.test(text);
}
