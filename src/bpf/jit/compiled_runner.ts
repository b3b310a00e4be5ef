/**
 * What compiled programs of both kinds have around them.
 *
 * @module
 */
import type { BpfBackend, BpfEnvironment, BpfRunner } from "../runner.ts";

/** r0, in halves. */
export interface Halves {
  /** Low half, int32. */
  readonly low: number;
  /** High half, int32. */
  readonly high: number;
}

/** The ways to run a compiled program. The rare ones are made when they are first used. */
export interface Runs {
  /** Runs over a packet. */
  run(bytes: Uint8Array, start: number, end: number): number;
  /** Makes what runs over a packet and gives all of r0. */
  wide(): (bytes: Uint8Array, start: number, end: number) => Halves;
  /** Makes what runs over a block of memory. */
  block(): (r1: number, r2: number) => Halves;
}

/** Makes the runner. */
export function makeRunner(backend: BpfBackend, environment: BpfEnvironment, runs: Runs): BpfRunner {
  let wide: ReturnType<Runs["wide"]> | undefined;
  let block: ReturnType<Runs["block"]> | undefined;
  return {
    backend,
    // The compiled function itself: a method around it would cost as much as a small program.
    run: runs.run,
    run64: (bytes, start, end) => whole((wide ??= runs.wide())(bytes, start, end)),
    runBlock: (r1, r2) => whole((block ??= runs.block())(r1, r2)),
    resume: () => {
      const { bytes, start, end } = environment.packet;
      return runs.run(bytes, start, end);
    },
  };
}

function whole({ low, high }: Halves): bigint {
  return BigInt(high >>> 0) << 32n | BigInt(low >>> 0);
}

/** A failure that compiled code threw. */
interface Thrown {
  readonly code?: unknown;
  readonly slot?: unknown;
}

/** Turns what a run threw into what it returns. */
export function failRun(environment: BpfEnvironment, thrown: unknown): number {
  const { code, slot } = (typeof thrown === "object" && thrown !== null ? thrown : {}) as Thrown;
  const at = typeof slot === "number" ? slot : 0;
  if (code === "ELOOP") return environment.fail("ELOOP", at, `the budget of ${environment.budget} instructions is spent`);
  const what = thrown instanceof Error ? thrown.message : "access outside of the program's memory";
  return environment.fail("EFAULT", at, what);
}
