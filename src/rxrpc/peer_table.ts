/**
 * Other endpoints by their addresses. Those that nobody uses are forgotten, the ones asked for longest ago first.
 *
 * @module
 */
import { RxPeer } from "./peer.ts";
import type { RxAddress } from "./ports.ts";

/** Most peers that are kept although nobody uses them. */
const MAX_IDLE = 4096;
/** How many are looked at to find one that nobody uses. */
const MAX_LOOKS = 8;

/** The table. */
export class PeerTable {
  readonly #peers: Map<string, RxPeer> = new Map();
  #last: RxPeer | undefined;

  /** How many there are. */
  get size(): number {
    return this.#peers.size;
  }

  /** The peers. */
  values(): Iterable<RxPeer> {
    return this.#peers.values();
  }

  /** The peer at an address; made when it is new. */
  of(address: RxAddress, now: number): RxPeer {
    const last = this.#last;
    if (last !== undefined && last.address.port === address.port && last.address.address === address.address) {
      last.refresh(now);
      return last;
    }
    const key = `${address.port} ${address.address}`;
    const known = this.#peers.get(key);
    this.#last = known;
    if (known !== undefined) {
      known.refresh(now);
      return known;
    }
    if (this.#peers.size >= MAX_IDLE) this.#forgetOne();
    const peer = new RxPeer({ address: address.address, port: address.port }, now);
    this.#peers.set(key, peer);
    return peer;
  }

  /** The peer at an address, if there is one. */
  find({ address, port }: RxAddress): RxPeer | undefined {
    return this.#peers.get(`${port} ${address}`);
  }

  #forgetOne(): void {
    let looks = MAX_LOOKS;
    for (const [key, peer] of this.#peers) {
      if (looks-- === 0) return;
      this.#peers.delete(key);
      if (!peer.isInUse) return;
      // to the end of the line, so that the next one is found at once
      this.#peers.set(key, peer);
    }
  }
}
