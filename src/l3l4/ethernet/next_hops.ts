/**
 * Where a packet that is to be sent goes: a group, all stations, or a neighbour.
 *
 * The neighbour of the last destination is kept at hand, because packets come in runs.
 *
 * @module
 */
import { isUnspecified } from "../../packet/address.ts";
import { isAddress } from "./address_prefix.ts";
import type { LocalAddresses } from "./local_addresses.ts";
import { BROADCAST_MAC, ipv4GroupMac, ipv6GroupMac } from "./mac_address.ts";
import type { Neighbor } from "./neighbor.ts";
import type { NeighborCache } from "./neighbor_cache.ts";

/** Looks up neighbours, and begins to ask for those that are not known. */
export class NextHops {
  readonly #addresses: LocalAddresses;
  readonly #neighbors: NeighborCache;
  readonly #groupMac: Uint8Array = new Uint8Array(6);
  #lastDestination: Uint8Array = new Uint8Array(0);
  #lastNeighbor: Neighbor | null = null;

  /** Makes it for a port's addresses and neighbours. */
  constructor(addresses: LocalAddresses, neighbors: NeighborCache) {
    this.#addresses = addresses;
    this.#neighbors = neighbors;
  }

  /** The MAC address of the group that an address stands for, good until the next call; `null` for a host's address. */
  groupMac(bytes: Uint8Array, at: number, size: number): Uint8Array | null {
    const first = bytes[at]!;
    if (size === 16) {
      if (first !== 0xff) return null;
      ipv6GroupMac(bytes, at, this.#groupMac);
      return this.#groupMac;
    }
    if (isLimitedBroadcast(bytes, at)) return BROADCAST_MAC;
    if (first >= 224 && first < 240) {
      ipv4GroupMac(bytes, at, this.#groupMac);
      return this.#groupMac;
    }
    return this.#isLast(bytes, at, size) || !this.#addresses.isBroadcast(bytes, at) ? null : BROADCAST_MAC;
  }

  /** The neighbour for a host's address; a new one is asked for its MAC address. `null` for an address that none can have. */
  neighbor(bytes: Uint8Array, at: number, size: number, senderAt: number, now: number): Neighbor | null {
    if (this.#isLast(bytes, at, size)) return this.#lastNeighbor;
    if (isUnspecified(bytes, at, size)) return null;
    const hop = this.#addresses.nextHop(bytes, at, size);
    let neighbor = this.#neighbors.find(hop, 0, size);
    if (neighbor === undefined) {
      neighbor = this.#neighbors.add(hop, 0, size, bytes.subarray(senderAt, senderAt + size));
      neighbor.start(now);
      this.#neighbors.timers.update(neighbor);
    }
    if (this.#lastDestination.length !== size) this.#lastDestination = new Uint8Array(size);
    for (let i = 0; i < size; i++) this.#lastDestination[i] = bytes[at + i]!;
    this.#lastNeighbor = neighbor;
    return neighbor;
  }

  /** An address of ours was lost: where packets go has to be found anew. */
  forget(): void {
    this.#lastNeighbor = null;
  }

  #isLast(bytes: Uint8Array, at: number, size: number): boolean {
    const last = this.#lastNeighbor;
    return last !== null && !last.isGone && this.#lastDestination.length === size &&
      isAddress(this.#lastDestination, bytes, at);
  }
}

function isLimitedBroadcast(bytes: Uint8Array, at: number): boolean {
  return (bytes[at]! & bytes[at + 1]! & bytes[at + 2]! & bytes[at + 3]!) === 0xff;
}
