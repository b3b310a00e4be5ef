/**
 * Several multiplexors counted together, as the kernel counts those of a network namespace.
 *
 * @module
 */
import type { MultiplexorEngine } from "./multiplexor_engine.ts";
import { kcmStatsText, kcmText, type MultiplexorTotals } from "./proc_text.ts";
import { addConnectionTotals, type ConnectionTotals, newConnectionTotals } from "./report.ts";

/**
 * Multiplexors, live ones and the sums of those that are finished.
 *
 * @example
 * ```ts
 * import { KcmNamespace, MultiplexorEngine } from "@leat/streams/kcm";
 *
 * const namespace = new KcmNamespace();
 * namespace.add(new MultiplexorEngine());
 * console.log(namespace.kcmText());
 * ```
 */
export class KcmNamespace {
  readonly #live: Set<MultiplexorEngine> = new Set();
  #finished: MultiplexorTotals = sumOf([]);
  #finishedConnections: ConnectionTotals = newConnectionTotals();

  /** Counts a multiplexor from now on, whatever it has done before included. */
  add(engine: MultiplexorEngine): void {
    this.#live.add(engine);
  }

  /** Sums over all multiplexors so far. */
  totals(): { readonly multiplexors: MultiplexorTotals; readonly connections: ConnectionTotals } {
    this.#fold();
    const reports = [...this.#live].map((engine) => engine.report());
    return {
      multiplexors: sumOf([this.#finished, ...reports.map(({ multiplexor }) => multiplexor)]),
      connections: addConnectionTotals(this.#finishedConnections, ...reports.map(({ totals }) => totals)),
    };
  }

  /** The text of `/proc/net/kcm`. */
  kcmText(): string {
    this.#fold();
    return kcmText([...this.#live].map((engine) => engine.report()));
  }

  /** The text of `/proc/net/kcm_stats`. */
  kcmStatsText(): string {
    const { multiplexors, connections } = this.totals();
    return kcmStatsText(multiplexors, connections);
  }

  #fold(): void {
    for (const engine of this.#live) {
      if (!engine.isFinished) continue;
      const { multiplexor, totals } = engine.report();
      this.#live.delete(engine);
      this.#finished = sumOf([this.#finished, multiplexor]);
      this.#finishedConnections = addConnectionTotals(this.#finishedConnections, totals);
    }
  }
}

function sumOf(all: readonly MultiplexorTotals[]): MultiplexorTotals {
  const sum: Record<keyof MultiplexorTotals, number> = {
    rxMessages: 0,
    rxBytes: 0,
    txMessages: 0,
    txBytes: 0,
    retries: 0,
    attached: 0,
    unattached: 0,
    unattachedReserved: 0,
    readyDrops: 0,
  };
  for (const one of all) {
    for (const name of Object.keys(sum) as (keyof MultiplexorTotals)[]) sum[name] += one[name];
  }
  return sum;
}
