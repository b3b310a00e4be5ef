/**
 * The sending half of a datagram socket: one datagram after the other, in the order in which they were given.
 *
 * Most sends find nothing before them and go straight to the driver. Only what comes while the driver is busy, has no
 * room, or is not there yet, waits in line.
 *
 * @module
 */
import type { Clock } from "../core/clock.ts";
import { Breath } from "./breath.ts";
import { armCancellation, throwIfCancelled } from "./cancellation.ts";
import { type Deferred, deferred } from "../stream/deferred.ts";
import { AddressMapper } from "./dgram_addressing.ts";
import { attemptSend, checkSend, datagramLength, failedSend, outboxFullError } from "./dgram_checks.ts";
import { Line, type Member } from "./line.ts";
import type { TDgramDriver } from "./driver_types.ts";
import type { IoOptions, OutDatagram, TDgramStats, TsocketAddress, Vector } from "./types.ts";

/** Datagrams that a driver may have at once. */
const MAX_BATCH = 64;

/** One call of `sendto` or `sendMany` that waits, or is under way. */
interface Job extends Member {
  readonly syscall: "sendto" | "sendMany";
  /** What to send; addresses as the driver wants them once it was checked. */
  datagrams: readonly OutDatagram[];
  /** How many have been sent. */
  at: number;
  isChecked: boolean;
  /** Whether the driver has one of its datagrams: its buffers cannot be given back now. */
  isInFlight: boolean;
  /** Whether no more of it is to be sent, and with what it then fails, while one is in flight. */
  cancelled: (() => unknown) | undefined;
  isOver: boolean;
  resolve(value: number | Promise<number>): void;
  reject(reason: unknown): void;
  disarm(): void;
}

/** What is to be sent. */
export class DgramOutbox {
  readonly #max: number;
  readonly #stats: TDgramStats;
  readonly #clock: Clock;
  readonly #breath: Breath = new Breath();
  readonly #line: Line<Job> = new Line();
  readonly #mapper: AddressMapper = new AddressMapper();
  #driver: TDgramDriver | undefined;
  /** Datagrams in line. */
  #queued = 0;
  /** Whether the driver has a datagram, and the next one has to wait. */
  #isBusy = false;
  /** Whether the driver had no room. */
  #isBlocked = false;
  #refusal: { readonly error: unknown } | undefined;
  #drained: Deferred<void> | undefined;

  /** An outbox without a driver: sends wait, at most `max` datagrams. */
  constructor(max: number, stats: TDgramStats, clock: Clock) {
    this.#max = max;
    this.#stats = stats;
    this.#clock = clock;
  }

  /** The socket is open: what waits is sent. */
  attach(driver: TDgramDriver): void {
    this.#driver = driver;
    this.#pump();
  }

  /** The driver has room again. */
  writable(): void {
    this.#isBlocked = false;
    this.#pump();
  }

