/**
 * For which addresses a port answers, and to whom a packet goes next (RFC 1122 section 3.3.1, RFC 4861 section 5.2).
 *
 * @module
 */
import { type AddressPrefix, isHostAddress } from "./address_prefix.ts";
import type { EthernetSettings } from "./ethernet_settings.ts";

/** The addresses of a port, its networks and routers. */
export class LocalAddresses {
  /** Own addresses that have not been given up. */
  readonly networks: AddressPrefix[];
  readonly #answersFor: "any" | readonly AddressPrefix[];
  readonly #gateways: readonly Uint8Array[];

  /** Takes them from the settings. */
  constructor(settings: EthernetSettings) {
    this.networks = [...settings.networks];
    this.#answersFor = settings.answersFor;
    this.#gateways = settings.gateways;
  }

  /** Whether it is an address of the port itself. */
  isOwn(bytes: Uint8Array, at: number, size: number): boolean {
    for (const network of this.networks) {
      if (network.is(bytes, at, size)) return true;
    }
    return false;
  }

  /** Whether it is an address that the port plays without owning it. */
  isPlayed(bytes: Uint8Array, at: number, size: number): boolean {
    if (!isHostAddress(bytes, at, size)) return false;
    if (this.#answersFor !== "any") return this.#answersFor.some((prefix) => prefix.contains(bytes, at, size));
    return !this.isOnLink(bytes, at, size);
  }

  /** Whether an address belongs to one of the port's networks. */
  isOnLink(bytes: Uint8Array, at: number, size: number): boolean {
    for (const network of this.networks) {
      if (network.contains(bytes, at, size)) return true;
    }
    return false;
  }

  /** Whether an IPv4 address stands for all hosts of one of the port's networks. */
  isBroadcast(bytes: Uint8Array, at: number): boolean {
    for (const network of this.networks) {
      if (network.address.length === 4 && network.isBroadcast(bytes, at)) return true;
    }
    return false;
  }

  /** The neighbour that a packet for this address goes to: a router, or the address itself as a view. */
  nextHop(bytes: Uint8Array, at: number, size: number): Uint8Array {
    if (!this.isOnLink(bytes, at, size)) {
      for (const gateway of this.#gateways) {
        if (gateway.length === size) return gateway;
      }
    }
    return bytes.subarray(at, at + size);
  }

  /**
   * Who asks for the address of `target`: an own address of its network, else the sender of the packet that waits, if the
   * port answers for it, else any own address.
   */
  sourceFor(target: Uint8Array, sender: Uint8Array): Uint8Array {
    const size = target.length;
    for (const network of this.networks) {
      if (network.contains(target, 0, size)) return network.address;
    }
    if (sender.length === size && (this.isOwn(sender, 0, size) || this.isPlayed(sender, 0, size))) return sender;
    const any = this.networks.find(({ address }) => address.length === size);
    return any === undefined ? sender : any.address;
  }

  /** An own address was given up. */
  drop(network: AddressPrefix): void {
    const at = this.networks.indexOf(network);
    if (at >= 0) this.networks.splice(at, 1);
  }
}
