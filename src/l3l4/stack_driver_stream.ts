/**
 * Drives an engine of packets: batches in, batches out, one timer. Internal.
 *
 * - Packets are made when somebody reads, not before: what waits to be sent waits in the engine, where acknowledgments
 *   merge and nothing is lost. So packets that come never wait for those that go, and two stacks piped into each other
 *   cannot hold each other up.
 * - What is done to a port is done to the engine at once, and its packets go at once if a reader waits. No promise stands
 *   between a write to a socket and its packet.
 * - Timers are looked at with every batch: a transfer that keeps the event loop busy cannot starve them.
 *
 * @module
 */
import { type Clock, systemClock } from "../core/clock.ts";
import { EngineTimer } from "../stream/engine_timer.ts";
import { breathe, nextTurnOfLoop } from "../stream/turn.ts";
import { L3L4Error } from "./errors.ts";
import { PacketBatches } from "./packet_batches.ts";
import { packetsOf } from "./packets_of.ts";
import type { PacketEngine } from "./stack_engine.ts";

/** What happens at the ends of the stack. */
export interface StackEvents {
  /** No more packets come or go, for this reason; those due now still go when it ends in order. Told once, before the streams end. */
  over(reason: unknown, isInOrder: boolean): void;
}

/** Packets made while nobody reads, at the end. */
const LAST_BATCHES = 1024;

/** What is left when a stack was closed. */
export function stackClosed(): L3L4Error {
  return new L3L4Error("the stack was closed", { code: "ENETDOWN", blame: "local" });
}

/** Drives one engine. */
export class StackDriver {
  /** Packets that go, in batches. */
  readonly readable: ReadableStream<Uint8Array<ArrayBuffer>[]>;
  /** Packets that come, one or several a chunk. */
  readonly writable: WritableStream<Uint8Array | readonly Uint8Array[]>;
  readonly #engine: PacketEngine;
  readonly #clock: Clock;
  readonly #isRealTime: boolean;
  readonly #timer: EngineTimer;
  readonly #batches: PacketBatches;
  readonly #isTrusted: boolean;
  readonly #events: StackEvents;
  #output!: ReadableStreamDefaultController<Uint8Array<ArrayBuffer>[]>;
  #input!: WritableStreamDefaultController;
  #isWanted = false;
  /** Whether a method of the engine runs, which its callbacks may have left for anything that a user does. */
  #isBusy = false;
  #isPushing = false;
  #now = 0;
  #isSending = false;
  #isOver = false;
  /** What a callback of the user's threw while the engine ran. */
  #thrown: { readonly error: unknown } | undefined;

  /** Told of each packet that comes (`isSent`: goes). */
  tap: ((packet: Uint8Array, isSent: boolean) => void) | undefined;

  /** Drives `engine`; batches have up to `maxPackets`. */
  constructor(
    engine: PacketEngine,
    clock: Clock,
    settings: { readonly maxBatchPackets: number; readonly isChecksumTrusted: boolean },
    events: StackEvents,
  ) {
    this.#engine = engine;
    this.#clock = clock;
    this.#isRealTime = clock === systemClock;
    this.#events = events;
    this.#isTrusted = settings.isChecksumTrusted;
    this.#batches = new PacketBatches(settings.maxBatchPackets);
    this.#timer = new EngineTimer(clock, engine, () => this.turn(), (error) => this.fail(error));
    this.readable = new ReadableStream<Uint8Array<ArrayBuffer>[]>({
      start: (controller) => {
        this.#output = controller;
      },
      pull: () => this.#pull(),
      cancel: (reason) => this.#cancelled(reason),
    }, { highWaterMark: 0 });
    this.writable = new WritableStream<Uint8Array | readonly Uint8Array[]>({
      start: (controller) => {
        this.#input = controller;
      },
      write: (chunk) => this.#write(chunk),
      close: () => this.end(),
      abort: (reason) => this.fail(reason),
      // one is at work, the next may be read meanwhile: with 1, a pipe waits for a promise of its own before each batch
    }, { highWaterMark: 2 });
  }

  /** Whether the engine is asking what becomes of a packet: nothing may be asked of it then. */
  get isPushing(): boolean {
    return this.#isPushing;
  }

  /** Whether no packets come or go any more. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** The time for calls of the engine: that of its own call while it is at work. */
  now(): number {
    return this.#isBusy ? this.#now : this.#clock.now();
  }

  /** A callback of the user's threw: the stack is over once the engine has returned. */
  threw(error: unknown): void {
    this.#thrown ??= { error };
  }

