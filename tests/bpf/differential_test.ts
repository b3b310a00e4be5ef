import process from "node:process";
import { test } from "node:test";
import { assert, assertEquals } from "@std/assert";
import { fuzzInputs, fuzzSeeds } from "../support/fuzz.ts";
import { compareSeed } from "./support/differential.ts";

/** `npm run soak` says how many. Each program is compiled five times, which takes some 10 ms. */
const programs = process.env["LEAT_FUZZ_INPUTS"] === undefined ? 1000 : fuzzInputs();

test("differential: random programs give the same on every back end, in both forms, and touch nothing else", () => {
  for (const first of fuzzSeeds()) {
    let zeros = 0;
    for (let i = 0; i < programs; i++) {
      const { difference, result } = compareSeed(first * 1_000_000_000 + i);
      assertEquals(difference, undefined);
      if (result === 0n) zeros++;
    }
    assert(zeros < programs / 3, `${zeros} results of 0 say little`);
  }
});

test("case 55: random graphs with a guard counter, at least a third irreducible", () => {
  let irreducible = 0;
  for (let seed = 1; seed <= 450; seed++) {
    const shape = { packet: false, wild: true, functions: 1, blocks: 4 + seed % 9, block: 3 };
    const { difference, isIrreducible } = compareSeed(100_000 + seed, shape);
    assertEquals(difference, undefined);
    if (isIrreducible) irreducible++;
  }
  assert(irreducible >= 150, `${irreducible} of 450 are irreducible`);
});

test("differential: programs of which nothing was proven fail alike, and touch nothing that is not theirs", () => {
  let faults = 0;
  for (let seed = 1; seed <= 250; seed++) {
    const { difference, failure } = compareSeed(200_000 + seed, undefined, "sandbox");
    assertEquals(difference, undefined);
    if (failure === "EFAULT") faults++;
  }
  assert(faults > 25 && faults < 225, `${faults} of 250 fail`);
});
