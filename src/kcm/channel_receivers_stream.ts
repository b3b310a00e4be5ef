/**
 * Calls of `receive` that wait for a message. Internal.
 *
 * @module
 */
import { limitOption } from "../core/limits.ts";
import { KcmError } from "./errors.ts";
import { Fifo } from "./fifo.ts";
import type { ReceivedPart } from "./receive_queue.ts";

/** How to read with {@linkcode KcmSocket.receive}. The flags are those of `recvmsg`. */
export interface ReceiveOptions {
  /** Most bytes to read. The rest of a datagram is cut off, that of a seqpacket stays. @default {Infinity} */
  maxLength?: number | undefined;
  /** Look, and leave everything as it is. Kernel: `MSG_PEEK`. @default {false} */
  peek?: boolean | undefined;
  /** Ends the wait, with the signal's reason. @default {undefined} */
  signal?: AbortSignal | undefined;
}

/** More calls than these do not wait. */
const MAX_WAITING = 65_536;

interface Waiting {
  readonly maxLength: number;
  readonly isPeek: boolean;
  readonly resolve: (part: ReceivedPart | undefined) => void;
  readonly reject: (error: unknown) => void;
  readonly signal: AbortSignal | undefined;
  aborted: () => void;
}

/** The calls, first in line first. */
export class ChannelReceivers {
  readonly #waiting: Fifo<Waiting> = new Fifo();
  #end: { readonly failure: { readonly reason: unknown } | undefined } | undefined;

  /** Whether somebody waits. */
  get isWaiting(): boolean {
    return this.#waiting.length > 0;
  }

  /** Adds a call; `left` is called when it is aborted. */
  // async: what is wrong with the options rejects like everything else, and is not thrown
  async wait(options: ReceiveOptions, left: () => void): Promise<ReceivedPart | undefined> {
    const maxLength = limitOption("maxLength", options.maxLength, Infinity, 0);
    const { signal, peek = false } = options;
    if (signal?.aborted === true) throw signal.reason;
    if (this.#waiting.length >= MAX_WAITING) {
      const message = `no more than ${MAX_WAITING} calls may wait for a message`;
      throw new KcmError(message, { code: "ENOBUFS", blame: "local" });
    }
    return await new Promise((resolve, reject) => {
      const one: Waiting = { maxLength, isPeek: peek, resolve, reject, signal, aborted: () => {} };
      if (this.#end !== undefined) return finish(one, this.#end.failure);
      one.aborted = () => {
        this.#waiting.remove(one);
        reject(signal!.reason);
        left();
      };
      signal?.addEventListener("abort", one.aborted, { once: true });
      this.#waiting.push(one);
    });
  }

  /** Serves the first call. */
  serve(read: (maxLength: number, isPeek: boolean) => ReceivedPart): void {
    const one = this.#waiting.shift()!;
    one.signal?.removeEventListener("abort", one.aborted);
    one.resolve(read(one.maxLength, one.isPeek));
  }

  /** Nothing more will come. */
  end(failure: { readonly reason: unknown } | undefined): void {
    this.#end = { failure };
    for (let one = this.#waiting.shift(); one !== undefined; one = this.#waiting.shift()) finish(one, failure);
  }
}

function finish(one: Waiting, failure: { readonly reason: unknown } | undefined): void {
  one.signal?.removeEventListener("abort", one.aborted);
  if (failure === undefined) one.resolve(undefined);
  else one.reject(failure.reason);
}
