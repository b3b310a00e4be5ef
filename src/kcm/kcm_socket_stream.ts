/**
 * A channel, as its user sees it.
 *
 * @module
 */
import { durationOption, limitOption } from "../core/limits.ts";
import { shownAs } from "../core/shown.ts";
import type { Batched } from "../stream/outlet.ts";
import type { ReceiveOptions } from "./channel_receivers_stream.ts";
import type { KcmSendOptions, KcmWritable, SendReceipt } from "./channel_sender_stream.ts";
import type { Channel, ChannelSettings } from "./channel_stream.ts";
import type { KcmMessage } from "./kcm_message.ts";
import type { OutgoingMessage } from "./outgoing.ts";
import type { SocketOptions, SocketStats } from "./ports.ts";
import type { ReceivedPart } from "./receive_queue.ts";

/** Options of {@linkcode Multiplexor.socket}. */
export interface KcmSocketOptions<Batch extends boolean = false> extends Omit<SocketOptions, "paused"> {
  /**
   * Yield arrays of messages, each with all that has come since the last, instead of single messages. Much faster.
   *
   * @default {false}
   */
  batch?: Batch | undefined;
  /**
   * How many bytes may wait unread before the channel gets no more; the message that reaches the limit may exceed it.
   * Each message counts 128 on top of its length. Kernel: `SO_RCVBUF`.
   *
   * @default {262144} or what the multiplexor was made with
   */
  highWaterMark?: number | undefined;
  /** How many calls of `send` may wait for room; beyond, it rejects with `ENOBUFS`. @default {65536} */
  maxWaitingSends?: number | undefined;
  /**
   * Called for each message of `writable` that will not be sent, which then goes on. Without it the writable fails with
   * the first such error.
   *
   * @default {undefined}
   */
  onSendError?: ((message: OutgoingMessage, error: unknown) => void) | undefined;
}

/** How to close a {@linkcode KcmSocket}. */
export interface CloseOptions {
  /** Send what was accepted before. @default {false} */
  drain?: boolean | undefined;
  /** How long to wait for that, in milliseconds; then the rest fails with `ETIMEDOUT`. @default {Infinity} */
  deadlineMs?: number | undefined;
}

const DEFAULT_MAX_WAITING_SENDS = 65_536;

/** Options with every default in its place. Internal. */
export function channelSettings<Batch extends boolean>(
  options: KcmSocketOptions<Batch>,
  highWaterMark: number,
): ChannelSettings<Batch> {
  return {
    type: options.type,
    sendBufferBytes: options.sendBufferBytes,
    retry: options.retry,
    weight: options.weight,
    batch: (options.batch ?? false) as Batch,
    highWaterMark: limitOption("highWaterMark", options.highWaterMark, highWaterMark),
    maxWaitingSends: limitOption("maxWaitingSends", options.maxWaitingSends, DEFAULT_MAX_WAITING_SENDS),
    onSendError: options.onSendError,
  };
}

/**
 * One channel of a {@linkcode Multiplexor}, made by its `socket` method.
 *
 * Cancelling `readable`, as leaving a `for await` loop does, closes the channel. What it had not yet been asked for
 * goes to the other channels, so no message is lost and none comes twice.
 *
 * @example
 * ```ts
 * import { datagrams, Multiplexor } from "@leat/streams/kcm";
 * import { assertEquals } from "@std/assert";
 *
 * const kcm = new Multiplexor();
 * const [first, second] = [kcm.socket(), kcm.socket({ batch: true })];
 * const readable = ReadableStream.from([[1, 2, 3, 4].map((byte) => Uint8Array.of(byte))]);
 * kcm.attach({ readable }, { parser: datagrams });
 * kcm.close();
 * for await (const message of first.readable) {
 *   assertEquals(message.data[0], 1);
 *   break; // message 3 goes to the other channel
 * }
 * const rest: number[] = [];
 * for await (const batch of second.readable) rest.push(...batch.map((message) => message.data[0]!));
 * assertEquals(rest, [2, 4, 3]);
 * ```
 */
export class KcmSocket<Batch extends boolean = false> implements AsyncDisposable {
  readonly #channel: Channel<Batch>;

  /** For the multiplexor only. */
  constructor(channel: Channel<Batch>) {
    this.#channel = channel;
  }

  /** Messages, or arrays of them with `batch`; made on first access. Ends when the multiplexor does. */
  get readable(): ReadableStream<Batched<KcmMessage, Batch>> {
    return this.#channel.readable;
  }

