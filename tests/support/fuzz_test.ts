// The harness of the fuzz tests must try what it says, repeat itself, and name the input that failed.
import process from "node:process";
import { test } from "node:test";
import { assertEquals, assertMatch, assertNotEquals, assertThrows } from "@std/assert";
import { fuzz, fuzzInputs, fuzzSeeds } from "./fuzz.ts";

/** Runs with other settings, and puts the real ones back. */
function withSettings<T>(inputs: string | undefined, seeds: string | undefined, run: () => T): T {
  const before = { LEAT_FUZZ_INPUTS: process.env["LEAT_FUZZ_INPUTS"], LEAT_SEEDS: process.env["LEAT_SEEDS"] };
  const set = (name: string, value: string | undefined) => {
    if (value === undefined) delete process.env[name];
    else process.env[name] = value;
  };
  set("LEAT_FUZZ_INPUTS", inputs);
  set("LEAT_SEEDS", seeds);
  try {
    return run();
  } finally {
    for (const [name, value] of Object.entries(before)) set(name, value);
  }
}

const sample = Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8);

function inputsTried(inputs: string, seeds: string): string[] {
  const tried: string[] = [];
  withSettings(inputs, seeds, () => fuzz([sample], (input) => tried.push(input.join())));
  return tried;
}

test("20,000 inputs with seed 1 by default", () => {
  assertEquals(withSettings(undefined, undefined, () => [fuzzInputs(), fuzzSeeds()]), [20000, [1]]);
});

test("the environment says how many inputs and which seeds", () => {
  assertEquals(withSettings("7", "1,3, 5-7", () => [fuzzInputs(), fuzzSeeds()]), [7, [1, 3, 5, 6, 7]]);
  assertEquals(inputsTried("7", "1-3").length, 21);
});

test("wrong settings are refused", () => {
  for (const wrong of ["", "0", "-5", "1e6", "x"]) withSettings(wrong, "1", () => assertThrows(fuzzInputs, RangeError));
  for (const wrong of ["", "a", "1-", "5-1", "1,,2"]) {
    withSettings("1", wrong, () => assertThrows(fuzzSeeds, RangeError));
  }
});

test("a seed repeats itself, another one does not", () => {
  assertEquals(inputsTried("50", "4"), inputsTried("50", "4"));
  assertNotEquals(inputsTried("50", "4"), inputsTried("50", "5"));
});

test("the input that failed is named, with the seed, and its error is the cause", () => {
  let count = 0;
  const failing = () => {
    if (++count === 12) throw new TypeError("broken");
  };
  const error = withSettings("10", "2-3", () => assertThrows(() => fuzz([sample], failing), Error));
  assertMatch(error.message, /^seed 3, input 1 \(\d+ bytes\): [0-9a-f]*$/);
  assertEquals((error.cause as Error).message, "broken");
});
