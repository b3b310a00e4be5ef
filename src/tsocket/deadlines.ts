/**
 * Many deadlines on one timer.
 *
 * Operations on sockets mostly end long before their deadline, so setting and clearing is what has to be cheap: a binary
 * heap, and a timer that is left alone when its deadline is cleared; firing too early, it is set again.
 *
 * @module
 */
import type { Clock } from "../core/clock.ts";

/** A deadline that was set. */
export interface Deadline {
  /** When it is due, in milliseconds of the clock. */
  readonly at: number;
}

/** Places of the heap are kept in the deadlines themselves, so that any of them can be taken out. */
class HeapEntry implements Deadline {
  readonly at: number;
  readonly order: number;
  readonly callback: () => void;
  /** Where in the heap, -1 outside. */
  index = -1;

  constructor(at: number, order: number, callback: () => void) {
    this.at = at;
    this.order = order;
    this.callback = callback;
  }
}

const byClock: WeakMap<Clock, Deadlines> = new WeakMap();

/**
 * The deadlines of one clock. Without any there is no timer, so they keep no process alive.
 *
 * How many there are is not limited here: each belongs to an operation that waits, and those have their own limits.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { ManualClock } from "@leat/streams/testing";
 * import { Deadlines } from "@leat/streams/tsocket";
 *
 * const clock = new ManualClock();
 * const deadlines = Deadlines.of(clock);
 * const missed: string[] = [];
 * deadlines.set(20, () => missed.push("late"));
 * const early = deadlines.set(10, () => missed.push("early"));
 * deadlines.clear(early);
 * clock.advance(20);
 * assertEquals([missed, clock.timers], [["late"], 0]);
 * ```
 */
export class Deadlines {
  readonly #clock: Clock;
  readonly #heap: HeapEntry[] = [];
  #order = 0;
  #timerAt = Infinity;
  #cancelTimer: (() => void) | undefined = undefined;
  #isFiring = false;

  /** Deadlines of their own for the given clock; {@linkcode Deadlines.of} shares them. */
  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** The deadlines that all users of a clock share. */
  static of(clock: Clock): Deadlines {
    let deadlines = byClock.get(clock);
    if (deadlines === undefined) byClock.set(clock, deadlines = new Deadlines(clock));
    return deadlines;
  }

  /** How many are set. */
  get size(): number {
    return this.#heap.length;
  }

  /**
   * Calls `callback` once when the clock has reached `at`, never before this returns; `Infinity` is never reached. Those
   * for the same time are called in the order in which they were set.
   *
   * @throws {RangeError} when `at` is `NaN`
   */
  set(at: number, callback: () => void): Deadline {
    if (typeof at !== "number" || Number.isNaN(at)) {
      throw new RangeError(`a deadline must be a time, got ${String(at)}`);
    }
    const entry = new HeapEntry(at, this.#order++, callback);
    this.#heap.push(entry);
    this.#rise(entry, this.#heap.length - 1);
    if (entry.index === 0) this.#arm();
    return entry;
  }

  /** Forgets a deadline, which is then not called any more. Idempotent. */
  clear(deadline: Deadline): void {
    if (!(deadline instanceof HeapEntry) || this.#heap[deadline.index] !== deadline) return;
    this.#remove(deadline);
    if ((this.#heap[0]?.at ?? Infinity) === Infinity) this.#disarm();
  }

  /** Sees to it that the timer comes no later than the first deadline. */
  #arm(): void {
    const at = this.#heap[0]?.at ?? Infinity;
    if (this.#isFiring || at >= this.#timerAt) return;
    this.#disarm();
    this.#timerAt = at;
    this.#cancelTimer = this.#clock.setTimer(at, () => this.#fire());
  }

  #disarm(): void {
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
    this.#timerAt = Infinity;
  }

  #fire(): void {
    this.#cancelTimer = undefined;
    this.#timerAt = Infinity;
    this.#isFiring = true;
    const now = this.#clock.now();
    try {
      // what callbacks set for a time gone by waits for the next timer: no endless loop
      for (let left = this.#heap.length; left > 0; left--) {
        const first = this.#heap[0];
        if (first === undefined || first.at > now) break;
        this.#remove(first);
        first.callback();
      }
    } finally {
      this.#isFiring = false;
      this.#arm();
    }
  }

  #remove(entry: HeapEntry): void {
    const { index } = entry;
    entry.index = -1;
    const last = this.#heap.pop()!;
    if (last === entry) return;
    this.#sink(last, index);
    this.#rise(last, last.index);
  }

  /** Puts `entry` at `index` or, where it is due before what is above, further up. */
  #rise(entry: HeapEntry, index: number): void {
    while (index > 0) {
      const above = this.#heap[(index - 1) >> 1]!;
      if (!isBefore(entry, above)) break;
      this.#put(above, index);
      index = (index - 1) >> 1;
    }
    this.#put(entry, index);
  }

  /** Puts `entry` at `index` or, where something below is due before it, further down. */
  #sink(entry: HeapEntry, index: number): void {
    for (let child = 2 * index + 1; child < this.#heap.length; child = 2 * index + 1) {
      if (child + 1 < this.#heap.length && isBefore(this.#heap[child + 1]!, this.#heap[child]!)) child++;
      if (!isBefore(this.#heap[child]!, entry)) break;
      this.#put(this.#heap[child]!, index);
      index = child;
    }
    this.#put(entry, index);
  }

  #put(entry: HeapEntry, index: number): void {
    this.#heap[index] = entry;
    entry.index = index;
  }
}

function isBefore(a: HeapEntry, b: HeapEntry): boolean {
  return a.at === b.at ? a.order < b.order : a.at < b.at;
}
