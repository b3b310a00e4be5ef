/**
 * Connections of others to this end. Keyed by address, too: a packet from elsewhere belongs to another connection,
 * whatever it says.
 *
 * @module
 */
import type { RxConnection } from "./connection.ts";
import { IdleLine } from "./idle_line.ts";
import type { RxHeader } from "./header.ts";
import type { CheckedLimits } from "./limits.ts";
import type { RxAddress } from "./ports.ts";

/** How long they are kept while there are more than half as many as may be. */
const CROWDED_IDLE_MS = 60_000;

/** What there is of one address. */
interface OfAddress {
  count: number;
  readonly idle: IdleLine;
}

/** The table. */
export class ServiceTable {
  readonly #connections: Map<string, RxConnection> = new Map();
  readonly #idle: IdleLine = new IdleLine();
  readonly #addresses: Map<string, OfAddress> = new Map();
  readonly #limits: CheckedLimits;
  readonly #evict: (connection: RxConnection) => void;
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

  /** The connections. */
  connections(): Iterable<RxConnection> {
    return this.#connections.values();
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
    const { address } = connection.peer.address;
    const ofAddress = this.#addresses.get(address) ?? { count: 0, idle: new IdleLine() };
    ofAddress.count++;
    this.#addresses.set(address, ofAddress);
    connection.peer.serviceConnections++;
    this.used(connection);
  }

  /** A call of the connection has ended: it is the one that was used last. */
  used(connection: RxConnection): void {
    const ofAddress = this.#addresses.get(connection.peer.address.address);
    // calls of a connection that was forgotten end, too
    if (ofAddress === undefined || connection.isForgotten) return;
    ofAddress.idle.used(connection);
    this.#idle.used(connection);
  }

  /** Forgets a connection. */
  remove(connection: RxConnection): void {
    const { address } = connection.peer.address;
    this.#connections.delete(keyOf(connection.epoch, connection.cid, connection.peer.address));
    this.#idle.remove(connection);
    const ofAddress = this.#addresses.get(address)!;
    ofAddress.idle.remove(connection);
    if (--ofAddress.count === 0) this.#addresses.delete(address);
    connection.peer.serviceConnections--;
    if (connection === this.#lastFound) this.#lastFound = undefined;
  }

  /** How long those without calls are kept. */
  get idleMs(): number {
    return Math.min(this.#limits.idleServiceMs, this.#isCrowded ? CROWDED_IDLE_MS : Infinity);
  }

  /** Makes room for one more of `address`: those without calls give way. Returns the limit that there is none for. */
  makeRoom(address: string, now: number): "maxServiceConnections" | "maxServiceConnectionsPerPeer" | undefined {
    // one that was idle before there were so many has its timer later
    const oldest = this.#isCrowded ? this.#idle.oldest() : undefined;
    if (oldest !== undefined && oldest.timeoutAt() <= now) this.#evict(oldest);
    const { maxServiceConnections, maxServiceConnectionsPerPeer } = this.#limits;
    const ofAddress = this.#addresses.get(address);
    const isFull = ofAddress !== undefined && ofAddress.count >= maxServiceConnectionsPerPeer;
    if (isFull && !this.#evictOne(ofAddress.idle)) return "maxServiceConnectionsPerPeer";
    const hasRoom = this.size < maxServiceConnections || this.#evictOne(this.#idle);
    return hasRoom ? undefined : "maxServiceConnections";
  }

  get #isCrowded(): boolean {
    return 2 * this.size > this.#limits.maxServiceConnections;
  }

  #evictOne(line: IdleLine): boolean {
    const idle = line.oldest();
    if (idle === undefined) return false;
    this.#evict(idle);
    return true;
  }
}

function isFor({ epoch, cid, peer }: RxConnection, header: RxHeader, from: RxAddress): boolean {
  return epoch === header.epoch && cid >>> 2 === header.cid >>> 2 && peer.address.port === from.port &&
    peer.address.address === from.address;
}

function keyOf(epoch: number, cid: number, { address, port }: RxAddress): string {
  return `${epoch} ${cid >>> 2} ${port} ${address}`;
}
