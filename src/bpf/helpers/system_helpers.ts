/**
 * Helpers on time, chance and surroundings. There is one processor, one user and nobody else.
 *
 * @module
 */
import { type MakeHelper, result } from "./helper_host.ts";

/** Nanoseconds of a jiffy at 250 Hz. */
const JIFFY_NS = 4_000_000;

const zero: MakeHelper = (host) => () => result(host, 0);
const now: MakeHelper = (host) => () => result(host, host.now());

/** By number. */
export const systemHelpers: readonly (readonly [number: number, make: MakeHelper])[] = [
  [5, now],
  [7, (host) => () => result(host, host.random() >>> 0)],
  [8, zero],
  [14, zero],
  [15, zero],
  [42, zero],
  [46, (host) => () => result(host, host.cookie())],
  [47, zero],
  [93, zero],
  [94, zero],
  [118, (host) => () => result(host, Math.floor(host.now() / JIFFY_NS))],
  [125, now],
  [160, now],
  [208, (host) => () => result(host, host.wallNow())],
];
