/**
 * The interpreter: runs where no code may be generated, and is what the other back ends are compared with.
 *
 * Each instruction is a function made once; running is calling one after the other. On Node 20 this takes about 7 ns an
 * instruction, and a function stays small: one `switch` for all of them would be too long for the optimiser.
 *
 * @module
 */
import type { ControlFlow } from "../control_flow.ts";
import type { Instruction } from "../isa.ts";
import { bytesOfFrames } from "../own_memory.ts";
import type { BpfEnvironment, BpfRunner } from "../runner.ts";
import { unsignedOf } from "../pair.ts";
import { failRun } from "../jit/compiled_runner.ts";
import type { CallHost } from "./call_steps.ts";
import { makeSteps } from "./make_steps.ts";
import { ERRNO } from "../maps/errno.ts";
import { rangeGuard } from "./range_guard.ts";
import { DONE, type State, type Step, TAIL_CALL } from "./state.ts";

/** A look at the state before each instruction: returns what is wrong with it, or `undefined`. */
export type Guard = (slot: number) => string | undefined;

/** What the interpreter needs to know of a verified program. */
export interface InterpreterInput {
  /** Its instructions by slot. */
  readonly instructions: readonly Instruction[];
  /** Its control flow. */
  readonly flow: ControlFlow;
  /** Whether nothing was proven, so that every access must be checked. */
  readonly isChecked: boolean;
  /** Whether frames may be read before they are written. */
  readonly needsZeroedStack: boolean;
}

/** Makes the guard of a program's state. */
export type MakeGuard = (state: State) => Guard;

/** Options of {@linkcode compileInterpreter}. */
export interface InterpreterOptions {
  /** Checks before each instruction. @default {accesses, where nothing was proven} */
  guard?: MakeGuard | undefined;
}

/** Makes a runner of a program. */
export function compileInterpreter(
  input: InterpreterInput,
  environment: BpfEnvironment,
  options: InterpreterOptions = {},
): BpfRunner {
  return new Interpreter(input, environment, options);
}

class Interpreter implements BpfRunner, CallHost {
  readonly backend = "interpreter";
  readonly #environment: BpfEnvironment;
  readonly #state: State;
  readonly #steps: readonly Step[];
  #left = 0;
  #failure = 0;

  constructor(input: InterpreterInput, environment: BpfEnvironment, options: InterpreterOptions) {
    const { instructions, flow, isChecked, needsZeroedStack } = input;
    this.#environment = environment;
    const { steps, state } = makeSteps(instructions, environment, this);
    this.#state = state;
    state.clearsAll = needsZeroedStack || isChecked;
    if (isChecked) state.frameBytes = bytesOfFrames(flow.functions.length);
    const guard = options.guard?.(state) ?? (isChecked ? rangeGuard(instructions, state) : undefined);
    this.#steps = guard === undefined ? steps : steps.map((step, slot) => this.#guarded(step, slot, guard));
  }

  run(bytes: Uint8Array, start: number, end: number): number {
    this.#environment.enter(bytes, start, end);
    return this.resume();
  }

  run64(bytes: Uint8Array, start: number, end: number): bigint {
    this.run(bytes, start, end);
    return unsignedOf(this.#state.registers[0]!, this.#state.registers[1]!);
  }

  runBlock(r1: number, r2: number): bigint {
    this.#environment.enter(new Uint8Array(0), 0, 0);
    this.#execute(r1, r2);
    return unsignedOf(this.#state.registers[0]!, this.#state.registers[1]!);
  }

  resume(): number {
    return this.#execute(this.#environment.context.address, 0);
  }

  fail(code: "ELOOP" | "EFAULT", slot: number, what: string): number {
    this.#failure = this.#environment.fail(code, slot, what);
    return DONE;
  }

  #execute(r1: number, r2: number): number {
    const state = this.#state;
    const environment = this.#environment;
    const { registers } = state;
    state.reset(r1, r2);
    this.#failure = 0;
    this.#left = environment.remaining;
    for (let slot = 0; slot >= 0;) slot = this.#tailCall(this.#walk(slot));
    if (this.#failure !== 0) {
      registers[0] = this.#failure;
      registers[1] = -1;
    }
    environment.high[0] = registers[1]!;
    return registers[0]!;
  }

  /** Goes from step to step until one leaves the program, and returns how. */
  #walk(from: number): number {
    const steps = this.#steps;
    let slot = from;
    let left = this.#left;
    try {
      while (slot >= 0) {
        if (--left < 0) {
          return this.fail("ELOOP", slot, `the budget of ${this.#environment.budget} instructions is spent`);
        }
        slot = steps[slot]!();
      }
    } catch (thrown) {
      this.#failure = failRun(this.#environment, thrown, slot);
      return DONE;
    }
    this.#left = left;
    return slot;
  }

  /** Makes the tail call that a program was left for; returns where to go on. */
  #tailCall(left: number): number {
    if (left !== TAIL_CALL) return DONE;
    const { registers, returnSlot } = this.#state;
    const environment = this.#environment;
    const runner = this.#target(registers[4]!, registers[6]!);
    if (this.#failure !== 0) return DONE;
    if (runner === undefined) {
      registers[0] = -ERRNO.ENOENT;
      registers[1] = -1;
      return returnSlot;
    }
    environment.remaining = this.#left;
    // Another run of this very program may use the registers meanwhile: nothing of them is needed any more.
    registers[0] = runner.resume();
    registers[1] = environment.high[0]!;
    return DONE;
  }

  #target(map: number, index: number): BpfRunner | undefined {
    try {
      return this.#environment.tailCall(map, index);
    } catch (thrown) {
      this.#failure = failRun(this.#environment, thrown, this.#state.returnSlot - 1);
      return undefined;
    }
  }

  #guarded(step: Step, slot: number, guard: Guard): Step {
    return () => {
      const problem = guard(slot);
      return problem === undefined ? step() : this.fail("EFAULT", slot, problem);
    };
  }
}
