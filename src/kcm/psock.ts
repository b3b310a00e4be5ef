/**
 * One attached connection: its parser and, while no socket has room, its one message that waits. The kernel's
 * psock. Internal; its driver sees a {@linkcode LowerPort}.
 *
 * Not here: which socket gets a message (the engine's business), and sending.
 *
 * @module
 */
import type { Sink } from "../core/engine.ts";
import type { LeatError } from "../core/errors.ts";
import type { StreamParserStats } from "../strparser/options.ts";
import { StreamParser } from "../strparser/stream_parser.ts";
import { datagrams } from "./datagrams.ts";
import { type KcmConnection, KcmMessage } from "./kcm_message.ts";
import type { PortHost } from "./port_host.ts";
import type { AttachOptions, LowerEvents, LowerPort } from "./ports.ts";
import { SlotTable } from "./slot_table.ts";

/** One attached connection. */
export class Psock implements LowerPort {
  readonly handle: number;
  readonly connection: KcmConnection;
  readonly #host: PortHost;
  readonly #events: LowerEvents;
  readonly #parser: StreamParser;
  /** What the host knows of the bytes that the parser holds. */
  #partialBytes = 0;
  #ready: KcmMessage | undefined;
  #isOver = false;
  #error: unknown;

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
    host: PortHost,
  ) {
    this.handle = handle;
    this.connection = connection;
    this.#host = host;
    this.#events = events;
    const isWhole = options.parser === datagrams;
    this.#parser = new StreamParser(
      {
        parser: options.parser,
        direction: options.direction,
        copy: options.copy,
        // the parser of datagrams has to see each one whole
        maxMessageLength: isWhole ? Infinity : maxMessageLength,
        maxHeaderBytes: isWhole ? Infinity : options.maxHeaderBytes,
      },
      isWhole ? new DatagramSink(this, host, maxMessageLength) : new MessageSink(this, host),
    );
  }

  get stats(): StreamParserStats {
    return this.#parser.stats;
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  get isPaused(): boolean {
    return this.#ready !== undefined;
  }

  get error(): unknown {
    return this.#error;
  }

  get bytesHeld(): number {
    return this.#parser.bytesHeld;
  }

  push(bytes: Uint8Array, now: number): number {
    this.#host.enter("push");
    try {
      const taken = this.#parser.push(bytes, now);
      this.#countPartial();
      return taken;
    } finally {
      this.#host.leave();
    }
  }

  end(now: number): void {
    this.#host.enter("end");
    try {
      this.#parser.end(now);
    } finally {
      this.#host.leave();
    }
  }

  fail(error: unknown): void {
    const code = (error as { code?: unknown } | null | undefined)?.code;
    this.#giveUp(error, typeof code === "string" ? code : "EIO");
  }

  abort(): void {
    this.#giveUp(undefined, undefined);
  }

  get index(): number {
    return SlotTable.indexOf(this.handle);
  }

  /** Hands over the message that waits; the parser may go on. */
  takeReady(): KcmMessage {
    const message = this.#ready!;
    this.#ready = undefined;
    this.#parser.resume();
    return message;
  }

  /** Tells the driver that there is room. */
  notifyResumed(): void {
    if (!this.#isOver && this.#ready === undefined) this.#events.resumed?.();
  }

  /** Keeps the message that no socket took; the parser stops behind it. */
  keep(message: KcmMessage): void {
    this.#ready = message;
    this.#parser.pause();
  }

  /** The parser has come to the end, with an error or (`undefined`) well. */
  finish(error: LeatError | undefined): void {
    this.#finish(error, error?.code);
  }

  #countPartial(): void {
    const held = this.#parser.bytesHeld;
    const more = held - this.#partialBytes;
    if (more === 0) return;
    this.#partialBytes = held;
    const failure = this.#host.partial(this, more);
    if (failure !== undefined) this.fail(failure);
  }

  #giveUp(error: unknown, failure: string | undefined): void {
    if (this.#isOver) return;
    this.#parser.abort();
    if (this.#host.isBusy()) return this.#finish(error, failure);
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
    this.#countPartial();
    this.#host.unattach(this, failure);
    this.#events.unattached?.(error);
  }
}

/** Where the parser of a port puts its messages. A class: closures made for each port would cost every message 2 ns. */
class MessageSink implements Sink<Uint8Array> {
  readonly #port: Psock;
  readonly #host: PortHost;
  readonly #connection: KcmConnection;
  #sequence = 0;

  constructor(port: Psock, host: PortHost) {
    this.#port = port;
    this.#host = host;
    this.#connection = port.connection;
  }

  item(data: Uint8Array): void {
    const message = new KcmMessage(data, this.#connection, this.#sequence++);
    if (!this.#host.steer(this.#port, message)) this.#port.keep(message);
  }

  error(error: LeatError): void {
    this.#port.finish(error);
  }

  end(): void {
    this.#port.finish(undefined);
  }
}

/** The same for datagrams: those that are too long are dropped. */
class DatagramSink extends MessageSink {
  readonly #host: PortHost;
  readonly #maxLength: number;

  constructor(port: Psock, host: PortHost, maxLength: number) {
    super(port, host);
    this.#host = host;
    this.#maxLength = maxLength;
  }

  override item(data: Uint8Array): void {
    if (data.length > this.#maxLength) this.#host.dropped();
    else super.item(data);
  }
}
