/**
 * Channels in workers, as their users see them: what is handed over, and how it is received.
 *
 * @module
 */
import { shownAs } from "../core/shown.ts";
import { Channel } from "./channel_stream.ts";
import { KcmError } from "./errors.ts";
import { channelSettings, KcmSocket } from "./kcm_socket_stream.ts";
import type { HostFrame, PortLike } from "./port_frames_stream.ts";
import type { PortHost } from "./port_host_stream.ts";
import { type OpenFrame, PortSocket } from "./port_socket_stream.ts";
import type { SocketStats } from "./ports.ts";

/** What the multiplexor's side keeps of a channel that was handed to a worker with {@linkcode Multiplexor.hand}. */
export class HandedSocket implements AsyncDisposable {
  readonly #host: PortHost;

  /** For the multiplexor only. */
  constructor(host: PortHost) {
    this.#host = host;
  }

  /** Resolves when it is closed, by either side. */
  get closed(): Promise<void> {
    return this.#host.closed;
  }

  /** Messages and bytes so far: sent over, without those given back; and accepted to be sent. */
  get stats(): SocketStats {
    return this.#host.port.stats;
  }

  /** Bytes that were sent over and not read there, counted like `highWaterMark`. */
  get bufferedBytes(): number {
    return this.#host.backlogBytes;
  }

  /** Asks the worker to close it when everything that it sends is written; what it has not read goes to other channels. */
  close(): Promise<void> {
    this.#host.askToClose();
    return this.#host.closed;
  }

  /**
   * Closes it without the worker, when that was terminated or is stuck. What it has not said that it has read goes to
   * other channels, replies as well: also what it had read a moment before it ended, which so comes twice. Happens by
   * itself where the runtime tells that the port is closed.
   */
  abort(): void {
    this.#host.abort();
  }

  /** Asks the worker to close it. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

shownAs(HandedSocket, "HandedSocket", ({ stats, bufferedBytes }) => {
  const { rxMessages, txMessages } = stats;
  return { rxMessages, txMessages, bufferedBytes };
});

/** Options of {@linkcode receiveSocket}. */
export interface ReceiveSocketOptions<Batch extends boolean = false> {
  /** Yield arrays of messages: here each with all that has come since the last. Much faster. @default {false} */
  batch?: Batch | undefined;
  /** How many calls of `send` may wait for room. @default {65536} */
  maxWaitingSends?: number | undefined;
  /**
   * Ends the wait for the channel: on Deno nobody tells that the port was closed before it came. The promise rejects with
   * the signal's reason, and the port is closed.
   *
   * @default {undefined}
   */
  signal?: AbortSignal | undefined;
}

/**
 * Takes the channel that {@linkcode Multiplexor.hand} has put on the other end of a port, in a worker or wherever that end
 * went. It is a {@linkcode KcmSocket} like any other, but that it cannot be cloned. Messages are copied once, on their way
 * over; how many are under way is bounded by the channel's `highWaterMark`, and those to be sent by `sendBufferBytes`.
 *
 * Rejects with a {@linkcode KcmError} when the port brings something else (`EPROTO`) or, where the runtime tells that, is
 * closed before (`ECONNABORTED`). A port that is closed later fails everything with that.
 *
 * @throws {TypeError | RangeError} when an option is wrong
 *
 * @example
 * ```ts
 * import { datagrams, Multiplexor, receiveSocket } from "@leat/streams/kcm";
 * import { assertEquals } from "@std/assert";
 *
 * const kcm = new Multiplexor();
 * const { port1, port2 } = new MessageChannel();
 * kcm.hand(port1);
 * kcm.attach({ readable: ReadableStream.from([Uint8Array.of(7)]) }, { parser: datagrams });
 * kcm.close();
 * // in the worker, which got port2 with postMessage
 * const socket = await receiveSocket(port2);
 * for await (const message of socket.readable) assertEquals(message.data[0], 7);
 * ```
 */
export function receiveSocket<Batch extends boolean = false>(
  port: PortLike,
  options: ReceiveSocketOptions<Batch> = {},
): Promise<KcmSocket<Batch>> {
  const { batch, maxWaitingSends, signal } = options;
  const settings = channelSettings({ batch, maxWaitingSends }, Infinity);
  if (signal?.aborted === true) {
    port.close();
    return Promise.reject(signal.reason);
  }
  return new Promise((resolve, reject) => {
    const gaveUp = (): void => {
      port.close();
      reject(signal!.reason);
    };
    signal?.addEventListener("abort", gaveUp, { once: true });
    const over = (): void => signal?.removeEventListener("abort", gaveUp);
    let socket: PortSocket | undefined;
    let channel: Channel<Batch> | undefined;
    port.addEventListener("close", () => {
      over();
      if (socket === undefined) return reject(portClosed());
      if (socket.isClosed) return;
      socket.lost(portClosed());
      channel!.lost();
    });
    port.addEventListener("message", ({ data }) => {
      const frame = data as HostFrame;
      if (socket !== undefined) return socket.heard(frame);
      over();
      if (frame.type !== "open") return reject(noChannel());
      socket = new PortSocket(port, frame);
      const own = channel = new Channel<Batch>(socket, { ...settings, ...settingsOf(frame) });
      socket.closeAsked = () => own.drain(Infinity);
      resolve(new KcmSocket(own));
    });
    port.start?.();
  });
}

function settingsOf(
  { socketType, sendBufferBytes }: OpenFrame,
): { type: OpenFrame["socketType"]; sendBufferBytes: number } {
  return { type: socketType, sendBufferBytes };
}

function portClosed(): KcmError {
  return new KcmError("the port was closed: the multiplexor is gone", { code: "ECONNABORTED", blame: "remote" });
}

function noChannel(): KcmError {
  return new KcmError("no channel was handed over on this port", { code: "EPROTO", blame: "remote" });
}
