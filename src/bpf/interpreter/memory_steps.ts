/**
 * Steps of loads and stores. Addresses are the low half of the register plus the offset; that they are inside has been
 * proven, or a guard in front of the step sees to it.
 *
 * @module
 */
import type { MakeStep } from "./state.ts";

/** Sizes, by bits 3 and 4 of the opcode: word, half word, byte, double word. */
type BySize = readonly (MakeStep | undefined)[];

/** Loads: zero-extended. */
export const loadSteps: BySize = [
  ({ registers: r, environment: { memory: { view } } }, d, s, next, { offset }) => () => {
    r[d] = view.getInt32(r[s]! + offset, true);
    r[d + 1] = 0;
    return next;
  },
  ({ registers: r, environment: { memory: { view } } }, d, s, next, { offset }) => () => {
    r[d] = view.getUint16(r[s]! + offset, true);
    r[d + 1] = 0;
    return next;
  },
  ({ registers: r, environment: { memory: { bytes } } }, d, s, next, { offset }) => () => {
    r[d] = bytes[r[s]! + offset]!;
    r[d + 1] = 0;
    return next;
  },
  ({ registers: r, environment: { memory: { view } } }, d, s, next, { offset }) => () => {
    const at = r[s]! + offset;
    r[d] = view.getInt32(at, true);
    r[d + 1] = view.getInt32(at + 4, true);
    return next;
  },
];

/** Loads: sign-extended. */
export const signedLoadSteps: BySize = [
  ({ registers: r, environment: { memory: { view } } }, d, s, next, { offset }) => () => {
    const value = view.getInt32(r[s]! + offset, true);
    r[d] = value;
    r[d + 1] = value >> 31;
    return next;
  },
  ({ registers: r, environment: { memory: { view } } }, d, s, next, { offset }) => () => {
    const value = view.getInt16(r[s]! + offset, true);
    r[d] = value;
    r[d + 1] = value >> 31;
    return next;
  },
  ({ registers: r, environment: { memory: { view } } }, d, s, next, { offset }) => () => {
    const value = view.getInt8(r[s]! + offset);
    r[d] = value;
    r[d + 1] = value >> 31;
    return next;
  },
];

/** Stores of a register or a constant: `src` is its pair. */
export const storeSteps: BySize = [
  ({ registers: r, environment: { memory: { view } } }, d, s, next, { offset }) => () => {
    view.setInt32(r[d]! + offset, r[s]!, true);
    return next;
  },
  ({ registers: r, environment: { memory: { view } } }, d, s, next, { offset }) => () => {
    view.setInt16(r[d]! + offset, r[s]!, true);
    return next;
  },
  ({ registers: r, environment: { memory: { bytes } } }, d, s, next, { offset }) => () => {
    bytes[r[d]! + offset] = r[s]!;
    return next;
  },
  ({ registers: r, environment: { memory: { view } } }, d, s, next, { offset }) => () => {
    const at = r[d]! + offset;
    view.setInt32(at, r[s]!, true);
    view.setInt32(at + 4, r[s + 1]!, true);
    return next;
  },
];
