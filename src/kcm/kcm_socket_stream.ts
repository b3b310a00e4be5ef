/**
 * A channel, as its user sees it.
 *
 * @module
 */
import type { Batched } from "../stream/outlet.ts";
import type { Channel } from "./channel_stream.ts";
import type { KcmMessage } from "./kcm_message.ts";
import type { SocketStats } from "./ports.ts";

/** Options of {@linkcode Multiplexor.socket}. */
export interface KcmSocketOptions<Batch extends boolean = false> {
  /**
   * Yield arrays of messages, each with all that has come since the last, instead of single messages. Much faster.
   *
   * @default {false}
   */
  batch?: Batch | undefined;
  /**
   * How many bytes may wait unread before the channel gets no more; the message that reaches the limit may exceed it.
   * Each message counts 128 on top of its length.
   *
   * @default {262144} or what the multiplexor was made with
   */
  highWaterMark?: number | undefined;
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

  /** Messages and bytes steered here so far, without those given back. */
  get stats(): SocketStats {
    return this.#channel.stats;
  }

  /** Bytes that wait to be read, counted like `highWaterMark`. */
  get bufferedBytes(): number {
    return this.#channel.heldBytes;
  }

  /** Closes the channel: `readable` ends at once, what was not read goes to the other channels. */
  close(): Promise<void> {
    this.#channel.close();
    return Promise.resolve();
  }

  /** Closes the channel. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}
