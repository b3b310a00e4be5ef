/**
 * Options of stream sockets with their defaults.
 *
 * @module
 */
import { durationOption, limitOption } from "../core/limits.ts";
import type { TStreamOptions } from "./option_types.ts";

/** Writes that may wait in the queue of a socket. */
export const MAX_QUEUED_WRITES = 65536;

/** Bytes that may wait in the queue of a socket. */
export const MAX_QUEUED_BYTES: number = 64 * 1024 * 1024;

/** How long disposal waits for queued writes, in milliseconds. */
export const CLOSE_GRACE_MS = 5000;

/** {@linkcode TStreamOptions} after validation. */
export type StreamSettings = { readonly [K in keyof Required<TStreamOptions>]: NonNullable<TStreamOptions[K]> };

/**
 * Fills in the defaults.
 *
 * @throws {TypeError} when an option is of a wrong type
 * @throws {RangeError} when a limit is out of its range
 */
export function streamSettings(options: TStreamOptions = {}): StreamSettings {
  return {
    allowHalfOpen: options.allowHalfOpen ?? false,
    failEarly: options.failEarly ?? false,
    maxQueuedWrites: limitOption("maxQueuedWrites", options.maxQueuedWrites, MAX_QUEUED_WRITES),
    maxQueuedBytes: limitOption("maxQueuedBytes", options.maxQueuedBytes, MAX_QUEUED_BYTES),
    closeGraceMs: durationOption("closeGraceMs", options.closeGraceMs, CLOSE_GRACE_MS),
  };
}
