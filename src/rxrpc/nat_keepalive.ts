/**
 * Keeps ways through translators of addresses open: a VERSION packet that asks nothing and is never answered, to each
 * server of which this end has connections.
 *
 * @module
 */
import { looseHeader, packetOf, put } from "./control_packet.ts";
import { RxFlag, RxPacketType } from "./packet_types.ts";
import type { RxAddress, RxOut } from "./ports.ts";
import type { Timed } from "../core/timer_queue.ts";

/** A VERSION packet that asks nothing, and is never answered. */
export function silentVersion(epoch: number): Uint8Array {
  return packetOf(looseHeader(epoch, 0, RxPacketType.VERSION, RxFlag.LAST_PACKET), new Uint8Array(1));
}

/** Sends them. */
export class NatKeepalive implements Timed {
  queuedAt: number = Infinity;
  queueIndex: number = -1;
  readonly #everyMs: number;
  readonly #datagram: Uint8Array;
  readonly #servers: () => Iterable<RxAddress>;
  #at = Infinity;
  #due: RxAddress[] = [];

  /** Every so many milliseconds, as long as there are `servers`; never when that is `Infinity`. */
  constructor(everyMs: number, epoch: number, servers: () => Iterable<RxAddress>) {
    this.#everyMs = everyMs;
    this.#servers = servers;
    this.#datagram = silentVersion(epoch);
  }

  /** A call is made: from now on there is a server. */
  begin(now: number): void {
    if (this.#at === Infinity) this.#at = now + this.#everyMs;
  }

  timeoutAt(): number {
    return this.#at;
  }

  onTimeout(now: number): void {
    if (now < this.#at) return;
    this.#due = [...new Set(this.#servers())];
    this.#at = this.#due.length === 0 ? Infinity : now + this.#everyMs;
  }

  /** Sends what is due; whether all has gone. */
  transmit(out: RxOut): boolean {
    for (let to = this.#due.at(-1); to !== undefined; to = this.#due.at(-1)) {
      if (!put(out, this.#datagram, to)) return false;
      this.#due.pop();
    }
    return true;
  }
}
