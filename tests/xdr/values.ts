/** Types and random values of them, for the tests of this layer. */
import fc from "fast-check";
import * as xdr from "../../src/xdr/mod.ts";

/** A type together with what makes values of it. */
export interface Sample {
  type: xdr.XdrType<unknown>;
  values: fc.Arbitrary<unknown>;
}

const leaves: Sample[] = [
  { type: xdr.int, values: fc.integer() },
  { type: xdr.uint, values: fc.integer({ min: 0, max: 0xffffffff }) },
  { type: xdr.hyper, values: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }) },
  { type: xdr.uhyper, values: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }) },
  { type: xdr.float, values: fc.float() },
  { type: xdr.double, values: fc.double() },
  { type: xdr.bool, values: fc.boolean() },
  { type: xdr.enumeration({ RED: -1, GREEN: 0, BLUE: 7 }), values: fc.constantFrom("RED", "GREEN", "BLUE") },
  { type: xdr.fixedOpaque(5), values: fc.uint8Array({ minLength: 5, maxLength: 5 }) },
  { type: xdr.opaque(9), values: fc.uint8Array({ maxLength: 9 }) },
  { type: xdr.string(24), values: fc.string({ unit: "binary", maxLength: 6 }) },
];

/** Random types, nested to some depth, with values. */
export function samples(depth: number): fc.Arbitrary<Sample> {
  const leaf = fc.constantFrom(...leaves);
  if (depth === 0) return leaf;
  const inner = samples(depth - 1);
  return fc.oneof(
    leaf,
    inner.map(({ type, values }) => ({ type: xdr.optional(type), values: fc.option(values, { nil: undefined }) })),
    inner.map(({ type, values }) => ({ type: xdr.array(type, 4), values: fc.array(values, { maxLength: 4 }) })),
    inner.map(({ type, values }) => ({ type: xdr.list(type, 4), values: fc.array(values, { maxLength: 4 }) })),
    inner.map(({ type, values }) => ({
      type: xdr.fixedArray(type, 3),
      values: fc.array(values, { minLength: 3, maxLength: 3 }),
    })),
    fc.tuple(inner, inner).map(([a, b]) => ({
      type: xdr.struct({ a: a.type, b: b.type }),
      values: fc.record({ a: a.values, b: b.values }),
    })),
    fc.tuple(inner, inner).map(([a, b]) => ({
      type: xdr.union(xdr.int, { 1: a.type, 2: b.type, 3: xdr.nothing }),
      values: fc.oneof(
        a.values.map((value) => ({ tag: 1, value })),
        b.values.map((value) => ({ tag: 2, value })),
        fc.constant({ tag: 3, value: undefined }),
      ),
    })),
  );
}
