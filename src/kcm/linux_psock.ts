/**
 * One attached connection that receives as the kernel's psock does, with the errors of its TCP socket. Internal; for
 * `compat: "linux"`.
 *
 * What is pushed stands in for TCP's receive queue, and what the parser does not take stays there. Failures stop one
 * direction and are posted as the socket's error; the connection stays attached until somebody takes it away.
 *
 * @module
 */
import { ChunkQueue } from "../bytes/chunk_queue.ts";
import { concat } from "../bytes/concat.ts";
import { limitOption } from "../core/limits.ts";
import type { StreamParserStats } from "../strparser/options.ts";
import { ReceiveMode, type ReceiveSource } from "../strparser/receive_mode.ts";
import { type KcmConnection, KcmMessage } from "./kcm_message.ts";
import type { MultiplexorCore } from "./multiplexor_core.ts";
import type { AttachOptions, LowerEvents } from "./ports.ts";
import { PsockBase } from "./psock_base.ts";
import type { LowerRemains } from "./transmit_ports.ts";

const DEFAULT_RECEIVE_QUEUE_BYTES = 6 * 1024 * 1024;

/** TCP's receive queue. */
class ReceiveQueue extends ChunkQueue implements ReceiveSource {
  get pendingBytes(): number {
    return this.length;
  }
}

/** One attached connection, the kernel's way. */
export class LinuxPsock extends PsockBase {
  readonly #queue: ReceiveQueue = new ReceiveQueue();
  readonly #maxQueueBytes: number;
  readonly #mode: ReceiveMode;
  #ready: KcmMessage | undefined;
  #sequence = 0;
  #now = 0;
  #isShort = false;
  #hasNews = false;
  /** The peer's end lies behind what is unread; it is in the queue, too. */
  #isEndUnread = false;
  #isReceiveStopped = false;
  #socketError: string | undefined;

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
    this.#maxQueueBytes = limitOption("receiveQueueBytes", options.receiveQueueBytes, DEFAULT_RECEIVE_QUEUE_BYTES);
    const { parser, direction, copy, maxHeaderBytes, messageTimeoutMs } = options;
    this.#mode = new ReceiveMode(
      { parser, direction, copy, maxHeaderBytes, messageTimeoutMs, maxMessageLength, compat: "linux" },
      this.#queue,
      {
        receiveMessage: (data) => this.#received(data),
        readDone: (code) => {
          this.core.receive.runEnded(this);
          return code;
        },
        abortParser: (error) => {
          this.#isReceiveStopped = true;
          this.postError(error.code);
          this.core.countFailure(error.code);
        },
      },
      () => core.defer(this),
    );
  }

  get stats(): StreamParserStats {
    return this.#mode.stats;
  }

  get isPaused(): boolean {
    return this.#ready !== undefined;
  }

  get bytesHeld(): number {
    return this.#mode.parser.bytesHeld;
  }

  override get unreadBytes(): number {
    return this.#queue.length;
  }

  override get isAnythingUnread(): boolean {
    return this.#isEndUnread || this.#queue.length > 0;
  }

  override get bytesAwaited(): number {
    return this.#mode.parser.bytesAwaited;
  }

  override get isReceiveStopped(): boolean {
    return this.#isReceiveStopped;
  }

  override takeError(): string | undefined {
    const error = this.#socketError;
    this.#socketError = undefined;
    return error;
  }

  push(bytes: Uint8Array, now: number): number {
    if (!(bytes instanceof Uint8Array)) throw new TypeError("bytes must be a Uint8Array");
    if (this.isOver) return 0;
    this.core.enter("push");
    try {
      this.#now = now;
      const taken = Math.min(bytes.length, Math.max(0, this.#maxQueueBytes - this.#queue.length));
      this.#isShort = taken < bytes.length;
      if (taken > 0) this.#queue.push(bytes.subarray(0, taken));
      this.#mode.dataReady(now);
      this.#afterRead();
      return taken;
    } finally {
      this.core.leave();
    }
  }

  /** The peer's end: nothing stops, and an error is posted. */
  end(now: number): void {
    this.#now = now;
    if (this.isOver) return;
    this.core.act("end", () => {
      this.#isEndUnread = true;
      this.#afterRead();
      this.postError("EPIPE");
    });
  }

  /** A reset: the same, whatever it was. */
  override fail(_error: unknown): void {
    this.postError("EPIPE");
  }

  override failSending(error: unknown): void {
    if (!this.isOver) this.core.act("failSending", () => this.core.transmit.failed(this, error));
  }

  override unattach(): LowerRemains {
    if (this.isOver) return { unread: new Uint8Array(0), messages: [] };
    return this.core.act("unattach", () => ({ unread: this.finish(undefined, undefined), messages: [] }));
  }

  takeReady(): KcmMessage {
    const message = this.#ready!;
    this.#ready = undefined;
    this.#mode.unpause(this.#now);
    return message;
  }

  /** Tells the driver that there is room below, whatever the parser does. */
  override notifyResumed(): void {
    const { resumed } = this.events;
    if (this.isOver || !this.#hasNews) return;
    this.#hasNews = false;
    resumed?.call(this.events);
  }

  /** The parser's queued pass. */
  work(): void {
    if (this.isOver) return;
    this.#mode.work(this.#now);
    this.#afterRead();
  }

  /** Posts an error on the connection's socket, over what was there. */
  postError(code: string): void {
    this.#socketError = code;
  }

  protected parserTimeoutAt(): number {
    return this.#mode.parser.timeoutAt();
  }

  protected parserTimeout(now: number): void {
    this.#now = now;
    this.#mode.parser.onTimeout(now);
  }

  /** What is unread is given back; what the parser took of a message is lost, and so is the message that waits. */
  protected stopReceiving(): Uint8Array {
    this.#isReceiveStopped = true;
    this.#mode.parser.abort();
    if (this.takeKept() !== undefined) this.core.counts.readyDrops++;
    const unread: Uint8Array[] = [];
    for (let bytes = this.#queue.peek(); bytes !== undefined; bytes = this.#queue.peek()) {
      unread.push(bytes);
      this.#queue.skip(bytes.length);
    }
    return concat(unread);
  }

  protected takeKept(): KcmMessage | undefined {
    const kept = this.#ready;
    if (kept === undefined) return undefined;
    this.#ready = undefined;
    this.core.receive.forget(this);
    return kept;
  }

  #received(data: Uint8Array): void {
    const message = new KcmMessage(data, this.connection, this.#sequence++);
    if (this.core.receive.steer(this, message)) return;
    this.#ready = message;
    this.#mode.pause(this.#now);
  }

  #afterRead(): void {
    if (!this.isOver) this.core.deadlines.update(this);
    const isHeldUp = this.isPaused || this.#isReceiveStopped || this.bytesAwaited > 0 || this.#queue.length > 0;
    if (!isHeldUp) this.#isEndUnread = false;
    if (!this.#isShort || this.#queue.length >= this.#maxQueueBytes) return;
    this.#isShort = false;
    this.#hasNews = true;
    this.core.resumed(this);
  }
}
