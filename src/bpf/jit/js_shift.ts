/**
 * 64-bit shifts in JavaScript: expressions for both halves of the result, in what was there before.
 *
 * @module
 */

/** The halves of a result. */
export interface Shifted {
  /** The low half. */
  readonly low: string;
  /** The high half. */
  readonly high: string;
}

/** A shift by a constant from 0 to 63. */
export function shifted(operation: string, by: number, a: string, aHigh: string): Shifted {
  const m = by & 31;
  if (by === 0) return { low: a, high: aHigh };
  if (operation === "lsh") {
    if (by >= 32) return { low: "0", high: m === 0 ? a : `${a} << ${m}` };
    return { low: `${a} << ${by}`, high: `${aHigh} << ${by} | ${a} >>> ${32 - by}` };
  }
  const isSigned = operation === "arsh";
  const moved = isSigned ? `${aHigh} >> ${m}` : `${aHigh} >>> ${m} | 0`;
  if (by >= 32) return { low: m === 0 ? aHigh : moved, high: isSigned ? `${aHigh} >> 31` : "0" };
  return { low: `${a} >>> ${by} | ${aHigh} << ${32 - by}`, high: moved };
}

/**
 * A shift by `u`, from 0 to 63. `x >>> 1 >>> ~u` is `x >>> (32 - u)`, but also right for 0. JavaScript masks counts with
 * 31 by itself.
 */
export function shiftedByU(operation: string, a: string, aHigh: string): Shifted {
  if (operation === "lsh") {
    return { low: `u > 31 ? 0 : ${a} << u`, high: `u > 31 ? ${a} << u : ${aHigh} << u | ${a} >>> 1 >>> ~u` };
  }
  const isSigned = operation === "arsh", sign = isSigned ? ">>" : ">>>";
  return {
    low: `(u > 31 ? ${aHigh} ${sign} u : ${a} >>> u | ${aHigh} << 1 << ~u) | 0`,
    high: `(u > 31 ? ${isSigned ? `${aHigh} >> 31` : "0"} : ${aHigh} ${sign} u) | 0`,
  };
}
