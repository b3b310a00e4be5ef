/**
 * The stream socket: one life around a reading half, a writing half and a driver.
 *
 * A socket is opening until its driver is there, open until both halves have ended or the connection broke, and over
 * from then on; `#finish` is the only way there. What came before an error can be read after it. The peer's end is
 * noticed whether anybody reads or not, but ends our own side (without `allowHalfOpen`) only when nothing is left to be
 * read, one turn of the event loop later, so that who has just read the last byte can still answer.
 *
 * @module
 */
import { type Clock, systemClock } from "../core/clock.ts";
import { nextTurnOfLoop } from "../stream/turn.ts";
import { armCancellation, isCancellable, throwIfCancelled, waitFor } from "./cancellation.ts";
import { Deadlines } from "./deadlines.ts";
import { type Deferred, deferred } from "../stream/deferred.ts";
import { busyError, closedError, SocketError } from "./errors.ts";
import { discardStream, type DriverSource, openDriver } from "./opening.ts";
import { ReadOperation } from "./read_operation.ts";
import { type Arm, ReadSide } from "./read_side.ts";
import { socketReadable } from "./socket_readable_stream.ts";
import { type SocketWritable, socketWritable } from "./socket_writable_stream.ts";
import { type StreamSettings, streamSettings } from "./stream_options.ts";
import type { TStreamDriver } from "./driver_types.ts";
import type { TStreamOptions } from "./option_types.ts";
import type {
  IoOptions,
  NextVector,
  SocketInfo,
  TlsOptions,
  TQueue,
  TsocketAddress,
  TStream,
  TStreamStats,
  Vector,
  WriteOptions,
} from "./types.ts";
import { checkTlsMode, socketInfo, startTlsOn } from "./tls_upgrade.ts";
import { checkedLength, emptyVectorError, NOTHING } from "./vector.ts";
import { WriteSide } from "./write_side.ts";

/** What only makers of sockets say. */
export interface StreamInternals {
  /**
   * Clock of deadlines.
   *
   * @default {systemClock}
   */
  clock?: Clock | undefined;
  /**
   * Whether `startTls` may be called.
   *
   * @default {"starttls"}
   */
  secureTransport?: "off" | "on" | "starttls" | undefined;
}

/**
 * A stream socket over any driver.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { streamPair } from "@leat/streams/tsocket";
 *
 * const [a, b] = streamPair();
 * a.writev([new TextEncoder().encode("hello")]);
 * const hello = new Uint8Array(5);
 * await b.readv([hello]);
 * assertEquals(new TextDecoder().decode(hello), "hello");
 * await Promise.all([a.close(), b.close()]);
 * ```
 */
export class StreamSocket implements TStream {
  /** Resolves when the connection stands, see {@linkcode TStream.opened}. */
  readonly opened: Promise<SocketInfo>;
  /** Counters. */
  readonly stats: TStreamStats = { bytesRead: 0, bytesWritten: 0, cancelledReads: 0, bytesPutBack: 0 };
  readonly #settings: StreamSettings;
  readonly #clock: Clock;
  readonly #secureTransport: "off" | "on" | "starttls";
  readonly #reads: ReadSide;
  readonly #writes: WriteSide;
  readonly #closed: Deferred<void> = deferred();
  readonly #opened: Deferred<TStreamDriver> = deferred();
  readonly #cancelOpening: (reason: unknown) => void;
  readonly #monitors = new Set<(error: SocketError) => void>();
  #driver: TStreamDriver | undefined;
  /** Why the connection is over. */
  #over: { readonly error: unknown } | undefined;
  /** What the monitors are told. */
  #broken: SocketError | undefined;
  #closing: Promise<void> | undefined;
  #readable: ReadableStream<Uint8Array<ArrayBuffer>> | undefined;
  #writable: SocketWritable | undefined;
  #isUpgraded = false;
  #isWatched = false;
  #hasStoppedReading = false;
  #freed: Promise<void> | void = undefined;
  #isRef = true;

