/**
 * Ways to run a program: every back end that there is, compiled code in both forms of control flow.
 *
 * @module
 */
import { usualForm } from "../../../src/bpf/jit/flow_scopes.ts";
import { BpfMachine, type BpfMachineOptions } from "../../../src/bpf/machine.ts";
import type { BpfProgram } from "../../../src/bpf/program.ts";
import type { BpfBackend } from "../../../src/bpf/runner.ts";
import { backends } from "./builds.ts";

/** A way to run a program. */
export interface Way {
  /** For the names of tests. */
  readonly name: string;
  /** The back end. */
  readonly backend: BpfBackend;
  /** The form of control flow, which the interpreter has none of. */
  readonly form: "nested" | "dispatch";
}

/** All of them. */
export const ways: readonly Way[] = backends.flatMap((backend): Way[] => {
  const nested: Way = { name: backend, backend, form: "nested" };
  return backend === "interpreter" ? [nested] : [nested, { name: `${backend} dispatch`, backend, form: "dispatch" }];
});

/** Calls something that compiles in the form of a way. */
export function inFormOf<T>({ form }: Pick<Way, "form">, compile: () => T): T {
  const before = usualForm.form;
  usualForm.form = form;
  try {
    return compile();
  } finally {
    usualForm.form = before;
  }
}

/** Makes a machine that runs a program in a way. */
export function machineOn(way: Way, program: BpfProgram, options: BpfMachineOptions = {}): BpfMachine {
  return inFormOf(way, () => new BpfMachine(program, { ...options, backend: way.backend }));
}
