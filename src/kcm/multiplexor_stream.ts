/**
 * The multiplexor as web streams: readables of bytes in, channels of messages out.
 *
 * No protocol and no steering here (`multiplexor_engine.ts`): a loop of reads per connection, a queue per channel, and the
 * ways in which either can end.
 *
 * @module
 */
import { type Clock, systemClock } from "../core/clock.ts";
import { callbackOption, durationOption, limitOption, needObject } from "../core/limits.ts";
import type { Reasons } from "../core/reasons.ts";
import { shownAs } from "../core/shown.ts";
import type { KcmAttachment } from "./attachment.ts";
import type { ConnectionOutcome } from "./connection_outcome.ts";
import { type Attachable, AttachmentWriter, cancelSource } from "./attachments_stream.ts";
import { Channel } from "./channel_stream.ts";
import type { ByteSource } from "./connection_reader_stream.ts";
import { KcmError } from "./errors.ts";
import { type AttachmentsOptions, parserChoice } from "./flow_parsers.ts";
import type { KcmConnection } from "./kcm_message.ts";
import { channelSettings, KcmSocket, type KcmSocketOptions } from "./kcm_socket_stream.ts";
import type { MultiplexorObserver } from "./observer.ts";
import type { PortLike } from "./port_frames_stream.ts";
import { PortHost } from "./port_host_stream.ts";
import { HandedSocket } from "./port_channel_stream.ts";
import type { AttachOptions } from "./ports.ts";
import type { MultiplexorReport } from "./report.ts";
import { MultiplexorDriver } from "./multiplexor_driver_stream.ts";
import { MultiplexorEngine } from "./multiplexor_engine.ts";
import type { MultiplexorLimits, MultiplexorStats } from "./multiplexor_options.ts";

/** Options of a {@linkcode Multiplexor}. */
export interface MultiplexorOptions extends MultiplexorLimits {
  /**
   * How many bytes of messages may wait unread in a channel before it gets no more; the message that reaches the limit
   * may exceed it. It gets more when half of them were read. Each message counts 128 on top of its length.
   *
   * @default {262144}
   */
  highWaterMark?: number | undefined;
  /**
   * How many bytes, counted in the same way, may wait unread in all channels together. Beyond, only channels that hold
   * nothing get a message.
   *
   * @default {67108864}
   */
  maxBufferedBytes?: number | undefined;
  /**
   * Go on when the last channel was closed: connections wait for the next one. Without it the multiplexor ends then,
   * as the kernel's does, and its connections are cancelled.
   *
   * @default {false}
   */
  holdOpen?: boolean | undefined;
  /**
   * Called when a connection is over, with what went wrong, if anything; the channels go on. Also for one that was
   * refused. What it throws aborts the multiplexor.
   *
   * @default {undefined}
   */
  onConnectionEnd?: ((connection: KcmConnection, outcome: ConnectionOutcome) => void) | undefined;
  /** Is told what happens, for logs and metrics. @default {undefined} */
  observer?: MultiplexorObserver | undefined;
  /** Aborts the multiplexor. @default {undefined} */
  signal?: AbortSignal | undefined;
  /** Time. @default {systemClock} */
  clock?: Clock | undefined;
}

const DEFAULT_HIGH_WATER_MARK = 256 * 1024;
const DEFAULT_MAX_BUFFERED_BYTES = 64 * 1024 * 1024;

/**
 * Steers whole messages of many connections to a few channels, round robin among those with room.
 *
 * While no channel has room (or none is open yet), connections are not read, so backpressure reaches their senders.
 * A connection that ends or fails leaves the others alone; `onConnectionEnd` tells how it was.
 *
 * @example
 * ```ts
 * import { Multiplexor } from "@leat/streams/kcm";
 * import { lengthPrefix } from "@leat/streams/strparser";
 * import { assertEquals } from "@std/assert";
 *
 * const kcm = new Multiplexor();
 * const channel = kcm.socket();
 * const client = { readable: ReadableStream.from([Uint8Array.of(1, 10, 1), Uint8Array.of(11)]) };
 * const server = { readable: ReadableStream.from([Uint8Array.of(1, 20)]) };
 * const piped = ReadableStream.from([{ client, server }]).pipeTo(kcm.attachments({ parser: lengthPrefix(1) }));
 * const got: string[] = [];
 * for await (const { data, connection, sequence } of channel.readable) {
 *   got.push(`${connection.direction} ${sequence} ${data[1]}`);
 * }
 * await piped;
 * assertEquals(got.sort(), ["client 0 10", "client 1 11", "server 0 20"]);
 * ```
 */
