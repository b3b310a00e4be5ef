/**
 * The listening socket: connections as they come, accepted one by one, through an iterator or a stream.
 *
 * Failures to accept that pass by (out of descriptors, a failed TLS handshake) end nothing and are counted. What comes
 * while too many connections wait is refused, so that a flood of connections costs no memory.
 *
 * @module
 */
import { type Clock, systemClock } from "../core/clock.ts";
import { limitOption } from "../core/limits.ts";
import { AcceptQueue } from "./accept_queue.ts";
import { type Deferred, deferred } from "../stream/deferred.ts";
import { closedError } from "./errors.ts";
import { discardListener, discardStream, type DriverSource, openDriver } from "./opening.ts";
import { streamSettings } from "./stream_options.ts";
import { StreamSocket } from "./stream_socket.ts";
import type { TListenerDriver, TStreamDriver } from "./driver_types.ts";
import type { ListenOptions } from "./option_types.ts";
import type { IoOptions, TListener, TListenerStats, TsocketAddress, TStream } from "./types.ts";

/** What only makers of sockets say. */
export interface ListenerInternals {
  /**
   * Clock of deadlines, of the connections' too.
   *
   * @default {systemClock}
   */
  clock?: Clock | undefined;
}

/** Connections that may wait to be accepted. */
export const MAX_PENDING_CONNECTIONS = 1024;

/**
 * A listening socket over any driver.
 *
 * `accept`, the iterator and `readable` take from the same queue. Leaving an iteration closes nothing.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { connectWith, InetAddress, ListenerSocket, MemoryNetwork } from "@leat/streams/tsocket";
 *
 * const network = new MemoryNetwork();
 * const on = InetAddress.from("127.0.0.1", 80);
 * const listener = new ListenerSocket((signal) => network.listen(on, {}, signal));
 * await listener.opened;
 * const client = connectWith(network, on);
 * const connection = await listener.accept();
 * await client.writev([Uint8Array.of(1)]);
 * assertEquals(await connection.readSome(new Uint8Array(8)), 1);
 * await Promise.all([client.close(), connection.close(), listener.close()]);
 * ```
 */
export class ListenerSocket implements TListener {
  /** Resolves when it listens. Needs no handler. */
  readonly opened: Promise<{ readonly localAddress: TsocketAddress }>;
  /** Resolves when it is closed, rejects when listening failed. Needs no handler. */
  readonly closed: Promise<void>;
  /** Counters. */
  readonly stats: TListenerStats = { accepted: 0, refused: 0, acceptErrors: 0 };
  readonly #onAcceptError: ListenOptions["onAcceptError"];
  readonly #queue: AcceptQueue;
  readonly #opened: Deferred<{ readonly localAddress: TsocketAddress }> = deferred();
  readonly #closed: Deferred<void> = deferred();
  readonly #cancelOpening: (reason: unknown) => void;
  #driver: TListenerDriver | undefined;
  #isOver = false;
  #isClosed = false;
  #freed: Promise<void> | undefined;
  #closing: Promise<void> | undefined;
  #isRef = true;

  /**
   * A socket around an open driver, or one that a function is still making. Of the options it takes `maxPending`, and
   * `stream` for the connections.
   *
   * @throws {TypeError} when an option is of a wrong type
   * @throws {RangeError} when a limit is out of its range
   */
  constructor(driver: DriverSource<TListenerDriver>, options: ListenOptions = {}, internals: ListenerInternals = {}) {
    const maxPending = limitOption("maxPending", options.maxPending, MAX_PENDING_CONNECTIONS);
    const stream = streamSettings(options.stream);
    const clock = internals.clock ?? systemClock;
    this.opened = this.#opened.promise;
    this.closed = this.#closed.promise;
    this.#onAcceptError = options.onAcceptError;
    this.#queue = new AcceptQueue(maxPending, clock, (driver) => {
      this.stats.accepted++;
      return new StreamSocket(driver, stream, { clock });
    });
    this.#cancelOpening = openDriver(driver, {
      opened: (driver) => this.#attach(driver),
      failed: (reason) => this.#finish(reason, true),
      late: discardListener,
    });
  }

  /** Where it listens, once open. */
  get localAddress(): TsocketAddress | undefined {
    return this.#driver?.localAddress;
  }

  /** Connections as they come, none accepted ahead. Cancelling it ends nothing but itself. */
  get readable(): ReadableStream<TStream> {
    return this.#queue.readable;
  }

  /**
   * The next connection. Several may wait for one; they are served in order.
   *
   * @throws {SocketError} `ETIMEDOUT`, `ECONNABORTED` (closed here), or what ended listening
   */
  accept(options: IoOptions = {}): Promise<TStream> {
    return this.#queue.accept(options);
  }

  /** Connections until it is closed; throws what ends listening otherwise. */
  [Symbol.asyncIterator](): AsyncIterableIterator<TStream> {
    const left = new AbortController();
    const options = { signal: left.signal };
    const isDone = (): boolean => left.signal.aborted || this.#isClosed;
    const iterator: AsyncIterableIterator<TStream> = {
      next: async () => {
        if (isDone()) return { done: true, value: undefined };
        try {
          return { done: false, value: await this.#queue.accept(options) };
        } catch (error) {
          if (isDone()) return { done: true, value: undefined };
          throw error;
        }
      },
      return: () => {
        left.abort();
        return Promise.resolve({ done: true, value: undefined });
      },
      [Symbol.asyncIterator]: () => iterator,
    };
    return iterator;
  }

  /**
   * Stops listening. What was not accepted yet is ended at once, what was goes on. The same promise every time; never
   * rejects.
   */
  close(): Promise<void> {
    return this.#closing ??= this.#close();
  }

  /** Keeps the process alive while it listens. */
  ref(): void {
    this.#isRef = true;
    this.#driver?.setRef?.(true);
  }

  /** Lets the process end although it listens. */
  unref(): void {
    this.#isRef = false;
    this.#driver?.setRef?.(false);
  }

  /** Closes. Never rejects. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #attach(driver: TListenerDriver): void {
    this.#driver = driver;
    driver.start({
      connection: (connection) => this.#connection(connection),
      acceptError: (error) => {
        this.stats.acceptErrors++;
        const onAcceptError = this.#onAcceptError;
        // what the listener throws is its own, and must not end the driver's work
        if (onAcceptError !== undefined) queueMicrotask(() => onAcceptError(error));
      },
      broken: (error) => this.#finish(error, true),
    });
    if (!this.#isRef) driver.setRef?.(false);
    this.#opened.resolve({ localAddress: driver.localAddress });
  }

  #connection(driver: TStreamDriver): void {
    if (this.#isOver) return discardStream(driver);
    if (this.#queue.push(driver)) return;
    this.stats.refused++;
    discardStream(driver);
  }

  async #close(): Promise<void> {
    this.#isClosed = !this.#isOver;
    const error = closedError("accept");
    for (const driver of this.#queue.close(error)) discardStream(driver);
    this.#finish(error, false);
    await this.#freed;
  }

  #finish(error: unknown, isBroken: boolean): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#cancelOpening(error);
    this.#opened.reject(error);
    this.#queue.fail(error);
    this.#freed = this.#driver?.close();
    if (isBroken) this.#closed.reject(error);
    else Promise.resolve(this.#freed).then(this.#closed.resolve, this.#closed.reject);
  }
}
