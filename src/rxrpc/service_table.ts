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

  /** How many connections there are. */
  get size(): number {
    return this.#connections.size;
  }

  /** The connections, those that were used longest ago first. */
  connections(): Iterable<RxConnection> {
    return this.#connections.values();
  }

  /** The connection that a packet is for. */
  find(header: RxHeader, from: RxAddress): RxConnection | undefined {
    return this.#connections.get(keyOf(header.epoch, header.cid, from));
  }

  /** Keeps a connection. */
  add(connection: RxConnection): void {
    this.#connections.set(keyOf(connection.epoch, connection.cid, connection.peer.address), connection);
  }

  /** A call of the connection has ended or begun: it is the one that was used last. */
  used(connection: RxConnection): void {
    const key = keyOf(connection.epoch, connection.cid, connection.peer.address);
    if (this.#connections.delete(key)) this.#connections.set(key, connection);
  }

  /** Forgets a connection. */
  remove(connection: RxConnection): void {
    this.#connections.delete(keyOf(connection.epoch, connection.cid, connection.peer.address));
  }

  /** The connection without calls that was used longest ago; of one address, if one is given. */
  oldestIdle(address?: string): RxConnection | undefined {
    for (const connection of this.#connections.values()) {
      if (!connection.isBusy && (address === undefined || connection.peer.address.address === address)) {
        return connection;
      }
    }
    return undefined;
  }
}

function keyOf(epoch: number, cid: number, { address, port }: RxAddress): string {
  return `${epoch} ${cid >>> 2} ${port} ${address}`;
}
