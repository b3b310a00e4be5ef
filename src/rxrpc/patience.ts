/**
 * How long a call waits for a word of its peer, and when it asks for one.
 *
 * @module
 */
import { type CallClock, CallDue } from "./call_clock.ts";
import type { ReceiveSide } from "./receive_side.ts";
import type { RttEstimator } from "./rtt_estimator.ts";
import type { SendSide } from "./send_side.ts";

const PINGS_PER_DEAD_TIME = 6;
/** Until it is known how far the peer is: some give up after a second of silence. */
const FIRST_PING_MS = 800;
const GATE_PING_MS = 2000;
const FINAL_ACK_RTOS = 10;
/** How long packets may be missing while the peer answers. Senders double their timeouts: some come late. */
const STALL_DEAD_TIMES = 3;

/** Sets the clock of one call. */
export class Patience {
  /** Milliseconds after which the peer is taken for dead. */
  readonly deadMs: number;
  /** Milliseconds after which a request that has stopped coming is given up. */
  readonly requestIdleMs: number;
  /** Milliseconds after which packets that lack are given up, though the peer answers. */
  readonly stallMs: number;
  /** The peer has yet to prove that its address is its own. */
  isGated = false;
  /** A server has something to say, and waits for the end of the request. */
  isReplyWaiting = false;
  readonly #clock: CallClock;
  readonly #rtt: RttEstimator;
  readonly #sending: SendSide;
  readonly #isClient: boolean;
  /** Packets that came and say that the peer goes on. */
  #arrivals = 0;
  #signs = 0;
  /** Packets for which there was no room when the last one came for which there was. */
  #refusals = 0;
  /** The peer was told that there is no room. */
  #toldFull = false;

  /** Nothing is waited for yet. */
  constructor(
    deadMs: number,
    requestIdleMs: number,
    clock: CallClock,
    rtt: RttEstimator,
    sending: SendSide,
    isClient: boolean,
  ) {
    this.deadMs = deadMs;
    this.requestIdleMs = requestIdleMs;
    this.stallMs = STALL_DEAD_TIMES * deadMs;
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

  /**
   * DATA has come. A reply may pause for as long as its server likes and is there; but a gap that nobody fills, while
   * what was sent behind it has come, says that the server keeps nothing of it any more. A request may pause only when
   * it has no room, see `read`, and no reply waits for its end; what comes once more does not count, but the next packet
   * does that comes and finds no room: that is no fault of the client's. While a reply waits for a request that nobody
   * reads it does not: or else that would never end.
   */
  arrived(receive: ReceiveSide, now: number): void {
    const signs = receive.arrivals + (this.#isClient ? 0 : receive.refusals);
    if (receive.isComplete || signs === this.#signs) return;
    const hasCome = receive.arrivals !== this.#arrivals;
    this.#signs = signs;
    this.#arrivals = receive.arrivals;
    if (hasCome) this.#refusals = receive.refusals;
    if (!hasCome && this.#isStuck(receive)) return;
    const isExpected = this.#isClient ? receive.hasGap : receive.window > 0 || this.#isStuck(receive);
    this.#clock.set(CallDue.IDLE, isExpected ? now + (this.#isClient ? this.stallMs : this.requestIdleMs) : Infinity);
  }

  /** Something was read: a request for which there was no room is waited for again. Whether that begins now. */
  read(receive: ReceiveSide, now: number): boolean {
    if (this.#isClient || receive.isComplete) return false;
    if (receive.window === 0 && !this.#isStuck(receive)) return false;
    if (this.#clock.at(CallDue.IDLE) !== Infinity && !this.isReplyWaiting) return false;
    this.#clock.set(CallDue.IDLE, now + this.requestIdleMs);
    return true;
  }

  /** A reply waits: from now on the request has to be read. */
  replyWaits(receive: ReceiveSide, now: number): void {
    this.isReplyWaiting = true;
    if (!this.#isStuck(receive) || this.#clock.at(CallDue.IDLE) !== Infinity) return;
    this.#clock.set(CallDue.IDLE, now + this.requestIdleMs);
  }

  /**
   * The wait for more of a request is over: whether it goes on, because there is no room for more, as far as the peer
   * knows. Others than this call may have taken that after it began.
   */
  isFull(receive: ReceiveSide, now: number): boolean {
    if (this.#isClient || receive.isComplete || (receive.window > 0 && !this.#toldFull)) return false;
    this.#clock.set(CallDue.IDLE, now + this.requestIdleMs);
    return true;
  }

  /** The peer was told of the window: where there was none, the wait for more of a request begins anew. */
  told(receive: ReceiveSide, now: number): void {
    if (this.#isClient || receive.isComplete) return;
    const isFull = receive.window === 0;
    const opens = this.#toldFull && !isFull;
    this.#toldFull = isFull;
    if (opens) this.#clock.set(CallDue.IDLE, now + this.requestIdleMs);
  }

  /** Whether the request can't go on before somebody reads, and whoever should may wait for its end. */
  isDeadlock(receive: ReceiveSide): boolean {
    return !this.#isClient && !receive.isComplete && this.#isStuck(receive);
  }

  /**
   * Packets that were sent were acknowledged, or not. A peer that answers, has room, and acknowledges nothing of what is
   * sent to it again and again takes the call for another one, or is behind something that lets only small packets through.
   */
  acknowledged(receive: ReceiveSide, now: number): void {
    // while packets come the clock is theirs, see `arrived`
    if (this.#isClient ? receive.hasBegun : !receive.isComplete) return;
    if (this.#sending.progressAt === now || !this.#sending.isWaiting) this.#clock.set(CallDue.IDLE, Infinity);
    else if (this.#clock.at(CallDue.IDLE) === Infinity) this.#clock.set(CallDue.IDLE, now + this.stallMs);
  }

  /** What is said of a call whose packets have stopped to come, or to get through. */
  idleReason(receive: ReceiveSide): string {
    return this.#isClient || receive.isComplete
      ? `the peer answered, but packets did not get through for ${this.stallMs} ms`
      : `the request stopped coming for ${this.requestIdleMs} ms`;
  }

  /** Something was sent, or asked: the next question is not due soon. */
  pinged(now: number): void {
    this.#clock.set(CallDue.PING, now + this.#pingMs());
  }

  /** A window says nothing of room for packets that are larger than usual: that there is none, they say that come. */
  #isStuck(receive: ReceiveSide): boolean {
    const wasRefused = receive.refusals !== this.#refusals;
    return this.isReplyWaiting && receive.hasUnread && (receive.window === 0 || wasRefused);
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
