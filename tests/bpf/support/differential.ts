/**
 * Runs one random program on every back end and tells whether they differ: in r0, in why the run failed, in what became
 * of the memory. Each compiler writes it in one of its two forms of control flow, all pairs of which come in turn, so that
 * the same time tries twice as many programs.
 */
import { Buffer } from "node:buffer";
import { buildControlFlow } from "../../../src/bpf/control_flow.ts";
import { BpfError } from "../../../src/bpf/errors.ts";
import { compileInterpreter } from "../../../src/bpf/interpreter/interpreter.ts";
import { encodeInstructions, type Instruction } from "../../../src/bpf/isa.ts";
import { compileJs } from "../../../src/bpf/jit/compile_js.ts";
import { compileWasm } from "../../../src/bpf/jit/compile_wasm.ts";
import { writePlain } from "../../../src/bpf/jit/js_plain.ts";
import { orderFlow } from "../../../src/bpf/jit/flow_order.ts";
import { BpfMemory } from "../../../src/bpf/memory.ts";
import type { BpfProgram } from "../../../src/bpf/program.ts";
import type { BpfEnvironment, BpfRunner } from "../../../src/bpf/runner.ts";
import { BpfRuntime, ProgramEnvironment, RUNTIME_BYTES } from "../../../src/bpf/runtime.ts";
import type { VerifiedProgram, VerifierMode } from "../../../src/bpf/verifier/facts.ts";
import { verifyProgram } from "../../../src/bpf/verifier/verify_program.ts";
import { SeededRandom } from "../../../src/sim/seeded_random.ts";
import { randomProgram, type RandomShape, randomShape } from "./random_program.ts";

/** A way to run a program. */
type Way = readonly [name: string, compile: (verified: VerifiedProgram, environment: BpfEnvironment) => BpfRunner];

const reference: Way = ["interpreter", compileInterpreter];
const js: readonly Way[] = [
  ["js nested", (verified, environment) => compileJs(verified, environment)],
  ["js dispatch", (verified, environment) => compileJs(verified, environment, { form: "dispatch" })],
];
const wasm: readonly Way[] = [
  ["wasm nested", (verified, environment) => compileWasm(verified, environment)],
  ["wasm dispatch", (verified, environment) => compileWasm(verified, environment, { form: "dispatch" })],
];

/** The ways that the program with this number goes. The first is the reference. */
const waysOf = (number: number): readonly Way[] => [reference, js[number % 2]!, wasm[(number >>> 1) % 2]!];

/** What happened on one way. */
interface Outcome {
  readonly result: bigint;
  readonly failure: string | undefined;
  /** Memory but for the stack, which back ends use as they like; until the next run on this way. */
  readonly memory: Uint8Array;
  /** Address of the packet window, likewise. */
  readonly window: number;
}

/** What came of a comparison. */
export interface Comparison {
  /** What differs; `undefined` where nothing does. */
  readonly difference: string | undefined;
  /** Whether the entry function has a loop with several entries. */
  readonly isIrreducible: boolean;
  /** Whether it was written as JavaScript by the writer for plain programs. */
  readonly isPlain: boolean;
  /** Why the reference failed, where it did; `EACCES` where the program was refused. */
  readonly failure: string | undefined;
  /** r0 of the reference. */
  readonly result: bigint;
}

/** Bytes of an own memory that are no program's: whoever writes there is caught. */
const GUARD = 4096;
const CANARY = 0xa5;
/** Instructions that a run may take. */
const BUDGET = 200_000;

/** Compares all ways on the program of a seed. */
export function compareSeed(seed: number, shape?: RandomShape, mode?: VerifierMode): Comparison {
  const { instructions, packet, start } = inputOf(seed, shape, mode === "sandbox");
  return comparePrograms(seed, instructions, packet, start, mode);
}

function inputOf(seed: number, shape: RandomShape | undefined, isUnsafe: boolean) {
  const random = new SeededRandom(seed);
  const instructions = randomProgram(random, { ...(shape ?? randomShape(random)), loadsAnywhere: true }, isUnsafe);
  const packet = random.bytes(random.below(40));
  return { instructions, packet, start: packet.length > 4 ? random.below(4) : 0 };
}

/** Compares all ways on the program of a seed with just the budget that it needs, and with one instruction less. */
export function compareBudgets(seed: number): string | undefined {
  const { instructions, packet, start } = inputOf(seed, undefined, false);
  const verified = verifyProgram(programOf("random", instructions), { maxSteps: 1_000_000 });
  const least = leastBudget(verified, packet, start);
  const ways = waysOf(seed);
  for (const budget of [least - 1, least]) {
    const outcomes = ways.map((way) => runOn(way, verified, packet, start, budget));
    const wrong = outcomes.findIndex((one) =>
      (one.failure === "ELOOP") !== budget < least || !isSame(one, outcomes[0]!)
    );
    if (wrong >= 0) {
      return `seed ${seed}, ${budget} of ${least} instructions: ${ways[wrong]![0]} ${outcomes[wrong]!.failure}`;
    }
  }
  return undefined;
}

/** A program with the types that packet loads want. */
function programOf(name: string, instructions: readonly Instruction[]): BpfProgram {
  const functions = buildControlFlow(instructions).functions.map(({ index, start, end }) => {
    return { name: `f${index}`, slot: start, slots: end - start, returnsNumber: true };
  });
  return { name, code: encodeInstructions(instructions), maps: [], license: "", functions };
}

