/**
 * Limits and times of an endpoint, with their defaults.
 *
 * @module
 */
import { durationOption, knownKeys, limitOption } from "../core/limits.ts";
import { typeName } from "../core/words.ts";
import type { RxTimeouts } from "./ports.ts";

/** Options that bound what an endpoint holds, sends and waits for. Times in milliseconds. */
export interface RxLimits {
  /**
   * Packets of a call that may have come and not been read; 32 before something was read or a reply waits. 1 to 255.
   *
   * @default {128}
   */
  receiveWindow?: number | undefined;
  /** Packets of a call that may be under way. 1 to 255. @default {128} */
  sendWindow?: number | undefined;
  /** Packets of a call that are cut and not acknowledged, before a writer has to wait. @default {256} */
  sendQueue?: number | undefined;
  /** Largest datagram sent, headers of UDP and IP apart. @default {1444} */
  maxDatagram?: number | undefined;
  /** Packets in one datagram when sending; 1 is no jumbograms. At most 46. @default {1} */
  jumbo?: number | undefined;
  /** What the peer is told to put into one datagram; 0 leaves it to its own measuring. @default {0} */
  acceptJumbo?: number | undefined;
  /** Connections of a bundle: calls to one service with one key; each carries four calls. @default {4} */
  maxConnectionsPerBundle?: number | undefined;
  /** Calls that wait for a channel, of the whole endpoint. @default {1000} */
  maxQueuedCalls?: number | undefined;
  /** Connections that clients have to this endpoint. @default {10000} */
  maxServiceConnections?: number | undefined;
  /** The same from one address. @default {64} */
  maxServiceConnectionsPerPeer?: number | undefined;
  /** Calls of clients at a time, from one peer: one address and port. @default {64} */
  maxServiceCallsPerPeer?: number | undefined;
  /**
   * Bytes of calls that run, which have come and were not taken yet: unread, out of order, or before their call was
   * accepted; of the whole endpoint. Beyond them windows are closed and packets dropped, but for one packet of at most
   * 1444 bytes of each accepted call of which everything was read. Calls of which nothing was read have no more than three
   * quarters, addresses that have proved nothing a quarter; and of calls that wait for such a proof there is one for each 16
   * KiB of it, 16 at least: the one that has waited longest is told that this end is busy when another comes. A call alone
   * may have no more than `receiveWindow` usual packets.
   *
   * @default {67108864}
   */
  maxHeldBytes?: number | undefined;
  /**
   * The same of one peer: one address and port. Beyond it each accepted call may have a 64th, and no more than 16 usual packets: of `n` calls
   * that is `n * 23104` bytes at most. @default {4194304}
   */
  maxHeldBytesPerPeer?: number | undefined;
  /**
   * A call of which nothing is heard for so long is over; and after three times as long one whose peer answers, while a
   * gap in what it sent is not filled or nothing of what is sent to it arrives. @default {20000}
   */
  deadMs?: number | undefined;
  /** A request that stops coming for so long is over; a millisecond at least. @default {60000} */
  requestIdleMs?: number | undefined;
  /** A connection of this end without calls is kept so long. @default {120000} */
  idleClientMs?: number | undefined;
  /** The same while there are more than `reapThreshold`. @default {2000} */
  idleClientFastMs?: number | undefined;
  /** See `idleClientFastMs`. @default {900} */
  reapThreshold?: number | undefined;
  /**
   * A client's connection without calls is kept so long, but a minute at most while there are more than half of
   * `maxServiceConnections`. @default {600000}
   */
  idleServiceMs?: number | undefined;
  /** Keeps ways through translators of addresses open: a packet so often to each server. @default {Infinity} never */
  natKeepaliveMs?: number | undefined;
  /** Replies a second to packets of nobody known. @default {50} */
  statelessPerSecond?: number | undefined;
}

/** All of them, checked. */
export type CheckedLimits = { readonly [Name in keyof RxLimits]-?: number };

const MAX_WINDOW = 255;
const MIN_DATAGRAM = 520;
const MAX_DATAGRAM = 65_507;

/**
 * Checks limits and fills in the defaults.
 *
 * @throws {TypeError | RangeError} when one is wrong
 */
export function checkedLimits(limits: RxLimits): CheckedLimits {
  const count = (name: keyof RxLimits, fallback: number, min?: number, max = Infinity): number => {
    const checked = limitOption(name, limits[name], fallback, min);
    if (checked > max) throw new RangeError(`${name} must be at most ${max}, got ${checked}`);
    return checked;
  };
  const time = (name: keyof RxLimits, fallback: number): number => durationOption(name, limits[name], fallback);
  return {
    receiveWindow: count("receiveWindow", 128, 1, MAX_WINDOW),
    sendWindow: count("sendWindow", 128, 1, MAX_WINDOW),
    sendQueue: count("sendQueue", 256, 2, 65_536),
    maxDatagram: count("maxDatagram", 1444, MIN_DATAGRAM, MAX_DATAGRAM),
    jumbo: count("jumbo", 1, 1, 46),
    acceptJumbo: count("acceptJumbo", 0, 0, 46),
    maxConnectionsPerBundle: count("maxConnectionsPerBundle", 4),
    maxQueuedCalls: count("maxQueuedCalls", 1000),
    maxServiceConnections: count("maxServiceConnections", 10_000),
    maxServiceConnectionsPerPeer: count("maxServiceConnectionsPerPeer", 64),
    maxServiceCallsPerPeer: count("maxServiceCallsPerPeer", 64),
    maxHeldBytes: count("maxHeldBytes", 64 * 1024 * 1024),
    maxHeldBytesPerPeer: count("maxHeldBytesPerPeer", 4 * 1024 * 1024),
    deadMs: time("deadMs", 20_000),
    requestIdleMs: Math.max(1, time("requestIdleMs", 60_000)),
    idleClientMs: time("idleClientMs", 120_000),
    idleClientFastMs: time("idleClientFastMs", 2000),
    reapThreshold: count("reapThreshold", 900),
    idleServiceMs: time("idleServiceMs", 600_000),
    natKeepaliveMs: Math.max(1000, time("natKeepaliveMs", Infinity)),
    statelessPerSecond: count("statelessPerSecond", 50),
  };
}

const NO_TIMEOUTS: RxTimeouts = {};

/**
 * Checks the timeouts of a call.
 *
 * @throws {TypeError | RangeError} when one is wrong
 */
export function checkedTimeouts(timeouts: RxTimeouts | undefined): RxTimeouts {
  if (timeouts === undefined) return NO_TIMEOUTS;
  knownKeys("timeouts", timeouts, ["hardMs", "deadMs"]);
  durationOption("timeouts.hardMs", timeouts.hardMs, 0);
  durationOption("timeouts.deadMs", timeouts.deadMs, 0);
  return timeouts;
}

/**
 * Checks a service or a port.
 *
 * @throws {TypeError} when it is no number
 * @throws {RangeError} when it can be none
 */
export function checkNumber(name: string, value: number): void {
  if (typeof value !== "number") throw new TypeError(`${name} must be a number, got ${typeName(value)}`);
  if (!Number.isInteger(value) || value < 1 || value > 65_535) {
    throw new RangeError(`${name} must be an integer from 1 to 65535, got ${String(value)}`);
  }
}
