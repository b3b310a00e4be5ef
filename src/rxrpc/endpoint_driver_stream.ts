/**
 * Drives an endpoint's engine: datagrams in, datagrams out, one timer. Internal.
 *
 * @module
 */
import type { Clock } from "../core/clock.ts";
import type { RxEndpointEngine } from "./endpoint_engine.ts";
import type { RxNetworkFailure } from "./network_failure.ts";
import type { RxAddress, RxDatagram, RxOut } from "./ports.ts";
import { nextTurnOfLoop } from "../stream/turn.ts";

/** A datagram that goes. */
export interface RxOutgoing {
  /** Its bytes. */
  readonly data: Uint8Array;
  /** Where to. */
  readonly to: RxAddress;
}

/**
 * Takes datagrams to be sent; a promise when no more should come for a while. One that brings `SENT` says that nobody
 * needs them any more.
 */
export type SendDatagrams = (datagrams: RxOutgoing[]) => Promise<unknown> | undefined;
/** The datagrams have gone: their buffers may be used again. */
export const SENT = "sent";

/** Most datagrams that are made before they are sent. */
const MAX_BATCH = 64;
const SLAB_BYTES = 64 * 1024;
/** A timer that is later than this was kept waiting, and so was what has come meanwhile. */
const LATE_MS = 2;
/** Sockets read in the first turn of the event loop, and tell of it in the second. */
const TURNS_TO_RECEIVE = 2;

/** Drives one engine. */
export class EndpointDriver implements RxOut {
  readonly #engine: RxEndpointEngine;
  readonly #clock: Clock;
  readonly #send: SendDatagrams;
  #batch: RxOutgoing[] = [];
  #slab: Uint8Array = new Uint8Array(0);
  #used = 0;
  #given: Uint8Array = this.#slab;
  #sending: Promise<void> | undefined;
  #isPoked = false;
  #isStopped = false;
  #isGoingOn = false;
  #timerAt = Infinity;
  #cancelTimer: (() => void) | undefined;

  /** Drives `engine`. */
  constructor(engine: RxEndpointEngine, clock: Clock, send: SendDatagrams) {
    this.#engine = engine;
    this.#clock = clock;
    this.#send = send;
  }

  /** The time for calls of the engine. */
  now(): number {
    return this.#clock.now();
  }

  /** Datagrams have come. */
  receive(datagrams: readonly RxDatagram[]): void {
    const now = this.#clock.now();
    for (const datagram of datagrams) this.#engine.push(datagram, now);
    // whoever is told of what came may answer at once: that goes in the same turn, and acknowledges what it answers
    this.poke();
  }

  /** The network says something about datagrams that were sent. */
  networkFailed(failure: RxNetworkFailure): void {
    if (this.#isStopped) return;
    this.#engine.networkFailed(failure, this.#clock.now());
    this.poke();
  }

  /** Something was done to the engine: its packets go when whoever did it is done. */
  poke(): void {
    if (this.#isPoked) return;
    this.#isPoked = true;
    Promise.resolve().then(() => {
      this.#isPoked = false;
      this.turn();
    });
  }

  /** Sends what is due, and sets the timer. */
  turn(): void {
    if (this.#isStopped) return;
    const now = this.#clock.now();
    this.#engine.flush(now);
    while (this.#sending === undefined) {
      this.#engine.transmit(this, now);
      if (this.#batch.length === 0) break;
      this.#sendBatch();
    }
    this.#arm();
  }

  /** Sends all that is due now; resolves when that has gone. */
  async finish(): Promise<void> {
    this.turn();
    while (this.#sending !== undefined) await this.#sending;
  }

  /** Nothing more is done. */
  stop(): void {
    this.#isStopped = true;
    this.#cancelTimer?.();
  }

  alloc(size: number): Uint8Array | null {
    if (this.#sending !== undefined || this.#batch.length >= MAX_BATCH) return null;
    if (this.#used + size > this.#slab.length) {
      this.#slab = new Uint8Array(Math.max(SLAB_BYTES, size));
      this.#used = 0;
    }
    return this.#given = this.#slab.subarray(this.#used, this.#used + size);
  }

  commit(length: number, to: RxAddress): void {
    const given = this.#given;
    this.#batch.push({ data: given.length === length ? given : given.subarray(0, length), to });
    this.#used += length;
  }

  #sendBatch(): void {
    const batch = this.#batch;
    this.#batch = [];
    const sent = this.#send(batch);
    if (sent === undefined) return;
    const done = (what: unknown): void => {
      this.#sending = undefined;
      if (what === SENT) this.#used = 0;
      this.turn();
    };
    // what could not be sent is as lost as what the network loses
    this.#sending = sent.then(done, done);
  }

  #arm(): void {
    const at = this.#engine.timeoutAt();
    // what is due already waits for the event loop only: a timer would take a millisecond
    if (at <= this.#clock.now()) return void this.#goOn();
    // a timer that is early costs a look; one that is late costs more
    if (at >= this.#timerAt) return;
    this.#cancelTimer?.();
    this.#timerAt = at;
    this.#cancelTimer = this.#clock.setTimer(at, () => {
      this.#timerAt = Infinity;
      void this.#goOn(this.#clock.now() - at > LATE_MS ? TURNS_TO_RECEIVE : 0);
    });
  }

  /** Does what is due after so many turns of the event loop, in which what has come is received. */
  async #goOn(turns = 1): Promise<void> {
    if (this.#isGoingOn) return;
    this.#isGoingOn = true;
    for (let left = turns; left > 0; left--) await nextTurnOfLoop();
    this.#isGoingOn = false;
    if (this.#isStopped) return;
    this.#engine.onTimeout(this.#clock.now());
    this.turn();
  }
}
