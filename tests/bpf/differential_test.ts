import process from "node:process";
import { test } from "node:test";
import { assert, assertEquals } from "@std/assert";
import { fuzzInputs, fuzzSeeds } from "../support/fuzz.ts";
import { compareBudgets, compareSeed } from "./support/differential.ts";

/** Programs per seed: some in a normal run, `LEAT_FUZZ_INPUTS` of them in the soak. Each is compiled twice: some 4 ms. */
const programsOr = (usual: number) => process.env["LEAT_FUZZ_INPUTS"] === undefined ? usual : fuzzInputs();

/** Numbers of programs for each seed of `LEAT_SEEDS`; `kind` keeps those of one test apart from those of another. */
function* numbers(usual: number, kind: number): Generator<number> {
  for (const seed of fuzzSeeds()) {
    for (let i = 0; i < programsOr(usual); i++) yield seed * 1_000_000_000 + kind * 100_000_000 + i;
  }
}

test("differential: random programs give the same on every back end, in either form, and touch nothing else", () => {
  let zeros = 0, count = 0;
  for (const number of numbers(1000, 0)) {
    const { difference, result } = compareSeed(number);
    assertEquals(difference, undefined);
    count++;
    if (result === 0n) zeros++;
  }
  assert(zeros < count / 3, `${zeros} results of 0 of ${count} say little`);
});

test("case 55: random graphs with a guard counter, at least a third irreducible", () => {
  let irreducible = 0, count = 0;
  for (const number of numbers(450, 1)) {
    const shape = { packet: false, wild: true, functions: 1, blocks: 4 + number % 9, block: 3, stack: 16 };
    const { difference, isIrreducible } = compareSeed(number, shape);
    assertEquals(difference, undefined);
    count++;
    if (isIrreducible) irreducible++;
  }
  assert(irreducible >= count / 3, `${irreducible} of ${count} are irreducible`);
});

test("differential: programs of which nothing was proven fail alike, and touch nothing that is not theirs", () => {
  let faults = 0, refused = 0, count = 0;
  for (const number of numbers(250, 2)) {
    const { difference, failure } = compareSeed(number, undefined, "sandbox");
    assertEquals(difference, undefined);
    count++;
    if (failure === "EFAULT") faults++;
    if (failure === "EACCES") refused++;
  }
  assert(faults > count / 10 && faults < count * 9 / 10, `${faults} of ${count} fail`);
  assert(refused > 0 && refused < count / 3, `${refused} of ${count} are refused`);
});

test("differential: the budget is spent at the same instruction on every back end", () => {
  for (const number of numbers(300, 3)) assertEquals(compareBudgets(number), undefined);
});

test("differential: plain programs, most of which the writer for those alone writes", () => {
  let plain = 0, count = 0;
  // The form of control flow alternates with the number: those that are even are nested.
  for (const number of numbers(1000, 4)) {
    const shape = { packet: true, wild: false, plain: true, functions: 1, blocks: 1 + number % 7, block: 5, stack: 0 };
    const { difference, isPlain } = compareSeed(number * 2, shape);
    assertEquals(difference, undefined);
    count++;
    if (isPlain) plain++;
  }
  assert(plain > count / 2, `${plain} of ${count} are plain`);
});
