/**
 * Finding the connection that a segment belongs to.
 *
 * A hash table chained through the connections themselves, and before it a small one of those found lately, by a few bits
 * that cost nothing: the keyed hash would cost as much as all else about a segment.
 *
 * @module
 */
import type { TcpKey } from "./tcp_key.ts";
import type { HostedConnection } from "./tcp_host.ts";

const RECENT = 1024;
const FIRST_BUCKETS = 64;

/** All connections of an endpoint. */
export class Demux {
  #buckets: (HostedConnection | null)[] = new Array(FIRST_BUCKETS).fill(null);
  #size = 0;
  readonly #recent: (HostedConnection | null)[] = new Array(RECENT).fill(null);

  /** How many there are. */
  get size(): number {
    return this.#size;
  }

  /** The one with these ends, if it was found lately. */
  findRecent(key: TcpKey): HostedConnection | null {
    const connection = this.#recent[trace(key)]!;
    return connection !== null && key.matches(connection) ? connection : null;
  }

  /** The one with these ends. */
  find(key: TcpKey, hash: number): HostedConnection | null {
    let connection: HostedConnection | null = this.#buckets[hash & (this.#buckets.length - 1)]!;
    while (connection !== null && !(connection.hash === hash && key.matches(connection))) {
      connection = connection.chain;
    }
    if (connection !== null) this.#recent[trace(key)] = connection;
    return connection;
  }

  /** Adds one that is not in it. */
  add(connection: HostedConnection, hash: number): void {
    if (this.#size === this.#buckets.length) this.#resize(2 * this.#size);
    const at = hash & (this.#buckets.length - 1);
    connection.hash = hash;
    connection.chain = this.#buckets[at]!;
    this.#buckets[at] = connection;
    this.#size++;
  }

  /** Takes one out, whose ends are `key`; `false` when it is not in it. */
  remove(connection: HostedConnection, key: TcpKey): boolean {
    const at = connection.hash & (this.#buckets.length - 1);
    const first = this.#buckets[at]!;
    if (first === connection) this.#buckets[at] = connection.chain;
    else {
      let other: HostedConnection | null = first;
      while (other !== null && other.chain !== connection) other = other.chain;
      if (other === null) return false;
      other.chain = connection.chain;
    }
    connection.chain = null;
    this.#size--;
    const recent = trace(key);
    if (this.#recent[recent] === connection) this.#recent[recent] = null;
    if (this.#buckets.length > FIRST_BUCKETS && 8 * this.#size < this.#buckets.length) {
      this.#resize(this.#buckets.length / 2);
    }
    return true;
  }

  /** All of them. */
  *[Symbol.iterator](): IterableIterator<HostedConnection> {
    for (const first of this.#buckets) {
      for (let connection = first; connection !== null; connection = connection.chain) yield connection;
    }
  }

  #resize(length: number): void {
    const buckets: (HostedConnection | null)[] = new Array(length).fill(null);
    for (const first of this.#buckets) {
      let connection = first;
      while (connection !== null) {
        const next: HostedConnection | null = connection.chain;
        const at = connection.hash & (length - 1);
        connection.chain = buckets[at]!;
        buckets[at] = connection;
        connection = next;
      }
    }
    this.#buckets = buckets;
  }
}

/** A few bits for anyone to aim at: flows that share them only take the way through the hash. */
function trace({ words, localPort, remotePort }: TcpKey): number {
  const mixed = words[0]! ^ words[4]! ^ words[3]! ^ words[7]! ^ localPort ^ (remotePort << 1);
  return (mixed ^ (mixed >>> 10) ^ (mixed >>> 20)) & (RECENT - 1);
}
