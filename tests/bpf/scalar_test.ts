import { assert, assertEquals } from "@std/assert";
import { test } from "node:test";
import type { Operation } from "../../src/bpf/encoding_table.ts";
import {
  anyScalar,
  constant,
  constantOf,
  joinScalars,
  lowHalf,
  type Scalar,
  scalarWithin,
  settle,
  showScalar,
  widenScalar,
} from "../../src/bpf/verifier/scalar.ts";
import { arithmetic, byteOrder, negate, signedDivision, signExtend } from "../../src/bpf/verifier/scalar_arithmetic.ts";
import { refine } from "../../src/bpf/verifier/scalar_compare.ts";
import { SeededRandom } from "../../src/sim/mod.ts";
import { fuzzInputs, fuzzSeeds } from "../support/fuzz.ts";

const u = BigInt.asUintN;
const s = BigInt.asIntN;

/** Whether a number is among those that a scalar stands for. */
function contains({ wide, low, bits }: Scalar, x: bigint): boolean {
  const x32 = u(32, x);
  return wide.umin <= x && x <= wide.umax && wide.smin <= s(64, x) && s(64, x) <= wide.smax &&
    low.umin <= x32 && x32 <= low.umax && low.smin <= s(32, x) && s(32, x) <= low.smax &&
    ((x ^ bits.value) & ~bits.mask) === 0n;
}

const corners = [
  0n,
  1n,
  2n,
  7n,
  8n,
  15n,
  31n,
  32n,
  63n,
  64n,
  255n,
  1n << 31n,
  (1n << 31n) - 1n,
  (1n << 32n) - 1n,
  1n << 32n,
  1n << 63n,
  (1n << 63n) - 1n,
  (1n << 64n) - 1n,
  (1n << 64n) - 2n,
  u(64, -8n),
  u(64, -(1n << 31n)),
];

function randomNumber(random: SeededRandom): bigint {
  if (random.chance(0.5)) return random.pick(corners);
  const wide = BigInt(random.below(2 ** 32)) << 32n | BigInt(random.below(2 ** 32));
  return wide >> BigInt(random.below(64));
}

/** Something known of a number, by comparisons, joins and masks that are true of it. */
function randomScalar(random: SeededRandom, x: bigint): Scalar {
  if (random.chance(0.15)) return constant(x);
  let scalar = anyScalar;
  for (let left = random.between(0, 3); left > 0; left--) {
    const y = randomNumber(random);
    const [operation, bits] = [random.pick(compares), random.pick([32, 64])];
    scalar = refine(operation, bits, holds(operation, bits, x, y), scalar, constant(y))?.[0] ?? scalar;
    if (random.chance(0.2)) scalar = joinScalars(scalar, constant(randomNumber(random)));
  }
  if (random.chance(0.3)) {
    const mask = randomNumber(random);
    scalar = settle({ ...scalar, bits: { value: x & ~mask & u(64, -1n), mask } }) ?? scalar;
  }
  return scalar;
}

const compares: readonly Operation[] = [
  "jeq",
  "jne",
  "jgt",
  "jge",
  "jlt",
  "jle",
  "jsgt",
  "jsge",
  "jslt",
  "jsle",
  "jset",
];

function holds(operation: Operation, bits: number, x: bigint, y: bigint): boolean {
  const [a, b, c, d] = [u(bits, x), u(bits, y), s(bits, x), s(bits, y)];
  const results: Partial<Record<Operation, boolean>> = {
    jeq: a === b,
    jne: a !== b,
    jgt: a > b,
    jge: a >= b,
    jlt: a < b,
    jle: a <= b,
    jsgt: c > d,
    jsge: c >= d,
    jslt: c < d,
    jsle: c <= d,
    jset: (a & b) !== 0n,
  };
  return results[operation]!;
}

const operations: readonly Operation[] = [
  "add",
  "sub",
  "mul",
  "div",
  "mod",
  "or",
  "and",
  "xor",
  "lsh",
  "rsh",
  "arsh",
  "sdiv",
  "smod",
];

