/**
 * One channel out of a multiplexor, as the engine sees it: somewhere that has room for messages, or has not, and that has
 * messages to send. The kernel's kcm_sock. Internal; its driver sees a {@linkcode SocketPort}.
 *
 * Not here: a queue of what came in. Whoever reads the channel keeps one, and gives back what it still holds when it
 * closes (`kernel_socket.ts` is such a queue).
 *
 * @module
 */
import { needObject } from "../core/limits.ts";
import type { Timed } from "./deadlines.ts";
import { KcmError } from "./errors.ts";
import type { KcmMessage } from "./kcm_message.ts";
import type { MultiplexorCore } from "./multiplexor_core.ts";
import type { DiscardFilter, OutgoingMessage, SendOptions } from "./outgoing.ts";
import type { Fate, Outgoing } from "./outgoing_message.ts";
import type { SocketPort, SocketSink, SocketStats } from "./ports.ts";
import type { SocketReport } from "./report.ts";
import { SendQueue, type SendQueueOptions } from "./send_queue.ts";
import { SlotTable } from "./slot_table.ts";
import type { SteeringTarget } from "./steering_policy.ts";
import { checkedWeight } from "./psock_base.ts";
import type { Waiter } from "./waiters.ts";

/** One socket. */
export class KcmSock implements SocketPort, Waiter, SteeringTarget, Timed {
  readonly handle: number;
  waiterBefore: Waiter | undefined = undefined;
  waiterBehind: Waiter | undefined = undefined;
  scheduledAt: number = Infinity;
  heapIndex: number = 0;
  load: number = 0;
  /** Of its messages, those of which it has yet to be told. */
  untold: number = 0;
  /** Written messages whose reply it waits for. */
  readonly awaiting: Set<Outgoing> = new Set();
  /** What it sends. */
  readonly sending: SendQueue;
  /** Made like this one. */
  readonly options: SendQueueOptions;
  readonly #core: MultiplexorCore;
  readonly #sink: SocketSink;
  #rxMessages = 0;
  #rxBytes = 0;
  #weight = 1;
  #isRoomy: boolean;
  #isDisabled = false;
  #isClosed = false;
  #drain: { readonly unread: () => readonly KcmMessage[] } | undefined;
  #drainsAt = Infinity;
  #isSendingOver = false;

  /** Makes a socket with room. */
  constructor(handle: number, sink: SocketSink, core: MultiplexorCore, options: SendQueueOptions, isPaused: boolean) {
    needObject("sink", sink);
    this.handle = handle;
    this.options = options;
    this.#isRoomy = !isPaused;
    this.#sink = sink;
    this.#core = core;
    this.sending = new SendQueue(this, core, options);
  }

