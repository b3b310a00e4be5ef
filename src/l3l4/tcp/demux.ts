/**
 * Finding the connection that a segment belongs to, or the flow that a datagram does.
 *
 * A hash table chained through the connections themselves, and before it a small one of those found lately, by a few bits
 * that cost nothing: the keyed hash would cost as much as all else about a segment.
 *
 * @module
 */
import type { KeyedEnds, TcpKey } from "./tcp_key.ts";

const RECENT = 1024;
const FIRST_BUCKETS = 64;

/** What stands in a table. */
export interface Demuxed<T> extends KeyedEnds {
  /** Hash of its path: the table's own. */
  hash: number;
  /** The next one of the same bucket: the table's own. */
  chain: T | null;
}

/** All connections of an endpoint. */
export class Demux<T extends Demuxed<T>> {
  #buckets: (T | null)[] = new Array(FIRST_BUCKETS).fill(null);
  #size = 0;
  readonly #recent: (T | null)[] = new Array(RECENT).fill(null);

  /** How many there are. */
  get size(): number {
    return this.#size;
  }

  /** The one with these ends, if it was found lately. */
  findRecent(key: TcpKey): T | null {
    const connection = this.#recent[trace(key)]!;
    return connection !== null && key.matches(connection) ? connection : null;
  }

  /** The one with these ends. */
  find(key: TcpKey, hash: number): T | null {
    let connection: T | null = this.#buckets[hash & (this.#buckets.length - 1)]!;
    while (connection !== null && !(connection.hash === hash && key.matches(connection))) {
      connection = connection.chain;
    }
    if (connection !== null) this.#recent[trace(key)] = connection;
    return connection;
  }

  /** Adds one that is not in it. */
  add(connection: T, hash: number): void {
    if (this.#size === this.#buckets.length) this.#resize(2 * this.#size);
    const at = hash & (this.#buckets.length - 1);
    connection.hash = hash;
    connection.chain = this.#buckets[at]!;
    this.#buckets[at] = connection;
    this.#size++;
  }

  /** Takes one out, whose ends are `key`; `false` when it is not in it. */
  remove(connection: T, key: TcpKey): boolean {
    const at = connection.hash & (this.#buckets.length - 1);
    const first = this.#buckets[at]!;
    if (first === connection) this.#buckets[at] = connection.chain;
    else {
      let other: T | null = first;
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
  *[Symbol.iterator](): IterableIterator<T> {
    for (const first of this.#buckets) {
      for (let connection = first; connection !== null; connection = connection.chain) yield connection;
    }
  }

  #resize(length: number): void {
    const buckets: (T | null)[] = new Array(length).fill(null);
    for (const first of this.#buckets) {
      let connection = first;
      while (connection !== null) {
        const next: T | null = connection.chain;
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
