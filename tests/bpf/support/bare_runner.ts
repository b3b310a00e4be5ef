/**
 * Runs programs as they stand, nothing proven and nothing asked of the verifier: for what it would refuse and for blocks
 * of memory.
 *
 * @module
 */
import { compileProgram } from "../../../src/bpf/backends.ts";
import { buildControlFlow } from "../../../src/bpf/control_flow.ts";
import { encodingOf } from "../../../src/bpf/encoding.ts";
import { decodeInstructions } from "../../../src/bpf/isa.ts";
import { BpfMemory } from "../../../src/bpf/memory.ts";
import type { BpfProgram } from "../../../src/bpf/program.ts";
import type { BpfBackend, BpfRunner } from "../../../src/bpf/runner.ts";
import { BpfRuntime, ProgramEnvironment } from "../../../src/bpf/runtime.ts";
import type { VerifiedProgram } from "../../../src/bpf/verifier/facts.ts";
import { inFormOf, type Way } from "./ways.ts";

/** A runner and the runtime that it is in. */
export interface BareRunner {
  /** Runs the program. */
  readonly runner: BpfRunner;
  /** Memory, context, stack. */
  readonly runtime: BpfRuntime;
  /** Address of 1024 bytes that nobody else uses. */
  readonly block: number;
}

/** Makes a runner of a program without maps. */
export function bareRunner(program: BpfProgram, way: BpfBackend | Way, budget = 1_000_000): BareRunner {
  const { backend, form } = typeof way === "string" ? { backend: way, form: "nested" as const } : way;
  const memory = new BpfMemory({ bytes: 60_000, wasm: backend === "wasm" });
  const runtime = new BpfRuntime(memory, {
    budget,
    now: () => 0,
    wallNow: () => 0,
    random: () => 0,
    onTrace: () => {},
    cookie: 0,
  });
  const block = memory.allocate(1024).address;
  const instructions = decodeInstructions(program.code);
  const verified: VerifiedProgram = {
    program,
    mode: "kernel-root",
    instructions,
    encodings: instructions.map(encodingOf),
    flow: buildControlFlow(instructions),
    functions: [],
    accesses: [],
    isChecked: false,
    needsZeroedStack: true,
    isPlain: false,
    steps: 0,
  };
  const environment = new ProgramEnvironment(runtime, program, false);
  const runner = inFormOf({ form }, () => compileProgram(backend, verified, environment));
  return { runner, runtime, block };
}
