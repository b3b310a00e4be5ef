/**
 * The bytes that an endpoint keeps for its calls until somebody takes them: of each peer, and altogether.
 *
 * @module
 */
import type { CheckedLimits } from "./limits.ts";
import type { RxPeer } from "./peer.ts";

/** Counts them. */
export class HeldBytes {
  readonly #most: number;
  readonly #mostOfPeer: number;
  #total = 0;

  /** Nothing is held. */
  constructor({ maxHeldBytes, maxHeldBytesPerPeer }: CheckedLimits) {
    this.#most = maxHeldBytes;
    this.#mostOfPeer = maxHeldBytesPerPeer;
  }

  /** Bytes of all peers. */
  get total(): number {
    return this.#total;
  }

  /** How many more of the peer may be held; less than nothing when there are too many. */
  room(peer: RxPeer): number {
    return Math.min(this.#most - this.#total, this.#mostOfPeer - peer.heldBytes);
  }

  /** So many more of the peer are held; a negative number gives back. */
  add(bytes: number, peer: RxPeer): void {
    this.#total += bytes;
    peer.heldBytes += bytes;
  }

  /** The same, unless there is no room for more; whether that was done. There may be too many when some are given back. */
  take(bytes: number, peer: RxPeer): boolean {
    if (bytes > 0 && bytes > this.room(peer)) return false;
    this.add(bytes, peer);
    return true;
  }
}
