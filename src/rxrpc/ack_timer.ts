/**
 * When to acknowledge, and why: the most urgent reason of a datagram's packets, or a short while for the others.
 *
 * @module
 */
import { RxAckReason } from "./packet_types.ts";
import type { Arrival } from "./receive_side.ts";

/** Datagrams in order that are not acknowledged one by one. */
const DATAGRAMS_PER_ACK = 2;
const MAX_DELAY_MS = 100;
const MIN_DELAY_MS = 10;

/** The reasons that can't wait, most urgent first. */
const URGENCY: readonly number[] = [
  RxAckReason.OUT_OF_SEQUENCE,
  RxAckReason.NOSPACE,
  RxAckReason.EXCEEDS_WINDOW,
  RxAckReason.DUPLICATE,
  RxAckReason.REQUESTED,
  RxAckReason.DELAY,
];

/** An acknowledgement that is to be sent. */
export interface DueAck {
  /** Of `RxAckReason`. */
  reason: number;
  /** Serial number of what it answers; 0 for nothing. */
  serial: number;
}

/** Decides for one call. */
export class AckTimer {
  /** When to acknowledge what has waited; `Infinity` for nothing. */
  at: number = Infinity;
  /** What is to be sent now. */
  due: DueAck | undefined;
  #datagrams = 0;
  #found: DueAck | undefined;
  #inOrder = false;
  #serial = 0;

  /** One packet of a datagram has come. */
  arrived(arrival: Arrival, serial: number): void {
    this.#serial = serial;
    this.#inOrder = true;
    const reason = arrival === "hole filled" ? RxAckReason.DELAY : arrival;
    if (typeof reason !== "number") return;
    const isLater = reason === RxAckReason.REQUESTED && this.#found?.reason === reason;
    if (this.#found === undefined || isLater || rank(reason) < rank(this.#found.reason)) {
      this.#found = { reason, serial };
    }
  }

  /** That was the datagram. */
  datagramEnded(now: number, srtt: number | undefined): void {
    if (!this.#inOrder) return;
    this.#inOrder = false;
    const found = this.#found;
    this.#found = undefined;
    if (found !== undefined) return this.demand(found.reason, found.serial);
    this.#datagrams++;
    if (this.#datagrams >= DATAGRAMS_PER_ACK) return this.demand(RxAckReason.IDLE, this.#serial);
    this.delay(now + Math.min(MAX_DELAY_MS, Math.max(srtt ?? MAX_DELAY_MS, MIN_DELAY_MS)));
  }

  /** Something is to be acknowledged, but not at once. */
  delay(at: number): void {
    this.at = Math.min(this.at, at);
  }

  /** An acknowledgement is to be sent now; of several, the most urgent one. */
  demand(reason: number, serial: number): void {
    if (this.due === undefined || rank(reason) <= rank(this.due.reason)) this.due = { reason, serial };
  }

  /** What has waited is due. */
  onTimeout(now: number, hasHole: boolean): void {
    if (now < this.at) return;
    this.at = Infinity;
    this.demand(hasHole ? RxAckReason.DELAY : RxAckReason.IDLE, 0);
  }

  /** An acknowledgement goes out, or something that is as good. */
  sent(): void {
    this.at = Infinity;
    this.due = undefined;
    this.#datagrams = 0;
  }
}

function rank(reason: number): number {
  const at = URGENCY.indexOf(reason);
  return at < 0 ? URGENCY.length : at;
}
