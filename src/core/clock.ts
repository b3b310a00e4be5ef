/**
 * Time as an argument: the interface that stages take their time and their one timer from.
 *
 * Engines see neither; they are told `now`.
 *
 * @module
 */

/** Source of monotonic time and of one-shot timers. */
export interface Clock {
  /** Milliseconds since an arbitrary start; never goes back. */
  now(): number;
  /** Calls `callback` once, when `now()` has reached `at` or soon after. Returns a function that cancels it. */
  setTimer(at: number, callback: () => void): () => void;
}

/** `setTimeout` counts in 32 signed bits; a later deadline is reached in several steps. */
const MAX_TIMEOUT_MS = 0x7fffffff;

/** The runtime's monotonic clock and its timers. */
export const systemClock: Clock = {
  now(): number {
    return performance.now();
  },
  setTimer(at: number, callback: () => void): () => void {
    let handle: ReturnType<typeof setTimeout>;
    const arm = (): void => {
      const left = at - performance.now();
      if (left <= 0) return callback();
      handle = setTimeout(arm, Math.min(Math.ceil(left), MAX_TIMEOUT_MS));
    };
    handle = setTimeout(arm, Math.max(0, Math.min(Math.ceil(at - performance.now()), MAX_TIMEOUT_MS)));
    return () => clearTimeout(handle);
  },
};

/** The runtime's time of day, in milliseconds since 1970: for what is dated, never for what is timed. */
export function systemWallMs(): number {
  return Date.now();
}
