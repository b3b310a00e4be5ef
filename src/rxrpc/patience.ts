/**
 * How long a call waits for a word of its peer, and when it asks for one.
 *
 * @module
 */
import { type CallClock, CallDue } from "./call_clock.ts";
import type { RttEstimator } from "./rtt_estimator.ts";
import type { SendSide } from "./send_side.ts";

const PINGS_PER_DEAD_TIME = 6;
/** Until it is known how far the peer is: some give up after a second of silence. */
const FIRST_PING_MS = 800;
const GATE_PING_MS = 2000;
const FINAL_ACK_RTOS = 10;

/** Sets the clock of one call. */
export class Patience {
  /** Milliseconds after which the peer is taken for dead. */
  readonly deadMs: number;
  /** The peer has yet to prove that its address is its own. */
  isGated = false;
  readonly #clock: CallClock;
  readonly #rtt: RttEstimator;
  readonly #sending: SendSide;
  readonly #isClient: boolean;

  /** Nothing is waited for yet. */
  constructor(deadMs: number, clock: CallClock, rtt: RttEstimator, sending: SendSide, isClient: boolean) {
    this.deadMs = deadMs;
    this.#clock = clock;
    this.#rtt = rtt;
    this.#sending = sending;
    this.#isClient = isClient;
  }

  /** From now on the peer has to be heard. */
  begin(now: number): void {
    this.#clock.set(CallDue.DEAD, now + this.#patience());
    this.pinged(now);
  }

  /** It was. */
  heard(now: number): void {
    if (this.#clock.at(CallDue.DEAD) !== Infinity) this.#clock.set(CallDue.DEAD, now + this.#patience());
  }

  /** Something was sent, or asked: the next question is not due soon. */
  pinged(now: number): void {
    this.#clock.set(CallDue.PING, now + this.#pingMs());
  }

  #patience(): number {
    // a server that has said everything waits for no more than an acknowledgement; but where a fifth is lost, some
    // packets need more than ten times the first timeout to get through
    const isFinal = !this.#isClient && this.#sending.isLastSent;
    return isFinal ? Math.min(this.deadMs, Math.max(FINAL_ACK_RTOS * this.#rtt.rto, this.deadMs / 2)) : this.deadMs;
  }

  #pingMs(): number {
    if (this.isGated) return GATE_PING_MS;
    const usual = this.deadMs / PINGS_PER_DEAD_TIME;
    return this.#rtt.srtt === undefined ? Math.min(FIRST_PING_MS, usual) : usual;
  }
}
