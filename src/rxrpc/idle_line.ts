/**
 * Connections in the order in which they were used, to find the one without calls that was used longest ago. Whatever
 * there are of others, that takes no longer.
 *
 * @module
 */
import type { RxConnection } from "./connection.ts";

/** The line. Those that have calls again are taken out when they are met, and come back when these are over. */
export class IdleLine {
  readonly #line: Set<RxConnection> = new Set();
  #last: RxConnection | undefined;

  /** The connection is new, or a call of it has ended: it is the one that was used last. */
  used(connection: RxConnection): void {
    if (connection === this.#last) return;
    this.#line.delete(connection);
    this.#line.add(connection);
    this.#last = connection;
  }

  /** The connection is there no more. */
  remove(connection: RxConnection): void {
    this.#line.delete(connection);
    if (connection === this.#last) this.#last = undefined;
  }

  /** The connection without calls that was used longest ago. */
  oldest(): RxConnection | undefined {
    for (const connection of this.#line) {
      if (!connection.isBusy) return connection;
      this.remove(connection);
    }
    return undefined;
  }
}
