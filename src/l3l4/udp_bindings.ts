/**
 * Ports that are bound for all peers, by number: the one at the very address comes first, then the one at all of them.
 *
 * @module
 */
import { equals } from "../bytes/equals.ts";
import type { UdpBound } from "./udp_ports.ts";

/** The ports. */
export class UdpBindings {
  readonly #byPort: Map<number, UdpBound[]> = new Map();

  /** How many numbers are taken. */
  get size(): number {
    return this.#byPort.size;
  }

  /** The port that gets what comes for the address from `start` to `end`. */
  find(port: number, bytes: Uint8Array, start: number, end: number): UdpBound | null {
    if (this.#byPort.size === 0) return null;
    const bound = this.#byPort.get(port);
    if (bound === undefined) return null;
    const address = bytes.subarray(start, end);
    let general: UdpBound | null = null;
    for (const candidate of bound) {
      if (candidate.localAddress === null) general = candidate;
      else if (equals(candidate.localAddress, address)) return candidate;
    }
    return general;
  }

  /** Whether the very address, or all of them with `null`, is bound. */
  has(port: number, address: Uint8Array | null): boolean {
    const isSame = ({ localAddress }: UdpBound): boolean =>
      address === null || localAddress === null ? address === localAddress : equals(localAddress, address);
    return this.#byPort.get(port)?.some(isSame) ?? false;
  }

  /** Adds one. */
  add(port: UdpBound): void {
    const bound = this.#byPort.get(port.localPort);
    if (bound === undefined) this.#byPort.set(port.localPort, [port]);
    else bound.push(port);
  }

  /** Takes one out. */
  remove(port: UdpBound): void {
    const bound = this.#byPort.get(port.localPort)?.filter((other) => other !== port) ?? [];
    if (bound.length === 0) this.#byPort.delete(port.localPort);
    else this.#byPort.set(port.localPort, bound);
  }
}