  /**
   * A socket around an open driver, or one that `open` is still making.
   *
   * @throws {TypeError} when an option is of a wrong type
   * @throws {RangeError} when a limit is out of its range
   */
  constructor(driver: DriverSource<TStreamDriver>, options?: TStreamOptions, internals: StreamInternals = {}) {
    this.#settings = streamSettings(options);
    this.#clock = internals.clock ?? systemClock;
    this.#secureTransport = internals.secureTransport ?? "starttls";
    this.#reads = new ReadSide(this.stats, { ended: (error) => this.#readEnded(error) });
    this.#writes = new WriteSide(this.#settings, this.stats, this.#clock, {
      driver: () => this.#driver ?? this.#opened.promise,
      torn: (reason) => this.abort(reason),
      ended: (error) => this.#writeEnded(error),
    });
    this.opened = this.#opened.promise.then(socketInfo);
    this.opened.catch(() => {});
    this.#cancelOpening = openDriver(driver, {
      opened: (driver) => this.#attach(driver),
      failed: (reason) => this.abort(reason),
      late: discardStream,
    });
  }

  /** Resolves when the connection is over, rejects when it broke, see {@linkcode TStream.closed}. */
  get closed(): Promise<void> {
    this.#watch();
    return this.#closed.promise;
  }

  /** Whether {@linkcode startTls} took the connection over. */
  get upgraded(): boolean {
    return this.#isUpgraded;
  }

  /** Our own address, once open. */
  get localAddress(): TsocketAddress | undefined {
    return this.#driver?.localAddress;
  }

  /** The peer's address, once open. */
  get remoteAddress(): TsocketAddress | undefined {
    return this.#driver?.remoteAddress;
  }

  /** Bytes that can be read without waiting. */
  get pendingBytes(): number {
    return this.#reads.pendingBytes;
  }

  /** The queue behind {@linkcode writev}. */
  get writeQueue(): TQueue {
    return this.#writes.queue;
  }

  /** Bytes as they come. Cancelling it ends reading only. */
  get readable(): ReadableStream<Uint8Array<ArrayBuffer>> {
    return this.#readable ??= socketReadable(this.#reads, () => this.#stopReading());
  }

  /** Bytes to send. */
  get writable(): WritableStream<Uint8Array> {
    if (this.#writable === undefined) {
      this.#writable = socketWritable(this);
      if (this.#over !== undefined) this.#writable.error(this.#over.error ?? closedError("write"));
    }
    return this.#writable.stream;
  }

  /**
   * Fills all views.
   *
   * @throws {TypeError} when `vector` is no array of `Uint8Array`
   * @throws {SocketError} `EINVAL` (no room), `EBUSY`, `EOF`, `EUNEXPECTEDEOF`, `ETIMEDOUT`, or what broke the connection
   */
  readv(vector: Vector, options?: IoOptions): Promise<number> {
    return this.#readWhole("readv", vector, options) as Promise<number>;
  }

  /**
   * Reads one PDU.
   *
   * @throws {TypeError} when `next` is no function
   * @throws {SocketError} as {@linkcode readv}; what `next` throws as it is
   */
  readvPdu(next: NextVector, options?: IoOptions): Promise<number> {
    if (typeof next !== "function") return Promise.reject(new TypeError("next must be a function"));
    return this.#read("readvPdu", NOTHING, next, options) as Promise<number>;
  }

  /**
   * Reads what is there, at least one byte; `null` at the end.
   *
   * @throws {SocketError} as {@linkcode readv}, without `EOF`
   */
  readSome(into: Uint8Array, options?: IoOptions): Promise<number | null> {
    return this.#readWhole("readSome", [into], options);
  }

  /**
   * Fills all views from what is there already, else takes nothing and says `false`.
   *
   * @throws {SocketError} `EINVAL` when the vector has no room
   */
  tryReadv(vector: Vector): boolean {
    const length = checkedLength(vector, "vector");
    if (length === 0) throw emptyVectorError("tryReadv");
    return !this.#isReadableLocked && this.#reads.tryReadv(vector, length);
  }

  /**
   * Writes all views as one.
   *
   * @throws {SocketError} `EPIPE` (shut down, or the peer is gone), `ENOBUFS` (queue full), `ECONNABORTED` (closed here),
   * `ETIMEDOUT`, or what broke the connection
   */
  async writev(vector: Vector, options: WriteOptions = {}): Promise<number> {
    const length = checkedLength(vector, "vector");
    throwIfCancelled(options, this.#clock, "writev");
    return await this.#writes.writev(vector, length, options);
  }

  /** Ends our side after all queued writes. */
  async shutdown(options: IoOptions = {}): Promise<void> {
    throwIfCancelled(options, this.#clock, "shutdown");
    await waitFor(this.#writes.shutdown(), options, this.#clock, "shutdown");
  }

  /** Resolves with what ended the connection. Rejects only when signal or deadline end the wait. */
  async monitor(options: IoOptions = {}): Promise<SocketError> {
    throwIfCancelled(options, this.#clock, "monitor");
    if (this.#broken !== undefined) return this.#broken;
    this.#watch();
    return await new Promise((resolve, reject) => {
      const disarm = armCancellation(options, this.#clock, "monitor", (reason) => {
        this.#monitors.delete(told);
        reject(reason);
      });
      const told = (error: SocketError): void => {
        disarm();
        resolve(error);
      };
      this.#monitors.add(told);
    });
  }

  /** Sends what is queued and ends both sides; with a reason aborts. Rejects when what was queued could not be sent. */
  close(reason?: unknown): Promise<void> {
    if (reason !== undefined) this.abort(reason);
    if (this.#closing === undefined) {
      this.#closing = this.#close();
      this.#closing.catch(() => {});
    }
    return this.#closing;
  }

  /** Ends both sides at once. */
  abort(reason?: unknown): void {
    if (this.#over !== undefined) return;
    const error = reason ?? closedError();
    this.#reads.fail(error);
    this.#finish(error, true);
  }

  /**
   * Hands the connection to TLS, after what is queued. From now on this socket takes nothing more.
   *
   * @throws {SocketError} `EINVAL` unless made with `secureTransport: "starttls"`, `EBUSY` while a read is under way,
   * `ECONNABORTED` after closing, and the second time
   */
  startTls(options: TlsOptions = {}): TStream {
    if (this.#over !== undefined || this.#closing !== undefined || this.#isUpgraded) throw closedError("startTls");
    checkTlsMode(this.#secureTransport);
    if (this.#reads.operation !== undefined && !this.#isPullLeftBehind) throw busyError("startTls");
    this.#isUpgraded = true;
    const early = this.#reads.putBackBytes;
    this.#stopReading();
    const flushed = this.#writes.flushed();
    flushed.catch(() => {});
    this.#writes.refuse(closedError("writev"));
    const open = (signal: AbortSignal): Promise<TStreamDriver> => this.#upgrade(flushed, early, options, signal);
    const upgraded = new StreamSocket(open, this.#settings, { clock: this.#clock, secureTransport: "on" });
    if (!this.#isRef) upgraded.unref();
    return upgraded;
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

  /** Closes; aborts when that takes longer than `closeGraceMs`. Never rejects. */
  async [Symbol.asyncDispose](): Promise<void> {
    const deadlines = Deadlines.of(this.#clock);
    const patience = deadlines.set(this.#clock.now() + this.#settings.closeGraceMs, () => this.abort());
    try {
      await this.close();
    } catch {
      // whoever wants to know how it ended asks `closed`
    } finally {
      deadlines.clear(patience);
    }
  }

  get #isReadableLocked(): boolean {
    return this.#readable?.locked === true;
  }

  /** Whether a reader of the stream has left without the bytes that it had asked for. */
  get #isPullLeftBehind(): boolean {
    return this.#reads.operation?.kind === "pull" && !this.#isReadableLocked;
  }

  #readWhole(kind: "readv" | "readSome", vector: Vector, options: IoOptions | undefined): Promise<number | null> {
    try {
      if (checkedLength(vector, kind === "readv" ? "vector" : "into") === 0) throw emptyVectorError(kind);
    } catch (thrown) {
      return Promise.reject(thrown);
    }
    return this.#read(kind, vector, undefined, options);
  }

  /** Not `async`, and without a look at options that are not there: this is the path of small PDUs, 130 ns each. */
  #read(
    kind: "readv" | "readvPdu" | "readSome",
    vector: Vector,
    next: NextVector | undefined,
    options: IoOptions | undefined,
  ): Promise<number | null> {
    if (this.#isPullLeftBehind) this.#reads.steal()!.settle!.resolve(0);
    if (this.#isReadableLocked || this.#reads.operation !== undefined) return Promise.reject(busyError(kind));
    if (options !== undefined) {
      try {
        throwIfCancelled(options, this.#clock, kind);
      } catch (thrown) {
        return Promise.reject(thrown);
      }
      if (isCancellable(options)) {
        const arm: Arm = (cancel) => armCancellation(options, this.#clock, kind, cancel);
        return this.#reads.read(new ReadOperation(kind, vector, next, true), arm);
      }
    }
    if (next !== undefined) return this.#reads.readPdu(next);
    return this.#reads.read(new ReadOperation(kind, vector, next, false), undefined);
  }

  #attach(driver: TStreamDriver): void {
    this.#driver = driver;
    driver.start({
      readable: () => this.#reads.advance(),
      broken: (error) => this.#onBroken(error),
    });
    if (!this.#isRef) driver.setRef?.(false);
    if (this.#isWatched) driver.watch?.();
    this.#opened.resolve(driver);
    this.#reads.attach(driver);
  }

  /** Somebody wants to know of the end although nobody may be reading. */
  #watch(): void {
    this.#isWatched = true;
    if (this.#over === undefined) this.#driver?.watch?.();
  }

  #onBroken(error: SocketError): void {
    if (this.#over !== undefined) return;
    this.#tellMonitors(error);
    if (error.code === "EOF") return this.#reads.noticeEnd();
    if (this.#settings.failEarly) this.#reads.fail(error);
    this.#finish(error, true);
  }

  /** The reader wants nothing more; the other half goes on. */
  #stopReading(): void {
    this.#hasStoppedReading = true;
    this.#reads.fail(closedError("read"));
  }

  #readEnded(error: unknown): void {
    if (this.#over !== undefined) return;
    if (error !== undefined && !this.#hasStoppedReading) return this.#finish(error, true);
    if (error === undefined) this.#tellMonitors(new SocketError("the peer has ended the connection", { code: "EOF" }));
    if (this.#writes.isOver) this.#finish(this.#writes.failure, this.#writes.failure !== undefined);
    else if (error === undefined && !this.#settings.allowHalfOpen) this.#endAfterPeer();
  }

  async #endAfterPeer(): Promise<void> {
    await nextTurnOfLoop();
    // what the stream has accepted must not be cut off: an echo by `pipeTo` reads the end before it has written all
    await this.#writable?.drained();
    const why = "the peer has ended the connection, and this side with it: allowHalfOpen is not set";
    if (this.#over === undefined) this.#writes.shutdown(why).catch(() => {});
  }

  #writeEnded(error: unknown): void {
    if (this.#over !== undefined) return;
    if (this.#reads.isOver) return this.#finish(error, error !== undefined);
    // what the peer sent before it refused our bytes may still be read; the end of that is the end of all
    if (error !== undefined) this.#watch();
  }

  async #close(): Promise<void> {
    // the connection is no longer ours
    if (this.#isUpgraded && this.#over === undefined) return;
    if (this.#over !== undefined || this.#writes.isOver || this.#driver === undefined) {
      this.#stopReading();
      this.#finish(this.#writes.failure, false);
      return await this.#freed;
    }
    this.#stopReading();
    const ended = this.#writes.shutdown();
    this.#writes.refuse(closedError("writev"));
    await ended;
    await this.#freed;
  }

  /** The connection is over: in order without an error, else what is under way fails with it. */
  #finish(error: unknown, isAbrupt: boolean): void {
    if (this.#over !== undefined) return;
    this.#over = { error };
    this.#cancelOpening(error ?? closedError("connect"));
    this.#opened.reject(error ?? closedError("connect"));
    this.#writes.fail(error ?? closedError("writev"));
    this.#reads.detach(error);
    this.#writable?.error(error ?? closedError("write"));
    this.#tellMonitors(error instanceof SocketError ? error : closedError());
    this.#freed = isAbrupt ? this.#driver?.abort() : this.#driver?.close();
    if (error !== undefined) this.#closed.reject(error);
    else Promise.resolve(this.#freed).then(this.#closed.resolve, this.#closed.reject);
  }

  /** Hands the driver over to TLS, or frees it when that is not wanted any more. */
  async #upgrade(
    flushed: Promise<void>,
    early: number,
    options: TlsOptions,
    signal: AbortSignal,
  ): Promise<TStreamDriver> {
    const unwanted = (): void => this.abort(signal.reason);
    signal.addEventListener("abort", unwanted);
    let driver: TStreamDriver;
    try {
      driver = await this.#opened.promise;
      await flushed;
    } finally {
      signal.removeEventListener("abort", unwanted);
    }
    if (this.#over !== undefined) throw this.#over.error ?? closedError("startTls");
    // from here on nothing of this socket touches the driver
    this.#driver = undefined;
    this.#finish(undefined, false);
    return await startTlsOn(driver, early, options, signal);
  }

  #tellMonitors(error: SocketError): void {
    if (this.#broken !== undefined) return;
    this.#broken = error;
    for (const told of this.#monitors) told(error);
    this.#monitors.clear();
  }
}
