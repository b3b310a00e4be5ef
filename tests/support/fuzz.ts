/**
 * How much the fuzz tests do: 20,000 inputs with seed 1 in a normal run, more in the soak (`npm run soak`).
 *
 * - `LEAT_FUZZ_INPUTS`: inputs per fuzz test and seed,
 * - `LEAT_SEEDS`: seeds, as `1,2,5` or `1-8`.
 *
 * @module
 */
import process from "node:process";
import { mutate, SeededRandom } from "../../src/sim/mod.ts";

/** Inputs per fuzz test and seed. */
export function fuzzInputs(): number {
  const text = process.env["LEAT_FUZZ_INPUTS"] ?? "20000";
  if (!/^[1-9]\d*$/.test(text)) throw new RangeError(`LEAT_FUZZ_INPUTS must be a count, got ${text}`);
  return Number(text);
}

/** The seeds. */
export function fuzzSeeds(): number[] {
  const text = process.env["LEAT_SEEDS"] ?? "1";
  return text.split(",").flatMap((part) => {
    const [, first, last = first] = /^(\d+)(?:-(\d+))?$/.exec(part.trim()) ?? [];
    if (first === undefined || Number(last) < Number(first)) {
      throw new RangeError(`LEAT_SEEDS must be like 1,2,5 or 1-8, got ${text}`);
    }
    return Array.from({ length: Number(last) - Number(first) + 1 }, (_, i) => Number(first) + i);
  });
}

/**
 * Runs `check` on seeded mutations of the samples, each seed as often as {@linkcode fuzzInputs} says. What it throws
 * comes back with the seed, the number and the bytes of the input that did it.
 */
export function fuzz(samples: readonly Uint8Array[], check: (input: Uint8Array, random: SeededRandom) => void): void {
  for (const seed of fuzzSeeds()) {
    const random = new SeededRandom(seed);
    for (let number = 0; number < fuzzInputs(); number++) {
      const input = mutate(random.pick(samples), random);
      try {
        check(input, random);
      } catch (error) {
        throw new Error(`seed ${seed}, input ${number} (${input.length} bytes): ${head(input)}`, { cause: error });
      }
    }
  }
}

function head(bytes: Uint8Array): string {
  const hex = Array.from(bytes.subarray(0, 256), (byte) => byte.toString(16).padStart(2, "0")).join("");
  return bytes.length > 256 ? `${hex}...` : hex;
}
