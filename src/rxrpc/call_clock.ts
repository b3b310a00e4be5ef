/**
 * The times that a call has to keep: how long it may take, how long its peer may be silent, when to ask whether it is
 * still there.
 *
 * @module
 */

/** What is asked when a time has come. */
export type CallDue = "hard" | "dead" | "idle" | "ping" | "lost reply" | "grace";

const ORDER: readonly CallDue[] = ["hard", "dead", "idle", "grace", "lost reply", "ping"];

/** Times of one call; `Infinity` for those that don't count. */
export class CallClock {
  readonly #at: Record<CallDue, number> = {
    hard: Infinity,
    dead: Infinity,
    idle: Infinity,
    ping: Infinity,
    "lost reply": Infinity,
    grace: Infinity,
  };

  /** The first of them. */
  get nextAt(): number {
    const { hard, dead, idle, ping, grace } = this.#at;
    return Math.min(hard, dead, idle, ping, grace, this.#at["lost reply"]);
  }

  /** When this one comes. */
  at(due: CallDue): number {
    return this.#at[due];
  }

  /** Sets one. */
  set(due: CallDue, at: number): void {
    this.#at[due] = at;
  }

  /** Takes one that has come; `undefined` when none has. */
  take(now: number): CallDue | undefined {
    const due = ORDER.find((one) => this.#at[one] <= now);
    if (due !== undefined) this.#at[due] = Infinity;
    return due;
  }
}
