/**
 * What the memory drivers can do wrong on purpose, as options, and their validation.
 *
 * @module
 */
import { type Clock, systemClock } from "../../../core/clock.ts";
import { durationOption, limitOption } from "../../../core/limits.ts";
import type { ChanceOptions } from "./chance.ts";

/** How late what is sent arrives. */
export interface DelayFaults extends ChanceOptions {
  /**
   * Turns of the event loop that everything takes to arrive.
   *
   * @default {0}
   */
  delayTurns?: number | undefined;
  /**
   * Further turns, of which each piece takes none, some or all.
   *
   * @default {0}
   */
  jitterTurns?: number | undefined;
  /**
   * Milliseconds of {@linkcode clock} that everything takes to arrive, on top of the turns.
   *
   * @default {0}
   */
  delayMs?: number | undefined;
  /**
   * Further milliseconds, of which each piece takes none, some or all.
   *
   * @default {0}
   */
  jitterMs?: number | undefined;
  /** Clock of the delays; the runtime's own by default. */
  clock?: Clock | undefined;
}

/** What may go wrong in one direction of a stream. Everything is off by default. */
export interface StreamFaults extends DelayFaults {
  /**
   * Probability, from 0 to 1, that a read gives fewer bytes than are there.
   *
   * @default {0}
   */
  shortReads?: number | undefined;
  /**
   * Bytes that one read gives at most.
   *
   * @default {Infinity}
   */
  maxReadBytes?: number | undefined;
  /**
   * Probability, from 0 to 1, that a piece of a write is smaller than what there is room for. The rest follows in later
   * turns.
   *
   * @default {0}
   */
  shortWrites?: number | undefined;
  /**
   * Bytes of a write that are taken in one turn of the event loop.
   *
   * @default {Infinity}
   */
  maxWriteBytes?: number | undefined;
  /** The connection is reset, for both sides, when this many bytes have been sent. */
  resetAfterBytes?: number | undefined;
  /** The direction ends in order when this many bytes have been sent; further writes fail with `EPIPE`. */
  endAfterBytes?: number | undefined;
  /** Bytes after the first so many vanish, and nobody is told. */
  truncateAfterBytes?: number | undefined;
}

/** What may go wrong with datagrams. Everything is off by default. */
export interface DgramFaults extends DelayFaults {
  /**
   * Probability, from 0 to 1, that a datagram is lost.
   *
   * @default {0}
   */
  loss?: number | undefined;
  /**
   * Probability, from 0 to 1, that a datagram arrives twice.
   *
   * @default {0}
   */
  duplication?: number | undefined;
  /**
   * Probability, from 0 to 1, that a datagram is held back so that later ones overtake it.
   *
   * @default {0}
   */
  reordering?: number | undefined;
  /**
   * Turns of the event loop for which a datagram is held back at most, when it is.
   *
   * @default {4}
   */
  reorderTurns?: number | undefined;
  /**
   * Datagrams that a socket sends in one turn of the event loop; more have to wait until it is writable again.
   *
   * @default {Infinity}
   */
  maxSendsPerTurn?: number | undefined;
}

/** The same faults for both sides, or those of the left and those of the right one. */
export type ForSides<T> = T | readonly [T | undefined, T | undefined];

/** The faults of the left side (0) or of the right one (1). */
export function ofSide<T extends object>(faults: ForSides<T> | undefined, side: 0 | 1): T | undefined {
  return Array.isArray(faults) ? faults[side] : faults as T | undefined;
}

/** {@linkcode DelayFaults} after validation. */
export interface DelaySettings {
  readonly chance: ChanceOptions;
  readonly delayTurns: number;
  readonly jitterTurns: number;
  readonly delayMs: number;
  readonly jitterMs: number;
  readonly clock: Clock;
}

/** {@linkcode StreamFaults} after validation. */
export interface StreamFaultSettings extends DelaySettings {
  readonly shortReads: number;
  readonly maxReadBytes: number;
  readonly shortWrites: number;
  readonly maxWriteBytes: number;
  readonly resetAfterBytes: number;
  readonly endAfterBytes: number;
  readonly truncateAfterBytes: number;
}

/** {@linkcode DgramFaults} after validation. */
export interface DgramFaultSettings extends DelaySettings {
  readonly loss: number;
  readonly duplication: number;
  readonly reordering: number;
  readonly reorderTurns: number;
  readonly maxSendsPerTurn: number;
}

/**
 * Fills in the defaults.
 *
 * @throws {TypeError} when a value is of a wrong type
 * @throws {RangeError} when one is out of its range
 */
export function streamFaultSettings(faults: StreamFaults = {}): StreamFaultSettings {
  return {
    ...delaySettings(faults),
    shortReads: probability("shortReads", faults.shortReads),
    maxReadBytes: limitOption("maxReadBytes", faults.maxReadBytes, Infinity),
    shortWrites: probability("shortWrites", faults.shortWrites),
    maxWriteBytes: limitOption("maxWriteBytes", faults.maxWriteBytes, Infinity),
    resetAfterBytes: limitOption("resetAfterBytes", faults.resetAfterBytes, Infinity, 0),
    endAfterBytes: limitOption("endAfterBytes", faults.endAfterBytes, Infinity, 0),
    truncateAfterBytes: limitOption("truncateAfterBytes", faults.truncateAfterBytes, Infinity, 0),
  };
}

/**
 * Fills in the defaults.
 *
 * @throws {TypeError} when a value is of a wrong type
 * @throws {RangeError} when one is out of its range
 */
export function dgramFaultSettings(faults: DgramFaults = {}): DgramFaultSettings {
  return {
    ...delaySettings(faults),
    loss: probability("loss", faults.loss),
    duplication: probability("duplication", faults.duplication),
    reordering: probability("reordering", faults.reordering),
    reorderTurns: limitOption("reorderTurns", faults.reorderTurns, 4),
    maxSendsPerTurn: limitOption("maxSendsPerTurn", faults.maxSendsPerTurn, Infinity),
  };
}

function delaySettings(faults: DelayFaults): DelaySettings {
  return {
    chance: { seed: faults.seed, random: faults.random },
    delayTurns: limitOption("delayTurns", faults.delayTurns, 0, 0),
    jitterTurns: limitOption("jitterTurns", faults.jitterTurns, 0, 0),
    delayMs: durationOption("delayMs", faults.delayMs, 0),
    jitterMs: durationOption("jitterMs", faults.jitterMs, 0),
    clock: faults.clock ?? systemClock,
  };
}

function probability(name: string, value: number | undefined): number {
  const checked = durationOption(name, value, 0);
  if (checked > 1) throw new RangeError(`${name} is a probability, at most 1, got ${checked}`);
  return checked;
}
