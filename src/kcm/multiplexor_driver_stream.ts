/**
 * Drives the engine for {@linkcode Multiplexor}: what its channels, readers and writables have in common. Internal.
 *
 * @module
 */
import type { Clock } from "../core/clock.ts";
import { EngineTimer } from "../stream/engine_timer.ts";
import { Patience } from "../stream/patience.ts";
import { type ConnectionOutcome, NO_OUTCOME } from "./connection_outcome.ts";
import type { Driven } from "./channel_stream.ts";
import { ConnectionLink, type LinkOwner } from "./connection_link_stream.ts";
import type { ByteSource } from "./connection_reader_stream.ts";
import { KcmError } from "./errors.ts";
import type { KcmConnection, KcmMessage } from "./kcm_message.ts";
import type { MultiplexorEngine } from "./multiplexor_engine.ts";
import type { MultiplexorObserver } from "./observer.ts";
import type { OutgoingMessage } from "./outgoing.ts";
import type { PortHostOwner } from "./port_host_stream.ts";
import type { AttachOptions, LowerPort, SocketOptions, SocketPort, SocketSink } from "./ports.ts";

/** What the driver needs to know. */
export interface DriverOptions {
  /** Most bytes in all channels together. */
  readonly maxBufferedBytes: number;
  /** Where time comes from. */
  readonly clock: Clock;
  /** Is told what happens. */
  readonly observer: MultiplexorObserver | undefined;
  /** A connection is over. */
  ended(connection: KcmConnection, outcome: ConnectionOutcome): void;
  /** A deadline has brought something that throws. */
  failed(thrown: unknown): void;
  /** The last channel was closed. */
  deserted(reason: unknown): void;
}

/** A connection that is over, and whom to tell. */
interface Ended {
  connection: KcmConnection;
  outcome: ConnectionOutcome;
  tell: ((outcome: ConnectionOutcome) => void) | undefined;
}

/**
 * The driver. After each operation of the engine comes `settle`: only then are readers served and users' callbacks
 * called, so that these may do whatever they like.
 */
export class MultiplexorDriver implements PortHostOwner, LinkOwner {
  /** What the channels end with, unless they end well. */
  failure: { readonly reason: unknown } | undefined;
  readonly #engine: MultiplexorEngine;
  readonly #options: DriverOptions;
  readonly #channels: Set<Driven> = new Set();
  /** By the `id` of their connection. */
  readonly #links: Map<number, ConnectionLink> = new Map();
  #touched: Driven[] = [];
  #ended: Ended[] = [];
  /** What the observer is to be told. */
  #told: (() => void)[] = [];
  #heldBytes = 0;
  #isTight = false;
  /** Channels whose reader waits. While there is none, nothing is urgent for the connections either. */
  #starving = 0;
  readonly #patience: Patience = new Patience();
  #isSettling = false;
  readonly #timer: EngineTimer;
  /** Resolves when everything is over. */
  readonly finished: Promise<void>;
  #resolveFinished!: () => void;

