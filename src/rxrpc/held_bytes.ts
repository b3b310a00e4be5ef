/**
 * The bytes that an endpoint keeps for its calls until somebody takes them: of each peer, and altogether.
 *
 * @module
 */
import type { RxCall } from "./call.ts";
import type { CheckedLimits } from "./limits.ts";
import type { RxPeer } from "./peer.ts";

/** What a peer that says nothing of sizes sends at most. */
export const USUAL_BYTES = 1444;
/** What each call gets that somebody takes, whatever the others of its peer hold: packets, while the budget is ample. */
const ASSURED_PACKETS = 16;
/** As many calls as this can make a peer hold twice its budget, and no more. */
const ASSURED_CALLS = 64;
/** Which part of the budgets is for calls of which nothing was read: of a peer, 64 calls with 32 usual packets each. */
const UNREAD_PART = 3 / 4;
/** Which part of the endpoint's budget there is for those who have not proved that their address is their own. */
const UNPROVEN_PART = 1 / 4;

/** What a call takes, with its share of a connection, before anything is kept for it: packets without data make calls, too. */
const CALL_BYTES = 4096;
/** So many calls may wait for their clients to prove something however small the budget is. */
const MIN_UNPROVEN_CALLS = 16;

/** Counts them. */
export class HeldBytes {
  readonly #most: number;
  readonly #mostOfPeer: number;
  readonly #assured: number;
  #total = 0;
  /** Those of them that came from addresses that may be made up. */
  #unproven = 0;
  /** Those that wait, the one that began first first. */
  readonly #unprovenCalls: Set<RxCall> = new Set();

  /** Nothing is held. */
  constructor({ maxHeldBytes, maxHeldBytesPerPeer }: CheckedLimits) {
    this.#most = maxHeldBytes;
    this.#mostOfPeer = maxHeldBytesPerPeer;
    this.#assured = Math.min(ASSURED_PACKETS * USUAL_BYTES, maxHeldBytesPerPeer / ASSURED_CALLS);
  }

  /** Bytes of all peers. */
  get total(): number {
    return this.#total;
  }

  /**
   * How many more a call may hold that has so many: calls of which nothing was read leave a part to the others, so that
   * whoever reads one call after the other has a window. Less than nothing when there are too many.
   */
  room(peer: RxPeer, own: number, isRead: boolean): number {
    const part = isRead ? 1 : UNREAD_PART;
    const ofPeer = Math.max(part * this.#mostOfPeer - peer.heldBytes, this.#assured - own);
    return Math.min(part * this.#most - this.#total, ofPeer);
  }

  /** The same while the peer has yet to prove that its address is its own. */
  unprovenRoom(peer: RxPeer): number {
    const ofAll = Math.min(this.#most - this.#total, UNPROVEN_PART * this.#most - this.#unproven);
    return Math.min(ofAll, this.#mostOfPeer - peer.heldBytes);
  }

  /**
   * The call that has waited longest for its client to prove something, where as many wait as fit into a part of the
   * budget like that of bytes.
   */
  get oneUnprovenTooMany(): RxCall | undefined {
    if (this.#unprovenCalls.size < Math.max(MIN_UNPROVEN_CALLS, UNPROVEN_PART * this.#most / CALL_BYTES)) {
      return undefined;
    }
    return this.#unprovenCalls.values().next().value;
  }

  /** One call more waits for that. */
  addUnprovenCall(call: RxCall): void {
    this.#unprovenCalls.add(call);
  }

  /** It waits no more, if it did: its client has proved it, or it is over. */
  removeUnprovenCall(call: RxCall): void {
    this.#unprovenCalls.delete(call);
  }

  /** So many more of the peer are held; a negative number gives back. */
  add(bytes: number, peer: RxPeer): void {
    this.#total += bytes;
    peer.heldBytes += bytes;
  }

  /** The same of a peer that has yet to prove that its address is its own. */
  addUnproven(bytes: number, peer: RxPeer): void {
    this.#unproven += bytes;
    this.add(bytes, peer);
  }

  /** The same, unless there is no room for more; whether that was done. There may be too many when some are given back. */
  takeUnproven(bytes: number, peer: RxPeer): boolean {
    if (bytes > 0 && bytes > this.unprovenRoom(peer)) return false;
    this.addUnproven(bytes, peer);
    return true;
  }

  /** It has proved it: so many of its bytes are like those of others. */
  proved(bytes: number): void {
    this.#unproven -= bytes;
  }
}
