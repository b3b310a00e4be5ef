/**
 * A client's connections to one service with one key, and the calls that wait for a channel.
 *
 * @module
 */
import type { RxCall } from "./call.ts";
import type { RxConnection } from "./connection.ts";

/** Where connections come from. */
export interface BundleHost {
  readonly maxConnections: number;
  /** Makes another connection. */
  connect(): RxConnection;
}

/** Where a call can run. */
interface Place {
  readonly connection: RxConnection;
  readonly channel: number;
}

/** The bundle. */
export class RxBundle {
  /** Its connections. */
  readonly connections: RxConnection[] = [];
  /** Calls that wait, first first. */
  readonly waiting: RxCall[] = [];
  readonly #host: BundleHost;

  /** Makes one without connections. */
  constructor(host: BundleHost) {
    this.#host = host;
  }

  /** Whether it is of no use any more. */
  get isEmpty(): boolean {
    return this.connections.length === 0 && this.waiting.length === 0;
  }

  /**
   * Gives channels to calls that wait, as far as there are any. A call for which no connection can be made fails with what
   * was thrown, or, when it is `mine`, leaves the line.
   *
   * @throws what was thrown for `mine`
   */
  pump(now: number, mine?: RxCall): void {
    for (let call = this.waiting[0]; call !== undefined; call = this.waiting[0]) {
      if (call.isClosed) {
        this.waiting.shift();
        continue;
      }
      let place: Place | undefined;
      try {
        place = this.#place();
      } catch (error) {
        this.waiting.shift();
        if (call === mine) throw error;
        call.close(error, now);
        continue;
      }
      if (place === undefined) return;
      this.waiting.shift();
      const { connection, channel } = place;
      // an upgrade is asked for with the first packet of a connection; later ones know the answer
      connection.isProbing = call.mayUpgrade && connection.serial === 0;
      connection.begin(call, channel, now);
    }
  }

  #place(): Place | undefined {
    const usable = this.connections.filter((one) => !one.isRetired && !one.isProbing);
    for (const mayBeSuspect of [false, true]) {
      for (const connection of usable) {
        const channel = connection.channels.findIndex((one) =>
          one.call === undefined && one.isSuspect === mayBeSuspect
        );
        if (channel >= 0) return { connection, channel };
      }
      if (!mayBeSuspect && this.connections.some((one) => one.isProbing && one.isBusy)) return undefined;
      if (!mayBeSuspect && this.connections.filter((one) => !one.isRetired).length < this.#host.maxConnections) {
        const connection = this.#host.connect();
        this.connections.push(connection);
        return { connection, channel: 0 };
      }
    }
    return undefined;
  }
}
