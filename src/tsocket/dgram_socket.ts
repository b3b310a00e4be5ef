/**
 * The datagram socket: one life around an inbox, an outbox and a driver.
 *
 * A socket is opening until its driver is there, then open, and over from `#finish` on; while closing it receives nothing
 * more and sends what is queued. Errors that the network reports about single datagrams end nothing.
 *
 * @module
 */
import { type Clock, systemClock } from "../core/clock.ts";
import { shownAs } from "../core/shown.ts";
import { Deadlines } from "./deadlines.ts";
import { type Deferred, deferred } from "../stream/deferred.ts";
import { checkGroup, isFrom, udpInfo, withoutMapping } from "./dgram_addressing.ts";
import { DgramInbox } from "./dgram_inbox.ts";
import { type DgramSettings, dgramSettings } from "./dgram_options.ts";
import { DgramOutbox } from "./dgram_outbox.ts";
import { type DgramWritable, dgramWritable } from "./dgram_writable_stream.ts";
import { closedError, SocketError } from "./errors.ts";
import { discardDgram, type DriverSource, openDriver } from "./opening.ts";
import type { TDgramDriver } from "./driver_types.ts";
import type { TDgramOptions } from "./option_types.ts";
import { markOwn } from "./own_dgrams.ts";
import type {
  Datagram,
  DatagramError,
  DatagramErrorListener,
  IoOptions,
  OutDatagram,
  TDgram,
  TDgramStats,
  TsocketAddress,
  UdpInfo,
  UdpMessage,
  Vector,
} from "./types.ts";

/** What only makers of sockets say. */
export interface DgramInternals {
  /**
   * Clock of deadlines.
   *
   * @default {systemClock}
   */
  clock?: Clock | undefined;
}

/** Largest datagram of UDP over IPv4, in bytes; what {@linkcode DgramSocket.maxDatagramSize} says before it is open. */
const UDP_MAX_BYTES = 65507;

/**
 * A datagram socket over any driver.
 *
 * Datagrams that nobody reads wait in a ring; when it is full, what comes is dropped and counted in
 * `stats.droppedIncoming`, and what waits stays. A connected socket drops what others send (`stats.strangers`). IPv4
 * addresses of sockets for both IP versions are written as IPv4 addresses, both ways.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { dgramPair } from "@leat/streams/tsocket";
 *
 * const [a, b] = dgramPair();
 * await a.sendto(Uint8Array.of(1, 2, 3));
 * const { data, truncated } = await b.recvfrom();
 * assertEquals([[...data], truncated], [[1, 2, 3], false]);
 * await Promise.all([a.close(), b.close()]);
 * ```
 */
export class DgramSocket implements TDgram {
  /** Resolves when the socket is bound (and connected, if a peer was named). Needs no handler. */
  readonly opened: Promise<UdpInfo>;
  /** Resolves when it is closed, rejects when it could not be opened or broke. Needs no handler. */
  readonly closed: Promise<void>;
  /** Counters. */
  readonly stats: TDgramStats = {
    received: 0,
    sent: 0,
    droppedIncoming: 0,
    strangers: 0,
    sendErrors: 0,
    icmpErrors: 0,
  };
  readonly #settings: DgramSettings;
  readonly #clock: Clock;
  readonly #inbox: DgramInbox;
  readonly #outbox: DgramOutbox;
  readonly #listeners: Set<{ readonly told: DatagramErrorListener }> = new Set();
  readonly #opened: Deferred<UdpInfo> = deferred();
  readonly #closed: Deferred<void> = deferred();
  readonly #cancelOpening: (reason: unknown) => void;
  #driver: TDgramDriver | undefined;
  #peer: TsocketAddress | undefined;
  #writable: DgramWritable | undefined;
  /** Why the socket takes nothing more. */
  #over: { readonly error: unknown } | undefined;
  #isClosing = false;
  #closing: Promise<void> | undefined;
  #freed: Promise<void> | undefined;
  #isRef = true;

