/**
 * Arithmetic on sequence numbers that wrap at 2^32 (RFC 9293 section 3.4).
 *
 * Two numbers are compared by the shorter way round the circle; exactly half way counts as behind.
 *
 * @module
 */

/** `sequence + count`, modulo 2^32. */
export function seqAdd(sequence: number, count: number): number {
  return (sequence + count) >>> 0;
}

/** Distance from `b` to `a` the shorter way: positive when `a` is ahead; -2^31 to 2^31 - 1. */
export function seqDiff(a: number, b: number): number {
  return (a - b) | 0;
}

/** Whether `a` comes before `b`. */
export function seqLess(a: number, b: number): boolean {
  return ((a - b) | 0) < 0;
}

/** Whether `a` comes before `b` or is the same. */
export function seqLessOrEqual(a: number, b: number): boolean {
  return ((a - b) | 0) <= 0;
}

/** The later of the two. */
export function seqMax(a: number, b: number): number {
  return ((a - b) | 0) < 0 ? b : a;
}

/** Whether `sequence` lies in the window of `length` numbers that starts at `start`. */
export function seqInWindow(sequence: number, start: number, length: number): boolean {
  return ((sequence - start) >>> 0) < length;
}
