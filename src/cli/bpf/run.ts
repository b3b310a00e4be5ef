/**
 * `leat bpf run`: what a program says of bytes.
 *
 * @module
 */
import {
  type BpfBackend,
  BpfMachine,
  type BpfMachineOptions,
  type LoopRule,
  type VerifierMode,
} from "../../bpf/mod.ts";
import { plural } from "../format/bytes.ts";
import { hexBytes } from "../format/hex_digits.ts";
import { type CliIo, ExitCode, UsageError } from "../io.ts";
import { type CommandSpec, numberOption, type OptionValues } from "../options.ts";
import { problemLine } from "../problem_log.ts";
import { plain } from "../format/color.ts";
import { FileProblem, inFile, programOf, readSource, readWhole, reporting } from "./program_source.ts";
import { SET_OPTION, variablesOf, withSet } from "./set_option.ts";
import { CLASSIC_OPTION, LOOPS_OPTION, MODE_OPTION } from "./verify.ts";

/** The command. */
export const runCommand: CommandSpec = {
  name: "bpf run",
  usage: "FILE[:FUNCTION] [HEX...]",
  summary: "Run a program over bytes",
  details: [
    "Each HEX is a run, and its result a line: the length of the message at the",
    "start, 0 where more is needed, negative for an error. Without HEX the bytes come",
    "from --input, or standard input. With --split they are cut into messages, one",
    "after the other, as a stream would be.",
    "",
  ],
  options: [
    { name: "input", short: "i", argument: "FILE", help: "Bytes from a file; - is standard input" },
    { name: "split", help: "Cut the bytes into messages, a line for each" },
    {
      name: "backend",
      argument: "NAME",
      choices: ["auto", "js", "wasm", "interpreter"],
      help: "What runs the program: auto (default), js, wasm or interpreter",
    },
    MODE_OPTION,
    LOOPS_OPTION,
    SET_OPTION,
    { name: "budget", argument: "N", help: "Instructions that one run may take (default 1000000)" },
    CLASSIC_OPTION,
  ],
  run: (operands, values, io) => {
    const [operand, ...hex] = operands;
    if (operand === undefined) throw new UsageError("no program given: leat bpf run FILE [HEX...]");
    if (hex.length > 0 && values.input !== undefined) throw new UsageError("bytes come from HEX or --input, not both");
    if (operand === "-" && hex.length === 0 && (values.input ?? "-") === "-") {
      throw new UsageError("standard input can be read only once: give HEX or --input FILE");
    }
    const given = hex.map(bytesOf);
    const options = machineOptions(values, io);
    return reporting(io, values, () => runFile(operand, given, options, values, io));
  },
};

function machineOptions(values: OptionValues, io: CliIo): BpfMachineOptions {
  return {
    backend: values.backend as BpfBackend | "auto" | undefined,
    mode: values.mode as VerifierMode | undefined,
    loops: values.loops as LoopRule | undefined,
    variables: variablesOf(values.set),
    budget: numberOption(values, "budget", 1, 1_000_000),
    onTrace: (line) => io.stderr.write(problemLine(undefined, `the program says: ${line}`, plain)),
  };
}

function bytesOf(text: string): Uint8Array {
  const bytes = hexBytes(text);
  if (bytes !== undefined) return bytes;
  throw new UsageError(`${JSON.stringify(text.slice(0, 40))} is no bytes in hexadecimal`);
}

async function runFile(
  operand: string,
  given: readonly Uint8Array[],
  options: BpfMachineOptions,
  values: OptionValues,
  io: CliIo,
): Promise<number> {
  const source = await readSource(operand, io, { isClassic: values.classic === true });
  const machine = inFile(operand, () => {
    const program = programOf(source);
    return withSet(operand, options.variables, () => new BpfMachine(program, options));
  });
  const inputs = given.length > 0
    ? given
    : [await readWhole(typeof values.input === "string" ? values.input : "-", io)];
  let worst: number = ExitCode.OK;
  for (const bytes of inputs) {
    const code = values.split === true
      ? await split(machine, bytes, operand, io)
      : await runOnce(machine, bytes, operand, io);
    worst = Math.max(worst, code);
  }
  return worst;
}

async function runOnce(machine: BpfMachine, bytes: Uint8Array, operand: string, io: CliIo): Promise<number> {
  const result = machine.run(bytes);
  refuseFailure(machine, operand);
  await io.stdout.write(`${result}  ${meaning(result, bytes.length)}\n`);
  return ExitCode.OK;
}

async function split(machine: BpfMachine, bytes: Uint8Array, operand: string, io: CliIo): Promise<number> {
  let start = 0;
  while (start < bytes.length) {
    const result = machine.run(bytes, start);
    refuseFailure(machine, operand);
    await io.stdout.write(`${start}  ${result}  ${meaning(result, bytes.length - start)}\n`);
    if (result <= 0 || result > bytes.length - start) return ExitCode.FAILURE;
    start += result;
  }
  return ExitCode.OK;
}

function refuseFailure(machine: BpfMachine, operand: string): void {
  const failure = machine.takeFailure();
  if (failure !== undefined) throw new FileProblem(operand, `${failure.message} (${failure.code})`);
}

function meaning(result: number, length: number): string {
  if (result < 0) return "error";
  if (result === 0) return "more bytes are needed";
  const missing = result - length;
  return `message of ${plural(result, "byte")}${missing > 0 ? `, ${missing} of them to come` : ""}`;
}
