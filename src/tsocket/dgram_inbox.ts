/**
 * The receiving half of a datagram socket: a ring, one read at a time, and a stream over the same ring.
 *
 * A read that is cancelled takes nothing: what comes afterwards waits in the ring for the next one.
 *
 * @module
 */
import type { Clock } from "../core/clock.ts";
import { nextTurnOfLoop } from "../stream/turn.ts";
import { Breath } from "./breath.ts";
import { armCancellation, throwIfCancelled } from "./cancellation.ts";
import { DatagramRing } from "./datagram_ring.ts";
import { toMessage } from "./dgram_addressing.ts";
import { busyError } from "./errors.ts";
import { type Ending, SharedReadable } from "./shared_readable_stream.ts";
import type { Datagram, IoOptions, TDgramStats, UdpMessage } from "./types.ts";

/**
 * After so many turns of the event loop that brought one datagram each, the next is handed over at once: whoever asks and
 * waits for the answer gets nothing by gathering, and waits longer for it.
 */
const SINGLES = 16;
/** Of so many that are handed over at once, the turn of one is watched for others. */
const WATCHED = 8;

/** Limits of the ring. */
export interface InboxLimits {
  /** Datagrams that may wait. */
  readonly maxQueuedDatagrams: number;
  /** Bytes that may wait. */
  readonly maxQueuedBytes: number;
}

/** A read that waits. */
interface Reading {
  /** Whether datagrams that come in the same go are gathered, and are then taken from the ring. */
  readonly isGathering: boolean;
  /** Has one datagram, or, when gathering, takes what is in the ring. */
  settle(datagram?: Datagram): void;
  reject(reason: unknown): void;
  disarm(): void;
}

/** What came, until somebody takes it. */
export class DgramInbox {
  /** A gathering read gets what there is once there are so many, also while more may be coming. */
  gatherLimit: number = Infinity;
  readonly #ring: DatagramRing;
  readonly #stats: TDgramStats;
  readonly #clock: Clock;
  readonly #setReading: (isReading: boolean) => void;
  readonly #breath: Breath = new Breath();
  #reading: Reading | undefined;
  #isGathering = false;
  /** Datagrams that came in this turn, and how many turns in a row had but one. */
  #came = 0;
  #singles = 0;
  #count = 0;
  #readable: SharedReadable<UdpMessage> | undefined;
  #isHeld = false;
  /** Whether messages leave out their source, which can only be the peer. */
  #isConnected = false;
  #refusal: { readonly error: unknown; readonly ending: Ending } | undefined;

  /** An empty one; `setReading` is told when the ring is full and when it has room again. */
  constructor(limits: InboxLimits, stats: TDgramStats, clock: Clock, setReading: (isReading: boolean) => void) {
    this.#ring = new DatagramRing(limits.maxQueuedDatagrams, limits.maxQueuedBytes);
    this.#stats = stats;
    this.#clock = clock;
    this.#setReading = setReading;
  }

  /** From now on everything comes from one peer. */
  connected(): void {
    this.#isConnected = true;
  }

