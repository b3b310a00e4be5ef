/**
 * The queue of a channel, between the engine's socket and what the user reads. Internal.
 *
 * Messages are handed to the readable only while somebody waits for them, so that a channel that is closed can give
 * back all that was not read: as one array in batch mode, else one at a time. Sending is in `channel_sender_stream.ts`.
 *
 * @module
 */
import { type Batched, Outlet } from "../stream/outlet.ts";
import { ChannelReceivers, type ReceiveOptions } from "./channel_receivers_stream.ts";
import { ChannelSender, type SenderHost } from "./channel_sender_stream.ts";
import { KcmError } from "./errors.ts";
import type { KcmConnection, KcmMessage } from "./kcm_message.ts";
import type { OutgoingMessage } from "./outgoing.ts";
import type { SocketOptions, SocketPort, SocketSink, SocketStats } from "./ports.ts";
import { MESSAGE_WEIGHT, type ReceivedPart, ReceiveQueue } from "./receive_queue.ts";

/** What the multiplexor drives: a channel, or its end of one that is in a worker. */
export interface Driven {
  /** Gives whoever waits what there is, and passes on the end. */
  flush(): void;
  /** Takes no messages while it holds some. */
  tighten(): void;
  /** Takes messages again if there is room for a good many. */
  makeRoom(): void;
  /** A connection is over. */
  connectionEnded?(connection: KcmConnection): void;
}

/** The multiplexor, as its channels know it. */
export interface ChannelOwner {
  /** Whether all channels together hold too much; only those that hold nothing take messages then. */
  readonly isTight: boolean;
  /** What the channels end with, unless they end well. */
  readonly failure: { readonly reason: unknown } | undefined;
  /** Opens the engine's socket, paused. */
  open(sink: SocketSink, options: SocketOptions): SocketPort;
  /** The time. */
  now(): number;
  /** Weight came into a queue, or left it (negative). */
  held(bytes: number): void;
  /** A reader has begun (1) or ceased (-1) to wait. */
  starving(change: 1 | -1): void;
  /** The channel wants `flush` when the engine is done. */
  touched(channel: Driven): void;
  /** Does for all channels what `touched` has asked for. */
  settle(): void;
  /** A message begins again on another connection, or will not be sent. */
  messageFate?(fate: "retried" | "failed", message: OutgoingMessage, error: unknown): void;
  /** A channel takes part that was made like another one. */
  opened(channel: Driven): void;
  /** The channel takes part no more; `reason` is what its reader cancelled with, if anything. */
  closed(channel: Driven, reason: unknown): void;
}

/** What a channel needs to know, every option settled. */
export interface ChannelSettings<Batch extends boolean> extends SocketOptions {
  /** Whether its readable yields arrays. */
  readonly batch: Batch;
  /** Most bytes that wait unread. */
  readonly highWaterMark: number;
  /** Most calls of `send` that wait for room. */
  readonly maxWaitingSends: number;
  /** Is told of each message of its writable that is not sent; without it the writable fails. */
  readonly onSendError: ((message: OutgoingMessage, error: unknown) => void) | undefined;
}

/** A channel's queue. */
export class Channel<Batch extends boolean> implements SocketSink, SenderHost, Driven {
  readonly port: SocketPort;
  readonly settings: ChannelSettings<Batch>;
  readonly sender: ChannelSender;
  /** Resolves when it is closed. */
  readonly closed: Promise<void>;
  readonly #owner: ChannelOwner;
  readonly #isBatch: boolean;
  readonly #highWaterMark: number;
  readonly #outlet: Outlet<KcmMessage, Batch>;
  #readable: ReadableStream<Batched<KcmMessage, Batch>> | undefined;
  readonly #queue: ReceiveQueue = new ReceiveQueue(MESSAGE_WEIGHT);
  readonly #receivers: ChannelReceivers = new ChannelReceivers();
  #resolveClosed!: () => void;
  #isTouched = false;
  #isStarving = false;
  #isEnded = false;
  #isOver = false;

