/**
 * Proportional rate reduction (RFC 9937): how much may be sent for each acknowledgment while losses are repaired, so that
 * what is under way comes down to the slow start threshold evenly, and never below it for long.
 *
 * @module
 */

/** One recovery after the other. */
export class Prr {
  #flight = 1;
  #ssthresh = 0;
  #segmentSize = 0;
  #delivered = 0;
  #out = 0;

  /**
   * A recovery begins. `flight`: bytes between SND.UNA and SND.NXT, without those that had been selectively acknowledged
   * before; `ssthresh`: what is to be under way at its end.
   */
  start(flight: number, ssthresh: number, segmentSize: number): void {
    this.#flight = Math.max(1, flight);
    this.#ssthresh = ssthresh;
    this.#segmentSize = segmentSize;
    this.#delivered = 0;
    this.#out = 0;
  }

  /**
   * An acknowledgment, from the one that began the recovery on, told that `delivered` bytes more have arrived; `inFlight`
   * are under way now. `hasProgress`: SND.UNA has moved and no further loss was found. Returns how many bytes may be sent
   * for it: the window is `inFlight` plus these.
   */
  onAck(delivered: number, inFlight: number, hasProgress: boolean): number {
    this.#delivered += delivered;
    let count: number;
    if (inFlight > this.#ssthresh) {
      count = Math.ceil(this.#delivered * this.#ssthresh / this.#flight) - this.#out;
    } else {
      count = Math.max(this.#delivered - this.#out, delivered);
      if (hasProgress) count += this.#segmentSize;
      count = Math.min(this.#ssthresh - inFlight, count);
    }
    // the first retransmission never waits, and with nothing under way there is nothing to wait for but the timer
    if ((this.#out === 0 || inFlight === 0) && count < this.#segmentSize) return this.#segmentSize;
    return Math.max(0, count);
  }

  /** So many bytes were sent, whether again or for the first time. */
  sent(bytes: number): void {
    this.#out += bytes;
  }
}
