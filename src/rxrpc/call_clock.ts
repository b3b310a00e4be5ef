/**
 * The times that a call has to keep: how long it may take, how long its peer may be silent, when to ask whether it is
 * still there.
 *
 * @module
 */

/** What is asked when a time has come; first what ends the call. */
export const CallDue = { HARD: 0, DEAD: 1, IDLE: 2, GRACE: 3, LOST_REPLY: 4, PING: 5 } as const;
/** One of them. */
export type CallDue = (typeof CallDue)[keyof typeof CallDue];

/** Times of one call; `Infinity` for those that don't count. */
export class CallClock {
  readonly #at: number[] = [Infinity, Infinity, Infinity, Infinity, Infinity, Infinity];

  /** The first of them. */
  get nextAt(): number {
    let next = Infinity;
    for (const at of this.#at) if (at < next) next = at;
    return next;
  }

  /** When this one comes. */
  at(due: CallDue): number {
    return this.#at[due]!;
  }

  /** Sets one. */
  set(due: CallDue, at: number): void {
    this.#at[due] = at;
  }

  /** Takes one that has come; `undefined` when none has. */
  take(now: number): CallDue | undefined {
    const due = this.#at.findIndex((at) => at <= now);
    if (due < 0) return undefined;
    this.#at[due] = Infinity;
    return due as CallDue;
  }
}
