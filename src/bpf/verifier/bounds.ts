/**
 * Intervals of numbers of 32 or 64 bits, unsigned and signed at a time, and arithmetic on them.
 *
 * Every function gives an interval that has all results of the operation on members of its arguments; where the
 * operation may wrap around, that is everything.
 *
 * @module
 */

/** A width of numbers, with its extremes. */
export interface Width {
  /** Bits. */
  readonly bits: bigint;
  /** Largest unsigned number, and the mask of all bits. */
  readonly umax: bigint;
  /** Smallest signed number. */
  readonly smin: bigint;
  /** Largest signed number. */
  readonly smax: bigint;
}

function width(bits: bigint): Width {
  return { bits, umax: (1n << bits) - 1n, smin: -(1n << bits - 1n), smax: (1n << bits - 1n) - 1n };
}

/** Numbers of 32 bits. */
export const W32: Width = width(32n);
/** Numbers of 64 bits. */
export const W64: Width = width(64n);

/** An unsigned and a signed interval, both of which contain the number. */
export interface Bounds {
  /** Least, unsigned. */
  readonly umin: bigint;
  /** Greatest, unsigned. */
  readonly umax: bigint;
  /** Least, signed. */
  readonly smin: bigint;
  /** Greatest, signed. */
  readonly smax: bigint;
}

/** Arithmetic on intervals. */
export type BoundsOperation = (a: Bounds, b: Bounds, width: Width) => Bounds;

/** Every number of a width. */
export function everything({ umax, smin, smax }: Width): Bounds {
  return { umin: 0n, umax, smin, smax };
}

/** From an unsigned interval. */
export function unsigned(umin: bigint, umax: bigint, { smin, smax }: Width): Bounds {
  return { umin, umax, smin, smax };
}

function range(
  unsignedRange: readonly [bigint, bigint],
  signedRange: readonly [bigint, bigint],
  width: Width,
): Bounds {
  const [umin, umax] = unwrap(unsignedRange, 0n, width.umax, width);
  const [smin, smax] = unwrap(signedRange, width.smin, width.smax, width);
  return { umin, umax, smin, smax };
}

/** An interval of exact results, taken to the width: moved as a whole where all wrap around, else everything. */
function unwrap([low, high]: readonly [bigint, bigint], min: bigint, max: bigint, { bits }: Width): [bigint, bigint] {
  const turns = low - min >> bits;
  if (high - min >> bits !== turns) return [min, max];
  return [low - (turns << bits), high - (turns << bits)];
}

/** Sum. */
export const addBounds: BoundsOperation = (a, b, width) =>
  range([a.umin + b.umin, a.umax + b.umax], [a.smin + b.smin, a.smax + b.smax], width);

/** Difference. */
export const subBounds: BoundsOperation = (a, b, width) =>
  range([a.umin - b.umax, a.umax - b.umin], [a.smin - b.smax, a.smax - b.smin], width);

function span(values: readonly bigint[]): [bigint, bigint] {
  return [values.reduce((a, b) => a < b ? a : b), values.reduce((a, b) => a > b ? a : b)];
}

/** Product. */
export const mulBounds: BoundsOperation = (a, b, width) =>
  range(
    [a.umin * b.umin, a.umax * b.umax],
    span([a.smin * b.smin, a.smin * b.smax, a.smax * b.smin, a.smax * b.smax]),
    width,
  );

/** Unsigned quotient; by 0 it is 0. */
export const divBounds: BoundsOperation = (a, b, width) => {
  if (b.umax === 0n) return unsigned(0n, 0n, width);
  const most = b.umin === 0n ? a.umax : a.umax / b.umin;
  return unsigned(b.umin === 0n ? 0n : a.umin / b.umax, most, width);
};

/** Unsigned remainder; by 0 it is the dividend. */
export const modBounds: BoundsOperation = (a, b, width) => {
  if (b.umin > a.umax || b.umax === 0n) return a;
  if (a.umin === a.umax && b.umin === b.umax) return unsigned(a.umin % b.umin, a.umin % b.umin, width);
  const most = b.umin === 0n || a.umax < b.umax ? a.umax : b.umax - 1n;
  return unsigned(0n, most, width);
};

/** Bitwise and. */
export const andBounds: BoundsOperation = (a, b, width) => unsigned(0n, a.umax < b.umax ? a.umax : b.umax, width);

/** Bitwise or. */
export const orBounds: BoundsOperation = (a, b, width) =>
  unsigned(a.umin > b.umin ? a.umin : b.umin, width.umax, width);

/** Bitwise exclusive or: bits alone tell. */
export const xorBounds: BoundsOperation = (_a, _b, width) => everything(width);

/** Shift to the left by an amount below the width. */
export const lshBounds: BoundsOperation = (a, b, width) => {
  if (b.umax >= width.bits) return everything(width);
  const shifted = [a.smin << b.umin, a.smin << b.umax, a.smax << b.umin, a.smax << b.umax];
  const [umin, umax] = [a.umin << b.umin, a.umax << b.umax];
  const [smin, smax] = span(shifted);
  const fits = smin >= width.smin && smax <= width.smax;
  return {
    umin: umax <= width.umax ? umin : 0n,
    umax: umax <= width.umax ? umax : width.umax,
    smin: fits ? smin : width.smin,
    smax: fits ? smax : width.smax,
  };
};

/** Logical shift to the right by an amount below the width. */
export const rshBounds: BoundsOperation = (a, b, width) =>
  b.umax >= width.bits ? everything(width) : unsigned(a.umin >> b.umax, a.umax >> b.umin, width);

/** Arithmetic shift to the right by an amount below the width. */
export const arshBounds: BoundsOperation = (a, b, width) => {
  if (b.umax >= width.bits) return everything(width);
  const [smin, smax] = span([a.smin >> b.umin, a.smin >> b.umax, a.smax >> b.umin, a.smax >> b.umax]);
  return { umin: 0n, umax: width.umax, smin, smax };
};