  get stats(): SocketStats {
    return { rxMessages: this.#rxMessages, rxBytes: this.#rxBytes, ...this.sending.counts };
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  get index(): number {
    return SlotTable.indexOf(this.handle);
  }

  get hasRoom(): boolean {
    return this.#isRoomy && !this.#isDisabled;
  }

  get isReceiveDisabled(): boolean {
    return this.#isDisabled;
  }

  get weight(): number {
    return this.#weight;
  }

  set weight(weight: number) {
    this.#weight = checkedWeight(weight);
  }

  get backlogBytes(): number {
    return this.#sink.backlogBytes ?? 0;
  }

  /** What there is to tell of it. */
  report(isWaiting: boolean, reserved: number | undefined): SocketReport {
    const { sending, stats } = this;
    const { messages, bytes } = this.#sink.readStats ?? { messages: stats.rxMessages, bytes: stats.rxBytes };
    const words: [boolean, string][] = [
      [reserved !== undefined, `Psck-${reserved}`],
      [sending.waiting.length > 0, "TxWait"],
      [sending.isBatching, "WMore"],
      [isWaiting, "RxWait"],
    ];
    return {
      index: this.index,
      rxMessages: messages,
      rxBytes: bytes,
      txMessages: stats.txMessages,
      txBytes: stats.txBytes,
      receiveQueueMessages: this.#sink.backlogMessages ?? 0,
      receiveQueueBytes: this.backlogBytes,
      sendQueueMessages: sending.messages,
      sendQueueBytes: sending.bytes,
      status: words.filter(([isSo]) => isSo).map(([, word]) => word),
    };
  }

  /** Whether it would refuse a message: only the kernel's way of steering asks, the others are told. */
  get isFull(): boolean {
    return !this.hasRoom || (this.#sink.isFull ?? false);
  }

  get queuedMessages(): number {
    return this.sending.messages;
  }

  get queuedBytes(): number {
    return this.sending.bytes;
  }

  get canSend(): boolean {
    return !this.#isSendingOver && this.sending.hasRoom;
  }

  pause(): void {
    if (!this.#isRoomy) return;
    const hadRoom = this.hasRoom;
    this.#isRoomy = false;
    if (hadRoom) this.#core.receive.noRoomAt(this);
  }

  resume(): void {
    if (this.#isClosed || (this.#isRoomy && !this.#core.receive.asks)) return;
    this.#isRoomy = true;
    if (!this.#isDisabled) this.#core.act("resume", () => this.#core.receive.roomAt(this));
  }

  disableReceive(unread: readonly KcmMessage[] = []): void {
    if (this.#isDisabled || this.#isClosed) return;
    this.#core.act("disableReceive", () => {
      if (this.#isRoomy) this.#core.receive.noRoomAt(this);
      this.#isDisabled = true;
      this.#takeBack(unread);
      this.#core.counts.requeued += unread.length;
      this.#core.receive.disabled(this, unread);
    });
  }

  enableReceive(): void {
    if (!this.#isDisabled || this.#isClosed) return;
    this.#isDisabled = false;
    this.#core.act("enableReceive", () => this.#core.receive.enabled(this));
  }

  clone(sink: SocketSink, options: { paused?: boolean | undefined } = {}): SocketPort {
    return this.#core.clone(this, sink, options.paused ?? false);
  }

  send(bytes: Uint8Array, options?: SendOptions): number {
    if (!(bytes instanceof Uint8Array)) throw new TypeError("bytes must be a Uint8Array");
    if (this.#isSendingOver) {
      throw new KcmError("the socket is closed", { code: "EPIPE", blame: "local" });
    }
    if (this.#core.isBusy) return this.sending.send(bytes, options);
    this.#core.enter("send");
    try {
      return this.sending.send(bytes, options);
    } finally {
      this.#core.leave();
    }
  }

  discard(error: unknown = cancelled(), which?: DiscardFilter): void {
    const core = this.#core;
    // messages are between two places when it is asked: it must not throw there
    const asked = which && ((message: OutgoingMessage) => core.guard(() => which(message)) ?? false);
    core.act("discard", () => {
      this.sending.discardOpen(error, asked);
      if (this.awaiting.size > 0) core.replies.giveUp(this, asked, error);
      if (this.sending.messages === 0) return;
      for (const message of core.transmit.discard(this, asked)) core.done(message, "failed", error);
    });
  }

  drain(deadlineAt: number = Infinity, unread: () => readonly KcmMessage[] = () => []): void {
    if (this.#isClosed) return;
    this.#core.act("drain", () => {
      this.#drain ??= { unread };
      this.stopSending();
      this.#drainsAt = Math.min(this.#drainsAt, deadlineAt);
      this.#core.deadlines.update(this);
      this.#finishDrain();
    });
  }

  /** Nothing more is sent; what was accepted goes out. */
  stopSending(): void {
    this.#isSendingOver = true;
    this.sending.closeBatch();
  }

  timeoutAt(): number {
    return this.#drainsAt;
  }

  onTimeout(now: number): void {
    if (now < this.#drainsAt) return;
    this.#close(new KcmError("the socket was not drained in time", { code: "ETIMEDOUT", blame: "local" }));
    this.#sink.drained?.();
  }

  close(unread: readonly KcmMessage[] = []): void {
    if (this.#isClosed) return;
    // from now on, also if this is called from within a callback
    this.pause();
    this.#isSendingOver = true;
    this.#drain = { unread: () => unread };
    this.#core.act("close", () => this.#close(cancelled()));
  }

  /** Passes a message on. */
  deliver(message: KcmMessage): void {
    this.#rxMessages++;
    this.#rxBytes += message.data.length;
    this.#sink.message(message);
  }

  /** Passes the end on. */
  end(): void {
    if (!this.#isClosed) this.#sink.end();
  }

  /** Tells the sender what became of a message. */
  tell(message: Outgoing, fate: Fate): void {
    const sink = this.#sink;
    if (fate === "written") sink.written?.(message);
    else if (fate === "failed") sink.failed?.(message, message.cause);
    else sink.retried?.(message, message.cause);
    this.#finishDrain();
  }

  /** The reply to a message came; returns whether it is wanted. */
  answered(message: Outgoing, reply: KcmMessage): boolean {
    const isTaken = this.#sink.answered?.(message, reply) === true;
    this.#finishDrain();
    return isTaken;
  }

  /** The reply to a message will not come. */
  unanswered(message: Outgoing, error: unknown): void {
    this.#core.guard(() => this.#sink.unanswered?.(message, error));
    this.#finishDrain();
  }

  /** Tells the sender that there is room. */
  notifyWritable(): void {
    if (!this.#isSendingOver) this.#sink.writable?.();
  }

  #finishDrain(): void {
    if (this.#drain === undefined || this.#isClosed) return;
    if (this.sending.messages + this.untold + this.awaiting.size > 0) return;
    this.#close(cancelled());
    this.#sink.drained?.();
  }

  #close(error: KcmError): void {
    if (this.#isClosed) return;
    this.pause();
    this.#isClosed = true;
    this.#isSendingOver = true;
    this.#drainsAt = Infinity;
    this.#core.deadlines.remove(this);
    this.discard(error);
    const unread = this.#drain?.unread() ?? [];
    this.#takeBack(unread);
    this.#core.socketClosed(this, unread);
  }

  #takeBack(unread: readonly KcmMessage[]): void {
    for (const message of unread) {
      this.#rxMessages--;
      this.#rxBytes -= message.data.length;
    }
  }
}

function cancelled(): KcmError {
  return new KcmError("the socket was closed", { code: "ECANCELED", blame: "local" });
}
