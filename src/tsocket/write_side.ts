/**
 * The writing half of a stream socket: whole vectors, one after the other, through a queue.
 *
 * @module
 */
import type { Clock } from "../core/clock.ts";
import { armCancellation, isCancellable, waitFor } from "./cancellation.ts";
import { SocketError } from "./errors.ts";
import { JobQueue } from "./job_queue.ts";
import type { StreamSettings } from "./stream_options.ts";
import type { TStreamDriver } from "./driver_types.ts";
import type { TStreamStats, Vector, WriteOptions } from "./types.ts";

/** What the writing half needs of its socket. */
export interface WriteSideHost {
  /** The driver, as soon as there is one. */
  driver(): TStreamDriver | Promise<TStreamDriver>;
  /** A write was torn: the connection is of no use any more. */
  torn(reason: unknown): void;
  /** The writing half has ended in order, or failed. Told once. */
  ended(error: unknown): void;
}

/** Writes of one socket. */
export class WriteSide {
  /** What waits, and what is being written. */
  readonly queue: JobQueue;
  readonly #settings: StreamSettings;
  readonly #stats: TStreamStats;
  readonly #clock: Clock;
  readonly #host: WriteSideHost;
  #queuedBytes = 0;
  /** Why nothing more can be written. */
  #refusal: { readonly error: unknown } | undefined;
  #shutdown: Promise<void> | undefined;
  #isOver = false;
  #hasFailed = false;

  /** A half whose writes wait until the host has a driver. */
  constructor(settings: StreamSettings, stats: TStreamStats, clock: Clock, host: WriteSideHost) {
    this.queue = new JobQueue({ name: "writev", maxQueued: settings.maxQueuedWrites });
    this.#settings = settings;
    this.#stats = stats;
    this.#clock = clock;
    this.#host = host;
  }

  /** Why it failed, if it did. */
  get failure(): unknown {
    return this.#isOver && this.#hasFailed ? this.#refusal!.error : undefined;
  }

  /** Whether it has ended or failed. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** Queues one vector of `length` bytes. */
  writev(vector: Vector, length: number, options: WriteOptions): Promise<number> {
    if (this.#refusal !== undefined) return Promise.reject(this.#refusal.error);
    if (this.#queuedBytes > 0 && this.#queuedBytes + length > this.#settings.maxQueuedBytes) {
      return Promise.reject(this.#fullError(length));
    }
    const views = options.copy === true ? vector.map((view) => view.slice()) : vector;
    this.#queuedBytes += length;
    return isCancellable(options) ? this.#queueCancellable(views, length, options) : this.#queue(views, length);
  }

  /** Ends our side after everything queued; the same promise every time. `why` is what later writes are told. */
  shutdown(why = "this side of the connection was shut down"): Promise<void> {
    if (this.#shutdown !== undefined) return this.#shutdown;
    if (this.#refusal !== undefined) return Promise.reject(this.#refusal.error);
    this.#refusal = { error: new SocketError(why, { code: "EPIPE", blame: "local" }) };
    this.#shutdown = this.#end();
    this.#shutdown.catch(() => {});
    return this.#shutdown;
  }

  /** Resolves when everything queued is written. */
  flushed(): Promise<void> {
    return this.queue.runLast(() => {});
  }

  /** Refuses later writes with `error`; what is queued goes on. */
  refuse(error: unknown): void {
    if (!this.#hasFailed) this.#refusal = { error };
  }

  /** Fails what waits and all later writes with `error`. */
  fail(error: unknown): void {
    if (this.#isOver) return;
    this.#refusal = { error };
    this.#hasFailed = true;
    this.queue.destroy(error);
    this.#tellEnd(error);
  }

  async #end(): Promise<void> {
    try {
      await this.queue.runLast(async () => await (await this.#host.driver()).shutdown());
    } catch (thrown) {
      this.#failed(thrown);
      throw thrown;
    }
    this.#tellEnd(undefined);
  }

  async #queue(vector: Vector, length: number): Promise<number> {
    try {
      return await this.queue.run(() => this.#write(vector, length));
    } finally {
      this.#queuedBytes -= length;
    }
  }

  /** As {@linkcode #queue}, for a write that signal or deadline may take out of the queue, or tear. */
  async #queueCancellable(vector: Vector, length: number, options: WriteOptions): Promise<number> {
    const canceller = new AbortController();
    const disarm = armCancellation(options, this.#clock, "writev", (reason) => canceller.abort(reason));
    const { signal } = canceller;
    let isStarted = false;
    try {
      const written = await this.queue.run(async () => {
        // nothing is torn as long as there is no connection
        const driver = this.#host.driver();
        if (driver instanceof Promise) await waitFor(driver, { signal }, this.#clock, "writev");
        isStarted = true;
        if (options.onAbort !== "finish") signal.addEventListener("abort", () => this.#host.torn(signal.reason));
        return await this.#write(vector, length);
      }, { signal });
      signal.throwIfAborted();
      return written;
    } catch (thrown) {
      throw isStarted && signal.aborted ? signal.reason : thrown;
    } finally {
      disarm();
      this.#queuedBytes -= length;
    }
  }

  #write(vector: Vector, length: number): Promise<number> {
    if (length === 0) return Promise.resolve(0);
    const driver = this.#host.driver();
    if (driver instanceof Promise) return driver.then((opened) => this.#writeOn(opened, vector, length));
    return this.#writeOn(driver, vector, length);
  }

  async #writeOn(driver: TStreamDriver, vector: Vector, length: number): Promise<number> {
    try {
      await driver.writev(vector);
    } catch (thrown) {
      throw this.#failed(thrown);
    }
    this.#stats.bytesWritten += length;
    return length;
  }

  /** The driver could not write: what comes after that fails the same way. Returns the error to fail with. */
  #failed(thrown: unknown): unknown {
    const first = this.#isOver ? this.#refusal!.error : thrown;
    if (thrown instanceof SocketError) this.#stats.bytesWritten += thrown.bytesTransferred ?? 0;
    this.fail(thrown);
    return first;
  }

  #fullError(length: number): SocketError {
    const { maxQueuedBytes } = this.#settings;
    return new SocketError(
      `a write of ${length} bytes does not fit behind ${this.#queuedBytes} queued ones: maxQueuedBytes is ${maxQueuedBytes}`,
      { code: "ENOBUFS", blame: "local", syscall: "writev" },
    );
  }

  #tellEnd(error: unknown): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#host.ended(error);
  }
}
