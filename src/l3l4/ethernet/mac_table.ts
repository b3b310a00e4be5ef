/**
 * Behind which port of a switch a station is: learnt from what it sends, forgotten when it is silent (IEEE 802.1D
 * section 7.9).
 *
 * There are two limits, one for the table and one for each port, so that made-up addresses on one port push nobody out:
 * a table that is full learns no more, and frames for whoever it does not know go everywhere.
 *
 * @module
 */
import { readU16, readU32 } from "../../bytes/integers.ts";

/** What the table counts of a port. */
export interface TablePort {
  /** Addresses that may be behind it. */
  readonly maxAddresses: number;
  /** Addresses that are. */
  addressCount: number;
}

/** Counters of a {@linkcode MacTable}. */
export interface MacTableStats {
  /** Stations that were seen behind another port than before. */
  stationsMoved: number;
  /** Addresses that were not learnt, for want of room. */
  addressesRefused: number;
}

interface Entry<P> {
  port: P;
  seenAt: number;
}

/** The table. */
export class MacTable<P extends TablePort> {
  readonly #max: number;
  readonly #ageingMs: number;
  readonly #stats: MacTableStats;
  /** By VLAN, then by address. */
  readonly #vlans: Map<number, Map<number, Entry<P>>> = new Map();
  #size = 0;
  #sweepAt = Infinity;

  /** Makes an empty one. */
  constructor(max: number, ageingMs: number, stats: MacTableStats) {
    this.#max = max;
    this.#ageingMs = ageingMs;
    this.#stats = stats;
  }

  /** How many addresses it knows. */
  get size(): number {
    return this.#size;
  }

  /** When the next address may have to be forgotten. */
  get sweepAt(): number {
    return this.#sweepAt;
  }

  /** The port behind which the station at `at` is, if that is known. */
  find(vlan: number, bytes: Uint8Array, at: number, now: number): P | undefined {
    const entry = this.#vlans.get(vlan)?.get(keyOf(bytes, at));
    return entry !== undefined && now < entry.seenAt + this.#ageingMs ? entry.port : undefined;
  }

  /** The station at `at` is behind this port. */
  learn(vlan: number, bytes: Uint8Array, at: number, port: P, now: number): void {
    const key = keyOf(bytes, at);
    const stations = this.#vlans.get(vlan);
    const entry = stations?.get(key);
    if (entry?.port === port) {
      entry.seenAt = now;
      return;
    }
    if (entry !== undefined) {
      this.#stats.stationsMoved++;
      this.#forget(vlan, key, entry);
    }
    if (this.#size >= this.#max || port.addressCount >= port.maxAddresses) {
      this.#stats.addressesRefused++;
      return;
    }
    this.#size++;
    port.addressCount++;
    this.#sweepAt = Math.min(this.#sweepAt, now + this.#ageingMs);
    const added = { port, seenAt: now };
    // looked up anew: the last station of a VLAN takes its map with it
    const into = this.#vlans.get(vlan);
    if (into === undefined) this.#vlans.set(vlan, new Map([[key, added]]));
    else into.set(key, added);
  }

  /** Forgets who was silent for too long. */
  sweep(now: number): void {
    if (now < this.#sweepAt) return;
    let next = Infinity;
    this.#forgetIf((entry) => {
      const at = entry.seenAt + this.#ageingMs;
      if (at > now) next = Math.min(next, at);
      return at <= now;
    });
    this.#sweepAt = next;
  }

  /** Forgets all behind a port. */
  forgetPort(port: P): void {
    this.#forgetIf((entry) => entry.port === port);
  }

  #forgetIf(isOver: (entry: Entry<P>) => boolean): void {
    for (const [vlan, stations] of this.#vlans) {
      for (const [key, entry] of stations) {
        if (isOver(entry)) this.#forget(vlan, key, entry);
      }
    }
    if (this.#size === 0) this.#sweepAt = Infinity;
  }

  #forget(vlan: number, key: number, entry: Entry<P>): void {
    const stations = this.#vlans.get(vlan)!;
    stations.delete(key);
    if (stations.size === 0) this.#vlans.delete(vlan);
    this.#size--;
    entry.port.addressCount--;
  }
}

/** The 48 bits of a MAC address as a number. */
function keyOf(bytes: Uint8Array, at: number): number {
  return readU16(bytes, at) * 0x100000000 + readU32(bytes, at + 2);
}