  /** The stream; made on first access. */
  get readable(): ReadableStream<UdpMessage> {
    if (this.#readable === undefined) {
      this.#readable = new SharedReadable<UdpMessage>({
        take: () => this.#takeMessage(),
        ending: () => this.#refusal?.ending,
      });
      // what is over before somebody asked for it need not wait for a reader to notice
      if (this.#refusal !== undefined && this.#ring.length === 0) this.#readable.end(this.#refusal.ending);
    }
    return this.#readable.stream;
  }

  /** A datagram came. */
  push(datagram: Datagram): void {
    const reading = this.#reading;
    this.#came++;
    if (reading !== undefined && !reading.isGathering) return this.#settle(reading, datagram);
    // the ring is empty whenever a reader of the stream waits, or else it would not
    if (reading === undefined && this.#readable?.offer(this.#message(datagram)) === true) return;
    if (!this.#ring.push(datagram, reading !== undefined)) this.#stats.droppedIncoming++;
    if (!this.#isHeld && this.#ring.isFull) {
      this.#isHeld = true;
      this.#setReading(false);
    }
    if (reading === undefined) return;
    const isEnough = this.#ring.length >= this.gatherLimit;
    const isSingle = this.#singles >= SINGLES;
    if (isEnough || isSingle) this.#settle(reading);
    if (!isEnough && (!isSingle || this.#count++ % WATCHED === 0)) this.#gather();
  }

  /** The next datagram. */
  recvfrom(options: IoOptions): Promise<Datagram> {
    return this.#read(options, "recvfrom", false, (datagram) => datagram ?? this.#take()!);
  }

  /** Up to `max` datagrams. */
  recvMany(max: number, options: IoOptions): Promise<Datagram[]> {
    return this.#read(options, "recvMany", true, () => {
      const datagrams: Datagram[] = [];
      while (datagrams.length < max && this.#ring.length > 0) datagrams.push(this.#take()!);
      return datagrams;
    });
  }

  /** Closed here: what is there is dropped, and reads fail with `error`. */
  close(error: unknown): void {
    this.#ring.clear();
    this.#end(error, {});
  }

  /** Broken: what is there can still be read, then reads fail with `error`. */
  fail(error: unknown): void {
    this.#end(error, { error });
  }

  #end(error: unknown, ending: Ending): void {
    const refusal = this.#refusal ??= { error, ending };
    const reading = this.#reading;
    if (reading !== undefined && this.#ring.length === 0) {
      this.#reading = undefined;
      reading.disarm();
      reading.reject(refusal.error);
    }
    if (this.#ring.length === 0) this.#readable?.end(refusal.ending);
  }

  #read<T>(
    options: IoOptions,
    syscall: string,
    isGathering: boolean,
    result: (datagram?: Datagram) => T,
  ): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      throwIfCancelled(options, this.#clock, syscall);
      if (this.#reading !== undefined || this.#readable?.stream.locked === true) throw busyError(syscall);
      if (this.#ring.length > 0) return resolve(this.#breath.before(result()));
      if (this.#refusal !== undefined) throw this.#refusal.error;
      const reading: Reading = {
        isGathering,
        settle: (datagram) => resolve(this.#breath.before(result(datagram))),
        reject,
        disarm: armCancellation(options, this.#clock, syscall, (reason) => this.#cancel(reading, reason)),
      };
      this.#reading = reading;
    });
  }

  /** Frees the slot before the promise settles, so that whoever waits for it may read on at once. */
  #settle(reading: Reading, datagram?: Datagram): void {
    this.#reading = undefined;
    reading.disarm();
    reading.settle(datagram);
    this.#ring.keep();
  }

  #cancel(reading: Reading, reason: unknown): void {
    if (this.#reading !== reading) return;
    this.#reading = undefined;
    reading.reject(reason);
  }

  /**
   * Hands over what has come when everything that is there now has: runtimes tell of datagrams one by one, up to 32 in
   * one turn of the event loop, and a reader woken for each of them would cost as much as receiving it.
   */
  async #gather(): Promise<void> {
    if (this.#isGathering) return;
    this.#isGathering = true;
    this.#came = 1;
    await nextTurnOfLoop();
    this.#isGathering = false;
    this.#singles = this.#came === 1 ? this.#singles + 1 : 0;
    const reading = this.#reading;
    if (reading?.isGathering === true && this.#ring.length > 0) this.#settle(reading);
    this.#ring.keep();
    if (this.#ring.length > 0) this.#readable?.wake();
  }

  #take(): Datagram | undefined {
    const datagram = this.#ring.shift();
    if (this.#isHeld && this.#ring.isHalfEmpty) {
      this.#isHeld = false;
      this.#setReading(true);
    }
    return datagram;
  }

  #takeMessage(): UdpMessage | undefined {
    const datagram = this.#take();
    return datagram && this.#message(datagram);
  }

  #message({ data, source }: Datagram): UdpMessage {
    return this.#isConnected ? { data } : toMessage(data, source);
  }
}
