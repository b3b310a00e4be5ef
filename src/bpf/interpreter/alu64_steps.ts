/**
 * Steps of 64-bit arithmetic. Each reads what it needs of both operands before it writes: they may be the same register.
 *
 * @module
 */
import { multiplyHigh, signedOf, unsignedOf, writePair } from "../pair.ts";
import type { MakeStep } from "./state.ts";

const add: MakeStep = ({ registers: r }, d, s, next) => () => {
  const a = r[d]!;
  const low = (a + r[s]!) | 0;
  r[d + 1] = r[d + 1]! + r[s + 1]! + (low >>> 0 < a >>> 0 ? 1 : 0);
  r[d] = low;
  return next;
};

const sub: MakeStep = ({ registers: r }, d, s, next) => () => {
  const a = r[d]!;
  const b = r[s]!;
  r[d + 1] = r[d + 1]! - r[s + 1]! - (a >>> 0 < b >>> 0 ? 1 : 0);
  r[d] = a - b;
  return next;
};

const mul: MakeStep = ({ registers: r }, d, s, next) => () => {
  const a = r[d]!;
  const b = r[s]!;
  r[d + 1] = multiplyHigh(a, b) + Math.imul(r[d + 1]!, b) + Math.imul(a, r[s + 1]!);
  r[d] = Math.imul(a, b);
  return next;
};

const or: MakeStep = ({ registers: r }, d, s, next) => () => {
  r[d] = r[d]! | r[s]!;
  r[d + 1] = r[d + 1]! | r[s + 1]!;
  return next;
};

const and: MakeStep = ({ registers: r }, d, s, next) => () => {
  r[d] = r[d]! & r[s]!;
  r[d + 1] = r[d + 1]! & r[s + 1]!;
  return next;
};

const xor: MakeStep = ({ registers: r }, d, s, next) => () => {
  r[d] = r[d]! ^ r[s]!;
  r[d + 1] = r[d + 1]! ^ r[s + 1]!;
  return next;
};

const mov: MakeStep = ({ registers: r }, d, s, next) => () => {
  r[d] = r[s]!;
  r[d + 1] = r[s + 1]!;
  return next;
};

const neg: MakeStep = ({ registers: r }, d, _s, next) => () => {
  const low = -r[d]! | 0;
  r[d + 1] = ~r[d + 1]! + (low === 0 ? 1 : 0);
  r[d] = low;
  return next;
};

const lsh: MakeStep = ({ registers: r }, d, s, next) => () => {
  const count = r[s]! & 63;
  const low = r[d]!;
  if (count >= 32) {
    r[d + 1] = low << count - 32;
    r[d] = 0;
  } else if (count > 0) {
    r[d + 1] = r[d + 1]! << count | low >>> 32 - count;
    r[d] = low << count;
  }
  return next;
};

const rsh: MakeStep = ({ registers: r }, d, s, next) => () => {
  const count = r[s]! & 63;
  const high = r[d + 1]!;
  if (count >= 32) {
    r[d] = high >>> count - 32;
    r[d + 1] = 0;
  } else if (count > 0) {
    r[d] = r[d]! >>> count | high << 32 - count;
    r[d + 1] = high >>> count;
  }
  return next;
};

const arsh: MakeStep = ({ registers: r }, d, s, next) => () => {
  const count = r[s]! & 63;
  const high = r[d + 1]!;
  if (count >= 32) {
    r[d] = high >> count - 32;
    r[d + 1] = high >> 31;
  } else if (count > 0) {
    r[d] = r[d]! >>> count | high << 32 - count;
    r[d + 1] = high >> count;
  }
  return next;
};

const div: MakeStep = ({ registers: r }, d, s, next) => () => {
  const b = r[s]!;
  if ((r[d + 1]! | r[s + 1]!) === 0) r[d] = b === 0 ? 0 : (r[d]! >>> 0) / (b >>> 0);
  else if ((b | r[s + 1]!) === 0) r[d] = r[d + 1] = 0;
  else writePair(r, d, unsignedOf(r[d]!, r[d + 1]!) / unsignedOf(b, r[s + 1]!));
  return next;
};

const mod: MakeStep = ({ registers: r }, d, s, next) => () => {
  const b = r[s]!;
  if ((b | r[s + 1]!) === 0) return next;
  if ((r[d + 1]! | r[s + 1]!) === 0) r[d] = (r[d]! >>> 0) % (b >>> 0);
  else writePair(r, d, unsignedOf(r[d]!, r[d + 1]!) % unsignedOf(b, r[s + 1]!));
  return next;
};

const sdiv: MakeStep = ({ registers: r }, d, s, next) => () => {
  if ((r[s]! | r[s + 1]!) === 0) r[d] = r[d + 1] = 0;
  else writePair(r, d, signedOf(r[d]!, r[d + 1]!) / signedOf(r[s]!, r[s + 1]!));
  return next;
};

const smod: MakeStep = ({ registers: r }, d, s, next) => () => {
  if ((r[s]! | r[s + 1]!) !== 0) writePair(r, d, signedOf(r[d]!, r[d + 1]!) % signedOf(r[s]!, r[s + 1]!));
  return next;
};

/** `movsx`: the low `offset` bits, their sign extended. */
const movsx: MakeStep = ({ registers: r }, d, s, next, { offset }) => () => {
  const low = r[s]! << 32 - offset >> 32 - offset;
  r[d] = low;
  r[d + 1] = low >> 31;
  return next;
};

/** Unconditional swap of the low `imm` bits; the rest is cleared. */
const swap: MakeStep = ({ registers: r }, d, _s, next, { imm }) => () => {
  const low = swap32(r[d]!);
  r[d] = imm === 64 ? swap32(r[d + 1]!) : imm === 32 ? low : low >>> 16;
  r[d + 1] = imm === 64 ? low : 0;
  return next;
};

/** To little-endian, which everything is: only cut off. */
const truncate: MakeStep = ({ registers: r }, d, _s, next, { imm }) => () => {
  if (imm === 64) return next;
  if (imm === 16) r[d] = r[d]! & 0xffff;
  r[d + 1] = 0;
  return next;
};

function swap32(value: number): number {
  return (value << 8 | value >>> 24) & 0x00ff00ff | (value << 24 | value >>> 8) & 0xff00ff00;
}

/** By operation (high four bits of the opcode); offset 0. */
export const alu64Steps: readonly (MakeStep | undefined)[] = [
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
  swap,
];

/** The same where the offset is not 0: signed division and sign-extending moves. */
export const signedAlu64Steps: readonly (MakeStep | undefined)[] = Object.assign(
  Array.from({ length: 16 }, (): MakeStep | undefined => undefined),
  { 3: sdiv, 9: smod, 11: movsx },
);

/** `end` of the 32-bit class: to little-endian and to big-endian. */
export const endSteps: readonly [little: MakeStep, big: MakeStep] = [truncate, swap];