  /** Sends one datagram. */
  sendto(data: Uint8Array | Vector, to: TsocketAddress | undefined, options: IoOptions): Promise<number> {
    return new Promise<number>((resolve, reject) => {
      throwIfCancelled(options, this.#clock, "sendto");
      if (this.#refusal !== undefined) throw this.#refusal.error;
      const length = datagramLength(data, "data");
      const driver = this.#driver;
      if (driver === undefined || !this.#isIdle) return this.#queue("sendto", [{ data, to }], options, resolve, reject);
      this.#check(driver, length, to);
      this.#isBusy = true;
      attemptSend(driver, data, to && this.#mapper.map(driver.localAddress, to)).then(() => {
        this.#isBusy = false;
        this.#stats.sent++;
        resolve(this.#breath.before(length));
        this.#pump();
      }, (error) => {
        this.#isBusy = false;
        this.#stats.sendErrors++;
        reject(error);
        this.#pump();
      });
    });
  }

  /** Sends many datagrams. */
  sendMany(datagrams: readonly OutDatagram[], options: IoOptions): Promise<number> {
    return new Promise<number>((resolve, reject) => {
      throwIfCancelled(options, this.#clock, "sendMany");
      if (this.#refusal !== undefined) throw this.#refusal.error;
      if (!Array.isArray(datagrams)) throw new TypeError("datagrams must be an array of { data, to }");
      this.#queue("sendMany", datagrams, options, resolve, reject);
    });
  }

  /** Takes nothing more. Resolves when everything is sent, or has failed. */
  drain(refusal: unknown): Promise<void> {
    this.#refusal ??= { error: refusal };
    this.#drained ??= deferred<void>();
    this.#tellDrained();
    return this.#drained.promise;
  }

  /** Fails what waits, and everything later, with `error`. */
  fail(error: unknown): void {
    this.#refusal ??= { error };
    for (let job = this.#line.first; job !== undefined; job = this.#line.first) this.#finish(job, { reason: error });
    this.#isBusy = false;
    this.#tellDrained();
  }

  get #isIdle(): boolean {
    return !this.#isBusy && !this.#isBlocked && this.#line.first === undefined;
  }

  #tellDrained(): void {
    if (!this.#isBusy && this.#line.first === undefined) this.#drained?.resolve();
  }

  #queue(
    syscall: Job["syscall"],
    datagrams: readonly OutDatagram[],
    options: IoOptions,
    resolve: (value: number | Promise<number>) => void,
    reject: (reason: unknown) => void,
  ): void {
    // one call alone may have more
    if (this.#line.first !== undefined && this.#queued + datagrams.length > this.#max) {
      this.#stats.sendErrors += datagrams.length;
      throw outboxFullError(syscall, datagrams.length, this.#queued, this.#max);
    }
    const job: Job = {
      syscall,
      datagrams,
      at: 0,
      isChecked: false,
      isInFlight: false,
      cancelled: undefined,
      isOver: false,
      resolve,
      reject,
      disarm: () => {},
    };
    if (this.#driver !== undefined) this.#prepare(job, this.#driver);
    this.#line.push(job);
    this.#queued += datagrams.length;
    this.#pump();
    if (job.isOver) return;
    job.disarm = armCancellation(options, this.#clock, syscall, (reason) => {
      const isCounted = syscall === "sendMany" && reason !== options.signal?.reason;
      this.#cancel(job, () => isCounted ? failedSend(reason, job.at) : reason);
    });
  }

  /** Checks a whole job, so that nothing of it is sent when it cannot be sent as a whole. */
  #prepare(job: Job, driver: TDgramDriver): void {
    const { datagrams } = job;
    let mapped: OutDatagram[] | undefined;
    for (let i = 0; i < datagrams.length; i++) {
      const { data, to } = datagrams[i]!;
      const name = job.syscall === "sendto" ? "data" : `datagrams[${i}].data`;
      this.#check(driver, datagramLength(data, name), to);
      const receiver = to && this.#mapper.map(driver.localAddress, to);
      if (receiver !== to) (mapped ??= datagrams.slice())[i] = { data, to: receiver };
    }
    job.datagrams = mapped ?? datagrams;
    job.isChecked = true;
  }

  #check(driver: TDgramDriver, length: number, to: TsocketAddress | undefined): void {
    const problem = checkSend(driver, length, to);
    if (problem === undefined) return;
    this.#stats.sendErrors++;
    throw problem;
  }

  /** Sends until the line is empty or the driver wants time. */
  #pump(): void {
    const driver = this.#driver;
    if (driver === undefined) return;
    while (!this.#isBusy && !this.#isBlocked) {
      const job = this.#line.first;
      if (job === undefined) return this.#tellDrained();
      this.#work(job, driver);
    }
  }

  #work(job: Job, driver: TDgramDriver): void {
    try {
      if (!job.isChecked) this.#prepare(job, driver);
      if (job.at === job.datagrams.length) this.#finish(job);
      else if (job.syscall === "sendMany" && driver.sendMany !== undefined) this.#handOver(job, driver);
      else if (job.syscall === "sendMany" && driver.sendBatch !== undefined) this.#sendBatch(job, driver);
      else this.#sendOne(job, driver);
    } catch (reason) {
      this.#finish(job, { reason });
    }
  }

  /** Gives the driver all that is left of the job; it says how many it took. */
  #handOver(job: Job, driver: TDgramDriver): void {
    let taken: number;
    try {
      taken = driver.sendMany!(job.datagrams, job.at);
    } catch (thrown) {
      const error = failedSend(thrown, job.at);
      this.#stats.sent += error.bytesTransferred! - job.at;
      this.#stats.sendErrors++;
      throw error;
    }
    job.at += taken;
    this.#stats.sent += taken;
    if (job.at < job.datagrams.length) this.#isBlocked = true;
    else this.#finish(job);
  }

  #sendOne(job: Job, driver: TDgramDriver): void {
    const { data, to } = job.datagrams[job.at]!;
    this.#isBusy = true;
    job.isInFlight = true;
    attemptSend(driver, data, to).then(() => {
      this.#landed(job);
      this.#stats.sent++;
      job.at++;
      if (job.at === job.datagrams.length) this.#finish(job);
      else if (job.cancelled !== undefined) this.#finish(job, { reason: job.cancelled() });
      this.#pump();
    }, (thrown) => {
      this.#landed(job);
      this.#stats.sendErrors++;
      this.#finish(job, { reason: job.syscall === "sendto" ? thrown : failedSend(thrown, job.at) });
      this.#pump();
    });
  }

  /** As {@linkcode #sendOne}, for as many as the driver may have at once. */
  #sendBatch(job: Job, driver: TDgramDriver): void {
    const { at, datagrams } = job;
    const batch = at === 0 && datagrams.length <= MAX_BATCH ? datagrams : datagrams.slice(at, at + MAX_BATCH);
    this.#isBusy = true;
    job.isInFlight = true;
    driver.sendBatch!(batch).then(() => {
      this.#landed(job);
      this.#stats.sent += batch.length;
      job.at += batch.length;
      if (job.at === datagrams.length) this.#finish(job);
      else if (job.cancelled !== undefined) this.#finish(job, { reason: job.cancelled() });
      this.#pump();
    }, (thrown) => {
      this.#landed(job);
      const error = failedSend(thrown, at);
      this.#stats.sent += error.bytesTransferred! - at;
      this.#stats.sendErrors += batch.length - (error.bytesTransferred! - at);
      this.#finish(job, { reason: error });
      this.#pump();
    });
  }

  #landed(job: Job): void {
    this.#isBusy = false;
    job.isInFlight = false;
  }

  #cancel(job: Job, reason: () => unknown): void {
    // what the driver has cannot be taken back: it counts as sent if it is
    if (job.isInFlight) job.cancelled = reason;
    else this.#finish(job, { reason: reason() });
  }

  #finish(job: Job, failure?: { readonly reason: unknown }): void {
    if (job.isOver) return;
    job.isOver = true;
    job.disarm();
    this.#line.remove(job);
    this.#queued -= job.datagrams.length;
    if (failure !== undefined) job.reject(failure.reason);
    else job.resolve(this.#breath.before(resultOf(job), job.at));
    this.#tellDrained();
  }
}

/** The length of one datagram, or the number of many. */
function resultOf({ syscall, datagrams, at }: Job): number {
  return syscall === "sendto" ? datagramLength(datagrams[0]!.data, "data") : at;
}
