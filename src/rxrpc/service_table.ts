/**
 * Connections of others to this end. Keyed by address, too: a packet from elsewhere belongs to another connection,
 * whatever it says.
 *
 * @module
 */
import type { RxConnection } from "./connection.ts";
import type { RxHeader } from "./header.ts";
import type { CheckedLimits } from "./limits.ts";
import type { RxAddress } from "./ports.ts";

/** How long they are kept while there are more than half as many as may be. */
const CROWDED_IDLE_MS = 60_000;
/** How many are looked at to find one that was idle for too long. */
const MAX_LOOKS = 8;

/** The table. */
export class ServiceTable {
  readonly #connections: Map<string, RxConnection> = new Map();
  /** The same, those that were used longest ago first. */
  readonly #order: Set<RxConnection> = new Set();
  readonly #limits: CheckedLimits;
  readonly #evict: (connection: RxConnection) => void;
  #lastUsed: RxConnection | undefined;
  #lastFound: RxConnection | undefined;

  /** Makes an empty table. What has to give way to others is told to `evict`, which forgets it. */
  constructor(limits: CheckedLimits, evict: (connection: RxConnection) => void) {
    this.#limits = limits;
    this.#evict = evict;
  }

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

  /** How long those without calls are kept. */
  get idleMs(): number {
    return Math.min(this.#limits.idleServiceMs, this.#isCrowded ? CROWDED_IDLE_MS : Infinity);
  }

  /** Whether there is room for one more of `address`, which has `count`; idle ones give way. */
  makeRoom(address: string, count: number, now: number): boolean {
    // one that was idle before there were so many has its timer later
    const oldest = this.#isCrowded ? this.#oldestIdle(undefined, MAX_LOOKS) : undefined;
    if (oldest !== undefined && oldest.timeoutAt() <= now) this.#evict(oldest);
    const { maxServiceConnections, maxServiceConnectionsPerPeer } = this.#limits;
    if (count >= maxServiceConnectionsPerPeer && !this.#evictOne(address)) return false;
    return this.size < maxServiceConnections || this.#evictOne();
  }

  get #isCrowded(): boolean {
    return 2 * this.size > this.#limits.maxServiceConnections;
  }

  #evictOne(address?: string): boolean {
    const idle = this.#oldestIdle(address);
    if (idle === undefined) return false;
    this.#evict(idle);
    return true;
  }

  /** The connection without calls that was used longest ago; of one address, if one is given. */
  #oldestIdle(address?: string, looks = Infinity): RxConnection | undefined {
    for (const connection of this.#order) {
      if (!looks--) break;
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
