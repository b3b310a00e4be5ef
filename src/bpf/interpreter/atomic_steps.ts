/**
 * Steps of atomic operations. There is one thread, so they are plain ones: read, operate, write.
 *
 * @module
 */
import {
  BPF_ADD,
  BPF_AND,
  BPF_ATOMIC,
  BPF_CMPXCHG,
  BPF_DW,
  BPF_FETCH,
  BPF_LOAD_ACQ,
  BPF_OR,
  BPF_STORE_REL,
  BPF_XCHG,
  BPF_XOR,
} from "../isa.ts";
import { loadSteps, storeSteps } from "./memory_steps.ts";
import type { MakeStep } from "./state.ts";

/** The new value, as a pair: the low half returned, the high one in `high`. */
type Operation = (oldLow: number, oldHigh: number, low: number, high: number) => void;

const made = { low: 0, high: 0 };

const operations: Readonly<Record<number, Operation>> = {
  [BPF_ADD]: (oldLow, oldHigh, low, high) => {
    made.low = (oldLow + low) | 0;
    made.high = (oldHigh + high + (made.low >>> 0 < oldLow >>> 0 ? 1 : 0)) | 0;
  },
  [BPF_OR]: (oldLow, oldHigh, low, high) => {
    made.low = oldLow | low;
    made.high = oldHigh | high;
  },
  [BPF_AND]: (oldLow, oldHigh, low, high) => {
    made.low = oldLow & low;
    made.high = oldHigh & high;
  },
  [BPF_XOR]: (oldLow, oldHigh, low, high) => {
    made.low = oldLow ^ low;
    made.high = oldHigh ^ high;
  },
  [BPF_XCHG & ~BPF_FETCH]: (_oldLow, _oldHigh, low, high) => {
    made.low = low;
    made.high = high;
  },
};

/** Read, operate, write; with the bit for it the source receives the old value. */
const modify: MakeStep = ({ registers: r, environment: { memory: { view } } }, d, s, next, { opcode, offset, imm }) => {
  const isWide = (opcode & BPF_DW) === BPF_DW;
  const isFetching = (imm & BPF_FETCH) !== 0;
  const operate = operations[imm & ~BPF_FETCH];
  if (operate === undefined) throw new RangeError(`0x${imm.toString(16)} is no atomic operation`);
  return () => {
    const at = r[d]! + offset;
    const low = view.getInt32(at, true);
    const high = isWide ? view.getInt32(at + 4, true) : 0;
    operate(low, high, r[s]!, r[s + 1]!);
    view.setInt32(at, made.low, true);
    if (isWide) view.setInt32(at + 4, made.high, true);
    if (isFetching) {
      r[s] = low;
      r[s + 1] = high;
    }
    return next;
  };
};

/** Compares with r0 and stores the source where they are equal; r0 receives the old value in any case. */
const compareExchange: MakeStep = (state, d, s, next, { opcode, offset }) => {
  const { registers: r, environment: { memory: { view } } } = state;
  const isWide = (opcode & BPF_DW) === BPF_DW;
  return () => {
    const at = r[d]! + offset;
    const low = view.getInt32(at, true);
    const high = isWide ? view.getInt32(at + 4, true) : 0;
    if (low === r[0] && (!isWide || high === r[1])) {
      view.setInt32(at, r[s]!, true);
      if (isWide) view.setInt32(at + 4, r[s + 1]!, true);
    }
    r[0] = low;
    r[1] = high;
    return next;
  };
};

/** Makes the step of an atomic operation of any kind. */
export const atomicStep: MakeStep = (state, d, s, next, instruction) => {
  const { opcode, imm } = instruction;
  const size = opcode >> 3 & 3;
  if ((opcode & 0xe0) !== BPF_ATOMIC) throw new RangeError(`0x${opcode.toString(16)} is no atomic operation`);
  if (imm === BPF_LOAD_ACQ) return loadSteps[size]!(state, d, s, next, instruction);
  if (imm === BPF_STORE_REL) return storeSteps[size]!(state, d, s, next, instruction);
  if (imm === BPF_CMPXCHG) return compareExchange(state, d, s, next, instruction);
  return modify(state, d, s, next, instruction);
};