/** The instructions that a program needs, found by trying: the interpreter takes its budget anew for each run. */
function leastBudget(verified: VerifiedProgram, packet: Uint8Array, start: number): number {
  let [least, most] = [1, BUDGET];
  const { runtime, runner } = prepare(reference, verified, BUDGET);
  while (least < most) {
    const middle = least + most >> 1;
    clear(runtime, middle);
    runner.run(packet, start, packet.length);
    if (runtime.failure?.code === "ELOOP") least = middle + 1;
    else most = middle;
  }
  return least;
}

/** Compares on a program the ways that its number chooses. */
export function comparePrograms(
  number: number,
  instructions: readonly Instruction[],
  packet: Uint8Array,
  start: number,
  mode: VerifierMode = "strict",
): Comparison {
  const ways = waysOf(number);
  const program = programOf(`random ${number}`, instructions);
  const verified = verifiedOrRefused(program, mode);
  if (verified === undefined) {
    return { difference: undefined, isIrreducible: false, isPlain: false, failure: "EACCES", result: 0n };
  }
  const outcomes = ways.map((way) => runOn(way, verified, packet, start));
  const [first] = outcomes;
  const wrong = outcomes.findIndex((outcome) => !isSame(outcome, first!));
  const show = (at: number) => `${ways[at]![0]}: ${outcomes[at]!.result} ${outcomes[at]!.failure}`;
  const { blocks } = verified.flow.functions[0]!;
  return {
    difference: wrong < 0 ? undefined : `program ${number}: ${show(0)}; ${show(wrong)}`,
    isIrreducible: orderFlow(blocks.map(({ target, next }) => [target, next].filter((to) => to >= 0))) === undefined,
    isPlain: verified.isPlain && writePlain(verified) !== undefined,
    failure: first!.failure,
    result: first!.result,
  };
}

/** A sandboxed program that is refused has an access that is wrong whenever it is made. */
function verifiedOrRefused(program: BpfProgram, mode: VerifierMode): VerifiedProgram | undefined {
  try {
    return verifyProgram(program, { mode, maxSteps: 1_000_000 });
  } catch (error) {
    if (mode === "sandbox" && error instanceof BpfError && error.code === "EACCES") return undefined;
    throw error;
  }
}

/** A runtime in a memory of its own, for many programs one after the other: making one is dear. */
const runtimes = new Map<string, BpfRuntime>();
/** What memories were after the last run of each way. */
const kept = new Map<string, Uint8Array>();

/** The runtime of a way. */
function runtimeOf(way: string): BpfRuntime {
  const known = runtimes.get(way);
  // Each compilation to WebAssembly takes a window for good.
  if (known !== undefined && known.memory.free >= GUARD) return known;
  const memory = new BpfMemory({ bytes: RUNTIME_BYTES + GUARD, wasm: true });
  const options = { budget: BUDGET, now: () => 0, wallNow: () => 0, random: () => 4, onTrace: () => {}, cookie: 0 };
  const runtime = new BpfRuntime(memory, options);
  runtimes.set(way, runtime);
  return runtime;
}

/** Makes the memory all zeros but for what is nobody's, and sets the budget of the next run. */
function clear(runtime: BpfRuntime, budget: number): void {
  runtime.memory.bytes.fill(0);
  runtime.memory.bytes.fill(CANARY, runtime.highAddress + 8);
  runtime.failure = undefined;
  (runtime as { budget: number }).budget = budget;
}

function prepare([way, compile]: Way, verified: VerifiedProgram, budget: number) {
  const runtime = runtimeOf(way);
  clear(runtime, budget);
  const window = runtime.memory.allocate(0).address;
  const { program, isChecked, flow } = verified;
  const runner = compile(verified, new ProgramEnvironment(runtime, program, isChecked, flow.functions.length));
  return { runtime, runner, window };
}

function runOn(way: Way, verified: VerifiedProgram, packet: Uint8Array, start: number, budget = BUDGET): Outcome {
  const { runtime, runner, window } = prepare(way, verified, budget);
  // 32 and 64 bits of the result are two pieces of code: each gets its turn. Programs mix the high half into the low one.
  const isWide = packet.length % 4 === 0;
  const result = isWide ? runner.run64(packet, start, packet.length) : BigInt(runner.run(packet, start, packet.length));
  const { stack, highAddress, context, failure, memory } = runtime;
  const copy = kept.get(way[0]) ?? new Uint8Array(memory.bytes.length);
  kept.set(way[0], copy);
  copy.set(memory.bytes);
  copy.fill(0, stack.address, stack.address + stack.size);
  copy.fill(0, highAddress, highAddress + 8);
  // Compiled code writes the context's length only where it is read from memory.
  copy.fill(0, context.address, context.address + 4);
  return { result, failure: failure?.code, memory: copy, window };
}

function isSame(a: Outcome, b: Outcome): boolean {
  // The interpreter stops where the budget is spent, compiled code where it next looks.
  if (a.failure === "ELOOP" || b.failure === "ELOOP") return a.failure === b.failure;
  if (a.result !== b.result || a.failure !== b.failure) return false;
  // The window of one way is elsewhere or nowhere for another.
  for (const { memory } of [a, b]) for (const { window } of [a, b]) memory.fill(CANARY, window, window + 64);
  return Buffer.compare(a.memory, b.memory) === 0;
}