  /**
   * A socket around an open driver, or one that a function is still making.
   *
   * @throws {TypeError} when an option is of a wrong type
   * @throws {RangeError} when a limit is out of its range
   */
  constructor(driver: DriverSource<TDgramDriver>, options?: TDgramOptions, internals: DgramInternals = {}) {
    markOwn(this, DgramSocket.prototype.sendMany);
    this.#settings = dgramSettings(options);
    this.#clock = internals.clock ?? systemClock;
    this.opened = this.#opened.promise;
    this.closed = this.#closed.promise;
    this.#inbox = new DgramInbox(
      this.#settings,
      this.stats,
      this.#clock,
      (isReading) => this.#over === undefined && this.#driver?.setReading?.(isReading),
    );
    this.#outbox = new DgramOutbox(this.#settings.maxQueuedSends, this.stats, this.#clock);
    this.#cancelOpening = openDriver(driver, {
      opened: (driver) => this.#attach(driver),
      failed: (reason) => this.#finish(reason, true),
      late: discardDgram,
    });
  }

  /** Our own address, once open. */
  get localAddress(): TsocketAddress | undefined {
    return this.#driver?.localAddress;
  }

  /** The peer's address, when connected. */
  get remoteAddress(): TsocketAddress | undefined {
    return this.#driver?.remoteAddress;
  }

  /** Largest datagram that can be sent, in bytes; UDP's 65507 until it is open. */
  get maxDatagramSize(): number {
    return this.#driver?.maxDatagramSize ?? UDP_MAX_BYTES;
  }

  /** Datagrams as they come, nothing read ahead. Cancelling it ends nothing but itself. */
  get readable(): ReadableStream<UdpMessage> {
    return this.#inbox.readable;
  }

  /** Datagrams to send. Neither closing nor aborting it does anything to the socket, nor does a datagram that got lost. */
  get writable(): WritableStream<UdpMessage> {
    if (this.#writable === undefined) {
      this.#writable = dgramWritable(this);
      if (this.#over !== undefined) this.#writable.error(this.#over.error);
      else if (this.#isClosing) this.#writable.error(closedError("write"));
    }
    return this.#writable.stream;
  }

  /**
   * The next datagram. A wait that ends by signal or deadline takes none.
   *
   * @throws {SocketError} `EBUSY` (another read waits, or the readable is locked), `ETIMEDOUT`, `ECONNABORTED` (closed
   * here), or what broke the socket
   */
  recvfrom(options: IoOptions = {}): Promise<Datagram> {
    return this.#inbox.recvfrom(options);
  }

  /**
   * At least one datagram, and up to `max` that are there.
   *
   * @throws {RangeError} when `max` is not a positive integer
   * @throws {SocketError} as {@linkcode recvfrom}
   */
  recvMany(max: number, options: IoOptions = {}): Promise<Datagram[]> {
    if (!(Number.isInteger(max) || max === Infinity) || max < 1) {
      return Promise.reject(new RangeError(`max must be a positive integer or Infinity, got ${String(max)}`));
    }
    return this.#inbox.recvMany(max, options);
  }

  /**
   * Sends one datagram, after all earlier ones; resolves with its length when the system has taken it. The buffers must
   * stay untouched until then. What the system is being given cannot be cancelled any more.
   *
   * @throws {TypeError} when `data` is neither bytes nor a vector, or `to` no address
   * @throws {SocketError} `EMSGSIZE`, `EISCONN` (an address, but connected), `EDESTADDRREQ` (neither), `EAFNOSUPPORT`,
   * `ENOBUFS` (queue full), `ECONNABORTED` (closed here), `ETIMEDOUT`, or what the system says
   */
  sendto(data: Uint8Array | Vector, to?: TsocketAddress, options: IoOptions = {}): Promise<number> {
    return this.#outbox.sendto(data, to, options);
  }

  /**
   * Sends many, in order; resolves with their number. When one of them cannot be sent because of its size or address,
   * nothing is; when the system refuses one, `bytesTransferred` of the error is the number of those sent before.
   *
   * @throws {TypeError} when a datagram is none
   * @throws {SocketError} as {@linkcode sendto}
   */
  sendMany(datagrams: readonly OutDatagram[], options: IoOptions = {}): Promise<number> {
    return this.#outbox.sendMany(datagrams, options);
  }

  /** Calls `listener` for each error that the network reports, until the result is disposed. */
  onIcmpError(listener: DatagramErrorListener): Disposable {
    if (typeof listener !== "function") throw new TypeError("listener must be a function");
    const entry = { told: listener };
    this.#listeners.add(entry);
    return { [Symbol.dispose]: () => void this.#listeners.delete(entry) };
  }

  /**
   * Joins a multicast group, on the interface with the given address or name. The socket must be open.
   *
   * @throws {SocketError} `EPROTONOSUPPORT` where the runtime cannot, `EINVAL` when it is no multicast address or the
   * socket is not open yet, `ECONNABORTED` after closing
   */
  joinMulticast(group: string, networkInterface?: string): void {
    const driver = this.#multicastDriver("joinMulticast", group);
    driver.joinMulticast!(group, networkInterface);
  }

  /**
   * Leaves a multicast group.
   *
   * @throws {SocketError} as {@linkcode joinMulticast}
   */
  leaveMulticast(group: string, networkInterface?: string): void {
    const driver = this.#multicastDriver("leaveMulticast", group);
    driver.leaveMulticast!(group, networkInterface);
  }

  /** Receives nothing more, sends what is queued, then closes; the same promise every time. Never rejects. */
  close(): Promise<void> {
    return this.#closing ??= this.#close();
  }

  /** Keeps the process alive while the socket is open. */
  ref(): void {
    this.#isRef = true;
    this.#driver?.setRef?.(true);
  }

  /** Lets the process end although the socket is open. */
  unref(): void {
    this.#isRef = false;
    this.#driver?.setRef?.(false);
  }

  /** Closes; drops what is queued when that takes longer than `closeGraceMs`. Never rejects. */
  async [Symbol.asyncDispose](): Promise<void> {
    const deadlines = Deadlines.of(this.#clock);
    const patience = deadlines.set(
      this.#clock.now() + this.#settings.closeGraceMs,
      () => this.#finish(closedError("send")),
    );
    try {
      await this.close();
    } finally {
      deadlines.clear(patience);
    }
  }

  #attach(driver: TDgramDriver): void {
    this.#driver = driver;
    this.#peer = driver.remoteAddress;
    if (this.#peer !== undefined) this.#inbox.connected();
    if (driver.gatherLimit !== undefined) this.#inbox.gatherLimit = driver.gatherLimit;
    driver.start({
      datagram: (data, source, truncated) => this.#datagram(data, source, truncated),
      writable: () => this.#outbox.writable(),
      icmpError: (error) => this.#icmpError(error),
      broken: (error) => this.#broken(error),
    });
    if (!this.#isRef) driver.setRef?.(false);
    this.#opened.resolve(udpInfo(driver.localAddress, this.#peer));
    this.#outbox.attach(driver);
  }

  #datagram(data: Uint8Array, source: TsocketAddress | undefined, truncated: boolean): void {
    if (this.#isClosing || this.#over !== undefined) return;
    this.stats.received++;
    if (this.#peer !== undefined && !isFrom(this.#peer, source)) {
      this.stats.strangers++;
      return;
    }
    this.#inbox.push({ data, source: withoutMapping(source), truncated });
  }

  #icmpError(error: DatagramError): void {
    if (this.#over !== undefined) return;
    this.stats.icmpErrors++;
    for (const { told } of [...this.#listeners]) {
      try {
        told(error);
      } catch (thrown) {
        // a listener's own mistake is nobody else's, but must not vanish
        queueMicrotask(() => {
          throw thrown;
        });
      }
    }
  }

  /** While closing only what is still to be sent is lost, and its senders are told. */
  #broken(error: SocketError): void {
    this.#finish(error, !this.#isClosing);
  }

  #multicastDriver(syscall: "joinMulticast" | "leaveMulticast", group: string): TDgramDriver {
    if (this.#isClosing) throw closedError(syscall);
    if (this.#over !== undefined) throw this.#over.error;
    checkGroup(group);
    if (this.#driver === undefined) {
      throw new SocketError(`${syscall} needs an open socket: wait for opened`, { code: "EINVAL", syscall });
    }
    if (this.#driver[syscall] !== undefined) return this.#driver;
    throw new SocketError(`multicast is not possible with a ${this.#driver.kind} socket`, {
      code: "EPROTONOSUPPORT",
      syscall,
    });
  }

  async #close(): Promise<void> {
    this.#isClosing = true;
    this.#inbox.close(closedError("recvfrom"));
    const refusal = closedError("send");
    this.#writable?.error(refusal);
    if (this.#driver === undefined) this.#finish(closedError("open"));
    else await this.#outbox.drain(refusal);
    this.#finish(refusal);
    await this.#freed;
  }

  /** The socket is over: it broke, or was closed here. */
  #finish(error: unknown, isBroken = false): void {
    if (this.#over !== undefined) return;
    this.#over = { error };
    this.#cancelOpening(error);
    this.#opened.reject(error);
    this.#inbox.fail(error);
    this.#outbox.fail(error);
    this.#writable?.error(error);
    this.#freed = this.#driver?.close();
    if (isBroken) this.#closed.reject(error);
    else Promise.resolve(this.#freed).then(this.#closed.resolve, this.#closed.reject);
  }
}

shownAs(DgramSocket, "DgramSocket", ({ localAddress, remoteAddress, stats }) => {
  const { received, sent, droppedIncoming } = stats;
  return { local: localAddress?.toHostPort(), remote: remoteAddress?.toHostPort(), received, sent, droppedIncoming };
});
