/**
 * Contracts that all layers share: engines, errors, time, randomness, limits. Internal; public names are re-exported
 * from `./stream`.
 *
 * @module
 */
export type { Clock } from "./clock.ts";
export { systemClock } from "./clock.ts";
export type { Engine, EngineFactory, Sink, Stats } from "./engine.ts";
export type { Blame, LeatErrorOptions } from "./errors.ts";
export { LeatError } from "./errors.ts";
export { choiceOption, durationOption, limitOption } from "./limits.ts";
export type { FillRandom } from "./random.ts";
export { randomSeed, systemRandom } from "./random.ts";
export { Reasons } from "./reasons.ts";
