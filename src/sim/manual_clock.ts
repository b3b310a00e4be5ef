/**
 * Time that moves only when told to.
 *
 * @module
 */
import type { Clock } from "../core/clock.ts";

interface Timer {
  readonly at: number;
  readonly callback: () => void;
}

/**
 * A clock for tests: stands still until {@linkcode ManualClock.advance} moves it, and runs the timers on the way.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { ManualClock } from "@leat/streams/testing";
 *
 * const clock = new ManualClock();
 * let rang = 0;
 * clock.setTimer(100, () => rang++);
 * clock.advance(99);
 * assertEquals(rang, 0);
 * clock.advance(1);
 * assertEquals([rang, clock.now()], [1, 100]);
 * ```
 */
export class ManualClock implements Clock {
  #now: number;
  readonly #timers: Set<Timer> = new Set();

  /** A clock that shows `start` milliseconds. */
  constructor(start = 0) {
    this.#now = start;
  }

  /** Milliseconds shown. */
  now(): number {
    return this.#now;
  }

  /** How many timers are set. */
  get timers(): number {
    return this.#timers.size;
  }

  /** When the next timer is due; `Infinity` with none. */
  get nextAt(): number {
    let next = Infinity;
    for (const { at } of this.#timers) next = Math.min(next, at);
    return next;
  }

  /** Calls `callback` when the clock is moved to `at` or beyond. */
  setTimer(at: number, callback: () => void): () => void {
    const timer = { at, callback };
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  }

  /**
   * Moves on by `ms` and runs what falls due on the way, in order of time.
   *
   * @throws {RangeError} when `ms` is negative or not a number
   */
  advance(ms: number): void {
    if (!(ms >= 0)) throw new RangeError(`time cannot go back: ${ms}`);
    const end = this.#now + ms;
    for (let due = this.#due(end); due !== undefined; due = this.#due(end)) {
      this.#timers.delete(due);
      this.#now = Math.max(this.#now, due.at);
      due.callback();
    }
    this.#now = end;
  }

  #due(end: number): Timer | undefined {
    let first: Timer | undefined;
    for (const timer of this.#timers) {
      if (timer.at <= end && (first === undefined || timer.at < first.at)) first = timer;
    }
    return first;
  }
}
