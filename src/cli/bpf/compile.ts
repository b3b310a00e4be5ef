/**
 * `leat bpf compile`: a program to a module, for places where code may not be made at run time.
 *
 * @module
 */
import { compileToModule, type CompileToModuleOptions, type LoopRule, type VerifierMode } from "../../bpf/mod.ts";
import { type CliIo, ExitCode } from "../io.ts";
import { type CommandSpec, numberOption, type OptionValues } from "../options.ts";
import { onlyOperand, OUTPUT_OPTION, writeOutput } from "./program_output.ts";
import { inFile, programOf, readSource, reporting } from "./program_source.ts";
import { SET_OPTION, variablesOf, withSet } from "./set_option.ts";
import { CLASSIC_OPTION, LOOPS_OPTION, MODE_OPTION } from "./verify.ts";

/** The command. */
export const compileCommand: CommandSpec = {
  name: "bpf compile",
  usage: "FILE[:FUNCTION]|-",
  summary: "Compile a program ahead of time",
  details: [
    "Makes a module that needs nothing else, neither leat nor eval nor WebAssembly.",
    "It is JavaScript, which TypeScript takes too, and exports parser, which fits",
    "MessageStream and Multiplexor, and maps, the bytes of the values of each map.",
    "",
    "examples:",
    "  leat bpf compile framing.o -o parser.ts",
    "  leat bpf compile framing.o:rpc --name rpc > rpc.js",
    "",
  ],
  options: [
    { name: "name", argument: "NAME", help: "Name of the parser (default: the program's)" },
    { name: "budget", argument: "N", help: "Instructions that one run may take (default 1000000)" },
    SET_OPTION,
    MODE_OPTION,
    LOOPS_OPTION,
    CLASSIC_OPTION,
    OUTPUT_OPTION,
  ],
  run: (operands, values, io) => {
    const operand = onlyOperand(operands, "bpf compile");
    const budget = numberOption(values, "budget", 1, 1_000_000);
    const variables = variablesOf(values.set);
    return reporting(io, values, () => compileFile(operand, { budget, variables }, values, io));
  },
};

async function compileFile(
  operand: string,
  { budget, variables }: Pick<CompileToModuleOptions, "budget" | "variables">,
  values: OptionValues,
  io: CliIo,
): Promise<number> {
  const source = await readSource(operand, io, { isClassic: values.classic === true });
  const options: CompileToModuleOptions = {
    name: typeof values.name === "string" ? values.name : undefined,
    budget,
    variables,
    mode: values.mode as VerifierMode | undefined,
    loops: values.loops as LoopRule | undefined,
  };
  const text = inFile(operand, () => {
    const program = programOf(source);
    return withSet(operand, variables, () => compileToModule(program, options));
  });
  await writeOutput(text, operand, values, io);
  return ExitCode.OK;
}
