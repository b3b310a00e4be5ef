/**
 * What all sockets of a multiplexor together hold to be sent, and which of them wait for room. Internal.
 *
 * @module
 */
import { Fifo } from "./fifo.ts";
import type { SendQueue } from "./send_queue.ts";

/** The bound on all send queues together. */
export class TransmitBudget {
  /** Bytes of messages accepted and not done. */
  bytes = 0;
  /** These messages. */
  messages = 0;
  readonly #maxBytes: number;
  readonly #wanting: Fifo<SendQueue> = new Fifo();

  /** At most `maxBytes`, but for the message that reaches it. */
  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** Whether a message may begin. */
  get hasRoom(): boolean {
    return this.bytes < this.#maxBytes;
  }

  /** Whether some queue may have room that waited for it. */
  get isWanted(): boolean {
    return this.#wanting.length > 0 && this.hasRoom;
  }

  /** The queue, which has room of its own or soon will, is to be told when there is room for all. */
  want(queue: SendQueue): void {
    if (queue.isListed) return;
    queue.isListed = true;
    this.#wanting.push(queue);
  }

  /** Tells those that have room now, each once. */
  settle(): void {
    while (this.hasRoom) {
      const queue = this.#wanting.shift();
      if (queue === undefined) return;
      queue.isListed = false;
      queue.notifyRoom();
    }
  }
}
