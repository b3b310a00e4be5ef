/**
 * Comparisons of what is known of numbers: whether a jump is taken, and what each way tells of the operands.
 *
 * @module
 */
import type { Operation } from "../encoding_table.ts";
import { type Bits, intersectBits } from "./bits.ts";
import { type Bounds, W32, W64 } from "./bounds.ts";
import { constantOf, meetBounds, type Scalar, settle } from "./scalar.ts";

/** Both operands of a comparison; `undefined` where no numbers are like that. */
export type Refined = readonly [Scalar, Scalar] | undefined;

type Relation = "eq" | "ne" | "lt" | "le" | "slt" | "sle" | "set" | "clear";

/** Each jump as a relation, with its operands exchanged where it says so, and what holds where it is not taken. */
const relations: Partial<Record<Operation, readonly [relation: Relation, isExchanged: boolean]>> = {
  jeq: ["eq", false],
  jne: ["ne", false],
  jset: ["set", false],
  jlt: ["lt", false],
  jle: ["le", false],
  jgt: ["lt", true],
  jge: ["le", true],
  jslt: ["slt", false],
  jsle: ["sle", false],
  jsgt: ["slt", true],
  jsge: ["sle", true],
};

/** Negations; the exchanged ones exchange the operands: not a < b is b <= a. */
const negations: Record<Relation, readonly [relation: Relation, isExchanged: boolean]> = {
  eq: ["ne", false],
  ne: ["eq", false],
  lt: ["le", true],
  le: ["lt", true],
  slt: ["sle", true],
  sle: ["slt", true],
  set: ["clear", false],
  clear: ["set", false],
};

/** What both operands are where a jump is taken, or where it is not. */
export function refine(operation: Operation, bits: number, isTaken: boolean, a: Scalar, b: Scalar): Refined {
  const found = relations[operation];
  if (found === undefined) return [a, b];
  let [relation, isExchanged] = found;
  if (!isTaken) {
    const [negated, turns] = negations[relation];
    relation = negated;
    isExchanged = isExchanged !== turns;
  }
  if (!isExchanged) return relate(relation, bits, a, b);
  const refined = relate(relation, bits, b, a);
  return refined && [refined[1], refined[0]];
}

function relate(relation: Relation, bits: number, a: Scalar, b: Scalar): Refined {
  if (a.bits.mask === 0n && b.bits.mask === 0n) return holds(relation, bits, a, b) ? [a, b] : undefined;
  const part = bits === 32 ? "low" : "wide";
  const width = bits === 32 ? W32 : W64;
  switch (relation) {
    case "eq":
      return settleBoth(equal(bits, a, b));
    case "ne":
      return settleBoth(unequal(part, a, b));
    case "lt":
      return below(part, a, b, width.umax, 1n);
    case "le":
      return below(part, a, b, width.umax, 0n);
    case "slt":
      return signedBelow(part, a, b, 1n);
    case "sle":
      return signedBelow(part, a, b, 0n);
    default:
      return masked(relation, bits, a, b);
  }
}

/** Compares constants. */
function holds(relation: Relation, bits: number, a: Scalar, b: Scalar): boolean {
  const [first, second] = bits === 32 ? [a.low, b.low] : [a.wide, b.wide];
  switch (relation) {
    case "eq":
      return first.umin === second.umin;
    case "ne":
      return first.umin !== second.umin;
    case "lt":
      return first.umin < second.umin;
    case "le":
      return first.umin <= second.umin;
    case "slt":
      return first.smin < second.smin;
    case "sle":
      return first.smin <= second.smin;
    default:
      return ((first.umin & second.umin) !== 0n) === (relation === "set");
  }
}

function settleBoth(pair: Refined): Refined {
  const first = pair && settle(pair[0]);
  const second = pair && settle(pair[1]);
  return first && second && [first, second];
}

function within(part: "wide" | "low", scalar: Scalar, bounds: Partial<Bounds>): Scalar {
  return { ...scalar, [part]: { ...scalar[part], ...bounds } };
}

function equal(bits: number, a: Scalar, b: Scalar): Refined {
  const low = meetBounds(a.low, b.low);
  const mask = bits === 32 ? W64.umax ^ W32.umax : 0n;
  const known = (own: Bits, other: Bits) => intersectBits(own, { value: other.value & ~mask, mask: other.mask | mask });
  const [first, second] = [known(a.bits, b.bits), known(b.bits, a.bits)];
  if (first === undefined || second === undefined) return undefined;
  if (bits === 32) return [{ ...a, low, bits: first }, { ...b, low, bits: second }];
  const wide = meetBounds(a.wide, b.wide);
  return [{ wide, low, bits: first }, { wide, low, bits: second }];
}

/** Only a number at the end of an interval can be left out. */
function unequal(part: "wide" | "low", a: Scalar, b: Scalar): Refined {
  const first = without(part, a, b[part]);
  const second = first && without(part, b, a[part]);
  return first && second && [first, second];
}

function without(part: "wide" | "low", scalar: Scalar, { umin, umax, smin, smax }: Bounds): Scalar | undefined {
  if (umin !== umax || smin !== smax) return scalar;
  const own = scalar[part];
  if (own.umin === own.umax && own.umin === umin) return undefined;
  return within(part, scalar, {
    umin: own.umin === umin ? umin + 1n : own.umin,
    umax: own.umax === umax ? umax - 1n : own.umax,
    smin: own.smin === smin ? smin + 1n : own.smin,
    smax: own.smax === smax ? smax - 1n : own.smax,
  });
}

const larger = (a: bigint, b: bigint) => a > b ? a : b;
const smaller = (a: bigint, b: bigint) => a < b ? a : b;

function below(part: "wide" | "low", a: Scalar, b: Scalar, umax: bigint, gap: bigint): Refined {
  const [first, second] = [a[part], b[part]];
  if (second.umax < gap || first.umin > umax - gap) return undefined;
  return settleBoth([
    within(part, a, { umax: smaller(first.umax, second.umax - gap) }),
    within(part, b, { umin: larger(second.umin, first.umin + gap) }),
  ]);
}

function signedBelow(part: "wide" | "low", a: Scalar, b: Scalar, gap: bigint): Refined {
  const [first, second] = [a[part], b[part]];
  return settleBoth([
    within(part, a, { smax: smaller(first.smax, second.smax - gap) }),
    within(part, b, { smin: larger(second.smin, first.smin + gap) }),
  ]);
}

/** `jset`: with a constant of one bit that bit is known where it jumps; where it does not, all bits of it are clear. */
function masked(relation: "set" | "clear", bits: number, a: Scalar, b: Scalar): Refined {
  const other = constantOf(b);
  if (other === undefined) return [a, b];
  const mask = BigInt.asUintN(bits, other);
  const isOneBit = mask !== 0n && (mask & mask - 1n) === 0n;
  if (relation === "set" && (a.bits.value & mask) === 0n && (a.bits.mask & mask) === 0n) return undefined;
  if (relation === "set" && !isOneBit) return [a, b];
  const known = intersectBits(a.bits, { value: relation === "set" ? mask : 0n, mask: W64.umax ^ mask });
  return known && settleBoth([{ ...a, bits: known }, b]);
}
