/**
 * What tests of protocols need: time that stands still, randomness by seed, every way to cut and to damage bytes.
 *
 * @module
 */
export { ImpairStream } from "./impair_stream.ts";
export type { ImpairStreamOptions } from "./impair_stream.ts";
export { Link } from "./link.ts";
export type { LinkOptions, LinkSink, LinkStats } from "./link.ts";
export { ManualClock } from "./manual_clock.ts";
export { mutate } from "./mutate.ts";
export { SeededRandom } from "./seeded_random.ts";
export type { Split, SplitsOptions } from "./splits.ts";
export { splitEvery, splitRandomly, splits } from "./splits.ts";
