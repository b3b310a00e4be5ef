/**
 * What is known of a number in a register: intervals of all 64 bits, intervals of the low 32, and single bits. The three
 * are kept consistent: what one knows, the others learn.
 *
 * @module
 */
import { type Bits, bitsOfRange, bitsWithin, intersectBits, joinBits, unknownBits } from "./bits.ts";
import { type Bounds, everything, W32, W64, type Width } from "./bounds.ts";

/** What is known of a number. */
export interface Scalar {
  /** Intervals of the number. */
  readonly wide: Bounds;
  /** Intervals of its low 32 bits. */
  readonly low: Bounds;
  /** Its known bits. */
  readonly bits: Bits;
}

/** Any number. */
export const anyScalar: Scalar = { wide: everything(W64), low: everything(W32), bits: unknownBits };

function sameBounds(a: Bounds, b: Bounds): boolean {
  return a.umin === b.umin && a.umax === b.umax && a.smin === b.smin && a.smax === b.smax;
}

function boundsOf(value: bigint, bits: number): Bounds {
  const u = BigInt.asUintN(bits, value);
  const s = BigInt.asIntN(bits, value);
  return { umin: u, umax: u, smin: s, smax: s };
}

const small: Scalar[] = [];

/** Exactly this number, given signed or unsigned. */
export function constant(value: bigint): Scalar {
  if (value < 0n || value > 64n) return makeConstant(value);
  return small[Number(value)] ??= makeConstant(value);
}

function makeConstant(value: bigint): Scalar {
  const bits = { value: BigInt.asUintN(64, value), mask: 0n };
  return { wide: boundsOf(value, 64), low: boundsOf(value, 32), bits };
}

/** The number, unsigned, where it is known entirely. */
export function constantOf({ bits }: Scalar): bigint | undefined {
  return bits.mask === 0n ? bits.value : undefined;
}

/** The number, signed, where it is known entirely. */
export function signedConstantOf(scalar: Scalar): bigint | undefined {
  return scalar.bits.mask === 0n ? scalar.wide.smin : undefined;
}

/** Numbers of so many bits, made when first asked for. */
const ofBits: (Scalar | undefined)[] = [];

/** Any unsigned number of up to so many bits. */
export function scalarOfBits(bits: number): Scalar {
  return bits >= 64 ? anyScalar : ofBits[bits] ??= makeOfBits(bits);
}

function makeOfBits(bits: number): Scalar {
  const umax = (1n << BigInt(bits)) - 1n;
  const low = bits >= 32 ? everything(W32) : { umin: 0n, umax, smin: 0n, smax: umax };
  return { wide: { umin: 0n, umax, smin: 0n, smax: umax }, low, bits: { value: 0n, mask: umax } };
}

/** Any signed number of up to so many bits. */
export function signedScalarOfBits(bits: number): Scalar {
  const smax = (1n << BigInt(bits - 1)) - 1n;
  return settle({ wide: { ...anyScalar.wide, smin: -smax - 1n, smax }, low: anyScalar.low, bits: unknownBits }) ??
    anyScalar;
}

const larger = (a: bigint, b: bigint) => a > b ? a : b;
const smaller = (a: bigint, b: bigint) => a < b ? a : b;

/** Intervals that hold what both hold. */
export function meetBounds(a: Bounds, b: Bounds): Bounds {
  return {
    umin: larger(a.umin, b.umin),
    umax: smaller(a.umax, b.umax),
    smin: larger(a.smin, b.smin),
    smax: smaller(a.smax, b.smax),
  };
}

function isEmpty(bounds: Bounds): boolean {
  return bounds.umin > bounds.umax || bounds.smin > bounds.smax;
}

/** What the unsigned interval tells of the signed one, and the other way round. */
function exchange(bounds: Bounds, { bits }: Width): Bounds {
  let { umin, umax, smin, smax } = bounds;
  const size = Number(bits);
  const [low, high] = [BigInt.asIntN(size, umin), BigInt.asIntN(size, umax)];
  if (low <= high) {
    smin = larger(smin, low);
    smax = smaller(smax, high);
  }
  if (smin >= 0n || smax < 0n) {
    umin = larger(umin, BigInt.asUintN(size, smin));
    umax = smaller(umax, BigInt.asUintN(size, smax));
  }
  return { umin, umax, smin, smax };
}

/** What known bits tell of the intervals. */
function learnFromBits(bounds: Bounds, { value, mask }: Bits, { bits, umax }: Width): Bounds {
  const size = Number(bits);
  const sign = 1n << bits - 1n;
  const least = value & umax;
  const greatest = (value | mask) & umax;
  const maybeNegative = (greatest & sign) !== 0n;
  const maybePositive = (least & sign) === 0n;
  return meetBounds(bounds, {
    umin: least,
    umax: greatest,
    smin: BigInt.asIntN(size, maybeNegative ? least | sign : least),
    smax: BigInt.asIntN(size, maybePositive ? greatest & ~sign : greatest),
  });
}

/** What the low half tells of all, where the high half is known. */
function learnFromLow(wide: Bounds, low: Bounds): Bounds {
  let { umin, umax, smin, smax } = wide;
  if (umin >> 32n === umax >> 32n) {
    const high = umin >> 32n << 32n;
    umin = larger(umin, high | low.umin);
    umax = smaller(umax, high | low.umax);
  }
  if (smin >= W32.smin && smax <= W32.smax) {
    smin = larger(smin, low.smin);
    smax = smaller(smax, low.smax);
  }
  return { umin, umax, smin, smax };
}

