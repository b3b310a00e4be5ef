/**
 * Steps of calls and returns.
 *
 * @module
 */
import { BpfError } from "../errors.ts";
import { BPF_PSEUDO_CALL } from "../isa.ts";
import { type MakeStep, type State, type Step, TAIL_CALL } from "./state.ts";

/** Helper that ends the program and begins another. */
const TAIL_CALL_HELPER = 12;

/** What the steps of calls need of the interpreter that runs them. */
export interface CallHost {
  /** Notes that the run has failed and returns {@linkcode DONE}. */
  fail(code: "ELOOP" | "EFAULT", slot: number, what: string): number;
}

function callFunction(state: State, host: CallHost, next: number, target: number): Step {
  return () => state.enterFunction(next) ? target : host.fail("EFAULT", next - 1, "too many frames are open");
}

/** Leaves the program for another one; where there is none, it is come back to the next slot. */
function tailCall(state: State, next: number): Step {
  return () => {
    state.returnSlot = next;
    return TAIL_CALL;
  };
}

/** Makes the step of a call: of a function of the program, of a helper, or the tail call. */
export function callStep(host: CallHost): MakeStep {
  return (state, _d, _s, next, { src, imm }) => {
    if (src === BPF_PSEUDO_CALL) return callFunction(state, host, next, next + imm);
    if (imm === TAIL_CALL_HELPER) return tailCall(state, next);
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
