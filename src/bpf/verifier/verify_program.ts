/**
 * Verifies programs: that they touch nothing but their own memory and read nothing that is not set.
 *
 * Three passes: encodings, control flow, and what registers and stack may hold on every way through the program. That a
 * program ends is left to the instruction budget of its runs, unless asked for.
 *
 * @module
 */
import { choiceOption, limitOption } from "../../core/limits.ts";
import { buildControlFlow, type ControlFlow } from "../control_flow.ts";
import { BpfError } from "../errors.ts";
import { checkOptions, checkProgram } from "../check_arguments.ts";
import { BPF_SLOT_BYTES, decodeInstructions, type Instruction } from "../isa.ts";
import type { BpfProgram } from "../program.ts";
import { calleesFirst, checkDepth, checkStack, checkTailCalls } from "./call_graph.ts";
import { refuseCertainFaults } from "./certain_faults.ts";
import { checkEncodings } from "./check_encodings.ts";
import { refusalAt } from "./describe.ts";
import { Effort } from "./effort.ts";
import type { LoopRule, VerifiedProgram, VerifierMode, VerifierOptions } from "./facts.ts";
import { JoinExplorer } from "./join_explorer.ts";
import { Judge, type ProgramText } from "./judge.ts";
import { PathExplorer } from "./path_explorer.ts";
import { provePlain } from "./plain_program.ts";

/** Options with their defaults. */
interface Rules {
  readonly mode: VerifierMode;
  readonly loops: LoopRule;
  readonly maxSteps: number;
  readonly maxStates: number;
}

/**
 * Verifies a program. A `BpfMachine` does this by itself; alone it tells what is wrong with a program, or what is known of
 * one that is right.
 *
 * @throws {BpfError} `EINVAL` where it is malformed, `ENOSYS` where it needs what is not supported, `EACCES` where it is
 * not safe (the message tells the instruction and what is known there), `E2BIG` where it is too large or too complex
 *
 * @example
 * ```ts
 * import { assemble, type BpfError, verifyProgram } from "@leat/streams/bpf";
 * import { assertEquals, assertThrows } from "@std/assert";
 *
 * const { functions } = verifyProgram(assemble("*(u64 *)(r10 - 8) = 1\nr0 = *(u64 *)(r10 - 8)\nexit"));
 * assertEquals(functions, [{ stackBytes: 8 }]);
 *
 * const error = assertThrows(() => verifyProgram(assemble("r0 = *(u64 *)(r10 - 8)\nexit"))) as BpfError;
 * assertEquals([error.code, error.instruction], ["EACCES", 0]);
 * ```
 */
export function verifyProgram(program: BpfProgram, options: VerifierOptions = {}): VerifiedProgram {
  checkProgram(program);
  checkOptions(options);
  const rules: Rules = {
    mode: choiceOption("mode", options.mode, "strict", ["strict", "sandbox", "kernel-root"]),
    loops: choiceOption("loops", options.loops, "budget", ["budget", "bounded", "refused"]),
    maxSteps: limitOption("maxSteps", options.maxSteps, 200_000),
    maxStates: limitOption("maxStates", options.maxStates, 20_000),
  };
  const text = readText(program, limitOption("maxSlots", options.maxSlots, 65_536));
  const { instructions, encodings, flow } = text;
  const plainSteps = rules.loops === "budget" ? provePlain(text, rules.maxSteps) : undefined;
  if (plainSteps !== undefined) {
    const facts = { functions: [{ stackBytes: 0 }], accesses: [], isChecked: false, needsZeroedStack: false };
    return { program, mode: rules.mode, instructions, encodings, flow, ...facts, isPlain: true, steps: plainSteps };
  }
  const order = calleesFirst(text);
  checkDepth(text, order);
  checkTailCalls(text);
  const effort = new Effort(rules.maxSteps, rules.maxStates);
  const judge = judgeProgram(text, rules, effort, order);
  return {
    program,
    mode: rules.mode,
    instructions,
    encodings,
    flow,
    functions: (judge?.stackBytes ?? flow.functions.map(() => 512)).map((stackBytes) => ({ stackBytes })),
    accesses: judge?.accesses ?? [],
    isChecked: judge === undefined,
    needsZeroedStack: judge?.readsUnwritten ?? true,
    isPlain: false,
    steps: effort.steps,
  };
}

function readText(program: BpfProgram, maxSlots: number): ProgramText {
  const { code } = program;
  if (code.length % BPF_SLOT_BYTES !== 0) {
    throw new BpfError(`${code.length} bytes of code are no whole number of instructions`);
  }
  if (code.length / BPF_SLOT_BYTES > maxSlots) {
    throw new BpfError(`the program has ${code.length / BPF_SLOT_BYTES} slots, maxSlots is ${maxSlots}`, {
      code: "E2BIG",
    });
  }
  const instructions = decodeInstructions(code);
  const encodings = checkEncodings(program, instructions);
  return { program, instructions, encodings, flow: flowOf(program, instructions) };
}

/** The control flow; what is wrong with it is told with the instruction. */
function flowOf(program: BpfProgram, instructions: readonly Instruction[]): ControlFlow {
  try {
    return buildControlFlow(instructions);
  } catch (error) {
    const slot = error instanceof BpfError ? error.instruction : undefined;
    if (slot === undefined || instructions.length === 0) throw error;
    throw refusalAt(program, slot, (error as BpfError).message, "EINVAL");
  }
}

/** Judges a program; `undefined` in sandbox mode where it is not safe as it stands. */
function judgeProgram(
  text: ProgramText,
  rules: Rules,
  effort: Effort,
  order: readonly number[],
): Judge | undefined {
  try {
    const judge = explore(text, rules, effort);
    checkStack(text, order, judge.stackBytes);
    return judge;
  } catch (error) {
    if (rules.mode !== "sandbox" || !isVerdict(error)) throw error;
    refuseCertainFaults(text);
    return undefined;
  }
}

function isVerdict(error: unknown): error is BpfError {
  return error instanceof BpfError && (error.code === "EACCES" || error.code === "E2BIG");
}

/** Joins first, which is cheap; where that finds a problem, which joining may have made, goes way by way. */
function explore(text: ProgramText, { mode, loops }: Rules, effort: Effort): Judge {
  const isRoot = mode !== "strict";
  if (loops !== "budget") return explorePaths(text, isRoot, effort, loops);
  const judge = new Judge(text, isRoot);
  try {
    new JoinExplorer(judge, effort).run();
    return judge;
  } catch (error) {
    if (!isVerdict(error) || error.code !== "EACCES") throw error;
    effort.release();
    try {
      return explorePaths(text, isRoot, effort, loops);
    } catch (second) {
      throw isVerdict(second) && second.code === "E2BIG" ? error : second;
    }
  }
}

function explorePaths(text: ProgramText, isRoot: boolean, effort: Effort, loops: LoopRule): Judge {
  const judge = new Judge(text, isRoot);
  new PathExplorer(judge, effort, loops).run();
  return judge;
}
