/**
 * Drives the engine for {@linkcode Multiplexor}: what its channels, readers and writables have in common. Internal.
 *
 * @module
 */
import type { Clock } from "../core/clock.ts";
import { EngineTimer } from "../stream/engine_timer.ts";
import { Patience } from "../stream/patience.ts";
import type { ConnectionOutcome } from "./connection_outcome.ts";
import type { Channel, ChannelOwner } from "./channel_stream.ts";
import { type ByteSource, ConnectionReader, type ReaderOwner } from "./connection_reader_stream.ts";
import { KcmError } from "./errors.ts";
import type { KcmConnection } from "./kcm_message.ts";
import type { MultiplexorEngine } from "./multiplexor_engine.ts";
import type { AttachOptions, LowerPort, SocketPort, SocketSink } from "./ports.ts";

/** What the driver needs to know. */
export interface DriverOptions {
  /** Most bytes in all channels together. */
  readonly maxBufferedBytes: number;
  /** Where time comes from. */
  readonly clock: Clock;
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
export class MultiplexorDriver implements ChannelOwner, ReaderOwner {
  /** What the channels end with, unless they end well. */
  failure: { readonly reason: unknown } | undefined;
  readonly #engine: MultiplexorEngine;
  readonly #options: DriverOptions;
  readonly #channels: Set<Channel<boolean>> = new Set();
  #touched: Channel<boolean>[] = [];
  #ended: Ended[] = [];
  #heldBytes = 0;
  #isTight = false;
  /** Channels whose reader waits. While there is none, nothing is urgent for the connections either. */
  #starving = 0;
  readonly #patience: Patience = new Patience();
  #isSettling = false;
  readonly #timer: EngineTimer;

  /** Drives the given engine. */
  constructor(engine: MultiplexorEngine, options: DriverOptions) {
    this.#engine = engine;
    this.#options = options;
    this.#patience.set(true);
    this.#timer = new EngineTimer(options.clock, engine, () => this.settle(), (thrown) => options.failed(thrown));
  }

  /** Bytes in all channels. */
  get heldBytes(): number {
    return this.#heldBytes;
  }

  get isTight(): boolean {
    return this.#isTight;
  }

  open(sink: SocketSink): SocketPort {
    return this.#engine.socket(sink, { paused: true });
  }

  /** A channel takes part. */
  opened(channel: Channel<boolean>): void {
    this.#channels.add(channel);
    channel.makeRoom();
    this.settle();
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

  touched(channel: Channel<boolean>): void {
    this.#touched.push(channel);
  }

  closed(channel: Channel<boolean>, reason: unknown): void {
    this.#channels.delete(channel);
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

  /** Attaches and begins to read. */
  attach(
    source: ByteSource,
    options: AttachOptions,
    tell: ((outcome: ConnectionOutcome) => void) | undefined,
  ): { port: LowerPort; reader: ConnectionReader } {
    const readable = (source as Partial<ByteSource> | null | undefined)?.readable;
    if (typeof readable?.getReader !== "function") throw new TypeError("source must be an object with a readable");
    if (readable.locked) {
      const connection = this.#engine.refuse(options);
      throw new KcmError("the readable is locked", { code: "EALREADY", blame: "local", connection });
    }
    source.readWith?.(this.#patience);
    const reader = new ConnectionReader(this, source);
    try {
      const port: LowerPort = this.#engine.attach(options, {
        resumed: () => reader.resume(),
        unattached: (error) => {
          const { messages, bytes } = port.stats;
          this.#ended.push({ connection: port.connection, outcome: { error, messages, bytes }, tell });
          reader.stop(error);
        },
      });
      void reader.run(port);
      return { port, reader };
    } catch (error) {
      reader.release();
      throw error;
    }
  }

  /** Reports a connection that was refused. */
  refused(connection: KcmConnection, error: unknown): void {
    this.#ended.push({ connection, outcome: { error, messages: 0, bytes: 0 }, tell: undefined });
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
    if (this.#engine.isFinished) this.#timer.stop();
    else this.#timer.update();
  }

  #settleOnce(): boolean {
    if (this.#isTight && this.#heldBytes * 2 <= this.#options.maxBufferedBytes) this.#relax();
    if (this.#touched.length === 0 && this.#ended.length === 0) return false;
    const touched = this.#touched;
    const ended = this.#ended;
    this.#touched = [];
    this.#ended = [];
    for (const channel of touched) channel.flush();
    for (const { connection, outcome, tell } of ended) {
      tell?.(outcome);
      this.#options.ended(connection, outcome);
    }
    return true;
  }

  #relax(): void {
    this.#isTight = false;
    for (const channel of this.#channels) channel.makeRoom();
  }
}