  /**
   * Messages to send, single ones or arrays; made on first access. A write is done when the message was accepted, and waits
   * while there is no room; closing it waits until all of them are written. The socket stays open.
   */
  get writable(): WritableStream<KcmWritable> {
    return this.#channel.sender.writable;
  }

  /** Resolves when the socket is closed, by whomever. */
  get closed(): Promise<void> {
    return this.#channel.closed;
  }

  /** Its number in the multiplexor, smallest free one first. */
  get index(): number {
    return this.#channel.port.index;
  }

  /** Messages and bytes so far: steered here, without those given back; and accepted to be sent. */
  get stats(): SocketStats {
    return this.#channel.stats;
  }

  /** Bytes that wait to be read, counted like `highWaterMark`. */
  get bufferedBytes(): number {
    return this.#channel.heldBytes;
  }

  /** Bytes that were accepted to be sent and are not written. */
  get queuedBytes(): number {
    return this.#channel.port.queuedBytes;
  }

  /** Its share of what comes in, for policies that mind; above 0. */
  get weight(): number {
    return this.#channel.port.weight;
  }

  set weight(weight: number) {
    this.#channel.port.weight = weight;
  }

  /** How busy its reader is, for the policy `leastLoaded`: in whatever unit. */
  get load(): number {
    return this.#channel.port.load;
  }

  set load(load: number) {
    this.#channel.port.load = load;
  }

  /** Whether {@linkcode disableReceive} was called last. */
  get isReceiveDisabled(): boolean {
    return this.#channel.port.isReceiveDisabled;
  }

  /**
   * Sends a message whole on one connection, or a part of it. Resolves when it was written, or for a part when that was
   * accepted; waits for room first. The bytes are not copied, and must stay as they are until then. With `reply` it
   * resolves when that came, and brings it along: no channel gets it. A signal ends the wait for that as well.
   *
   * Rejects with a {@linkcode KcmError} when it was not sent: `bytesWritten` of it were written all the same, `cause` is what
   * its connection failed with. `ENOBUFS` at `maxWaitingSends`, `ENOTCONN` when `via` is gone, `EMSGSIZE` beyond
   * `maxSendLength`, `EPIPE` once closed. When the connection is over before the reply came, `bytesWritten` is
   * all of it. A signal's own reason, and a `TypeError` for what are no bytes, come as they are.
   */
  send(data: Uint8Array, options: KcmSendOptions = {}): Promise<SendReceipt> {
    return this.#channel.sender.send(data, options);
  }

  /**
   * Reads one message, or a part of it; waits until there is one. `undefined` when no more will come. Rejects with a
   * {@linkcode KcmError} `EBUSY` while `readable` is locked: both take from the same queue.
   */
  receive(options: ReceiveOptions = {}): Promise<ReceivedPart | undefined> {
    return this.#channel.receive(options);
  }

  /**
   * Reads one message, or a part of it, if there is one, as with the kernel's `MSG_DONTWAIT`.
   *
   * @throws {TypeError | RangeError} when an option is wrong
   * @throws {KcmError} `EBUSY` while `readable` is locked
   */
  tryReceive(options: Omit<ReceiveOptions, "signal"> = {}): ReceivedPart | undefined {
    const maxLength = limitOption("maxLength", options.maxLength, Infinity, 0);
    const part = this.#channel.tryReceive(maxLength, options.peek ?? false);
    this.#channel.settle();
    return part;
  }

  /** Gets no more messages; those that were not read go to the other channels. Sending goes on. */
  disableReceive(): void {
    this.#channel.disableReceive();
  }

  /** Gets messages again. */
  enableReceive(): void {
    this.#channel.enableReceive();
  }

  /**
   * Another channel of the same multiplexor, with the same options.
   *
   * @throws {KcmError} `ENFILE` at `maxSockets`
   */
  clone(): KcmSocket<Batch> {
    return new KcmSocket(this.#channel.clone());
  }

  /**
   * Closes the channel: `readable` ends, what was not read goes to the other channels. What was accepted to be sent and has
   * not begun fails with `ECANCELED`, unless it is drained: then the channel closes when all of it was written.
   *
   * @throws {TypeError | RangeError} when an option is wrong
   */
  close(options: CloseOptions = {}): Promise<void> {
    const deadlineMs = durationOption("deadlineMs", options.deadlineMs, Infinity);
    if (options.drain === true) this.#channel.drain(deadlineMs);
    else this.#channel.close();
    return this.#channel.closed;
  }

  /** Closes the channel. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

shownAs(KcmSocket, "KcmSocket", ({ index, stats, bufferedBytes, queuedBytes }) => {
  const { rxMessages, txMessages } = stats;
  return { index, rxMessages, txMessages, bufferedBytes, queuedBytes };
});
