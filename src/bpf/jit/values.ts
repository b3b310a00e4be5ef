/**
 * What the compiler knows of a register's value: bounds that make the high half a constant, and addresses in the
 * frame. Nothing here is needed for safety; it only makes code shorter.
 *
 * @module
 */
import { CONTEXT_BYTES, FRAME_BYTES } from "../runner.ts";
import type { Operand } from "./operations.ts";

/** Knowledge of a 64-bit value. */
export type Value =
  /** Nothing is known, except that it is no address in the frame. */
  | { readonly kind: "any" }
  /** Unsigned, at least `min` and at most `max`, which is below 2^32: the high half is 0. */
  | { readonly kind: "small"; readonly min: number; readonly max: number }
  /** The high half is the sign of the low half. */
  | { readonly kind: "signed" }
  /** A constant. */
  | { readonly kind: "constant"; readonly low: number; readonly high: number }
  /** A map reference. */
  | { readonly kind: "map"; readonly index: number }
  /** r10 of this function plus a constant. */
  | { readonly kind: "frame"; readonly offset: number }
  /** The context plus a constant. */
  | { readonly kind: "context"; readonly offset: number }
  /** May be an address in the frame, or not. */
  | { readonly kind: "mixed" };

/** Values of r0 to r10. */
export type Values = readonly Value[];

/** The value of which nothing is known. */
export const anyValue: Value = { kind: "any" };
const mixed: Value = { kind: "mixed" };
const signed: Value = { kind: "signed" };
const WORD = 0xffff_ffff;
const wholeWord: Value = { kind: "small", min: 0, max: WORD };
/** Bounds at which a growing value stops for a while, so that loops are soon done. */
const STEPS = [1, 0xff, 0xffff, 0x7fff_ffff, WORD];

/** A value of at most `max`, at least `min`; any where that is above 32 bits. */
export function small(max: number, min: number = 0): Value {
  return max <= WORD ? { kind: "small", min, max } : anyValue;
}

/** The largest unsigned value that it may have; `Infinity` where that is above 32 bits. */
export function maxOf(value: Value): number {
  if (value.kind === "small") return value.max;
  return value.kind === "constant" && value.high === 0 ? value.low >>> 0 : Infinity;
}

/** The least value that it may have as an unsigned number, where {@linkcode maxOf} knows the largest; else 0. */
export function minOf(value: Value): number {
  if (value.kind === "small") return value.min;
  return value.kind === "constant" && value.high === 0 ? value.low >>> 0 : 0;
}

/** Whether the high half is known to be the sign of the low half. */
export function isSigned(value: Value): boolean {
  if (value.kind === "constant") return value.high === value.low >> 31;
  return value.kind === "signed" || maxOf(value) <= 0x7fff_ffff;
}

/** Whether the value may be an address in the frame. */
export function mayBeFrame(value: Value): boolean {
  return value.kind === "frame" || value.kind === "mixed";
}

/** Whether two values are known to be the same, or known in the same way. */
export function sameValue(a: Value, b: Value): boolean {
  if (a.kind !== b.kind) return false;
  const x = a as unknown as Record<string, unknown>, y = b as unknown as Record<string, unknown>;
  for (const key in x) if (x[key] !== y[key]) return false;
  return true;
}

/** What is known where two ways meet. A bound that moved on the way moves to the next step: the lower one to 1, then 0. */
export function joinValues(before: Value, now: Value): Value {
  if (before === now || sameValue(before, now)) return before;
  if (mayBeFrame(before) || mayBeFrame(now)) return mixed;
  const max = Math.max(maxOf(before), maxOf(now));
  if (max <= WORD) {
    const min = Math.min(minOf(before), minOf(now));
    return small(
      max <= maxOf(before) ? max : STEPS.find((step) => step >= max)!,
      min >= minOf(before) ? min : Math.min(min, 1),
    );
  }
  return isSigned(before) && isSigned(now) ? signed : anyValue;
}

/** The second operand of arithmetic or a compare. */
export function operandValue(values: Values, at: Operand): Value {
  return at.isRegister ? values[at.src]! : { kind: "constant", low: at.imm, high: at.high };
}

