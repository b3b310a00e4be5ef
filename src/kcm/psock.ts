/**
 * One attached connection: its parser and, while no socket has room, its one message that waits. Internal.
 *
 * Not here: which socket gets a message (`steering_ports.ts`), sending (`psock_base.ts`), the kernel's way to receive
 * (`linux_psock.ts`).
 *
 * @module
 */
import type { Sink } from "../core/engine.ts";
import type { LeatError } from "../core/errors.ts";
import type { StreamParserStats } from "../strparser/options.ts";
import { StreamParser } from "../strparser/stream_parser.ts";
import { datagrams } from "./datagrams.ts";
import { type KcmConnection, KcmMessage } from "./kcm_message.ts";
import type { MultiplexorCore } from "./multiplexor_core.ts";
import type { AttachOptions, LowerEvents } from "./ports.ts";
import { PsockBase } from "./psock_base.ts";
import type { ReceiveSteering } from "./steering_ports.ts";

/** One attached connection. */
export class Psock extends PsockBase {
  readonly #parser: StreamParser;
  readonly #isHalfOpen: boolean;
  /** What the core knows of the bytes that the parser holds. */
  #partialBytes = 0;
  #ready: KcmMessage | undefined;
  /** The message that waits has gone elsewhere, or is lost to this port. */
  #hasEnded = false;

  /**
   * Makes a port with a parser of its own.
   *
   * @throws {TypeError | RangeError} when an option is wrong
   */
  constructor(
    handle: number,
    connection: KcmConnection,
    options: AttachOptions,
    maxMessageLength: number,
    events: LowerEvents,
    core: MultiplexorCore,
  ) {
    super(handle, connection, options, events, core);
    this.#isHalfOpen = (options.halfOpen ?? false) && events.pullable !== undefined;
    const isWhole = options.parser === datagrams;
    const { parser, direction, copy, copyThreshold, oversize, resync, budget, maxHeaderBytes } = options;
    const { headerTimeoutMs, messageTimeoutMs, idleTimeoutMs } = options;
    this.#parser = new StreamParser(
      {
        parser,
        direction,
        copy,
        copyThreshold,
        oversize,
        resync,
        budget,
        headerTimeoutMs,
        messageTimeoutMs,
        idleTimeoutMs,
        keepConsumed: true,
        // the parser of datagrams has to see each one whole
        maxMessageLength: isWhole ? Infinity : maxMessageLength,
        maxHeaderBytes: isWhole ? Infinity : maxHeaderBytes,
      },
      isWhole ? new DatagramSink(this, core, maxMessageLength) : new MessageSink(this, core),
    );
  }

  get stats(): StreamParserStats {
    return this.#parser.stats;
  }

  get isPaused(): boolean {
    return this.#ready !== undefined;
  }

  get bytesHeld(): number {
    return this.#parser.bytesHeld;
  }

  push(bytes: Uint8Array, now: number): number {
    const { core } = this;
    core.enter("push");
    try {
      const taken = this.#parser.push(bytes, now);
      this.#countPartial();
      core.receive.runEnded(this);
      if (this.#parser.timeoutAt() < this.scheduledAt && !this.isOver) core.deadlines.update(this);
      return taken;
    } finally {
      core.leave();
    }
  }

  end(now: number): void {
    this.core.enter("end");
    try {
      this.#parser.end(now);
    } finally {
      this.core.leave();
    }
  }

  takeReady(): KcmMessage {
    const message = this.#ready!;
    this.#ready = undefined;
    this.#parser.resume();
    this.core.deadlines.update(this);
    return message;
  }

  /** Keeps the message that no socket took; the parser stops behind it. */
  keep(message: KcmMessage): void {
    this.#ready = message;
    this.#parser.pause();
  }

  /** The parser has come to the end, with an error or (`undefined`) well. */
  ended(error: LeatError | undefined): void {
    this.#hasEnded = true;
    if (error === undefined && this.#isHalfOpen) return this.core.replies.ended(this.transmit, undefined);
    this.finish(error, error?.code);
  }

  protected parserTimeoutAt(): number {
    return this.#parser.timeoutAt();
  }

  protected parserTimeout(now: number): void {
    this.#parser.onTimeout(now);
  }

  protected stopReceiving(): Uint8Array {
    if (!this.#hasEnded) this.#parser.abort();
    const unread = this.#parser.takeover();
    this.#countPartial();
    return unread;
  }

  protected takeKept(): KcmMessage | undefined {
    const kept = this.#ready;
    if (kept === undefined) return undefined;
    this.#ready = undefined;
    this.core.receive.forget(this);
    return kept;
  }

  #countPartial(): void {
    const held = this.#parser.bytesHeld;
    const more = held - this.#partialBytes;
    if (more === 0) return;
    this.#partialBytes = held;
    const failure = this.core.partial(this, more);
    if (failure !== undefined) this.fail(failure);
  }
}

/** Where the parser of a port puts its messages. A class: closures made for each port would cost every message 2 ns. */
class MessageSink implements Sink<Uint8Array> {
  readonly #port: Psock;
  readonly #receive: ReceiveSteering;
  readonly #connection: KcmConnection;
  #sequence = 0;

  constructor(port: Psock, core: MultiplexorCore) {
    this.#port = port;
    this.#receive = core.receive;
    this.#connection = port.connection;
  }

  item(data: Uint8Array): void {
    const message = new KcmMessage(data, this.#connection, this.#sequence++);
    if (this.#port.answers(message) || this.#receive.steer(this.#port, message)) return;
    this.#port.keep(message);
  }

  error(error: LeatError): void {
    this.#port.ended(error);
  }

  end(): void {
    this.#port.ended(undefined);
  }
}

/** The same for datagrams: those that are too long are dropped. */
class DatagramSink extends MessageSink {
  readonly #core: MultiplexorCore;
  readonly #maxLength: number;

  constructor(port: Psock, core: MultiplexorCore, maxLength: number) {
    super(port, core);
    this.#core = core;
    this.#maxLength = maxLength;
  }

  override item(data: Uint8Array): void {
    if (data.length > this.#maxLength) this.#core.counts.dropped++;
    else super.item(data);
  }
}
