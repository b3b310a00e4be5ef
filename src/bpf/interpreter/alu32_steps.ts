/**
 * Steps of 32-bit arithmetic: on the low halves, the high half of the result is 0.
 *
 * @module
 */
import type { MakeStep } from "./state.ts";

const add: MakeStep = ({ registers: r }, d, s, next) => () => {
  r[d] = r[d]! + r[s]!;
  r[d + 1] = 0;
  return next;
};

const sub: MakeStep = ({ registers: r }, d, s, next) => () => {
  r[d] = r[d]! - r[s]!;
  r[d + 1] = 0;
  return next;
};

const mul: MakeStep = ({ registers: r }, d, s, next) => () => {
  r[d] = Math.imul(r[d]!, r[s]!);
  r[d + 1] = 0;
  return next;
};

const div: MakeStep = ({ registers: r }, d, s, next) => () => {
  const b = r[s]! >>> 0;
  r[d] = b === 0 ? 0 : (r[d]! >>> 0) / b;
  r[d + 1] = 0;
  return next;
};

const mod: MakeStep = ({ registers: r }, d, s, next) => () => {
  const b = r[s]! >>> 0;
  if (b !== 0) r[d] = (r[d]! >>> 0) % b;
  r[d + 1] = 0;
  return next;
};

const sdiv: MakeStep = ({ registers: r }, d, s, next) => () => {
  const b = r[s]!;
  // The least number by -1 is 2 ** 31, which the array takes as the least number again.
  r[d] = b === 0 ? 0 : r[d]! / b;
  r[d + 1] = 0;
  return next;
};

const smod: MakeStep = ({ registers: r }, d, s, next) => () => {
  const b = r[s]!;
  if (b !== 0) r[d] = r[d]! % b;
  r[d + 1] = 0;
  return next;
};

const or: MakeStep = ({ registers: r }, d, s, next) => () => {
  r[d] = r[d]! | r[s]!;
  r[d + 1] = 0;
  return next;
};

const and: MakeStep = ({ registers: r }, d, s, next) => () => {
  r[d] = r[d]! & r[s]!;
  r[d + 1] = 0;
  return next;
};

const xor: MakeStep = ({ registers: r }, d, s, next) => () => {
  r[d] = r[d]! ^ r[s]!;
  r[d + 1] = 0;
  return next;
};

// Shift counts mask themselves: JavaScript takes the low five bits, as the machine does.
const lsh: MakeStep = ({ registers: r }, d, s, next) => () => {
  r[d] = r[d]! << r[s]!;
  r[d + 1] = 0;
  return next;
};

const rsh: MakeStep = ({ registers: r }, d, s, next) => () => {
  r[d] = r[d]! >>> r[s]!;
  r[d + 1] = 0;
  return next;
};

const arsh: MakeStep = ({ registers: r }, d, s, next) => () => {
  r[d] = r[d]! >> r[s]!;
  r[d + 1] = 0;
  return next;
};

const neg: MakeStep = ({ registers: r }, d, _s, next) => () => {
  r[d] = -r[d]!;
  r[d + 1] = 0;
  return next;
};

const mov: MakeStep = ({ registers: r }, d, s, next) => () => {
  r[d] = r[s]!;
  r[d + 1] = 0;
  return next;
};

const movsx: MakeStep = ({ registers: r }, d, s, next, { offset }) => () => {
  r[d] = r[s]! << 32 - offset >> 32 - offset;
  r[d + 1] = 0;
  return next;
};

/** By operation (high four bits of the opcode); offset 0. Byte order (13) is in the 64-bit file. */
export const alu32Steps: readonly (MakeStep | undefined)[] = [
  add,
  sub,
  mul,
  div,
  or,
  and,
  lsh,
  rsh,
  neg,
  mod,
  xor,
  mov,
  arsh,
];

/** The same where the offset is not 0: signed division and sign-extending moves. */
export const signedAlu32Steps: readonly (MakeStep | undefined)[] = Object.assign(
  Array.from({ length: 16 }, (): MakeStep | undefined => undefined),
  { 3: sdiv, 9: smod, 11: movsx },
);