  /** Something was done to the engine (at `now`): tells what happened, and sends what is due if it is wanted. */
  turn(now: number = this.now()): void {
    if (this.#isBusy || this.#isOver) return;
    this.#work(undefined, now);
  }

  /** The stack is over in order: what is due is sent, then the streams end. */
  end(): void {
    if (this.#isOver) return;
    this.#over(undefined, true);
    const now = this.#clock.now();
    this.#engine.flush(now);
    for (let i = 0; i < LAST_BATCHES && this.#send(now); i++);
    this.#output.close();
    // not at once: the peer of a stack that is piped into another would lose its own way out before it hears of the end
    nextTurnOfLoop().then(() => this.#input.error(stackClosed()));
  }

  /** The stack is over for this reason. */
  fail(reason: unknown): void {
    if (this.#isOver) return;
    this.#over(reason, false);
    this.#output.error(reason);
    this.#input.error(reason);
  }

  #cancelled(reason: unknown): void {
    if (this.#isOver) return;
    this.#over(reason, false);
    this.#input.error(reason);
  }

  #over(reason: unknown, isInOrder: boolean): void {
    this.#isOver = true;
    this.#timer.stop();
    this.#events.over(reason, isInOrder);
  }

  #write(chunk: Uint8Array | readonly Uint8Array[]): Promise<void> | undefined {
    if (this.#isOver) return undefined;
    let packets: readonly Uint8Array[];
    try {
      packets = packetsOf(chunk);
    } catch (error) {
      this.fail(error);
      throw error;
    }
    // a pipe may bring packets while the engine tells of others
    if (this.#isBusy) return Promise.resolve().then(() => this.#write(chunk));
    const now = this.#clock.now();
    this.#work(packets, now);
    // the system's clock takes 67 ns on Node 20, and a round trip through two stacks 13 us: it is not asked twice
    return breathe(this.#isRealTime ? now : undefined);
  }

  #work(packets: readonly Uint8Array[] | undefined, now: number): void {
    const engine = this.#engine;
    this.#now = now;
    this.#isBusy = true;
    try {
      if (packets !== undefined) this.#push(packets, now);
      if (this.#timer.isDue(now) && engine.timeoutAt() <= now) engine.onTimeout(now);
      engine.flush(now);
    } catch (error) {
      this.threw(error);
    }
    this.#isBusy = false;
    this.#finish(now);
  }

  /** Sends if it is wanted, and looks at what came of the work. */
  #finish(now: number): void {
    try {
      if (this.#isWanted) this.#sendAll(now);
    } catch (error) {
      this.#isBusy = false;
      this.threw(error);
    }
    if (this.#thrown !== undefined) this.fail(this.#thrown.error);
    else if (!this.#isOver) this.#timer.update();
  }

  #push(packets: readonly Uint8Array[], now: number): void {
    const { tap } = this;
    const engine = this.#engine;
    const isTrusted = this.#isTrusted;
    this.#isPushing = true;
    for (let i = 0; i < packets.length; i++) {
      const packet = packets[i]!;
      tap?.(packet, false);
      engine.push(packet, now, isTrusted);
    }
    this.#isPushing = false;
  }

  /**
   * Sends while somebody wants more. Some runtimes pipe without a promise in between, so that the peer's answer may come
   * in, and something be written, before `enqueue` returns.
   */
  #sendAll(now: number): void {
    if (this.#isSending) return;
    this.#isSending = true;
    try {
      while (this.#isWanted && !this.#isOver && this.#send(now));
    } finally {
      this.#isSending = false;
    }
  }

  /** Whatever was done has had its turn: all that may be missing is the sending, and what sending has found out before. */
  #pull(): void {
    this.#isWanted = true;
    if (this.#isSending || this.#isBusy || this.#isOver) return;
    const now = this.#clock.now();
    if (this.#timer.isDue(now)) this.#work(undefined, now);
    else this.#finish(now);
  }

  /** Makes a batch of what is due and hands it over. */
  #send(now: number): boolean {
    const batches = this.#batches;
    this.#now = now;
    this.#isBusy = true;
    this.#engine.transmit(batches, now);
    this.#isBusy = false;
    if (batches.count === 0) return false;
    const batch = batches.take();
    const { tap } = this;
    if (tap !== undefined) { for (const packet of batch) tap(packet, true); }
    this.#isWanted = false;
    this.#output.enqueue(batch);
    return true;
  }
}
