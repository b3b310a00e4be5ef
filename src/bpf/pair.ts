/**
 * 64-bit arithmetic on pairs of 32-bit halves, where it takes more than a line. Halves are signed 32-bit integers.
 *
 * @module
 */

/** High half of the unsigned product of two 32-bit numbers. */
export function multiplyHigh(a: number, b: number): number {
  const a0 = a & 0xffff;
  const a1 = a >>> 16;
  const b0 = b & 0xffff;
  const b1 = b >>> 16;
  const low = a0 * b0;
  const middle = a1 * b0 + (low >>> 16);
  const other = a0 * b1 + (middle & 0xffff);
  return (a1 * b1 + (middle >>> 16) + (other >>> 16)) | 0;
}

/** A pair as an unsigned number. */
export function unsignedOf(low: number, high: number): bigint {
  return BigInt(high >>> 0) << 32n | BigInt(low >>> 0);
}

/** A pair as a signed number. */
export function signedOf(low: number, high: number): bigint {
  return BigInt(high) << 32n | BigInt(low >>> 0);
}

/** Writes a number as a pair: the low half at `at`, the high one behind it. */
export function writePair(into: Int32Array, at: number, value: bigint): void {
  into[at] = Number(BigInt.asIntN(32, value));
  into[at + 1] = Number(BigInt.asIntN(32, value >> 32n));
}

/** Whether a pair is below another, unsigned. */
export function isBelow(aLow: number, aHigh: number, bLow: number, bHigh: number): boolean {
  return aHigh === bHigh ? aLow >>> 0 < bLow >>> 0 : aHigh >>> 0 < bHigh >>> 0;
}

/** Whether a pair is below another, signed. */
export function isLess(aLow: number, aHigh: number, bLow: number, bHigh: number): boolean {
  return aHigh === bHigh ? aLow >>> 0 < bLow >>> 0 : aHigh < bHigh;
}
