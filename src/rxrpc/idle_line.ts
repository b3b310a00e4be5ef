/**
 * Connections in the order in which they were used, to find the one without calls that was used longest ago. Whatever
 * there are of others, that takes no longer.
 *
 * A list, not a `Set` that each is taken out of and put into again: with each call that would leave a piece of an old
 * table behind, see core/bag.ts.
 *
 * @module
 */
import type { RxConnection } from "./connection.ts";

interface Place {
  readonly connection: RxConnection;
  before: Place | undefined;
  behind: Place | undefined;
}

/** The line. Those that have calls again are taken out when they are met, and come back when these are over. */
export class IdleLine {
  readonly #places: Map<RxConnection, Place> = new Map();
  #first: Place | undefined;
  #last: Place | undefined;

  /** The connection is new, or a call of it has ended: it is the one that was used last. */
  used(connection: RxConnection): void {
    if (connection === this.#last?.connection) return;
    let place = this.#places.get(connection);
    if (place === undefined) this.#places.set(connection, place = { connection, before: undefined, behind: undefined });
    else this.#leave(place);
    place.before = this.#last;
    if (this.#last === undefined) this.#first = place;
    else this.#last.behind = place;
    this.#last = place;
  }

  /** The connection is there no more. */
  remove(connection: RxConnection): void {
    const place = this.#places.get(connection);
    if (place === undefined) return;
    this.#places.delete(connection);
    this.#leave(place);
  }

  /** The connection without calls that was used longest ago. */
  oldest(): RxConnection | undefined {
    for (let place = this.#first; place !== undefined; place = this.#first) {
      if (!place.connection.isBusy) return place.connection;
      this.remove(place.connection);
    }
    return undefined;
  }

  #leave(place: Place): void {
    const { before, behind } = place;
    if (before === undefined) this.#first = behind;
    else before.behind = behind;
    if (behind === undefined) this.#last = before;
    else behind.before = before;
    place.before = undefined;
    place.behind = undefined;
  }
}
