/**
 * What instructions do, said as shortly as it can be with `BigInt`: the slow model that back ends are compared with.
 *
 * @module
 */

const mask32 = 0xffff_ffffn;
const u64 = (value: bigint): bigint => BigInt.asUintN(64, value);

/** Result of an operation on two numbers of `bits` bits; `d` and `s` are unsigned. */
type Arithmetic = (d: bigint, s: bigint, bits: number) => bigint;

const signed = (value: bigint, bits: number): bigint => BigInt.asIntN(bits, value);

/** Arithmetic by opcode without class and source bit, offset added for the signed forms. */
const arithmetic: Readonly<Record<number, Arithmetic>> = {
  0x00: (d, s) => d + s,
  0x10: (d, s) => d - s,
  0x20: (d, s) => d * s,
  0x30: (d, s) => s === 0n ? 0n : d / s,
  0x31: (d, s, bits) => s === 0n ? 0n : signed(d, bits) / signed(s, bits),
  0x40: (d, s) => d | s,
  0x50: (d, s) => d & s,
  0x60: (d, s, bits) => d << (s & BigInt(bits - 1)),
  0x70: (d, s, bits) => d >> (s & BigInt(bits - 1)),
  0x80: (d) => -d,
  0x90: (d, s) => s === 0n ? d : d % s,
  0x91: (d, s, bits) => s === 0n ? d : signed(d, bits) % signed(s, bits),
  0xa0: (d, s) => d ^ s,
  0xb0: (_d, s) => s,
  0xb8: (_d, s) => signed(s, 8),
  0xc0: (d, s, bits) => signed(d, bits) >> (s & BigInt(bits - 1)),
  0xc0_10: (_d, s) => signed(s, 16),
  0xc0_20: (_d, s) => signed(s, 32),
};

/** Condition of a jump on two numbers. */
type Condition = (d: bigint, s: bigint, bits: number) => boolean;

const conditions: Readonly<Record<number, Condition>> = {
  0x10: (d, s) => d === s,
  0x20: (d, s) => d > s,
  0x30: (d, s) => d >= s,
  0x40: (d, s) => (d & s) !== 0n,
  0x50: (d, s) => d !== s,
  0x60: (d, s, bits) => signed(d, bits) > signed(s, bits),
  0x70: (d, s, bits) => signed(d, bits) >= signed(s, bits),
  0xa0: (d, s) => d < s,
  0xb0: (d, s) => d <= s,
  0xc0: (d, s, bits) => signed(d, bits) < signed(s, bits),
  0xd0: (d, s, bits) => signed(d, bits) <= signed(s, bits),
};

/** Kinds of arithmetic: the operation and the offset it is encoded with. */
export const arithmeticKinds: readonly (readonly [operation: number, offset: number, key: number])[] = [
  ...[0x00, 0x10, 0x20, 0x30, 0x40, 0x50, 0x60, 0x70, 0x80, 0x90, 0xa0, 0xb0, 0xc0].map((one) =>
    [one, 0, one] as const
  ),
  [0x30, 1, 0x31],
  [0x90, 1, 0x91],
  [0xb0, 8, 0xb8],
  [0xb0, 16, 0xc0_10],
  [0xb0, 32, 0xc0_20],
];

/** Kinds of conditional jumps. */
export const conditionKinds: readonly number[] = Object.keys(conditions).map(Number);

/** r0 after arithmetic of 32 or 64 bits on `d` and `s`. */
export function afterArithmetic(key: number, bits: 32 | 64, d: bigint, s: bigint): bigint {
  const cut = (value: bigint): bigint => bits === 32 ? value & mask32 : u64(value);
  return cut(arithmetic[key]!(cut(d), cut(s), bits));
}

/** Whether a jump of 32 or 64 bits is taken. */
export function isTaken(operation: number, bits: 32 | 64, d: bigint, s: bigint): boolean {
  const cut = (value: bigint): bigint => bits === 32 ? value & mask32 : u64(value);
  return conditions[operation]!(cut(d), cut(s), bits);
}

/** Bytes of the low `bits` bits in reverse, the rest 0. */
export function swapped(value: bigint, bits: number): bigint {
  let result = 0n;
  for (let at = 0; at < bits; at += 8) result = result << 8n | (value >> BigInt(at)) & 0xffn;
  return result;
}

/** Numbers at which arithmetic has its edges, and some without. */
export const operands: readonly bigint[] = [
  ...[0n, 1n, 2n, 3n, 7n, 31n, 32n, 33n, 63n, 64n, 65n, 0x7fn, 0x80n, 0xffn, 0x7fffn, 0x8000n, 0xffffn],
  ...[0x7fff_ffffn, 0x8000_0000n, 0xffff_ffffn, 0x1_0000_0000n, 0x1_0000_0001n, 0x1234_5678_9abc_def1n],
  ...[0x7fff_ffff_ffff_ffffn, 0x8000_0000_0000_0000n, 0xffff_ffff_0000_0000n, 0xffff_ffff_ffff_fffen],
  0xffff_ffff_ffff_ffffn,
];
