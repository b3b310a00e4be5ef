/**
 * Streams around engines: `through` and `fuse` for whole pipelines, `items` for single items, and what all stages
 * share: options, errors, clocks.
 *
 * @module
 */
export type { Clock } from "../core/clock.ts";
export { systemClock } from "../core/clock.ts";
export type { Engine, EngineFactory, Sink, Stats } from "../core/engine.ts";
export type { Blame, LeatErrorOptions } from "../core/errors.ts";
export { LeatError } from "../core/errors.ts";
export type { FillRandom } from "../core/random.ts";
export { randomSeed, systemRandom } from "../core/random.ts";
export { FilterStream, type FilterStreamStats } from "./filter_stream.ts";
export { fuse } from "./fuse.ts";
export type { ItemsOptions } from "./items.ts";
export { items } from "./items.ts";
export type { Batched } from "./outlet.ts";
export { Patience } from "./patience.ts";
export type { Stage, StageOptions } from "./stage.ts";
export { byteSize, createStage } from "./stage.ts";
export type { StreamPair } from "./stream_pair.ts";
export type { Source } from "./through.ts";
export { through } from "./through.ts";
