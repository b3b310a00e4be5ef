/**
 * The program as a function: arguments and the outside world in, exit code out.
 *
 * @module
 */
import { asmCommand } from "./bpf/asm.ts";
import { compileCommand } from "./bpf/compile.ts";
import { disasmCommand } from "./bpf/disasm.ts";
import { infoCommand } from "./bpf/info.ts";
import { runCommand } from "./bpf/run.ts";
import { verifyCommand } from "./bpf/verify.ts";
import { demoCommand } from "./demo.ts";
import { paintFor } from "./format/color.ts";
import { commandHelp, programHelp } from "./help.ts";
import { type CliIo, ExitCode, outputProblem, UsageError } from "./io.ts";
import { type CommandSpec, COMMON_OPTIONS, type OptionValues, parseOptions, suggest } from "./options.ts";
import { problemLine } from "./problem_log.ts";
import { muxCommand } from "./mux.ts";
import { rxCallCommand } from "./rx/call.ts";
import { rxDebugCommand } from "./rx/debug.ts";
import { rxPerfCommand } from "./rx/perf.ts";
import { rxServeCommand } from "./rx/serve.ts";
import { traceCommand } from "./trace.ts";
import { tunCommand } from "./tun.ts";
import { VERSION } from "./version.ts";

/** All commands. */
export const COMMANDS: readonly CommandSpec[] = [
  traceCommand,
  muxCommand,
  tunCommand,
  demoCommand,
  rxCallCommand,
  rxServeCommand,
  rxDebugCommand,
  rxPerfCommand,
  asmCommand,
  disasmCommand,
  verifyCommand,
  runCommand,
  compileCommand,
  infoCommand,
];

/** First words of commands that have two. */
const GROUPS: readonly string[] = [
  ...new Set(COMMANDS.filter(({ name }) => name.includes(" ")).map(({ name }) => name.split(" ")[0]!)),
];

/** The command that these arguments name, and the arguments behind its name. */
function findCommand(args: readonly string[]): { command: CommandSpec | undefined; rest: readonly string[] } {
  const words = GROUPS.includes(args[0] ?? "") ? 2 : 1;
  const name = args.slice(0, words).join(" ");
  return { command: COMMANDS.find((command) => command.name === name), rest: args.slice(words) };
}

/** Runs `leat` with these arguments; returns the exit code. Whatever goes wrong is a line on standard error. */
export async function run(args: readonly string[], io: CliIo): Promise<number> {
  try {
    return await dispatch(args, io);
  } catch (error) {
    const paint = paintFor("auto", io.stderr.isTerminal, io.environment);
    if (error instanceof UsageError) {
      const name = findCommand(args).command?.name ?? GROUPS.find((group) => group === args[0]);
      const hint = name === undefined ? "leat --help" : `leat ${name} --help`;
      io.stderr.write(problemLine(undefined, `${error.message} (see ${hint})`, paint));
      return ExitCode.USAGE;
    }
    // a defect of this program, which is best reported with its trace
    io.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n`);
    return ExitCode.FAILURE;
  }
}

async function dispatch(args: readonly string[], io: CliIo): Promise<number> {
  const { command, rest } = findCommand(args);
  if (command === undefined) {
    const group = GROUPS.find((group) => group === args[0]);
    return await (group === undefined ? runWithoutCommand(args, io) : runGroup(group, args.slice(1), io));
  }
  const specs = [...command.options, ...COMMON_OPTIONS];
  if (asksForHelp(rest)) return await print(commandHelp(command, helpPaint({}, io)), io);
  const { operands, values } = parseOptions(rest, specs);
  // as -qh, joined to another switch
  if (values.help === true) return await print(commandHelp(command, helpPaint(values, io)), io);
  if (values.version === true) return await print(`leat ${VERSION}\n`, io);
  return await command.run(operands, values, io);
}

/** Whoever asks for help gets it, whatever else is wrong on the line. */
function asksForHelp(args: readonly string[]): boolean {
  const end = args.indexOf("--");
  return (end < 0 ? args : args.slice(0, end)).some((arg) => arg === "--help" || arg === "-h");
}

/** The first word of a command without a second that is known. */
async function runGroup(group: string, args: readonly string[], io: CliIo): Promise<number> {
  const commands = COMMANDS.filter(({ name }) => name.startsWith(`${group} `));
  const [word] = args;
  if (word === "help" || asksForHelp(args)) return await print(programHelp(commands, helpPaint({}, io)), io);
  if (word === undefined) {
    io.stderr.write(programHelp(commands, helpPaint({}, io)));
    return ExitCode.USAGE;
  }
  if (word.startsWith("-")) throw new UsageError(`a command is missing behind ${group}`);
  const hint = suggest(word, commands.map(({ name }) => name.slice(group.length + 1)), `leat ${group} `);
  throw new UsageError(`unknown command ${JSON.stringify(`${group} ${word}`)}${hint}`);
}

async function runWithoutCommand(args: readonly string[], io: CliIo): Promise<number> {
  const [first] = args;
  if (first === undefined) {
    io.stderr.write(programHelp(COMMANDS, helpPaint({}, io)));
    return ExitCode.USAGE;
  }
  if (first === "help") return await print(programHelp(COMMANDS, helpPaint({}, io)), io);
  if (first.startsWith("-") && first !== "-") {
    const { values } = parseOptions(args, COMMON_OPTIONS);
    if (values.help === true) return await print(programHelp(COMMANDS, helpPaint(values, io)), io);
    if (values.version === true) return await print(`leat ${VERSION}\n`, io);
    throw new UsageError("a command is missing");
  }
  const hint = suggest(first, COMMANDS.map(({ name }) => name));
  const isFile = hint === "" && /[./-]/.test(first) ? `; did you mean leat trace ${first}?` : hint;
  throw new UsageError(`unknown command ${JSON.stringify(first)}${isFile}`);
}

async function print(text: string, io: CliIo): Promise<number> {
  await io.stdout.write(text);
  await io.stdout.flush();
  const problem = outputProblem(io);
  if (problem === undefined) return ExitCode.OK;
  io.stderr.write(problemLine(undefined, problem, paintFor("auto", io.stderr.isTerminal, io.environment)));
  return ExitCode.FAILURE;
}

function helpPaint(values: OptionValues, io: CliIo): ReturnType<typeof paintFor> {
  const mode = values.color === "always" || values.color === "never" ? values.color : "auto";
  return paintFor(mode, io.stdout.isTerminal, io.environment);
}
