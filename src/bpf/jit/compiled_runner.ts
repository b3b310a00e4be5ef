/**
 * What compiled programs of both kinds have around them.
 *
 * @module
 */
import { refusalOfAccess } from "../helpers/access_fault.ts";
import { unsignedOf } from "../pair.ts";
import type { BpfBackend, BpfEnvironment, BpfRunner } from "../runner.ts";

/** The ways to run a compiled program; the low half of r0 each. The rare ones are made when they are first used. */
export interface Runs {
  /** Runs over a packet, which it tells the environment. */
  run(bytes: Uint8Array, start: number, end: number): number;
  /** Makes what runs over a packet that was told, with the budget that is left; the high half goes to `high`. */
  wide(): (bytes: Uint8Array, start: number, end: number) => number;
  /** Makes what runs over a block of memory; the high half goes to `high`. */
  block(): (r1: number, r2: number) => number;
}

const nothing = new Uint8Array(0);

/** Makes the runner. */
export function makeRunner(backend: BpfBackend, environment: BpfEnvironment, runs: Runs): BpfRunner {
  let wide: ReturnType<Runs["wide"]> | undefined;
  let block: ReturnType<Runs["block"]> | undefined;
  const { high } = environment;
  const resume = (): number => {
    const { bytes, start, end } = environment.packet;
    return (wide ??= runs.wide())(bytes, start, end);
  };
  return {
    backend,
    // The compiled function itself: a method around it would cost as much as a small program.
    run: runs.run,
    resume,
    run64(bytes, start, end) {
      environment.enter(bytes, start, end);
      return unsignedOf(resume(), high[0]!);
    },
    runBlock(r1, r2) {
      environment.enter(nothing, 0, 0);
      return unsignedOf((block ??= runs.block())(r1, r2), high[0]!);
    },
  };
}

/** A failure that compiled code threw. */
interface Thrown {
  readonly code?: unknown;
  readonly slot?: unknown;
  readonly isReadable?: unknown;
}

/** Turns what a run threw into what it returns; `where` is the slot, unless it tells one itself. */
export function failRun(environment: BpfEnvironment, thrown: unknown, where = 0): number {
  const { code, slot, isReadable } = (typeof thrown === "object" && thrown !== null ? thrown : {}) as Thrown;
  const at = typeof slot === "number" ? slot : where;
  if (code === "ELOOP") {
    return environment.fail("ELOOP", at, `the budget of ${environment.budget} instructions is spent`);
  }
  const what = thrown instanceof Error ? thrown.message : refusalOfAccess(isReadable === true);
  return environment.fail("EFAULT", at, what);
}
