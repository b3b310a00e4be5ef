/**
 * What is known of data under way, lent to connections that have some. Nearly all of many connections have none, and of what
 * has arrived without a loss nothing has to be remembered.
 *
 * @module
 */
import type { CongestionControl } from "./congestion/congestion_control.ts";
import { LossRecovery } from "./loss_recovery.ts";
import type { RttEstimator } from "./rtt_estimator.ts";
import { SentSegmentPool } from "./sent_segments.ts";

/** Kept for the next, at most. */
const MAX_KEPT = 64;

/** One for all connections of an endpoint. */
export class RecoveryPool {
  readonly #segments = new SentSegmentPool();
  readonly #free: LossRecovery[] = [];

  /** One that knows of nothing under way. */
  take(rtt: RttEstimator, congestion: CongestionControl): LossRecovery {
    const kept = this.#free.pop();
    if (kept === undefined) return new LossRecovery(this.#segments, rtt, congestion);
    kept.lend(rtt, congestion);
    return kept;
  }

  /** Takes one back that is settled. */
  give(recovery: LossRecovery): void {
    if (this.#free.length < MAX_KEPT) this.#free.push(recovery);
  }
}
