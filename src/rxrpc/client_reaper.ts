/**
 * Forgets connections of this end early while there are many of them, those that were used longest ago first. Each has a
 * timer of its own for the usual time, which was set when there may have been fewer.
 *
 * @module
 */
import type { Timed } from "../core/timer_queue.ts";
import type { IdleLine } from "./idle_line.ts";
import type { RxConnection } from "./connection.ts";

/** What the reaper asks and does. */
export interface ReaperHost {
  /** Connections, as they were used. */
  readonly idle: IdleLine;
  /** How long they are kept while there are many. */
  readonly keptMs: number;
  /** Whether there are many. */
  isCrowded(): boolean;
  /** Forgets one. */
  forget(connection: RxConnection): void;
}

/** The reaper. */
export class ClientReaper implements Timed {
  queuedAt: number = Infinity;
  queueIndex: number = -1;
  readonly #host: ReaperHost;

  /** Does nothing until it is scheduled: when a connection is made, or has no calls any more. */
  constructor(host: ReaperHost) {
    this.#host = host;
  }

  timeoutAt(): number {
    const { idle, keptMs } = this.#host;
    const oldest = this.#host.isCrowded() ? idle.oldest() : undefined;
    return oldest === undefined ? Infinity : oldest.usedAt + keptMs;
  }

  onTimeout(now: number): void {
    while (this.timeoutAt() <= now) this.#host.forget(this.#host.idle.oldest()!);
  }
}