export class Multiplexor implements AsyncDisposable {
  readonly #engine: MultiplexorEngine;
  readonly #driver: MultiplexorDriver;
  readonly #writers: Set<AttachmentWriter> = new Set();
  readonly #highWaterMark: number;

  /**
   * Makes a multiplexor without channels and connections.
   *
   * @throws {TypeError | RangeError} when an option is wrong
   */
  constructor(options: MultiplexorOptions = {}) {
    this.#engine = new MultiplexorEngine(options);
    callbackOption("onConnectionEnd", options.onConnectionEnd);
    this.#highWaterMark = limitOption("highWaterMark", options.highWaterMark, DEFAULT_HIGH_WATER_MARK);
    this.#driver = new MultiplexorDriver(this.#engine, {
      maxBufferedBytes: limitOption("maxBufferedBytes", options.maxBufferedBytes, DEFAULT_MAX_BUFFERED_BYTES),
      clock: options.clock ?? systemClock,
      observer: options.observer,
      ended: (connection, outcome) => {
        try {
          options.onConnectionEnd?.(connection, outcome);
        } catch (thrown) {
          this.abort(thrown);
        }
      },
      failed: (thrown) => this.abort(thrown),
      deserted: (reason) => {
        if (options.holdOpen !== true) this.#end(reason ?? brokenPipe("every channel was closed"));
      },
    });
    this.#driver.abortWith(options.signal, () => this.abort(options.signal!.reason));
  }

  /** A snapshot of the counters. */
  get stats(): MultiplexorStats {
    return this.#engine.stats;
  }

  /** Connections that failed, by the code of their error. */
  get failures(): Reasons {
    return this.#engine.failures;
  }

  /** Bytes that wait unread in all channels, counted like `highWaterMark`. */
  get bufferedBytes(): number {
    return this.#driver.heldBytes;
  }

  /**
   * Opens a channel. It takes part at once: messages wait in it, up to its `highWaterMark`, until they are read.
   *
   * @throws {TypeError | RangeError} when an option is wrong
   * @throws {KcmError} `ENFILE` at `maxSockets`
   */
  socket<Batch extends boolean = false>(options: KcmSocketOptions<Batch> = {}): KcmSocket<Batch> {
    const channel = new Channel<Batch>(this.#driver, channelSettings(options, this.#highWaterMark));
    this.#driver.opened(channel);
    return new KcmSocket(channel);
  }

  /**
   * Opens a channel on the other end of a `MessagePort`: send that to a worker, which takes the channel with
   * {@linkcode receiveSocket}. It takes part at once, so that up to its `highWaterMark` of messages are on their way before.
   *
   * @throws {TypeError | RangeError} when an option is wrong
   * @throws {KcmError} `ENFILE` at `maxSockets`
   */
  hand(
    port: PortLike,
    options: Omit<KcmSocketOptions, "batch" | "maxWaitingSends" | "onSendError"> = {},
  ): HandedSocket {
    const host = new PortHost(this.#driver, channelSettings(options, this.#highWaterMark), port);
    this.#driver.opened(host);
    return new HandedSocket(host);
  }

  /**
   * Attaches a connection: a socket, or any readable of bytes, with a writable for those that messages are sent on. It is
   * over when its readable has ended (unless it is `halfOpen`), or when anything fails, in both directions at once.
   *
   * @throws {TypeError | RangeError} when `source` or an option is wrong; the connection was not touched then
   * @throws {KcmError} `EALREADY` when one of its streams is locked, `ENFILE` at `maxConnections`, `EPIPE` once closed; the
   * connection was not touched either
   */
  attach(source: ByteSource, options: AttachOptions & { signal?: AbortSignal | undefined }): KcmAttachment {
    needObject("options", options);
    const { signal } = options;
    signal?.throwIfAborted();
    const link = this.#driver.attach(source, options);
    const ended = new Promise<ConnectionOutcome>((resolve) => link.tell = resolve);
    const abort = (reason?: unknown): void => {
      link.abort(reason);
      this.#driver.settle();
    };
    this.#driver.abortWith(signal, () => abort(signal!.reason), ended);
    return {
      connection: link.port.connection,
      ended,
      abort,
      unattach: async (unattachOptions) => {
        try {
          return await link.unattach(unattachOptions?.signal);
        } finally {
          this.#driver.settle();
        }
      },
      drain: (drainOptions) => {
        const deadlineMs = durationOption("deadlineMs", drainOptions?.deadlineMs, Infinity);
        link.port.drain(this.#driver.now() + deadlineMs);
        this.#driver.settle();
        return ended;
      },
    };
  }

  /**
   * Where to pipe flows, or other connections: each direction of each becomes a connection of the multiplexor. Takes
   * single ones and arrays. A direction that is not wanted is cancelled, and so is one that is refused. Flows must come
   * with `gaps: "error"`, the default: bytes don't show where a gap was skipped, and a parser would read on across it.
   *
   * Once every writable made so was closed, there are no more attachments, and the channels end when every connection
   * has. Aborting one is the same as closing it, except that the channels then fail with the reason, after everything
   * that was accepted.
   *
   * @throws {TypeError} when `parser` is wrong
   * @throws {KcmError} `EPIPE` once closed
   */
  attachments(options: AttachmentsOptions): WritableStream<Attachable | readonly Attachable[]> {
    needObject("options", options);
    const choice = parserChoice(options.parser);
    if (this.#engine.isClosed) throw brokenPipe("the multiplexor is closed");
    const writer = new AttachmentWriter(choice, {
      attach: (source, found) => this.#attachOrRefuse(source, { ...options, ...found }),
      closed: (failure) => {
        this.#driver.failure ??= failure;
        this.#writers.delete(writer);
        this.close();
      },
    });
    this.#writers.add(writer);
    return writer.writable;
  }

  /**
   * No more attachments but through writables that are still open. The channels end when those are closed and every
   * connection has ended.
   */
  close(): void {
    if (this.#writers.size > 0 || this.#engine.isClosed) return;
    this.#engine.close();
    this.#driver.settle();
  }

  /** Resolves when everything is over: closed, every connection has ended, every message was delivered. */
  get finished(): Promise<void> {
    return this.#driver.finished;
  }

  /** Everything that there is to tell of it; see `kcmText` for the kernel's format. */
  report(): MultiplexorReport {
    return this.#engine.report();
  }

  /**
   * Nothing new: no more attachments, nothing more is accepted to be sent. What was accepted is written, and then
   * connections are closed and channels end. After `deadlineMs` milliseconds what is left fails with `ETIMEDOUT`. Resolves
   * as {@linkcode finished} does.
   *
   * @throws {TypeError | RangeError} when the option is wrong
   */
  drain(options: { deadlineMs?: number | undefined } = {}): Promise<void> {
    const deadlineMs = durationOption("deadlineMs", options.deadlineMs, Infinity);
    this.#engine.drain(this.#driver.now() + deadlineMs);
    this.#driver.settle();
    return this.#driver.finished;
  }

  /**
   * Ends everything: connections are cancelled and writables fail with `reason`, and so do the channels, after
   * everything that was accepted. Without a reason it is a {@linkcode KcmError} `EPIPE`.
   */
  abort(reason?: unknown): void {
    const failure = { reason: reason ?? brokenPipe("the multiplexor was aborted") };
    this.#driver.failure ??= failure;
    this.#end(failure.reason);
  }

  /** Aborts, unless everything has ended already: channels that were not read to their end yet can still be. */
  [Symbol.asyncDispose](): Promise<void> {
    if (!this.#engine.isFinished) this.abort();
    return Promise.resolve();
  }

  #end(reason: unknown): void {
    for (const writer of this.#writers) writer.fail(reason);
    this.#writers.clear();
    this.#engine.abort(reason);
    this.#driver.settle();
  }

  #attachOrRefuse(source: ByteSource, options: AttachOptions): void {
    try {
      this.#driver.attach(source, options);
    } catch (error) {
      if (!(error instanceof KcmError) || error.connection === undefined) throw error;
      // somebody else reads it then
      if (error.code !== "EALREADY") void cancelSource(source, error);
      this.#driver.refused(error.connection, error);
    }
  }
}

shownAs(Multiplexor, "Multiplexor", ({ stats, bufferedBytes }) => {
  const { connections, sockets, rxMessages, txMessages, sendBytes } = stats;
  return { connections, sockets, rxMessages, txMessages, bufferedBytes, sendBytes };
});

function brokenPipe(message: string): KcmError {
  return new KcmError(message, { code: "EPIPE", blame: "local" });
}
