/**
 * Who has something to send, in turns.
 *
 * @module
 */
import type { PacketOut } from "../packet_out.ts";
import type { HostedConnection } from "./tcp_host.ts";

const FIRST_CAPACITY = 16;

/** Connections that want to transmit, each once. */
export class TransmitQueue {
  #slots: (HostedConnection | null)[] = new Array(FIRST_CAPACITY).fill(null);
  #head = 0;
  #size = 0;

  /** How many wait. */
  get size(): number {
    return this.#size;
  }

  /** Adds one behind all others, unless it waits already. */
  push(connection: HostedConnection): void {
    if (connection.isQueuedForTransmit) return;
    connection.isQueuedForTransmit = true;
    if (this.#size === this.#slots.length) this.#grow();
    this.#slots[(this.#head + this.#size++) & (this.#slots.length - 1)] = connection;
  }

  /**
   * Lets each send once what it may. The one for which there is no room left goes to the end, so that next time others come
   * first. `false` when there was no room for all.
   */
  transmit(out: PacketOut, now: number): boolean {
    for (let turns = this.#size; turns > 0; turns--) {
      if (!this.turn(out, now)) return false;
    }
    return this.#size === 0;
  }

  /** Lets the first one send, if there is one; `false` when there was no room for all. */
  turn(out: PacketOut, now: number): boolean {
    if (this.#size === 0) return true;
    const connection = this.#slots[this.#head]!;
    this.#slots[this.#head] = null;
    this.#head = (this.#head + 1) & (this.#slots.length - 1);
    this.#size--;
    connection.isQueuedForTransmit = false;
    if (connection.transmit(out, now)) return true;
    this.push(connection);
    return false;
  }

  #grow(): void {
    const larger: (HostedConnection | null)[] = new Array(2 * this.#slots.length).fill(null);
    for (let i = 0; i < this.#size; i++) larger[i] = this.#slots[(this.#head + i) & (this.#slots.length - 1)]!;
    this.#slots = larger;
    this.#head = 0;
  }
}
