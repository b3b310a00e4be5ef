/**
 * One attached connection: its parser and, while no socket has room, its one message that waits. The kernel's `psock`.
 *
 * Not here: which socket gets a message (the engine's business), and sending.
 *
 * @module
 */
import { StreamParser, type StreamParserOptions, type StreamParserStats } from "../strparser/stream_parser.ts";
import { datagrams } from "./datagrams.ts";
import { type FlowOrigin, type KcmConnection, KcmMessage } from "./kcm_message.ts";
import type { PortHost } from "./port_host.ts";

/** What to attach: how its messages are delineated, and what is known of it. */
export interface AttachOptions extends StreamParserOptions {
  /** The captured flow whose direction this is. @default {undefined} */
  flow?: FlowOrigin | undefined;
  /** A name for people. @default {undefined} */
  label?: string | undefined;
}

/** What a connection tells the driver that attached it. */
export interface LowerEvents {
  /** There is room again: offer the bytes that were not taken. `push` may be called from here. */
  resumed?(): void;
  /**
   * The connection is over, its messages are not lost: called exactly once, when it has ended (`error` is `undefined`),
   * was cut off inside a message, broke its protocol, or was given up with `fail` or `abort`.
   */
  unattached?(error: unknown): void;
}

/** One attached connection, made by {@linkcode MultiplexorEngine.attach}. */
export class LowerPort {
  /** Identifies the connection in its engine as long as it is attached, and nothing after. */
  readonly handle: number;
  /** What its messages carry as their origin. */
  readonly connection: KcmConnection;
  readonly #host: PortHost;
  readonly #events: LowerEvents;
  readonly #parser: StreamParser;
  #sequence = 0;
  #ready: KcmMessage | undefined;
  #isOver = false;
  #error: unknown;

  /**
   * For the engine only.
   *
   * @throws {TypeError | RangeError} when an option is wrong
   */
  constructor(
    handle: number,
    connection: KcmConnection,
    options: AttachOptions,
    maxMessageLength: number,
    events: LowerEvents,
    host: PortHost,
  ) {
    this.handle = handle;
    this.connection = connection;
    this.#host = host;
    this.#events = events;
    const isWhole = options.parser === datagrams;
    this.#parser = new StreamParser(
      // the parser of datagrams has to see each one whole
      isWhole ? { ...options, maxMessageLength: Infinity, maxHeaderBytes: Infinity } : { ...options, maxMessageLength },
      {
        item: isWhole ? (data) => this.#datagram(data, maxMessageLength) : (data) => this.#message(data),
        error: (error) => this.#finish(error, error.code),
        end: () => this.#finish(undefined, undefined),
      },
    );
  }

  /** Counters of its parser. */
  get stats(): StreamParserStats {
    return this.#parser.stats;
  }

  /** Whether it is over: nothing is taken any more. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** Whether it waits for a socket with room; `push` takes nothing until then. */
  get isPaused(): boolean {
    return this.#ready !== undefined;
  }

  /** What it failed with, once it has. */
  get error(): unknown {
    return this.#error;
  }

  /** Bytes held of a message that has begun. */
  get bytesHeld(): number {
    return this.#parser.bytesHeld;
  }

  /**
   * Takes the connection's next bytes; for {@linkcode datagrams} exactly one datagram.
   *
   * @returns how many bytes were taken. Fewer than offered: the rest is to be offered again after `resumed`, unless the
   * connection is over
   * @throws {TypeError} when `bytes` is not a `Uint8Array`
   * @throws {KcmError} `EBUSY` when called from within a callback other than `resumed`
   */
  push(bytes: Uint8Array, now: number): number {
    this.#host.enter("push");
    try {
      return this.#parser.push(bytes, now);
    } finally {
      this.#host.leave();
    }
  }

  /**
   * The connection has ended. All its bytes must have been taken; inside a message it is `ETRUNCATED`.
   *
   * @throws {KcmError} `EBUSY` when called from within a callback other than `resumed`
   */
  end(now: number): void {
    this.#host.enter("end");
    try {
      this.#parser.end(now);
    } finally {
      this.#host.leave();
    }
  }

  /** The connection has failed with `error`; its whole messages are delivered, a part of one is lost. Allowed anywhere. */
  fail(error: unknown): void {
    const code = (error as { code?: unknown } | null | undefined)?.code;
    this.#giveUp(error, typeof code === "string" ? code : "EIO");
  }

  /** Takes the connection away; its whole messages are delivered, a part of one is lost. Allowed anywhere. */
  abort(): void {
    this.#giveUp(undefined, undefined);
  }

  /** For the engine only: hands over the message that waits; the parser may go on. */
  takeReady(): KcmMessage {
    const message = this.#ready!;
    this.#ready = undefined;
    this.#parser.resume();
    return message;
  }

  /** For the engine only: tells the driver that there is room. */
  notifyResumed(): void {
    if (!this.#isOver && this.#ready === undefined) this.#events.resumed?.();
  }

  #datagram(data: Uint8Array, maxLength: number): void {
    if (data.length > maxLength) this.#host.dropped();
    else this.#message(data);
  }

  #message(data: Uint8Array): void {
    const message = new KcmMessage(data, this.connection, this.#sequence++);
    if (this.#host.steer(this, message)) return;
    this.#ready = message;
    this.#parser.pause();
  }

  #giveUp(error: unknown, failure: string | undefined): void {
    if (this.#isOver) return;
    this.#parser.abort();
    if (this.#host.isBusy) return this.#finish(error, failure);
    this.#host.enter("abort");
    try {
      this.#finish(error, failure);
    } finally {
      this.#host.leave();
    }
  }

  #finish(error: unknown, failure: string | undefined): void {
    this.#isOver = true;
    this.#error = error;
    this.#host.unattach(this, failure);
    this.#events.unattached?.(error);
  }
}
