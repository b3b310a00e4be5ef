/**
 * The classic algorithm: half the window after a loss, one segment more for each round trip without (RFC 5681, RFC 6582;
 * bytes are counted as in RFC 3465).
 *
 * @module
 */
import { LossControl } from "./loss_control.ts";

/** NewReno's window. */
export class NewReno extends LossControl {
  #acked = 0;

  protected override measure(): void {}

  protected override growth(acked: number): number {
    this.#acked += acked;
    if (this.#acked < this.cwnd) return 0;
    this.#acked -= this.cwnd;
    // an acknowledgment of more than a window is worth no more than one
    this.#acked = Math.min(this.#acked, this.cwnd);
    return this.segmentSize;
  }

  protected override lowered(flight: number): number {
    return flight / 2;
  }

  protected override begin(): void {
    this.#acked = 0;
  }

  protected override undone(): void {
    this.#acked = 0;
  }
}
