/**
 * Numbers of which some bits are known: `value` has the known ones, `mask` is 1 where a bit is unknown (and `value` is
 * 0 there). Known in the literature as tristate numbers.
 *
 * @module
 */
import { W64 } from "./bounds.ts";

/** A number of 64 bits of which some are known. */
export interface Bits {
  /** The known bits. */
  readonly value: bigint;
  /** The unknown bits. */
  readonly mask: bigint;
}

const all = W64.umax;

/** Nothing known. */
export const unknownBits: Bits = { value: 0n, mask: all };

/** Masks of as many low bits as their index says. */
const lowMasks = Array.from({ length: 65 }, (_, bits) => (1n << BigInt(bits)) - 1n);

function bitLength(number: bigint): number {
  const high = Number(number >> 32n);
  return high !== 0 ? 64 - Math.clz32(high) : 32 - Math.clz32(Number(number));
}

/** What the members of an interval have in common: the bits above the highest in which its ends differ. */
export function bitsOfRange(low: bigint, high: bigint): Bits {
  const differing = low ^ high;
  if (differing === 0n) return { value: low, mask: 0n };
  const mask = lowMasks[bitLength(differing)]!;
  return { value: low & ~mask & all, mask };
}

/** Arithmetic on such numbers. */
export type BitsOperation = (a: Bits, b: Bits) => Bits;

/** Sum: a bit is known where the carry into it is the same for least and greatest. */
export const addBits: BitsOperation = (a, b) => {
  const low = a.value + b.value;
  const high = low + a.mask + b.mask;
  const mask = (low ^ high | a.mask | b.mask) & all;
  return { value: low & ~mask & all, mask };
};

/** Difference. */
export const subBits: BitsOperation = (a, b) => {
  const value = a.value - b.value;
  const mask = (value + a.mask ^ value - b.mask | a.mask | b.mask) & all;
  return { value: value & ~mask & all, mask };
};

/** Bitwise and. */
export const andBits: BitsOperation = (a, b) => {
  const value = a.value & b.value;
  return { value, mask: (a.value | a.mask) & (b.value | b.mask) & ~value };
};

/** Bitwise or. */
export const orBits: BitsOperation = (a, b) => {
  const value = a.value | b.value;
  return { value, mask: (a.mask | b.mask) & ~value };
};

/** Bitwise exclusive or. */
export const xorBits: BitsOperation = (a, b) => {
  const mask = a.mask | b.mask;
  return { value: (a.value ^ b.value) & ~mask, mask };
};

/** Product: as many low bits are zero as in both factors together. */
export const mulBits: BitsOperation = (a, b) => {
  if (a.mask === 0n && b.mask === 0n) return { value: a.value * b.value & all, mask: 0n };
  const zeros = trailingZeros(a) + trailingZeros(b);
  return zeros >= 64n ? { value: 0n, mask: 0n } : { value: 0n, mask: all << zeros & all };
};

function trailingZeros({ value, mask }: Bits): bigint {
  const maybeSet = value | mask;
  if (maybeSet === 0n) return 64n;
  return BigInt(bitLength(maybeSet & -maybeSet) - 1);
}

/** What both know; `undefined` where they contradict each other. */
export function intersectBits(a: Bits, b: Bits): Bits | undefined {
  if (((a.value ^ b.value) & ~a.mask & ~b.mask) !== 0n) return undefined;
  const mask = a.mask & b.mask;
  return { value: (a.value | b.value) & ~mask, mask };
}

/** What is known of either. */
export function joinBits(a: Bits, b: Bits): Bits {
  const mask = a.mask | b.mask | a.value ^ b.value;
  return { value: a.value & ~mask, mask };
}

/** Whether every number that `inner` may be `outer` may be too. */
export function bitsWithin(inner: Bits, outer: Bits): boolean {
  return (inner.mask & ~outer.mask) === 0n && ((inner.value ^ outer.value) & ~outer.mask) === 0n;
}
