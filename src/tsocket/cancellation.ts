/**
 * Cancelling by signal and by deadline: what both have in common, made only for operations that really wait.
 *
 * @module
 */
import type { Clock } from "../core/clock.ts";
import { Deadlines } from "./deadlines.ts";
import { SocketError } from "./errors.ts";
import type { IoOptions } from "./types.ts";

/** Whoever hands in a duration is told so. */
const PASSED_BEFORE = "had passed before it began; deadlineAt is a time of the clock (performance.now()), no duration";

/** A deadline farther away than that, three years in milliseconds, was read off another clock. */
const FARTHEST_MS = 1e11;

/** Whether anything could cancel the operation. */
export function isCancellable(options: IoOptions): boolean {
  return options.signal !== undefined || (options.deadlineAt !== undefined && options.deadlineAt !== Infinity);
}

/**
 * Checks before an operation begins.
 *
 * @throws {TypeError} when the deadline is not a number
 * @throws {RangeError} when the deadline can only have been read off another clock
 * @throws the signal's reason when it is aborted already
 * @throws {SocketError} `ETIMEDOUT` when the deadline has passed
 */
export function throwIfCancelled(options: IoOptions, clock: Clock, syscall: string): void {
  const { signal, deadlineAt } = options;
  signal?.throwIfAborted();
  if (deadlineAt === undefined) return;
  if (typeof deadlineAt !== "number" || Number.isNaN(deadlineAt)) {
    throw new TypeError(`deadlineAt must be a number of milliseconds, got ${String(deadlineAt)}`);
  }
  const left = deadlineAt - clock.now();
  if (left <= 0) throw deadlineError(syscall, PASSED_BEFORE);
  if (left > FARTHEST_MS && left !== Infinity) {
    throw new RangeError(
      `deadlineAt ${deadlineAt} is ${left} ms ahead: it is on the clock of performance.now(), not Date`,
    );
  }
}

/** The error of a deadline that has passed. */
export function deadlineError(syscall: string, how = "has passed"): SocketError {
  return new SocketError(`the deadline of ${syscall} ${how}`, { code: "ETIMEDOUT", blame: "remote", syscall });
}

/**
 * Calls `cancel` once, when the signal fires or the deadline passes. Returns what takes both off again; nothing is made
 * when there is neither.
 */
export function armCancellation(
  options: IoOptions,
  clock: Clock,
  syscall: string,
  cancel: (reason: unknown) => void,
): () => void {
  if (!isCancellable(options)) return notArmed;
  const { signal, deadlineAt } = options;
  const onAbort = (): void => {
    disarm();
    cancel(signal!.reason);
  };
  const deadlines = Deadlines.of(clock);
  const deadline = deadlineAt === undefined || deadlineAt === Infinity ? undefined : deadlines.set(deadlineAt, () => {
    disarm();
    cancel(deadlineError(syscall));
  });
  const disarm = (): void => {
    if (deadline !== undefined) deadlines.clear(deadline);
    signal?.removeEventListener("abort", onAbort);
  };
  signal?.addEventListener("abort", onAbort);
  return disarm;
}

/** Waits for `promise`, but no longer than the options allow; what it waits for goes on. */
export function waitFor<T>(promise: Promise<T>, options: IoOptions, clock: Clock, syscall: string): Promise<T> {
  if (!isCancellable(options)) return promise;
  return new Promise((resolve, reject) => {
    const disarm = armCancellation(options, clock, syscall, reject);
    promise.then(resolve, reject).finally(disarm);
  });
}

function notArmed(): void {}
