/**
 * Arithmetic on what is known of numbers: one function for each operation of the machine.
 *
 * @module
 */
import type { Operation } from "../encoding_table.ts";
import {
  addBits,
  andBits,
  type Bits,
  type BitsOperation,
  mulBits,
  orBits,
  subBits,
  unknownBits,
  xorBits,
} from "./bits.ts";
import {
  addBounds,
  andBounds,
  arshBounds,
  type BoundsOperation,
  divBounds,
  everything,
  lshBounds,
  modBounds,
  mulBounds,
  orBounds,
  rshBounds,
  subBounds,
  W32,
  W64,
  xorBounds,
} from "./bounds.ts";
import {
  anyScalar,
  constant,
  constantOf,
  lowHalf,
  type Scalar,
  scalarOfBits,
  settle,
  signedConstantOf,
  signedScalarOfBits,
} from "./scalar.ts";

interface Arithmetic {
  readonly bounds: BoundsOperation;
  /** Known bits; absent where nothing is known but what the bounds tell. */
  readonly bits?: BitsOperation;
  /** Whether the low half of the result depends on nothing but the low halves of the operands. */
  readonly isLocal?: boolean;
}

const unknown: BoundsOperation = (_a, _b, width) => everything(width);

const operations: Partial<Record<Operation, Arithmetic>> = {
  add: { bounds: addBounds, bits: addBits, isLocal: true },
  sub: { bounds: subBounds, bits: subBits, isLocal: true },
  mul: { bounds: mulBounds, bits: mulBits, isLocal: true },
  and: { bounds: andBounds, bits: andBits, isLocal: true },
  or: { bounds: orBounds, bits: orBits, isLocal: true },
  xor: { bounds: xorBounds, bits: xorBits, isLocal: true },
  div: { bounds: divBounds },
  mod: { bounds: modBounds },
  sdiv: { bounds: unknown },
  smod: { bounds: unknown },
  lsh: { bounds: lshBounds },
  rsh: { bounds: rshBounds },
  arsh: { bounds: arshBounds },
};

/** Result of an operation with two operands, of 32 or 64 bits. */
export function arithmetic(operation: Operation, bits: number, a: Scalar, b: Scalar): Scalar {
  const found = operations[operation];
  if (found === undefined) return bits === 32 ? scalarOfBits(32) : anyScalar;
  const isShift = operation === "lsh" || operation === "rsh" || operation === "arsh";
  const amount = isShift ? constantOf(b) : undefined;
  if (amount !== undefined) return shiftByConstant(operation, bits, a, amount & BigInt(bits - 1));
  return bits === 32 ? narrow(found, lowHalf(a), lowHalf(b)) : wide(found, a, b);
}

function wide({ bounds, bits, isLocal }: Arithmetic, a: Scalar, b: Scalar): Scalar {
  const known = bits?.(a.bits, b.bits) ?? unknownBits;
  if (known.mask === 0n) return constant(known.value);
  return settle({
    wide: bounds(a.wide, b.wide, W64),
    low: isLocal === true ? bounds(a.low, b.low, W32) : everything(W32),
    bits: known,
  }) ?? anyScalar;
}

function narrow({ bounds, bits }: Arithmetic, a: Scalar, b: Scalar): Scalar {
  return lowHalf({
    wide: anyScalar.wide,
    low: bounds(a.low, b.low, W32),
    bits: bits?.(a.bits, b.bits) ?? unknownBits,
  });
}

function shiftByConstant(operation: Operation, size: number, operand: Scalar, amount: bigint): Scalar {
  const a = size === 32 ? lowHalf(operand) : operand;
  const by = constant(amount);
  const bounds = operation === "lsh" ? lshBounds : operation === "rsh" ? rshBounds : arshBounds;
  const bits = shiftedBits(operation, size, a.bits, amount);
  if (size === 32) return lowHalf({ wide: anyScalar.wide, low: bounds(a.low, by.low, W32), bits });
  return settle({ wide: bounds(a.wide, by.wide, W64), low: everything(W32), bits }) ?? anyScalar;
}

function shiftedBits(operation: Operation, size: number, { value, mask }: Bits, amount: bigint): Bits {
  if (operation === "lsh") {
    return { value: BigInt.asUintN(size, value << amount), mask: BigInt.asUintN(size, mask << amount) };
  }
  if (operation === "rsh") return { value: value >> amount, mask: mask >> amount };
  const extended = (part: bigint) => BigInt.asUintN(size, BigInt.asIntN(size, part) >> amount);
  return { value: extended(value), mask: extended(mask) };
}

/** The number with its sign changed. */
export function negate(bits: number, a: Scalar): Scalar {
  return arithmetic("sub", bits, constant(0n), a);
}

/** The low `from` bits, sign-extended to `bits`. */
export function signExtend(from: number, bits: number, a: Scalar): Scalar {
  const value = constantOf(a);
  if (value !== undefined) return constant(BigInt.asUintN(bits, BigInt.asIntN(from, value)));
  const most = 1n << BigInt(from - 1);
  const extended = a.wide.smin >= -most && a.wide.smax < most ? a : from === 32 ? fromLow(a) : signedScalarOfBits(from);
  return bits === 32 ? lowHalf(extended) : extended;
}

function fromLow({ low }: Scalar): Scalar {
  const signed = { umin: 0n, umax: W64.umax, smin: low.smin, smax: low.smax };
  return settle({ wide: signed, low, bits: unknownBits }) ?? signedScalarOfBits(32);
}

/** Byte order: of the low `bits` bits, the others being cleared. */
export function byteOrder(operation: "le" | "be" | "bswap", bits: number, a: Scalar): Scalar {
  if (operation === "le") return truncate(bits, a);
  const value = constantOf(a);
  return value === undefined ? scalarOfBits(bits) : constant(swap(value, bits));
}

/** The low `bits` bits, the others being cleared. */
export function truncate(bits: number, a: Scalar): Scalar {
  if (bits >= 64) return a;
  return bits === 32 ? lowHalf(a) : arithmetic("and", 64, a, constant((1n << BigInt(bits)) - 1n));
}

function swap(value: bigint, bits: number): bigint {
  let swapped = 0n;
  for (let at = 0n; at < BigInt(bits); at += 8n) swapped = swapped << 8n | value >> at & 0xffn;
  return swapped;
}

/** Result of a signed division of constants, which is all that is known of such. */
export function signedDivision(operation: "sdiv" | "smod", bits: number, a: Scalar, b: Scalar): Scalar {
  const dividend = signedConstantOf(bits === 32 ? fromLow(a) : a);
  const divisor = signedConstantOf(bits === 32 ? fromLow(b) : b);
  if (dividend === undefined || divisor === undefined) return arithmetic(operation, bits, a, b);
  const byZero = operation === "sdiv" ? 0n : dividend;
  const result = divisor === 0n ? byZero : operation === "sdiv" ? dividend / divisor : dividend % divisor;
  return constant(BigInt.asUintN(bits, result));
}
