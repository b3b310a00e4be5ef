/**
 * The queue of a channel, between the engine's socket and the readable that the user sees. Internal.
 *
 * Messages are handed to the readable only while somebody waits for them, so that a channel that is closed can give
 * back all that was not read: as one array in batch mode, else one at a time.
 *
 * @module
 */
import { type Batched, Outlet } from "../stream/outlet.ts";
import { Fifo } from "./fifo.ts";
import type { KcmMessage } from "./kcm_message.ts";
import type { SocketPort, SocketSink, SocketStats } from "./ports.ts";

/** What a message weighs beyond its bytes: about what its objects take, so that tiny ones do not come for nothing. */
const MESSAGE_WEIGHT = 128;

/** The multiplexor, as its channels know it. */
export interface ChannelOwner {
  /** Whether all channels together hold too much; only those that hold nothing take messages then. */
  readonly isTight: boolean;
  /** What the channels end with, unless they end well. */
  readonly failure: { readonly reason: unknown } | undefined;
  /** Opens the engine's socket, paused. */
  open(sink: SocketSink): SocketPort;
  /** Weight came into a queue, or left it (negative). */
  held(bytes: number): void;
  /** A reader has begun (1) or ceased (-1) to wait. */
  starving(change: 1 | -1): void;
  /** The channel wants `flush` when the engine is done. */
  touched(channel: Channel<boolean>): void;
  /** Does for all channels what `touched` has asked for. */
  settle(): void;
  /** The channel takes part no more; `reason` is what its reader cancelled with, if anything. */
  closed(channel: Channel<boolean>, reason: unknown): void;
}

/** A channel's queue. */
export class Channel<Batch extends boolean> implements SocketSink {
  readonly #owner: ChannelOwner;
  readonly #isBatch: boolean;
  readonly #highWaterMark: number;
  readonly #port: SocketPort;
  readonly #outlet: Outlet<KcmMessage, Batch>;
  readonly #queue: Fifo<KcmMessage> = new Fifo();
  #heldBytes = 0;
  #isTouched = false;
  #isStarving = false;
  #isEnded = false;

  /** Opens a channel; it takes messages from now on. */
  constructor(owner: ChannelOwner, isBatch: Batch, highWaterMark: number) {
    this.#owner = owner;
    this.#isBatch = isBatch;
    this.#highWaterMark = highWaterMark;
    this.#outlet = new Outlet<KcmMessage, Batch>(isBatch, {
      wanted: () => this.#wanted(),
      cancelled: (reason) => this.#leave(reason),
    });
    this.#port = owner.open(this);
  }

  /** What the user reads. */
  get readable(): ReadableStream<Batched<KcmMessage, Batch>> {
    return this.#outlet.readable;
  }

  /** Bytes that wait to be read, with what their messages weigh on top. */
  get heldBytes(): number {
    return this.#heldBytes;
  }

  /** Counters of the engine's socket. */
  get stats(): SocketStats {
    return this.#port.stats;
  }

  /** A message was steered here. */
  message(message: KcmMessage): void {
    const weight = message.data.length + MESSAGE_WEIGHT;
    this.#queue.push(message);
    this.#heldBytes += weight;
    this.#owner.held(weight);
    if (this.#outlet.isStarving) this.#touch();
    // as in the kernel, the message that fills the queue may exceed it
    if (this.#heldBytes >= this.#highWaterMark || this.#owner.isTight) this.#port.pause();
  }

  /** No more messages will come. */
  end(): void {
    this.#isEnded = true;
    this.#touch();
  }

  /** Closes the channel; what was not read goes to the others. */
  close(): void {
    if (this.#port.isClosed) return;
    this.#outlet.end();
    this.#leave(undefined);
  }

  /** Gives a waiting reader what there is, and passes on the end. */
  flush(): void {
    this.#isTouched = false;
    if (this.#outlet.isStarving && this.#queue.length > 0) this.#handOver();
    // not before somebody asks: until then another channel may close, and its messages come here
    if (this.#isEnded && this.#queue.length === 0 && this.#outlet.isStarving) this.#finish();
    this.#noteStarving();
  }

  /** Takes no messages while it holds some. */
  tighten(): void {
    if (this.#heldBytes > 0) this.#port.pause();
  }

  /** Takes messages again if there is room for a good many: with one at a time, each would stop and start its connection. */
  makeRoom(): void {
    const hasRoom = this.#heldBytes === 0 || (this.#heldBytes * 2 <= this.#highWaterMark && !this.#owner.isTight);
    if (hasRoom) this.#port.resume();
  }

  #wanted(): void {
    this.flush();
    this.#owner.settle();
  }

  #finish(): void {
    const failure = this.#owner.failure;
    if (failure === undefined) this.#outlet.end();
    else this.#outlet.fail(failure.reason);
    this.#port.close();
    this.#owner.closed(this, failure?.reason);
  }

  #noteStarving(): void {
    const isStarving = this.#outlet.isStarving;
    if (isStarving === this.#isStarving) return;
    this.#isStarving = isStarving;
    this.#owner.starving(isStarving ? 1 : -1);
  }

  #handOver(): void {
    if (this.#isBatch) {
      const bytes = this.#heldBytes;
      this.#heldBytes = 0;
      this.#outlet.pushBatch(this.#queue.takeAll(), bytes);
      this.#owner.held(-bytes);
    } else {
      const message = this.#queue.shift()!;
      const weight = message.data.length + MESSAGE_WEIGHT;
      this.#heldBytes -= weight;
      this.#outlet.push(message, weight);
      this.#owner.held(-weight);
    }
    if (!this.#port.hasRoom) this.makeRoom();
  }

  #touch(): void {
    if (this.#isTouched) return;
    this.#isTouched = true;
    this.#owner.touched(this);
  }

  #leave(reason: unknown): void {
    this.#noteStarving();
    const bytes = this.#heldBytes;
    this.#heldBytes = 0;
    this.#owner.held(-bytes);
    this.#port.close(this.#queue.takeAll());
    this.#owner.closed(this, reason);
    this.#owner.settle();
  }
}
