/**
 * Runs one random program on every back end, in both forms of control flow, and tells whether they differ: in r0, in why
 * the run failed, in what became of the memory.
 */
import { Buffer } from "node:buffer";
import { compileInterpreter } from "../../../src/bpf/interpreter/interpreter.ts";
import { encodeInstructions, type Instruction } from "../../../src/bpf/isa.ts";
import { compileJs } from "../../../src/bpf/jit/compile_js.ts";
import { compileWasm } from "../../../src/bpf/jit/compile_wasm.ts";
import { orderFlow } from "../../../src/bpf/jit/flow_order.ts";
import { BpfMemory } from "../../../src/bpf/memory.ts";
import type { BpfEnvironment, BpfRunner } from "../../../src/bpf/runner.ts";
import { BpfRuntime, ProgramEnvironment, RUNTIME_BYTES } from "../../../src/bpf/runtime.ts";
import type { VerifiedProgram, VerifierMode } from "../../../src/bpf/verifier/facts.ts";
import { verifyProgram } from "../../../src/bpf/verifier/verify_program.ts";
import { SeededRandom } from "../../../src/sim/seeded_random.ts";
import { randomProgram, type RandomShape, randomShape } from "./random_program.ts";

/** A way to run a program. */
type Way = readonly [name: string, compile: (verified: VerifiedProgram, environment: BpfEnvironment) => BpfRunner];

/** All ways; the first is the reference. */
export const ways: readonly Way[] = [
  ["interpreter", compileInterpreter],
  ["js nested", (verified, environment) => compileJs(verified, environment)],
  ["js dispatch", (verified, environment) => compileJs(verified, environment, { form: "dispatch" })],
  ["wasm nested", (verified, environment) => compileWasm(verified, environment)],
  ["wasm dispatch", (verified, environment) => compileWasm(verified, environment, { form: "dispatch" })],
];

/** What happened on one way. */
interface Outcome {
  readonly result: bigint;
  readonly failure: string | undefined;
  /** Memory but for the stack, which back ends use as they like. */
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
  /** Why the reference failed, where it did. */
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
  return comparePrograms(`seed ${seed}`, instructions, packet, start, mode);
}

function inputOf(seed: number, shape: RandomShape | undefined, isUnsafe: boolean) {
  const random = new SeededRandom(seed);
  const instructions = randomProgram(random, shape ?? randomShape(random), isUnsafe);
  const packet = random.bytes(random.below(40));
  return { instructions, packet, start: packet.length > 4 ? random.below(4) : 0 };
}

/** Compares all ways on the program of a seed with just the budget that it needs, and with one instruction less. */
export function compareBudgets(seed: number): string | undefined {
  const { instructions, packet, start } = inputOf(seed, undefined, false);
  const verified = verifyProgram(
    { name: "random", code: encodeInstructions(instructions), maps: [], license: "" },
    { maxSteps: 1_000_000 },
  );
  let [least, most] = [1, BUDGET];
  while (least < most) {
    const middle = least + most >> 1;
    if (runOn(ways[0]!, verified, packet, start, middle).failure === "ELOOP") least = middle + 1;
    else most = middle;
  }
  for (const budget of [least - 1, least]) {
    const outcomes = ways.map((way) => runOn(way, verified, packet, start, budget));
    const wrong = outcomes.findIndex((one) => !isSame(one, outcomes[0]!));
    if (wrong >= 0) {
      return `seed ${seed}, ${budget} of ${least} instructions: ${ways[wrong]![0]} ${outcomes[wrong]!.failure}`;
    }
  }
  return undefined;
}

/** Compares all ways on a program. */
export function comparePrograms(
  name: string,
  instructions: readonly Instruction[],
  packet: Uint8Array,
  start: number,
  mode: VerifierMode = "strict",
): Comparison {
  const program = { name, code: encodeInstructions(instructions), maps: [], license: "" };
  const verified = verifyProgram(program, { mode, maxSteps: 1_000_000 });
  const outcomes = ways.map((way) => runOn(way, verified, packet, start));
  const [reference] = outcomes;
  const wrong = outcomes.findIndex((outcome) => !isSame(outcome, reference!));
  const show = (at: number) => `${ways[at]![0]}: ${outcomes[at]!.result} ${outcomes[at]!.failure}`;
  const { blocks } = verified.flow.functions[0]!;
  return {
    difference: wrong < 0 ? undefined : `${name}: ${show(0)}; ${show(wrong)}`,
    isIrreducible: orderFlow(blocks.map(({ target, next }) => [target, next].filter((to) => to >= 0))) === undefined,
    failure: reference!.failure,
    result: reference!.result,
  };
}

/** A memory with a runtime in it, for many programs one after the other: making one is dear. */
interface Place {
  readonly memory: BpfMemory;
  readonly runtime: BpfRuntime;
}

const places = new Map<string, Place>();

/** The place of a way, all zeros but for what is nobody's. */
function placeOf(way: string): Place {
  const known = places.get(way);
  // Each compilation to WebAssembly takes a window for good.
  const place = known !== undefined && known.memory.free >= GUARD ? known : newPlace();
  places.set(way, place);
  const { memory, runtime } = place;
  memory.bytes.fill(0);
  memory.bytes.fill(CANARY, runtime.highAddress + 8);
  runtime.failure = undefined;
  return place;
}

function newPlace(): Place {
  const memory = new BpfMemory({ bytes: RUNTIME_BYTES + GUARD, wasm: true });
  const options = { budget: BUDGET, now: () => 0, wallNow: () => 0, random: () => 4, onTrace: () => {}, cookie: 0 };
  return { memory, runtime: new BpfRuntime(memory, options) };
}

function runOn(
  [way, compile]: Way,
  verified: VerifiedProgram,
  packet: Uint8Array,
  start: number,
  budget = BUDGET,
): Outcome {
  const { memory, runtime } = placeOf(way);
  (runtime as { budget: number }).budget = budget;
  const environment = new ProgramEnvironment(runtime, verified.program, verified.isChecked);
  const window = memory.allocate(0).address;
  const runner = compile(verified, environment);
  // Of a program that runs over packets, 32 and 64 bits of the result are two pieces of code: each gets its turn.
  const isWide = packet.length % 2 === 0;
  const result = isWide ? runner.run64(packet, start, packet.length) : BigInt(runner.run(packet, start, packet.length));
  const kept = memory.bytes.slice();
  const { stack } = runtime;
  kept.fill(0, stack.address, stack.address + stack.size);
  kept.fill(0, runtime.highAddress, runtime.highAddress + 8);
  // Compiled code writes the context's length only where it is read from memory.
  kept.fill(0, runtime.context.address, runtime.context.address + 4);
  return { result, failure: runtime.failure?.code, memory: kept, window };
}

function isSame(a: Outcome, b: Outcome): boolean {
  // The interpreter stops where the budget is spent, compiled code where it next looks.
  if (a.failure === "ELOOP" || b.failure === "ELOOP") return a.failure === b.failure;
  if (a.result !== b.result || a.failure !== b.failure) return false;
  // Sandboxed programs may write into the window of one way, which is elsewhere or nowhere for another.
  for (const { memory } of [a, b]) for (const { window } of [a, b]) memory.fill(CANARY, window, window + 64);
  return Buffer.compare(a.memory, b.memory) === 0;
}