function compute(operation: Operation, bits: number, x: bigint, y: bigint): bigint {
  const [a, b, c, d] = [u(bits, x), u(bits, y), s(bits, x), s(bits, y)];
  const by = b & BigInt(bits - 1);
  const results: Partial<Record<Operation, () => bigint>> = {
    add: () => a + b,
    sub: () => a - b,
    mul: () => a * b,
    div: () => b === 0n ? 0n : a / b,
    mod: () => b === 0n ? a : a % b,
    or: () => a | b,
    and: () => a & b,
    xor: () => a ^ b,
    lsh: () => a << by,
    rsh: () => a >> by,
    arsh: () => c >> by,
    sdiv: () => d === 0n ? 0n : c / d,
    smod: () => d === 0n ? c : c % d,
  };
  return u(bits, results[operation]!());
}

function each(check: (random: SeededRandom, x: bigint, a: Scalar) => void): void {
  for (const seed of fuzzSeeds()) {
    const random = new SeededRandom(seed);
    for (let left = Math.min(fuzzInputs() / 5, 200_000); left > 0; left--) {
      const x = randomNumber(random);
      const a = randomScalar(random, x);
      assert(contains(a, x), `what is known of ${x} leaves it out: ${showScalar(a)}`);
      check(random, x, a);
    }
  }
}

test("case 31: results of arithmetic are among those that are thought possible", () => {
  each((random, x, a) => {
    const y = randomNumber(random);
    const b = randomScalar(random, y);
    const [operation, bits] = [random.pick(operations), random.pick([32, 64])];
    const isSigned = operation === "sdiv" || operation === "smod";
    const result = isSigned ? signedDivision(operation, bits, a, b) : arithmetic(operation, bits, a, b);
    const exact = compute(operation, bits, x, y);
    assert(
      contains(result, exact),
      `${operation}${bits} ${x} (${showScalar(a)}), ${y} (${showScalar(b)}): ${exact} is not ${showScalar(result)}`,
    );
  });
});

test("case 31: results with one operand are among those that are thought possible", () => {
  each((random, x, a) => {
    const bits = random.pick([32, 64]);
    assert(contains(negate(bits, a), u(bits, -x)));
    const from = random.pick(bits === 32 ? [8, 16] : [8, 16, 32]);
    assert(contains(signExtend(from, bits, a), u(bits, s(from, x))), `movsx ${from} ${bits} ${x} ${showScalar(a)}`);
    const width = random.pick([16, 32, 64]);
    assert(contains(byteOrder("le", width, a), u(width, x)));
    const swapped = BigInt(`0x${u(width, x).toString(16).padStart(width / 4, "0").match(/../g)!.reverse().join("")}`);
    assert(contains(byteOrder(random.pick(["be", "bswap"]), width, a), swapped));
    assert(contains(lowHalf(a), u(32, x)));
  });
});

test("case 31: what a comparison tells is true of its operands", () => {
  each((random, x, a) => {
    const y = random.chance(0.3) ? x : randomNumber(random);
    const b = randomScalar(random, y);
    const [operation, bits] = [random.pick(compares), random.pick([32, 64])];
    const refined = refine(operation, bits, holds(operation, bits, x, y), a, b);
    assert(refined !== undefined, `${operation}${bits} ${x} ${y}: the way that is gone is thought impossible`);
    assert(contains(refined[0], x) && contains(refined[1], y), `${operation}${bits} ${x} ${y}`);
  });
});

test("case 31: joins and widenings hold what they are made of", () => {
  each((random, x, a) => {
    const b = randomScalar(random, x);
    const joined = joinScalars(a, b);
    assert(scalarWithin(a, joined) && scalarWithin(b, joined));
    assert(scalarWithin(joined, widenScalar(a, joined)));
  });
});

test("what is known of constants is exact", () => {
  for (const operation of operations) {
    for (const bits of [32, 64]) {
      for (const x of corners) {
        for (const y of corners) {
          const isSigned = operation === "sdiv" || operation === "smod";
          const [a, b] = [constant(x), constant(y)];
          const result = isSigned ? signedDivision(operation, bits, a, b) : arithmetic(operation, bits, a, b);
          const exact = compute(operation, bits, x, y);
          assertEquals(constantOf(result), exact, `${operation}${bits} ${x} ${y}`);
        }
      }
    }
  }
});

test("widening comes to rest", () => {
  let scalar = constant(0n);
  for (let turn = 0; turn < 20; turn++) {
    const grown = joinScalars(scalar, arithmetic("add", 64, scalar, constant(1n)));
    scalar = turn < 8 ? grown : widenScalar(scalar, grown);
  }
  assert(scalarWithin(arithmetic("add", 64, scalar, constant(1n)), scalar));
});