  /** Drives the given engine. */
  constructor(engine: MultiplexorEngine, options: DriverOptions) {
    this.#engine = engine;
    this.#options = options;
    this.#patience.set(true);
    this.#timer = new EngineTimer(options.clock, engine, () => this.settle(), (thrown) => options.failed(thrown));
    this.finished = new Promise((resolve) => this.#resolveFinished = resolve);
  }

  /** Bytes in all channels. */
  get heldBytes(): number {
    return this.#heldBytes;
  }

  connectionOf(id: number): KcmConnection | undefined {
    return this.#links.get(id)?.port.connection;
  }

  get maxSendLength(): number {
    return this.#engine.sendLimits.maxSendLength;
  }

  get sendBufferBytes(): number {
    return this.#engine.sendLimits.maxQueuedBytes;
  }

  get isTight(): boolean {
    return this.#isTight;
  }

  open(sink: SocketSink, options: SocketOptions): SocketPort {
    return this.#engine.socket(sink, { ...options, paused: true });
  }

  now(): number {
    return this.#options.clock.now();
  }

  /** A channel takes part. */
  opened(channel: Driven): void {
    this.#channels.add(channel);
    channel.makeRoom();
    this.#tell((observer) => observer.opened?.(this.#channels.size));
    this.settle();
  }

  returnReplies(replies: readonly KcmMessage[]): void {
    this.#engine.returnReplies(replies);
  }

  /** Calls `run` when the signal is aborted, until `over` resolves. */
  abortWith(signal: AbortSignal | undefined, run: () => void, over: Promise<unknown> = this.finished): void {
    if (signal === undefined) return;
    if (signal.aborted) return run();
    signal.addEventListener("abort", run, { once: true });
    void over.then(() => signal.removeEventListener("abort", run));
  }

  messageFate(fate: "retried" | "failed", message: OutgoingMessage, error: unknown): void {
    this.#tell((observer) => observer[fate]?.(message, error));
  }

  held(bytes: number): void {
    this.#heldBytes += bytes;
    if (this.#isTight || this.#heldBytes < this.#options.maxBufferedBytes) return;
    this.#isTight = true;
    for (const channel of this.#channels) channel.tighten();
  }

  starving(change: 1 | -1): void {
    this.#starving += change;
    this.#patience.set(this.#starving === 0);
  }

  touched(channel: Driven): void {
    this.#touched.push(channel);
  }

  closed(channel: Driven, reason: unknown): void {
    this.#channels.delete(channel);
    this.#tell((observer) => observer.closed?.(this.#channels.size));
    if (this.#channels.size === 0) this.#options.deserted(reason);
  }

  push(port: LowerPort, bytes: Uint8Array): number {
    const taken = port.push(bytes, this.#options.clock.now());
    this.settle();
    return taken;
  }

  end(port: LowerPort): void {
    port.end(this.#options.clock.now());
    this.settle();
  }

  fail(port: LowerPort, error: unknown): void {
    port.fail(error);
    this.settle();
  }

  wrote(port: LowerPort, count: number): void {
    port.written(count);
    this.#links.get(port.connection.id)?.progressed();
    this.settle();
  }

  failSending(port: LowerPort, error: unknown): void {
    port.failSending(error);
    this.settle();
  }

  ended(link: ConnectionLink, outcome: ConnectionOutcome): void {
    const { connection } = link.port;
    this.#links.delete(connection.id);
    for (const channel of this.#channels) channel.connectionEnded?.(connection);
    this.#tell((observer) => observer.unattached?.(connection, outcome));
    this.#ended.push({ connection, outcome, tell: (told) => link.tell?.(told) });
  }

  /** Attaches and begins to read. */
  attach(source: ByteSource, options: AttachOptions): ConnectionLink {
    const { readable, writable } = this.#streamsOf(source);
    if (readable.locked || writable?.locked === true) {
      const connection = this.#engine.refuse(options);
      const which = readable.locked ? "readable" : "writable";
      throw new KcmError(`the ${which} is locked`, { code: "EALREADY", blame: "local", connection });
    }
    source.readWith?.(this.#patience);
    const link = new ConnectionLink(this, source);
    try {
      link.port = this.#engine.attach(options, link);
    } catch (error) {
      link.release();
      throw error;
    }
    this.#links.set(link.port.connection.id, link);
    this.#tell((observer) => observer.attached?.(link.port.connection));
    link.run();
    this.settle();
    return link;
  }

  /** Reports a connection that was refused. */
  refused(connection: KcmConnection, error: unknown): void {
    this.#tell((observer) => observer.refused?.(connection, error));
    this.#ended.push({ connection, outcome: { ...NO_OUTCOME, error }, tell: undefined });
    this.settle();
  }

  /** Serves readers that wait and calls the callbacks that are due; calls from within those only add to the work. */
  settle(): void {
    if (this.#isSettling) return;
    this.#isSettling = true;
    try {
      while (this.#settleOnce());
    } finally {
      this.#isSettling = false;
    }
    if (this.#engine.isFinished) {
      this.#timer.stop();
      this.#resolveFinished();
    } else this.#timer.update();
  }

  /** A connection's streams; a socket is written to by its methods, so its writable is not even made. */
  #streamsOf(source: ByteSource): Pick<ByteSource, "readable" | "writable"> {
    const readable = (source as Partial<ByteSource> | null | undefined)?.readable;
    if (typeof readable?.getReader !== "function") throw new TypeError("source must be an object with a readable");
    if ("writev" in source) return { readable };
    const { writable } = source;
    if (writable === undefined || typeof writable.getWriter === "function") return { readable, writable };
    throw new TypeError("the writable of source must be a WritableStream");
  }

  #settleOnce(): boolean {
    if (this.#isTight && this.#heldBytes * 2 <= this.#options.maxBufferedBytes) this.#relax();
    if (this.#touched.length === 0 && this.#ended.length === 0 && this.#told.length === 0) return false;
    const touched = this.#touched;
    const ended = this.#ended;
    this.#touched = [];
    this.#ended = [];
    for (const channel of touched) channel.flush();
    if (this.#told.length > 0) this.#tellAll();
    for (const { connection, outcome, tell } of ended) {
      tell?.(outcome);
      this.#options.ended(connection, outcome);
    }
    return true;
  }

  #tell(tell: (observer: MultiplexorObserver) => void): void {
    const { observer } = this.#options;
    if (observer !== undefined) this.#told.push(() => tell(observer));
  }

  #tellAll(): void {
    const told = this.#told;
    this.#told = [];
    try {
      for (const tell of told) tell();
    } catch (thrown) {
      this.#options.failed(thrown);
    }
  }

  #relax(): void {
    this.#isTight = false;
    for (const channel of this.#channels) channel.makeRoom();
  }
}