  /** Opens a channel; it takes messages from now on. */
  constructor(owner: ChannelOwner, settings: ChannelSettings<Batch>) {
    this.#owner = owner;
    this.settings = settings;
    this.#isBatch = settings.batch;
    this.#highWaterMark = settings.highWaterMark;
    this.#outlet = new Outlet<KcmMessage, Batch>(this.#isBatch, {
      wanted: () => this.#wanted(),
      cancelled: (reason) => this.#leave(reason),
    });
    this.closed = new Promise((resolve) => this.#resolveClosed = resolve);
    this.sender = new ChannelSender(this);
    this.port = owner.open(this, settings);
  }

  /** What the user reads. */
  get readable(): ReadableStream<Batched<KcmMessage, Batch>> {
    return this.#readable ??= this.#outlet.readable;
  }

  get maxWaitingSends(): number {
    return this.settings.maxWaitingSends;
  }

  get isSeqpacket(): boolean {
    return this.settings.type === "seqpacket";
  }

  /** Bytes that wait to be read, with what their messages weigh on top. */
  get heldBytes(): number {
    return this.#queue.weight;
  }

  get backlogBytes(): number {
    return this.#queue.weight;
  }

  get backlogMessages(): number {
    return this.#queue.length;
  }

  get isFull(): boolean {
    return this.#queue.weight >= this.#highWaterMark;
  }

  /** Counters of the engine's socket. */
  get stats(): SocketStats {
    return this.port.stats;
  }

  /** A message was steered here. */
  message(message: KcmMessage): void {
    this.#owner.held(this.#queue.push(message));
    if (this.#isStarving) this.#touch();
    // as in the kernel, the message that fills the queue may exceed it
    if (this.#queue.weight >= this.#highWaterMark || this.#owner.isTight) this.port.pause();
  }

  /** No more messages will come. */
  end(): void {
    this.#isEnded = true;
    this.sender.end(this.#owner.failure?.reason ?? closedError());
    this.#touch();
  }

  written(message: OutgoingMessage): void {
    this.sender.written(message);
  }

  retried(message: OutgoingMessage, error: unknown): void {
    this.#owner.messageFate?.("retried", message, error);
  }

  failed(message: OutgoingMessage, error: unknown): void {
    this.#owner.messageFate?.("failed", message, error);
    this.sender.failed(message, error);
  }

  answered(message: OutgoingMessage, reply: KcmMessage): boolean {
    return this.sender.answered(message, reply);
  }

  unanswered(message: OutgoingMessage, error: unknown): void {
    this.sender.unanswered(message, error);
  }

  writable(): void {
    this.sender.room();
  }

  drained(): void {
    this.#outlet.end();
    this.#touch();
  }

  sendFailed(message: OutgoingMessage, error: unknown): boolean {
    this.settings.onSendError?.(message, error);
    return this.settings.onSendError !== undefined;
  }

  settle(): void {
    this.#owner.settle();
  }

  /** Reads a message, or a part of it, as soon as there is one; `undefined` at the end. */
  receive(options: ReceiveOptions): Promise<ReceivedPart | undefined> {
    if (this.#readable?.locked) return Promise.reject(busyError());
    const received = this.#receivers.wait(options, () => this.flush());
    this.#wanted();
    return received;
  }

  /** Reads a message, or a part of it, if there is one. */
  tryReceive(maxLength: number, isPeek: boolean): ReceivedPart | undefined {
    if (this.#readable?.locked) throw busyError();
    return this.#read(maxLength, isPeek);
  }

  /** Takes no messages; what was not read goes to the others. */
  disableReceive(): void {
    if (this.port.isReceiveDisabled) return;
    this.port.disableReceive(this.#takeAll());
    this.#owner.settle();
  }

  /** Takes messages again. */
  enableReceive(): void {
    this.port.enableReceive();
    this.makeRoom();
    this.#owner.settle();
  }

  /** Another one like it. */
  clone(): Channel<Batch> {
    const channel = new Channel(this.#owner, this.settings);
    this.#owner.opened(channel);
    return channel;
  }

  /** Closes the channel; what was not read goes to the others. */
  close(): void {
    if (this.port.isClosed) return;
    this.#outlet.end();
    this.#leave(undefined);
  }

  /** Closes the channel when everything was sent, or after so long. */
  drain(deadlineMs: number): void {
    if (this.port.isClosed) return;
    this.port.drain(this.#owner.now() + deadlineMs, () => this.#takeAll());
    this.#owner.settle();
  }

  /** Its owner is gone, and what was not read is elsewhere. */
  lost(): void {
    const failure = this.#owner.failure?.reason;
    this.#takeAll();
    this.#outlet.fail(failure);
    this.#left(failure);
  }

  /** Gives whoever waits what there is, and passes on the end. */
  flush(): void {
    this.#isTouched = false;
    while (this.#receivers.isWaiting && this.#queue.length > 0) {
      this.#receivers.serve((maxLength, isPeek) => this.#read(maxLength, isPeek)!);
    }
    if (this.#outlet.isStarving && this.#queue.length > 0) this.#handOver();
    // not before somebody asks: until then another channel may close, and its messages come here
    const isWanted = this.#outlet.isStarving || this.#receivers.isWaiting;
    if (this.#isEnded && this.#queue.length === 0 && isWanted) this.#finish();
    else if (this.port.isClosed) this.#left(undefined);
    this.#noteStarving();
  }

  /** Takes no messages while it holds some. */
  tighten(): void {
    if (this.#queue.weight > 0) this.port.pause();
  }

  /** Takes messages again if there is room for a good many: with one at a time, each would stop and start its connection. */
  makeRoom(): void {
    const held = this.#queue.weight;
    if (held === 0 || (held * 2 <= this.#highWaterMark && !this.#owner.isTight)) this.port.resume();
  }

  #read(maxLength: number, isPeek: boolean): ReceivedPart | undefined {
    if (this.#queue.length === 0) return undefined;
    const before = this.#queue.weight;
    const part = this.#queue.read(maxLength, isPeek, !this.isSeqpacket);
    if (!isPeek) this.#taken(before - this.#queue.weight);
    return part;
  }

  #wanted(): void {
    this.flush();
    this.#owner.settle();
  }

  #finish(): void {
    const failure = this.#owner.failure;
    if (failure === undefined) this.#outlet.end();
    else this.#outlet.fail(failure.reason);
    this.port.close();
    this.#left(failure?.reason);
  }

  #noteStarving(): void {
    const isStarving = this.#outlet.isStarving || this.#receivers.isWaiting;
    if (isStarving === this.#isStarving) return;
    this.#isStarving = isStarving;
    this.#owner.starving(isStarving ? 1 : -1);
  }

  #handOver(): void {
    const before = this.#queue.weight;
    if (this.#isBatch) {
      this.#outlet.pushBatch(this.#queue.takeAll(), before);
      this.#taken(before);
    } else {
      const message = this.#queue.shift();
      const weight = before - this.#queue.weight;
      this.#outlet.push(message, weight);
      this.#taken(weight);
    }
  }

  #taken(weight: number): void {
    this.#owner.held(-weight);
    if (!this.port.hasRoom) this.makeRoom();
  }

  /** What was not read. */
  #takeAll(): KcmMessage[] {
    this.#owner.held(-this.#queue.weight);
    return this.#queue.takeAll();
  }

  #touch(): void {
    if (this.#isTouched) return;
    this.#isTouched = true;
    this.#owner.touched(this);
  }

  #leave(reason: unknown): void {
    this.port.close(this.#takeAll());
    this.#left(reason);
    this.#owner.settle();
  }

  /** The one place where it is over. */
  #left(reason: unknown): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.sender.end(this.#owner.failure?.reason ?? closedError());
    this.#receivers.end(this.#owner.failure);
    this.#noteStarving();
    this.#owner.closed(this, reason);
    this.#resolveClosed();
  }
}

function closedError(): KcmError {
  return new KcmError("the socket is closed", { code: "EPIPE", blame: "local" });
}

function busyError(): KcmError {
  return new KcmError("the readable is locked: its reader gets the messages", { code: "EBUSY", blame: "local" });
}
