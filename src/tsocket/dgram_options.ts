/**
 * Options of datagram sockets with their defaults.
 *
 * @module
 */
import { durationOption, limitOption } from "../core/limits.ts";
import { CLOSE_GRACE_MS } from "./stream_options.ts";
import type { TDgramOptions } from "./option_types.ts";

/** Datagrams that may wait to be read. */
export const MAX_QUEUED_DATAGRAMS = 4096;

/** Bytes that may wait to be read. */
export const MAX_QUEUED_DATAGRAM_BYTES: number = 16 * 1024 * 1024;

/** Datagrams that may wait to be sent. */
export const MAX_QUEUED_SENDS = 65536;

/** {@linkcode TDgramOptions} after validation. */
export type DgramSettings = { readonly [K in keyof Required<TDgramOptions>]: NonNullable<TDgramOptions[K]> };

/**
 * Fills in the defaults.
 *
 * @throws {TypeError} when an option is of a wrong type
 * @throws {RangeError} when a limit is out of its range
 */
export function dgramSettings(options: TDgramOptions = {}): DgramSettings {
  return {
    maxQueuedDatagrams: limitOption("maxQueuedDatagrams", options.maxQueuedDatagrams, MAX_QUEUED_DATAGRAMS),
    maxQueuedBytes: limitOption("maxQueuedBytes", options.maxQueuedBytes, MAX_QUEUED_DATAGRAM_BYTES),
    maxQueuedSends: limitOption("maxQueuedSends", options.maxQueuedSends, MAX_QUEUED_SENDS),
    closeGraceMs: durationOption("closeGraceMs", options.closeGraceMs, CLOSE_GRACE_MS),
  };
}
