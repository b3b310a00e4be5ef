/**
 * One channel out of a multiplexor, as the engine sees it: somewhere that has room for messages, or has not.
 *
 * Not here: a queue. Whoever reads the channel keeps one, and gives back what it still holds when it closes.
 *
 * @module
 */
import type { KcmMessage } from "./kcm_message.ts";
import type { PortHost } from "./port_host.ts";
import type { Waiter } from "./waiters.ts";

/** Where a socket's messages go. Inside a callback only `pause`, `resume`, `close` and `abort` may be called. */
export interface SocketSink {
  /** A message came. */
  message(message: KcmMessage): void;
  /** No more will come: attachments are closed, every connection has ended, every message was delivered. */
  end(): void;
}

/** Counters of a socket, under the kernel's names. */
export interface SocketStats {
  /** Messages delivered here, without those given back. Kernel: `rx_msgs`. */
  readonly rxMessages: number;
  /** Bytes of these messages. Kernel: `rx_bytes`. */
  readonly rxBytes: number;
}

/** One socket, made by {@linkcode MultiplexorEngine.socket}. */
export class SocketPort implements Waiter {
  /** Identifies the socket in its engine as long as it is open, and nothing after. */
  readonly handle: number;
  /** For the engine only. */
  waiterBefore: Waiter | undefined = undefined;
  /** For the engine only. */
  waiterBehind: Waiter | undefined = undefined;
  readonly #host: PortHost;
  readonly #sink: SocketSink;
  readonly #counts: { rxMessages: number; rxBytes: number } = { rxMessages: 0, rxBytes: 0 };
  #hasRoom = true;
  #isClosed = false;

  /** For the engine only. */
  constructor(handle: number, sink: SocketSink, host: PortHost) {
    this.handle = handle;
    this.#sink = sink;
    this.#host = host;
  }

  /** Live counters. */
  get stats(): SocketStats {
    return this.#counts;
  }

  /** Whether it was closed. */
  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** Whether it takes messages: neither paused nor closed. */
  get hasRoom(): boolean {
    return this.#hasRoom;
  }

  /** No room: nothing comes until {@linkcode resume}. Allowed anywhere; takes effect at once. */
  pause(): void {
    if (!this.#hasRoom) return;
    this.#hasRoom = false;
    this.#host.noRoomAt(this);
  }

  /**
   * Room again: the socket goes to the end of the line. Messages that waited for it come before this returns, unless it
   * is called from within a callback: then they come when the engine is done.
   */
  resume(): void {
    if (this.#hasRoom || this.#isClosed) return;
    this.#hasRoom = true;
    this.#act(() => this.#host.roomAt(this));
  }

  /**
   * Closes the socket. `unread` are messages of it that nobody has read, in order; they go to the other sockets, or wait
   * for one. Nothing comes any more, not even `end`. Allowed anywhere.
   */
  close(unread: readonly KcmMessage[] = []): void {
    if (this.#isClosed) return;
    this.pause();
    this.#isClosed = true;
    for (const message of unread) {
      this.#counts.rxMessages--;
      this.#counts.rxBytes -= message.data.length;
    }
    this.#act(() => this.#host.closed(this, unread));
  }

  /** For the engine only. */
  deliver(message: KcmMessage): void {
    this.#counts.rxMessages++;
    this.#counts.rxBytes += message.data.length;
    this.#sink.message(message);
  }

  /** For the engine only. */
  end(): void {
    if (!this.#isClosed) this.#sink.end();
  }

  #act(run: () => void): void {
    if (this.#host.isBusy) return run();
    this.#host.enter("resume");
    try {
      run();
    } finally {
      this.#host.leave();
    }
  }
}
