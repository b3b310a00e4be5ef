/**
 * Steps of jumps on a condition.
 *
 * @module
 */
import { isBelow, isLess } from "../pair.ts";
import type { State, Step } from "./state.ts";

/** Makes the step of a jump: to `taken` where the condition holds, else to `next`. */
export type MakeJump = (state: State, dst: number, src: number, next: number, taken: number) => Step;

type Compare64 = (aLow: number, aHigh: number, bLow: number, bHigh: number) => boolean;

/** Order by a comparison, its operands in this order or the other one, its outcome as it is or reversed. */
function ordered(isBefore: Compare64, swapped: boolean, reversed: boolean): MakeJump {
  return ({ registers: r }, dst, src, next, taken) => {
    const a = swapped ? src : dst;
    const b = swapped ? dst : src;
    const yes = reversed ? next : taken;
    const no = reversed ? taken : next;
    // Written out for either comparison, so that each step's call can be inlined.
    if (isBefore === isBelow) return () => isBelow(r[a]!, r[a + 1]!, r[b]!, r[b + 1]!) ? yes : no;
    return () => isLess(r[a]!, r[a + 1]!, r[b]!, r[b + 1]!) ? yes : no;
  };
}

const jeq: MakeJump = ({ registers: r }, d, s, next, taken) => () =>
  r[d] === r[s] && r[d + 1] === r[s + 1] ? taken : next;
const jne: MakeJump = (state, d, s, next, taken) => jeq(state, d, s, taken, next);
const jset: MakeJump = ({ registers: r }, d, s, next, taken) => () =>
  ((r[d]! & r[s]!) | (r[d + 1]! & r[s + 1]!)) !== 0 ? taken : next;

/** By operation (high four bits of the opcode), 64 bits. */
export const jump64Steps: readonly (MakeJump | undefined)[] = [
  undefined,
  jeq,
  ordered(isBelow, true, false),
  ordered(isBelow, false, true),
  jset,
  jne,
  ordered(isLess, true, false),
  ordered(isLess, false, true),
  undefined,
  undefined,
  ordered(isBelow, false, false),
  ordered(isBelow, true, true),
  ordered(isLess, false, false),
  ordered(isLess, true, true),
];

/** By operation, 32 bits: the low halves. */
export const jump32Steps: readonly (MakeJump | undefined)[] = [
  undefined,
  ({ registers: r }, d, s, next, taken) => () => r[d] === r[s] ? taken : next,
  ({ registers: r }, d, s, next, taken) => () => r[d]! >>> 0 > r[s]! >>> 0 ? taken : next,
  ({ registers: r }, d, s, next, taken) => () => r[d]! >>> 0 >= r[s]! >>> 0 ? taken : next,
  ({ registers: r }, d, s, next, taken) => () => (r[d]! & r[s]!) !== 0 ? taken : next,
  ({ registers: r }, d, s, next, taken) => () => r[d] !== r[s] ? taken : next,
  ({ registers: r }, d, s, next, taken) => () => r[d]! > r[s]! ? taken : next,
  ({ registers: r }, d, s, next, taken) => () => r[d]! >= r[s]! ? taken : next,
  undefined,
  undefined,
  ({ registers: r }, d, s, next, taken) => () => r[d]! >>> 0 < r[s]! >>> 0 ? taken : next,
  ({ registers: r }, d, s, next, taken) => () => r[d]! >>> 0 <= r[s]! >>> 0 ? taken : next,
  ({ registers: r }, d, s, next, taken) => () => r[d]! < r[s]! ? taken : next,
  ({ registers: r }, d, s, next, taken) => () => r[d]! <= r[s]! ? taken : next,
];
