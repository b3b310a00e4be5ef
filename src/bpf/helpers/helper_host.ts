/**
 * What helpers need of the machine they run in.
 *
 * @module
 */
import type { BpfMap } from "../maps/bpf_map.ts";
import type { BpfMemory } from "../memory.ts";
import type { HelperFunction, PacketWindow } from "../runner.ts";

/** The machine as helpers see it. */
export interface HelperHost {
  /** Memory of the program. */
  readonly memory: BpfMemory;
  /** The message. */
  readonly packet: PacketWindow;
  /** High half of a helper's result. */
  readonly high: Int32Array;
  /** The map that a map reference means. */
  mapOf(handle: number): BpfMap;
  /** Monotonic time in nanoseconds. */
  now(): number;
  /** Wall-clock time in nanoseconds. */
  wallNow(): number;
  /** 32 random bits. */
  random(): number;
  /** Takes a line of `trace_printk`. */
  trace(line: string): void;
  /** Number of the connection. */
  cookie(): number;
}

/** Makes a helper for a machine. */
export type MakeHelper = (host: HelperHost) => HelperFunction;

/** The result as a signed number of at most 53 bits: returns its low half, sets the high one. */
export function result(host: HelperHost, value: number): number {
  const low = value | 0;
  // Most results are small ones, for which the division would cost as much as the rest of the helper.
  host.high[0] = low === value ? low >> 31 : Math.floor(value / 2 ** 32);
  return low;
}
