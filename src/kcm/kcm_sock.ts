/**
 * One channel out of a multiplexor, as the engine sees it: somewhere that has room for messages, or has not. The kernel's
 * kcm_sock. Internal; its driver sees a {@linkcode SocketPort}.
 *
 * Not here: a queue. Whoever reads the channel keeps one, and gives back what it still holds when it closes.
 *
 * @module
 */
import type { KcmMessage } from "./kcm_message.ts";
import type { PortHost } from "./port_host.ts";
import type { SocketPort, SocketSink, SocketStats } from "./ports.ts";
import { SlotTable } from "./slot_table.ts";
import type { Waiter } from "./waiters.ts";

/** One socket. */
export class KcmSock implements SocketPort, Waiter {
  readonly handle: number;
  waiterBefore: Waiter | undefined = undefined;
  waiterBehind: Waiter | undefined = undefined;
  readonly #host: PortHost;
  readonly #sink: SocketSink;
  readonly #counts: { rxMessages: number; rxBytes: number } = { rxMessages: 0, rxBytes: 0 };
  #hasRoom = true;
  #isClosed = false;

  /** Makes a socket with room. */
  constructor(handle: number, sink: SocketSink, host: PortHost) {
    this.handle = handle;
    this.#sink = sink;
    this.#host = host;
  }

  get stats(): SocketStats {
    return this.#counts;
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  get index(): number {
    return SlotTable.indexOf(this.handle);
  }

  get hasRoom(): boolean {
    return this.#hasRoom;
  }

  pause(): void {
    if (!this.#hasRoom) return;
    this.#hasRoom = false;
    this.#host.noRoomAt(this);
  }

  resume(): void {
    if (this.#hasRoom || this.#isClosed) return;
    this.#hasRoom = true;
    this.#act(() => this.#host.roomAt(this));
  }

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

  /** Passes a message on. */
  deliver(message: KcmMessage): void {
    this.#counts.rxMessages++;
    this.#counts.rxBytes += message.data.length;
    this.#sink.message(message);
  }

  /** Passes the end on. */
  end(): void {
    if (!this.#isClosed) this.#sink.end();
  }

  #act(run: () => void): void {
    if (this.#host.isBusy()) return run();
    this.#host.enter("resume");
    try {
      run();
    } finally {
      this.#host.leave();
    }
  }
}