/** Result of arithmetic, before it goes to the destination. */
export function arithmeticResult(values: Values, at: Operand): Value {
  const a = values[at.dst]!, b = operandValue(values, at);
  if (at.bits === 64 || at.operation === "le" || at.operation === "be" || at.operation === "bswap") {
    return wideResult(a, b, at);
  }
  if (mayBeFrame(a) && at.operation !== "mov" && at.operation !== "movsx" || mayBeFrame(b)) return mixed;
  const low = wideResult(lowHalf(a), lowHalf(b), at);
  return maxOf(low) <= WORD ? low : wholeWord;
}

function lowHalf(value: Value): Value {
  if (value.kind === "constant") return { kind: "constant", low: value.low, high: 0 };
  return maxOf(value) <= WORD ? value : wholeWord;
}

function wideResult(a: Value, b: Value, at: Operand): Value {
  const { operation } = at;
  if (operation === "mov") return b;
  if (operation === "movsx") return mayBeFrame(b) ? mixed : isBelow(b, at.offset) ? b : signed;
  const moved = operation === "add" ? movedPointer(a, b, 1) : operation === "sub" ? movedPointer(a, b, -1) : undefined;
  if (moved !== undefined) return moved;
  if (mayBeFrame(a) || mayBeFrame(b)) return mixed;
  return boundOf(a, b, at) ?? anyValue;
}

function isBelow(value: Value, bits: number): boolean {
  return maxOf(value) < 2 ** (bits - 1);
}

/** Only as far as there is memory: the address of more is maybe below 0, and its high half then not 0. */
function movedPointer(a: Value, b: Value, sign: 1 | -1): Value | undefined {
  if (a.kind !== "frame" && a.kind !== "context") return undefined;
  if (b.kind !== "constant" || b.high !== b.low >> 31) return undefined;
  const offset = a.offset + sign * b.low;
  const [least, most] = a.kind === "frame" ? [-FRAME_BYTES, 0] : [0, CONTEXT_BYTES];
  return offset >= least && offset <= most ? { kind: a.kind, offset } : undefined;
}

/** Bounds of an operation on values that are no addresses. */
function boundOf(a: Value, b: Value, { operation, bits, imm, isRegister }: Operand): Value | undefined {
  const aMax = maxOf(a), bMax = maxOf(b);
  const count = isRegister ? -1 : imm & 63;
  switch (operation) {
    case "add":
      // Compilers count down by adding -1, which as an unsigned number is a large one.
      return isRegister || imm >= 0 ? small(aMax + bMax, minOf(a) + minOf(b)) : difference(a, -imm, -imm);
    case "sub":
      return difference(a, minOf(b), bMax);
    case "mul":
      return aMax === Infinity || bMax === Infinity ? undefined : small(aMax * bMax);
    case "and":
      return small(Math.min(aMax, bMax));
    case "or":
    case "xor":
      return small(allOnes(Math.max(aMax, bMax)));
    case "div":
    case "mod":
      return small(aMax);
    case "lsh":
      return count < 0 ? undefined : small(aMax * 2 ** count);
    case "rsh":
    case "arsh":
      return shiftedRight(aMax, count, operation === "arsh", bits);
    case "le":
    case "be":
    case "bswap":
      return small(2 ** bits - 1);
    default:
      return undefined;
  }
}

/** What is known of `a` less a number between `least` and `most`, where that is not negative. */
function difference(a: Value, least: number, most: number): Value | undefined {
  return maxOf(a) !== Infinity && minOf(a) >= most ? small(maxOf(a) - least, minOf(a) - most) : undefined;
}

function shiftedRight(max: number, count: number, keepsSign: boolean, bits: number): Value | undefined {
  if (max !== Infinity && (!keepsSign || bits === 64 || max <= 0x7fff_ffff)) {
    return small(count < 0 ? max : Math.floor(max / 2 ** count));
  }
  if (bits !== 64 || count < 32) return undefined;
  return keepsSign ? signed : small(Math.floor(2 ** (64 - count) - 1));
}

function allOnes(max: number): number {
  return max === Infinity ? Infinity : 2 ** (32 - Math.clz32(max)) - 1;
}
