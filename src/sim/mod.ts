/**
 * What tests of protocols need: time that stands still, randomness by seed, every way to cut and to damage bytes.
 *
 * @module
 */
export { ManualClock } from "./manual_clock.ts";
export { mutate } from "./mutate.ts";
export { SeededRandom } from "./seeded_random.ts";
export type { Split, SplitsOptions } from "./splits.ts";
export { splitEvery, splitRandomly, splits } from "./splits.ts";
