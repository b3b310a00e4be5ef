/**
 * Jumbograms of which some packets had come before: an honest peer sends again one packet at a time, so there are few.
 *
 * @module
 */
import { RxAckReason } from "./packet_types.ts";
import type { Arrival } from "./receive_side.ts";

const MAX_KNOWN = 8;

/** Counts those of one call. */
export class JumboLimit {
  #count = 0;
  #known = 0;
  #news = 0;

  /** Whether no more jumbograms are taken. */
  get isReached(): boolean {
    return this.#count >= MAX_KNOWN;
  }

  /** One packet of a datagram has come. */
  arrived(arrival: Arrival): void {
    if (arrival === RxAckReason.DUPLICATE) this.#known++;
    else this.#news++;
  }

  /** That was the datagram. */
  datagramEnded(): void {
    if (this.#known > 0 && this.#news > 0) this.#count++;
    this.#known = 0;
    this.#news = 0;
  }
}
