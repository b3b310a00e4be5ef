/**
 * Sockets in memory: pairs, and a network of them. For tests; `./tsocket` has the same names.
 *
 * @module
 */
export type { ChanceOptions } from "./chance.ts";
export type { MemoryDgramOptions } from "./dgram_driver.ts";
export { dgramDriverPair, type MemoryDgramPairOptions } from "./dgram_pair.ts";
export type { DelayFaults, DgramFaults, ForSides, StreamFaults } from "./faults.ts";
export { type MemoryLink, type MemoryLinkOptions, MemoryNetwork, type MemoryNetworkOptions } from "./network.ts";
export { dgramPair, type DgramPairOptions, streamPair, type StreamPairOptions } from "./pairs.ts";
export { type MemoryStreamOptions, streamDriverPair } from "./stream_driver.ts";
