/**
 * What the verifier is asked and what it finds out: the facts that back ends may rely on.
 *
 * @module
 */
import type { ControlFlow } from "../control_flow.ts";
import type { Encoding } from "../encoding_table.ts";
import type { Instruction } from "../isa.ts";
import type { BpfProgram } from "../program.ts";

/**
 * How strictly a program is judged:
 *
 * - `strict`: what the kernel accepts from a loader that has `CAP_BPF` alone: memory safe, nothing read that was not
 *   written, no address leaves the program,
 * - `kernel-root`: what the kernel accepts from root: stack that was not written may be read (as zeros), addresses may
 *   be compared and returned,
 * - `sandbox`: whatever has legal encodings and control flow; where that cannot be proved safe, back ends check every
 *   access while it runs: it must lie in the context, the frames or one value of the program's maps. What is wrong
 *   whenever it is made, at a constant offset outside of what the address is of, is refused all the same, save where
 *   comparing constants rules out that it is made.
 */
export type VerifierMode = "strict" | "sandbox" | "kernel-root";

/**
 * How loops are judged:
 *
 * - `budget`: any loop; the instruction budget of a run ends it,
 * - `bounded`: only loops that are found to end by going through them, as the kernel does it for root,
 * - `refused`: none, as the kernel in effect does it for a loader that has `CAP_BPF` alone.
 */
export type LoopRule = "budget" | "bounded" | "refused";

/** Options of `verifyProgram`. */
export interface VerifierOptions {
  /** How strictly to judge. @default {"strict"} */
  mode?: VerifierMode | undefined;
  /** How to judge loops. @default {"budget"} */
  loops?: LoopRule | undefined;
  /** Most slots of a program. @default {65536} */
  maxSlots?: number | undefined;
  /** Most instructions looked at, each time that one is counted. @default {200000} */
  maxSteps?: number | undefined;
  /** Most abstract states kept at a time. @default {20000} */
  maxStates?: number | undefined;
}

/** What an instruction accesses, on every path to it. */
export interface MemoryAccess {
  /** What: `mixed` where paths differ. */
  readonly region: "context" | "stack" | "value" | "mixed";
  /**
   * Byte offset where it is the same on every path: in the context, in the map's value, or (negative) from the top of
   * the frame.
   */
  readonly offset: number | undefined;
  /** Of `stack`: how many calls up the frame is, 0 being the function's own; -1 where paths differ. */
  readonly frame: number;
  /** Of `value`: index of the map; -1 where paths differ. */
  readonly map: number;
}

/** What is known of a function. */
export interface FunctionFacts {
  /** Bytes of its frame that are used, counted down from r10. */
  readonly stackBytes: number;
}

/** A program that was verified. */
export interface VerifiedProgram {
  /** The program. */
  readonly program: BpfProgram;
  /** How it was judged. */
  readonly mode: VerifierMode;
  /** Its instructions by slot. */
  readonly instructions: readonly Instruction[];
  /** Encodings of these; `undefined` for the second slot of `lddw`. */
  readonly encodings: readonly (Encoding | undefined)[];
  /** Functions, blocks and jumps. */
  readonly flow: ControlFlow;
  /** Facts of each function of `flow`. */
  readonly functions: readonly FunctionFacts[];
  /** Accesses to memory by slot, of loads, stores and atomics; empty where nothing was proved. */
  readonly accesses: readonly (MemoryAccess | undefined)[];
  /**
   * Whether nothing was proved, so that back ends must check every access and every pointer given to a helper against
   * the program's own memory, and start with registers and frames of zeros, those of all its functions. Only in sandbox
   * mode.
   */
  readonly isChecked: boolean;
  /** Whether bytes of a frame may be read that were not written, so that a frame must be zeros when it is entered. */
  readonly needsZeroedStack: boolean;
  /** Whether it is one function that calculates with numbers and packet bytes alone: no memory, no calls. */
  readonly isPlain: boolean;
  /** How many instructions were looked at. */
  readonly steps: number;
}
