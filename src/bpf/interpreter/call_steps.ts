/**
 * Steps of calls and returns.
 *
 * @module
 */
import { BpfError } from "../errors.ts";
import { BPF_PSEUDO_CALL } from "../isa.ts";
import { ERRNO } from "../maps/errno.ts";
import { DONE, type MakeStep, type State, type Step } from "./state.ts";

/** Helper that ends the program and begins another. */
const TAIL_CALL = 12;

/** What the steps of calls need of the interpreter that runs them. */
export interface CallHost {
  /** Instructions that the run may still take. */
  left: number;
  /** Notes that the run has failed and returns {@linkcode DONE}. */
  fail(code: "ELOOP" | "EFAULT", slot: number, what: string): number;
}

function callFunction(state: State, host: CallHost, next: number, target: number): Step {
  return () => state.enterFunction(next) ? target : host.fail("EFAULT", next - 1, "too many frames are open");
}

function tailCall(state: State, host: CallHost, next: number): Step {
  const { registers: r, environment } = state;
  return () => {
    const runner = environment.tailCall(r[4]!, r[6]!);
    if (runner === undefined) {
      r[0] = -ERRNO.ENOENT;
      r[1] = -1;
      return next;
    }
    environment.remaining = host.left;
    // Another run of this very program may use the registers meanwhile: nothing of them is needed any more.
    const low = runner.resume();
    r[0] = low;
    r[1] = environment.high[0]!;
    return DONE;
  };
}

/** Makes the step of a call: of a function of the program, of a helper, or the tail call. */
export function callStep(host: CallHost): MakeStep {
  return (state, _d, _s, next, { src, imm }) => {
    if (src === BPF_PSEUDO_CALL) return callFunction(state, host, next, next + imm);
    if (imm === TAIL_CALL) return tailCall(state, host, next);
    const { registers: r, environment } = state;
    const helper = src === 0 ? environment.helper(imm) : undefined;
    if (helper === undefined) {
      throw new BpfError(`there is no helper ${imm}`, { code: "ENOSYS", instruction: next - 1 });
    }
    const { high } = environment;
    return () => {
      r[0] = helper(r[2]!, r[3]!, r[4]!, r[5]!, r[6]!, r[7]!, r[8]!, r[9]!, r[10]!, r[11]!);
      r[1] = high[0]!;
      return next;
    };
  };
}

/** Leaves the function. */
export const exitStep: MakeStep = (state) => () => state.leaveFunction();
