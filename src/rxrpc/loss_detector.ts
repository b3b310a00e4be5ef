/**
 * Which transmissions are lost, from those that were acknowledged after them (RFC 9002's packet threshold, with RFC
 * 8985's time threshold and adaptation).
 *
 * @module
 */
import type { SendPacket } from "./send_packet.ts";

const FIRST_THRESHOLD = 3;
const MAX_THRESHOLD = 32;
const TIME_FACTOR = 1.25;

/** Judges the transmissions of one call. */
export class LossDetector {
  /** The latest orders that were acknowledged, latest first. */
  readonly #latest: number[] = [];
  #threshold = FIRST_THRESHOLD;
  #latestSentAt = -Infinity;

  /** Order of the latest transmission that was acknowledged; -1 for none. */
  get latestOrder(): number {
    return this.#latest[0] ?? -1;
  }

  /** A transmission was acknowledged. */
  acknowledged(packet: SendPacket): void {
    if (packet.order > this.latestOrder) this.#latestSentAt = packet.sentAt;
    const at = this.#latest.findIndex((order) => order < packet.order);
    if (at >= 0) this.#latest.splice(at, 0, packet.order);
    else this.#latest.push(packet.order);
    if (this.#latest.length > MAX_THRESHOLD) this.#latest.pop();
  }

  /** Something was sent again without need: packets overtake each other on the way. */
  wasWrong(): void {
    this.#threshold = Math.min(MAX_THRESHOLD, 2 * this.#threshold);
  }

  /**
   * Whether the packet's latest transmission is lost: enough later ones have come, or one that was sent long enough
   * after it.
   *
   * @param rtt in milliseconds
   */
  isLost(packet: SendPacket, rtt: number): boolean {
    const enough = this.#latest[this.#threshold - 1];
    if (enough !== undefined && packet.order < enough) return true;
    const isBehind = packet.order < this.latestOrder;
    return isBehind && this.#latestSentAt - packet.sentAt >= TIME_FACTOR * this.#threshold / FIRST_THRESHOLD * rtt;
  }
}
