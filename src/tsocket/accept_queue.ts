/**
 * Connections that wait to be accepted, and whoever waits for one: never both.
 *
 * @module
 */
import type { Clock } from "../core/clock.ts";
import { armCancellation, throwIfCancelled } from "./cancellation.ts";
import { Line, type Member } from "./line.ts";
import { type Ending, SharedReadable } from "./shared_readable_stream.ts";
import type { TStreamDriver } from "./driver_types.ts";
import type { IoOptions, TStream } from "./types.ts";

/** An `accept` that waits. */
interface Acceptor extends Member {
  resolve(stream: TStream): void;
  reject(reason: unknown): void;
  disarm(): void;
}

/** A connection that waits. */
interface Pending extends Member {
  readonly driver: TStreamDriver;
}

/** The queue. */
export class AcceptQueue {
  readonly #maxPending: number;
  readonly #clock: Clock;
  readonly #wrap: (driver: TStreamDriver) => TStream;
  readonly #pending: Line<Pending> = new Line();
  readonly #acceptors: Line<Acceptor> = new Line();
  #length = 0;
  #readable: SharedReadable<TStream> | undefined;
  #refusal: { readonly error: unknown; readonly ending: Ending } | undefined;

  /** An empty queue; `wrap` makes a connection's socket when somebody takes it. */
  constructor(maxPending: number, clock: Clock, wrap: (driver: TStreamDriver) => TStream) {
    this.#maxPending = maxPending;
    this.#clock = clock;
    this.#wrap = wrap;
  }

  /** The stream; made on first access. */
  get readable(): ReadableStream<TStream> {
    if (this.#readable === undefined) {
      this.#readable = new SharedReadable<TStream>({ take: () => this.#take(), ending: () => this.#refusal?.ending });
      // what is over before somebody asked for it need not wait for a reader to notice
      if (this.#refusal !== undefined && this.#length === 0) this.#readable.end(this.#refusal.ending);
    }
    return this.#readable.stream;
  }

  /** A connection came. Returns `false` when it has no place. */
  push(driver: TStreamDriver): boolean {
    const acceptor = this.#acceptors.first;
    if (acceptor !== undefined) {
      this.#leave(acceptor);
      acceptor.resolve(this.#wrap(driver));
      return true;
    }
    if (this.#length >= this.#maxPending) return false;
    this.#pending.push({ driver });
    this.#length++;
    this.#readable?.wake();
    return true;
  }

  /** The next connection; those who wait are served in the order in which they came. */
  accept(options: IoOptions): Promise<TStream> {
    return new Promise<TStream>((resolve, reject) => {
      throwIfCancelled(options, this.#clock, "accept");
      const stream = this.#take();
      if (stream !== undefined) return resolve(stream);
      if (this.#refusal !== undefined) throw this.#refusal.error;
      const acceptor: Acceptor = {
        resolve,
        reject,
        disarm: armCancellation(options, this.#clock, "accept", (reason) => {
          this.#acceptors.remove(acceptor);
          reject(reason);
        }),
      };
      this.#acceptors.push(acceptor);
    });
  }

  /** Closed here: fails who waits with `error`. Returns the connections that nobody has taken. */
  close(error: unknown): TStreamDriver[] {
    const drivers: TStreamDriver[] = [];
    for (let next = this.#pending.first; next !== undefined; next = this.#pending.first) {
      this.#pending.remove(next);
      drivers.push(next.driver);
    }
    this.#length = 0;
    this.#end(error, {});
    return drivers;
  }

  /** Broken: what waits can still be accepted, then accepting fails with `error`. */
  fail(error: unknown): void {
    this.#end(error, { error });
  }

  #end(error: unknown, ending: Ending): void {
    const refusal = this.#refusal ??= { error, ending };
    for (let acceptor = this.#acceptors.first; acceptor !== undefined; acceptor = this.#acceptors.first) {
      this.#leave(acceptor);
      acceptor.reject(error);
    }
    if (this.#length === 0) this.#readable?.end(refusal.ending);
  }

  #leave(acceptor: Acceptor): void {
    this.#acceptors.remove(acceptor);
    acceptor.disarm();
  }

  #take(): TStream | undefined {
    const pending = this.#pending.first;
    if (pending === undefined) return undefined;
    this.#pending.remove(pending);
    this.#length--;
    return this.#wrap(pending.driver);
  }
}
