/**
 * Options of the flow engine: policies and limits, their defaults, and their validation.
 *
 * @module
 */
import { choiceOption, durationOption, limitOption, needObject } from "../core/limits.ts";

/** Which bytes win where two segments that are held disagree; see {@linkcode FlowTrackerOptions.overlap}. */
export type OverlapPolicy = "first" | "last";

/** What becomes of bytes that were never captured; see {@linkcode FlowTrackerOptions.gaps}. */
export type GapPolicy = "error" | "skip";

/** Options of {@linkcode FlowTracker}: policies first, then limits. */
export interface FlowTrackerOptions {
  /**
   * Which bytes win where segments overlap with different content: the ones that came first or the ones that came
   * last. Only bytes that are still held behind a hole can be replaced; what was handed out stays. Disagreeing bytes
   * are counted as conflicts under both.
   *
   * @default {"first"}
   */
  overlap?: OverlapPolicy | undefined;
  /**
   * What becomes of a hole that is given up on: the direction fails with `EGAP`, or the hole is reported and skipped.
   *
   * @default {"error"}
   */
  gaps?: GapPolicy | undefined;
  /**
   * Most bytes held behind the first hole of a direction, 128 counted on top for each held piece; beyond, the hole is
   * given up on.
   *
   * @default {4194304}
   */
  maxHoleBytes?: number | undefined;
  /**
   * Most segments that may arrive ahead of a hole; beyond, the hole is given up on.
   *
   * @default {4096}
   */
  maxHolePackets?: number | undefined;
  /**
   * Longest wait for a hole to fill, in milliseconds of capture time.
   *
   * @default {60000}
   */
  maxHoleMs?: number | undefined;
  /**
   * Most packets of the flow to wait for after the other side has acknowledged bytes that were not seen. They did
   * arrive, so only reordering in the capture can still bring them.
   *
   * @default {256}
   */
  ackedHolePackets?: number | undefined;
  /**
   * Longest wait after such an acknowledgment, in milliseconds of capture time.
   *
   * @default {1000}
   */
  ackedHoleMs?: number | undefined;
  /**
   * Most bytes held out of order by both directions of one flow, counted as for `maxHoleBytes`; beyond, the hole of
   * the direction that grew is given up on.
   *
   * @default {8388608}
   */
  maxFlowBytes?: number | undefined;
  /**
   * Most bytes held out of order by all flows together, counted as for `maxHoleBytes`; beyond, the oldest holes are
   * given up on.
   *
   * @default {268435456}
   */
  maxTotalBytes?: number | undefined;
  /**
   * Most flows remembered, those that ended within `lingerMs` included. Beyond, one is forgotten: an ended one, else,
   * where they are a quarter of all, one that never got an answer, else the one that was quiet for longest.
   *
   * @default {65536}
   */
  maxFlows?: number | undefined;
  /**
   * A TCP connection without a packet for so long has ended, in milliseconds of capture time.
   *
   * @default {3600000}
   */
  idleMs?: number | undefined;
  /**
   * A UDP conversation without a packet for so long has ended, in milliseconds of capture time.
   *
   * @default {120000}
   */
  udpIdleMs?: number | undefined;
  /**
   * How long an ended connection is remembered, so that its late packets do not look like a new one, in milliseconds
   * of capture time.
   *
   * @default {120000}
   */
  lingerMs?: number | undefined;
  /**
   * Key of the hash over addresses and ports, an integer from 0 to 2^53 - 1. Whoever chooses the addresses must not
   * know it, or can make look-ups slow. It changes no result.
   *
   * @default {0} for the engine, which has no randomness; `FlowStream` draws one
   */
  hashSeed?: number | undefined;
}

/** Every option with its value; internal. */
export type FlowSettings = { readonly [K in keyof FlowTrackerOptions]-?: NonNullable<FlowTrackerOptions[K]> };

const MIB = 1 << 20;
const MINUTE_MS = 60_000;

/**
 * Fills in defaults and validates; internal.
 *
 * @throws {TypeError | RangeError} on a wrong option
 */
export function flowSettings(options: FlowTrackerOptions): FlowSettings {
  needObject("options", options);
  const hashSeed = limitOption("hashSeed", options.hashSeed, 0, 0);
  if (hashSeed === Infinity) throw new RangeError("hashSeed must be finite, got Infinity");
  return {
    overlap: choiceOption("overlap", options.overlap, "first", ["first", "last"]),
    gaps: choiceOption("gaps", options.gaps, "error", ["error", "skip"]),
    maxHoleBytes: limitOption("maxHoleBytes", options.maxHoleBytes, 4 * MIB),
    maxHolePackets: limitOption("maxHolePackets", options.maxHolePackets, 4096),
    maxHoleMs: durationOption("maxHoleMs", options.maxHoleMs, MINUTE_MS),
    ackedHolePackets: limitOption("ackedHolePackets", options.ackedHolePackets, 256, 0),
    ackedHoleMs: durationOption("ackedHoleMs", options.ackedHoleMs, 1000),
    maxFlowBytes: limitOption("maxFlowBytes", options.maxFlowBytes, 8 * MIB),
    maxTotalBytes: limitOption("maxTotalBytes", options.maxTotalBytes, 256 * MIB),
    maxFlows: limitOption("maxFlows", options.maxFlows, 65_536),
    idleMs: durationOption("idleMs", options.idleMs, 60 * MINUTE_MS),
    udpIdleMs: durationOption("udpIdleMs", options.udpIdleMs, 2 * MINUTE_MS),
    lingerMs: durationOption("lingerMs", options.lingerMs, 2 * MINUTE_MS),
    hashSeed,
  };
}
