/** Random traffic over random links, with invariants after each step. */
import { assert, assertEquals } from "@std/assert";
import { test } from "node:test";
import { fuzzInputs, fuzzSeeds } from "../support/fuzz.ts";
import { type Outcome, Scenario } from "./scenario.ts";

/** 20 in a normal run, 1,000 in the soak, for each of its seeds. */
const RUNS = Math.ceil(fuzzInputs() / 1000);
const seeds = fuzzSeeds().flatMap((seed) => Array.from({ length: RUNS }, (_, i) => seed * 100_000 + i));

function run(seed: number): Outcome {
  try {
    return new Scenario(seed).run();
  } catch (error) {
    throw new Error(`seed ${seed}`, { cause: error });
  }
}

test("120. random traffic: bytes exact, windows kept, nothing left", () => {
  const outcomes = seeds.map(run);
  const sum = (value: (outcome: Outcome) => number) => outcomes.reduce((total, outcome) => total + value(outcome), 0);
  // else it would show little
  assert(sum(({ connections }) => connections) > 2 * seeds.length, "connections");
  assert(sum(({ bytes }) => bytes) > 50_000 * seeds.length, "bytes");
  assert(sum(({ aborted }) => aborted) > 0, "aborts");
});

test("120. the same seed gives the same packets", () => {
  for (const seed of seeds.slice(0, 5)) assertEquals(run(seed), run(seed));
});
