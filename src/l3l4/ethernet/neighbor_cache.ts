/**
 * The neighbours of a port, and the packets that wait for their addresses, under limits.
 *
 * Who asks for us is remembered, so a flood of questions from made-up senders fills the table. Therefore neighbours that
 * we send to outlive those that we do not: when there is no room, the oldest gives way unless it was used since it was
 * last looked at (the "clock" rule), which costs a constant time for each on average.
 *
 * @module
 */
import { TimerQueue } from "../../core/timer_queue.ts";
import { addressKey } from "../flow_ends.ts";
import { Neighbor, type NeighborHost, type WaitingPacket } from "./neighbor.ts";

/** Counters of a {@linkcode NeighborCache}. */
export interface NeighborStats {
  /** Neighbours that gave way to others. */
  neighborsEvicted: number;
  /** Packets that were dropped while they waited for an address, for want of room. */
  waitingDropped: number;
}

/** The table. */
export class NeighborCache {
  /** Timers of the neighbours. */
  readonly timers: TimerQueue = new TimerQueue();
  readonly #host: NeighborHost;
  readonly #stats: NeighborStats;
  readonly #neighbors: Map<number | string, Neighbor> = new Map();
  #waitingBytes = 0;

  /** Makes an empty one. */
  constructor(host: NeighborHost, stats: NeighborStats) {
    this.#host = host;
    this.#stats = stats;
  }

  /** How many there are. */
  get size(): number {
    return this.#neighbors.size;
  }

  /** Bytes of packets that wait. */
  get waitingBytes(): number {
    return this.#waitingBytes;
  }

  /** All of them. */
  values(): IterableIterator<Neighbor> {
    return this.#neighbors.values();
  }

  /** The neighbour with the address at `at`, if it is known or asked for. */
  find(bytes: Uint8Array, at: number, size: number): Neighbor | undefined {
    return this.#neighbors.get(addressKey(bytes, at, size));
  }

  /** A new neighbour with this address; nothing is asked yet. */
  add(bytes: Uint8Array, at: number, size: number, sender: Uint8Array): Neighbor {
    const key = addressKey(bytes, at, size);
    if (this.#neighbors.size >= this.#host.settings.maxNeighbors) this.#evict();
    const neighbor = new Neighbor(this.#host, bytes.slice(at, at + size), key, sender.slice());
    this.#neighbors.set(key, neighbor);
    return neighbor;
  }

  /** Forgets a neighbour, and returns what waited for it. */
  remove(neighbor: Neighbor): WaitingPacket[] {
    neighbor.isGone = true;
    this.#neighbors.delete(neighbor.key);
    this.timers.update(neighbor);
    return this.takeWaiting(neighbor, Infinity);
  }

  /** Keeps a copy of a packet until the neighbour's address is known. */
  hold(neighbor: Neighbor, bytes: Uint8Array, segmentSize: number | undefined): void {
    const { maxWaitingPackets, maxWaitingBytes } = this.#host.settings;
    if (neighbor.waiting.length >= maxWaitingPackets) {
      this.#stats.waitingDropped++;
      this.takeWaiting(neighbor, 1);
    }
    if (this.#waitingBytes + bytes.length > maxWaitingBytes) {
      this.#stats.waitingDropped++;
      return;
    }
    this.#waitingBytes += bytes.length;
    neighbor.waiting.push({ bytes: bytes.slice(), segmentSize });
  }

  /** The oldest packets that wait for a neighbour; they wait no more. */
  takeWaiting(neighbor: Neighbor, count: number): WaitingPacket[] {
    const taken = neighbor.waiting.splice(0, count);
    for (const { bytes } of taken) this.#waitingBytes -= bytes.length;
    return taken;
  }

  /** Forgets all. */
  clear(): void {
    for (const neighbor of [...this.#neighbors.values()]) this.remove(neighbor);
  }

  #evict(): void {
    for (;;) {
      const oldest = this.#neighbors.values().next().value!;
      if (oldest.wasUsed) {
        oldest.wasUsed = false;
        this.#neighbors.delete(oldest.key);
        this.#neighbors.set(oldest.key, oldest);
        continue;
      }
      this.#stats.neighborsEvicted++;
      this.#stats.waitingDropped += this.remove(oldest).length;
      return;
    }
  }
}
