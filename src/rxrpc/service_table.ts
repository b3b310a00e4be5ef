/**
 * Connections of others to this end. Keyed by address, too: a packet from elsewhere belongs to another connection,
 * whatever it says.
 *
 * @module
 */
import type { RxConnection } from "./connection.ts";
import type { RxHeader } from "./header.ts";
import type { RxAddress } from "./ports.ts";

/** The table. */
export class ServiceTable {
  readonly #connections: Map<string, RxConnection> = new Map();
  /** The same, those that were used longest ago first. */
  readonly #order: Set<RxConnection> = new Set();
  #lastUsed: RxConnection | undefined;
  #lastFound: RxConnection | undefined;

  /** How many connections there are. */
  get size(): number {
    return this.#connections.size;
  }

  /** The connections, those that were used longest ago first. */
  connections(): Iterable<RxConnection> {
    return this.#order.values();
  }

  /** The connection that a packet is for. */
  find(header: RxHeader, from: RxAddress): RxConnection | undefined {
    const last = this.#lastFound;
    // most packets are for the connection that the one before was for
    if (last !== undefined && isFor(last, header, from)) return last;
    const found = this.#connections.get(keyOf(header.epoch, header.cid, from));
    if (found !== undefined) this.#lastFound = found;
    return found;
  }

  /** Keeps a connection. */
  add(connection: RxConnection): void {
    this.#connections.set(keyOf(connection.epoch, connection.cid, connection.peer.address), connection);
    this.#order.add(connection);
    this.#lastUsed = connection;
  }

  /** A call of the connection has ended or begun: it is the one that was used last. */
  used(connection: RxConnection): void {
    if (connection === this.#lastUsed || !this.#order.delete(connection)) return;
    this.#order.add(connection);
    this.#lastUsed = connection;
  }

  /** Forgets a connection. */
  remove(connection: RxConnection): void {
    this.#connections.delete(keyOf(connection.epoch, connection.cid, connection.peer.address));
    this.#order.delete(connection);
    if (connection === this.#lastUsed) this.#lastUsed = undefined;
    if (connection === this.#lastFound) this.#lastFound = undefined;
  }

  /** The connection without calls that was used longest ago; of one address, if one is given. */
  oldestIdle(address?: string): RxConnection | undefined {
    for (const connection of this.#order) {
      if (!connection.isBusy && (address === undefined || connection.peer.address.address === address)) {
        return connection;
      }
    }
    return undefined;
  }
}

function isFor({ epoch, cid, peer }: RxConnection, header: RxHeader, from: RxAddress): boolean {
  return epoch === header.epoch && cid >>> 2 === header.cid >>> 2 && peer.address.port === from.port &&
    peer.address.address === from.address;
}

function keyOf(epoch: number, cid: number, { address, port }: RxAddress): string {
  return `${epoch} ${cid >>> 2} ${port} ${address}`;
}