/** What all tells of the low half. */
function learnFromWide(low: Bounds, wide: Bounds): Bounds {
  let { umin, umax, smin, smax } = low;
  if (wide.umin >> 32n === wide.umax >> 32n) {
    umin = larger(umin, wide.umin & W32.umax);
    umax = smaller(umax, wide.umax & W32.umax);
  }
  if (wide.smin >= W32.smin && wide.smax <= W32.smax) {
    smin = larger(smin, wide.smin);
    smax = smaller(smax, wide.smax);
  }
  return { umin, umax, smin, smax };
}

/** Rounds of learning; more would seldom find more. */
const rounds = 2;

/** Lets every part learn from the others; `undefined` where they contradict each other: no number is like that. */
export function settle(scalar: Scalar): Scalar | undefined {
  let { wide, low, bits } = scalar;
  if (bits.mask === 0n) {
    const exact = constant(bits.value);
    return boundsWithin(exact.wide, wide) && boundsWithin(exact.low, low) ? exact : undefined;
  }
  for (let round = 0; round < rounds; round++) {
    const before = { wide, low, bits };
    wide = exchange(learnFromBits(wide, bits, W64), W64);
    low = exchange(learnFromBits(learnFromWide(low, wide), bits, W32), W32);
    wide = exchange(learnFromLow(wide, low), W64);
    if (isEmpty(wide) || isEmpty(low)) return undefined;
    const fromWide = intersectBits(bits, bitsOfRange(wide.umin, wide.umax));
    const ofLow = bitsOfRange(low.umin, low.umax);
    const learnt = fromWide && intersectBits(fromWide, { value: ofLow.value, mask: ofLow.mask | W64.umax ^ W32.umax });
    if (learnt === undefined) return undefined;
    bits = learnt;
    if (sameBounds(before.wide, wide) && sameBounds(before.low, low) && before.bits.mask === bits.mask) break;
  }
  return { wide, low, bits };
}

function hull(a: Bounds, b: Bounds): Bounds {
  return {
    umin: smaller(a.umin, b.umin),
    umax: larger(a.umax, b.umax),
    smin: smaller(a.smin, b.smin),
    smax: larger(a.smax, b.smax),
  };
}

/** What is known where it may be either number. */
export function joinScalars(a: Scalar, b: Scalar): Scalar {
  if (a === b) return a;
  return { wide: hull(a.wide, b.wide), low: hull(a.low, b.low), bits: joinBits(a.bits, b.bits) };
}

function widenBounds(old: Bounds, grown: Bounds, width: Width): Bounds {
  const top = everything(width);
  return {
    umin: grown.umin < old.umin ? top.umin : grown.umin,
    umax: grown.umax > old.umax ? top.umax : grown.umax,
    smin: grown.smin < old.smin ? top.smin : grown.smin,
    smax: grown.smax > old.smax ? top.smax : grown.smax,
  };
}

/** Gives up what keeps growing, so that a loop's numbers come to rest: `grown` includes `old`. */
export function widenScalar(old: Scalar, grown: Scalar): Scalar {
  if (scalarWithin(grown, old)) return old;
  const bits = bitsWithin(grown.bits, old.bits) ? grown.bits : unknownBits;
  return { wide: widenBounds(old.wide, grown.wide, W64), low: widenBounds(old.low, grown.low, W32), bits };
}

function boundsWithin(inner: Bounds, outer: Bounds): boolean {
  return inner.umin >= outer.umin && inner.umax <= outer.umax && inner.smin >= outer.smin && inner.smax <= outer.smax;
}

/** Whether all that `inner` may be `outer` may be too. */
export function scalarWithin(inner: Scalar, outer: Scalar): boolean {
  return inner === outer || boundsWithin(inner.wide, outer.wide) && boundsWithin(inner.low, outer.low) &&
      bitsWithin(inner.bits, outer.bits);
}

/** The low 32 bits as a number of their own. */
export function lowHalf(scalar: Scalar): Scalar {
  const { wide: own, low, bits } = scalar;
  if (own.umax <= W32.umax) return scalar;
  if (own === anyScalar.wide && bits === unknownBits && low === anyScalar.low) return scalarOfBits(32);
  const wide = { umin: low.umin, umax: low.umax, smin: low.umin, smax: low.umax };
  const known = { value: bits.value & W32.umax, mask: bits.mask & W32.umax };
  return settle({ wide, low, bits: known }) ?? scalarOfBits(32);
}

/** Shows what is known, for messages. */
export function showScalar(scalar: Scalar): string {
  const value = signedConstantOf(scalar);
  if (value !== undefined) return `${value}`;
  const { wide, low, bits } = scalar;
  const parts: string[] = [];
  if (wide.umin !== 0n || wide.umax !== W64.umax) parts.push(`${wide.umin}..${wide.umax}`);
  else if (wide.smin !== W64.smin || wide.smax !== W64.smax) parts.push(`signed ${wide.smin}..${wide.smax}`);
  else if (low.umin !== 0n || low.umax !== W32.umax) parts.push(`low half ${low.umin}..${low.umax}`);
  if (wide.umin >= 0n && wide.smin < 0n && wide.smin !== W64.smin && parts[0]?.startsWith("signed") !== true) {
    parts.push(`signed ${wide.smin}..${wide.smax}`);
  }
  if (bits.mask !== W64.umax && (bits.mask & bits.mask + 1n) !== 0n) {
    parts.push(`bits ${bits.value.toString(16)}/${bits.mask.toString(16)}`);
  }
  return parts.length === 0 ? "any number" : `number ${parts.join(", ")}`;
}
