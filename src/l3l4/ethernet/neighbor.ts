/**
 * What is known of one neighbour: the states and timers of RFC 4861 section 7.3, for ARP as well.
 *
 * A neighbour that is asked for by a packet is `incomplete` until it answers. It then counts as `reachable` for a while,
 * after which it is `stale`: it is still sent to, and the first packet starts a `delay` at whose end it is asked again
 * (`probe`), by itself. One that does not answer is given up.
 *
 * @module
 */
import type { Timed } from "../../core/timer_queue.ts";
import type { EthernetSettings } from "./ethernet_settings.ts";
import { isMac } from "./mac_address.ts";

/** States by the names of RFC 4861 section 7.3.2. */
export type NeighborState = "incomplete" | "reachable" | "stale" | "delay" | "probe";

/** A packet that waits for its neighbour's address. */
export interface WaitingPacket {
  /** The packet, a copy. */
  readonly bytes: Uint8Array;
  /** See `PacketOut.commit`. */
  readonly segmentSize: number | undefined;
}

/** What a neighbour needs of the port. */
export interface NeighborHost {
  /** The port's settings. */
  readonly settings: EthernetSettings;
  /** Asks for the neighbour's address, of itself where that is known. */
  solicit(neighbor: Neighbor, isUnicast: boolean, now: number): void;
  /** It has an address now. */
  resolved(neighbor: Neighbor): void;
  /** It does not answer. */
  failed(neighbor: Neighbor): void;
  /** A number from 0 up to 1. */
  fraction(): number;
}

/** A neighbour. */
export class Neighbor implements Timed {
  /** For the timer queue. */
  queuedAt: number = Infinity;
  /** For the timer queue. */
  queueIndex = -1;
  /** Its IP address. */
  readonly address: Uint8Array;
  /** Its key in the cache. */
  readonly key: number | string;
  /** Its MAC address, once known. */
  readonly mac: Uint8Array = new Uint8Array(6);
  /** Sender of the packet that it was first needed for. */
  readonly sender: Uint8Array;
  /** Packets that wait for its address, oldest first. */
  readonly waiting: WaitingPacket[] = [];
  /** What is known. */
  state: NeighborState = "incomplete";
  /** Whether it says that it forwards packets. */
  isRouter = false;
  /** Whether it was sent to since the cache last looked for room. */
  wasUsed = false;
  /** Whether it is in the cache no more. */
  isGone = false;
  /** When it last told its address. */
  toldAt: number = -Infinity;
  readonly #host: NeighborHost;
  #dueAt = Infinity;
  #solicitations = 0;

  /** Makes one of which nothing is known. */
  constructor(host: NeighborHost, address: Uint8Array, key: number | string, sender: Uint8Array) {
    this.#host = host;
    this.address = address;
    this.key = key;
    this.sender = sender;
  }

  /** Asks for its address. */
  start(now: number): void {
    this.#solicitations = 0;
    this.#ask(now);
  }

  /** A packet is to be sent: whether it can be. The timer has to be looked at. */
  use(now: number): boolean {
    this.wasUsed = true;
    switch (this.state) {
      case "incomplete":
        return false;
      case "reachable":
        if (now < this.#dueAt) return true;
        break;
      case "stale":
        break;
      default:
        return true;
    }
    this.state = "delay";
    this.#dueAt = now + this.#host.settings.delayProbeMs;
    return true;
  }

  /** It told its address, whatever that says about the way to it. */
  learn(bytes: Uint8Array, at: number, now: number): void {
    const isNews = this.state === "incomplete" || !isMac(this.mac, bytes, at);
    this.toldAt = now;
    if (!isNews) return;
    for (let i = 0; i < 6; i++) this.mac[i] = bytes[at + i]!;
    this.suspect();
    this.#host.resolved(this);
  }

  /** It may have another address by now. */
  suspect(): void {
    this.state = "stale";
    this.#dueAt = Infinity;
  }

  /** It answered us. */
  confirm(now: number): void {
    this.state = "reachable";
    this.#dueAt = now + this.#host.settings.reachableMs * (0.5 + this.#host.fraction());
  }

  /** When it has to be looked at; a reachable one turns stale as it is used. */
  timeoutAt(): number {
    return this.state === "reachable" || this.isGone ? Infinity : this.#dueAt;
  }

  /** Asks, asks again or gives up. */
  onTimeout(now: number): void {
    if (this.state === "delay") {
      this.state = "probe";
      this.#solicitations = 0;
    }
    if (this.#solicitations >= this.#host.settings.maxSolicitations) this.#host.failed(this);
    else this.#ask(now);
  }

  #ask(now: number): void {
    this.#solicitations++;
    this.#dueAt = now + this.#host.settings.retransmitMs;
    this.#host.solicit(this, this.state === "probe", now);
  }
}
