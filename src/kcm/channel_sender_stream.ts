/**
 * The send side of a channel: promises and a writable on top of the engine's socket. Internal.
 *
 * What the engine has no room for waits here, in order, without being copied: calls of `send` up to a limit, and the
 * writable's one chunk.
 *
 * @module
 */
import { KcmError } from "./errors.ts";
import { Fifo } from "./fifo.ts";
import type { KcmConnection, KcmMessage } from "./kcm_message.ts";
import type { OutgoingMessage, SendOptions } from "./outgoing.ts";
import type { SocketPort } from "./ports.ts";

/** How to send with {@linkcode KcmSocket.send}. */
export interface KcmSendOptions extends Omit<SendOptions, "tag"> {
  /**
   * Cancels the message as long as no byte of it was written. Later it only ends the wait: the message goes on. The promise
   * rejects with the signal's reason.
   *
   * @default {undefined}
   */
  signal?: AbortSignal | undefined;
}

/** What became of a message that was sent. */
export interface SendReceipt {
  /** The connection that it was written to; `undefined` for a part of a message, which is not written yet. */
  readonly connection: KcmConnection | undefined;
  /** Its length in bytes, or that of the part. */
  readonly length: number;
  /** How often it was begun again, its connection having failed. */
  readonly retries: number;
  /** Its reply, where `reply` has asked for one. */
  readonly reply: KcmMessage | undefined;
}

/** A message and where it goes, for {@linkcode KcmSocket.writable}. */
export interface KcmOutgoing extends Omit<SendOptions, "tag" | "more" | "eor" | "batch" | "reply"> {
  /** The message. */
  readonly data: Uint8Array;
}

/** What {@linkcode KcmSocket.writable} takes. */
export type KcmWritable = Uint8Array | KcmOutgoing | readonly (Uint8Array | KcmOutgoing)[];

/** The channel, as its send side knows it. */
export interface SenderHost {
  /** The engine's socket. */
  readonly port: SocketPort;
  /** Most calls of `send` that wait for room. */
  readonly maxWaitingSends: number;
  /** Whether each message ends with a flag only. */
  readonly isSeqpacket: boolean;
  /** A message from the writable has failed; returns whether that is all right. */
  sendFailed(message: OutgoingMessage, error: unknown): boolean;
  /** The engine has done something. */
  settle(): void;
}

/** Marks messages of the writable. */
const STREAMED = { eor: true, tag: "writable" } as const;

/** Something that waits for room. */
interface Attempt {
  /** Tries again; returns whether it is done, one way or another. */
  attempt(): boolean;
  /** Nothing will be sent any more. */
  giveUp(error: unknown): void;
}

/** The send side. */
export class ChannelSender {
  readonly #host: SenderHost;
  readonly #waiting: Fifo<Attempt> = new Fifo();
  #writable: WritableStream<KcmWritable> | undefined;
  #controller: WritableStreamDefaultController | undefined;
  /** Messages of the writable that are on their way. */
  #streamed = 0;
  #flushing: { resolve(): void; reject(error: unknown): void } | undefined;
  /** Whether a part of a message was accepted, and its end was not. */
  #isOpen = false;
  #over: { readonly error: unknown } | undefined;
  readonly #signals: Map<AbortSignal, { readonly calls: Set<SendCall>; readonly aborted: () => void }> = new Map();
  /** Aborted calls whose messages the engine has. */
  #aborted: Set<unknown> | undefined;

  constructor(host: SenderHost) {
    this.#host = host;
  }

  /** What the user writes to; made on first access. */
  get writable(): WritableStream<KcmWritable> {
    return this.#writable ??= this.#make();
  }

  /** Sends a message, or a part of one. */
  send(data: Uint8Array, options: KcmSendOptions): Promise<SendReceipt> {
    if (!(data instanceof Uint8Array)) return Promise.reject(new TypeError("data must be a Uint8Array"));
    const { signal } = options;
    if (signal?.aborted === true) return Promise.reject(signal.reason);
    return new Promise((resolve, reject) => {
      const call = new SendCall(this, data, options, resolve, reject);
      if (this.#waiting.length === 0 && call.attempt()) return this.#host.settle();
      if (this.#waiting.length < this.#host.maxWaitingSends) return this.#waiting.push(call);
      const message = `no more than maxWaitingSends ${this.#host.maxWaitingSends} may wait for room`;
      call.giveUp(new KcmError(message, { code: "ENOBUFS", blame: "local" }));
    });
  }

  /** Gives data to the engine; returns whether it took it, throws when it never will. */
  give(data: Uint8Array, options: SendOptions): boolean {
    if (this.#over !== undefined) throw this.#over.error;
    let isTaken = false;
    let isOpen = false;
    try {
      isTaken = this.#host.port.send(data, options) === data.length;
      isOpen = this.#host.isSeqpacket ? options.eor !== true : options.more === true;
      return isTaken;
    } finally {
      // whatever fails, fails as a whole
      if (isTaken) this.#isOpen = isOpen && (this.#isOpen || data.length > 0);
      else if (this.#isOpen && data.length > 0) this.#isOpen = false;
    }
  }

  /** Whether so much ends a message that will be written. */
  isMessage(data: Uint8Array, options: SendOptions): boolean {
    const isEnd = this.#host.isSeqpacket ? options.eor === true : options.more !== true;
    return isEnd && (data.length > 0 || this.#isOpen);
  }

  /** There is room. */
  room(): void {
    for (let one = this.#waiting.shift(); one !== undefined; one = this.#waiting.shift()) {
      if (!one.attempt()) return this.#waiting.unshift(one);
    }
  }

  /** A message was written. */
  written(message: OutgoingMessage): void {
    if (message.tag === STREAMED.tag) this.#streamedLess();
    else (message.tag as SendCall | undefined)?.written(message);
  }

  /** The reply to a message came; returns whether somebody wants it. */
  answered(message: OutgoingMessage, reply: KcmMessage): boolean {
    return (message.tag as SendCall).answered(message, reply);
  }

  /** The reply to a message will not come. */
  unanswered(message: OutgoingMessage, error: unknown): void {
    (message.tag as SendCall).giveUp(error);
  }

  /** A message has failed. */
  failed(message: OutgoingMessage, error: unknown): void {
    if (message.tag !== STREAMED.tag) return (message.tag as SendCall | undefined)?.giveUp(error);
    if (!this.#host.sendFailed(message, error)) {
      this.#controller?.error(error);
      this.#flushing?.reject(error);
    }
    this.#streamedLess();
  }

  /** Nothing can be sent any more: what waits here fails, and so does the writable, unless it was closed. */
  end(error: unknown): void {
    if (this.#over !== undefined) return;
    this.#over = { error };
    for (let one = this.#waiting.shift(); one !== undefined; one = this.#waiting.shift()) one.giveUp(error);
    this.#flushing?.reject(error);
    this.#controller?.error(error);
  }

  /** Calls `call.abort` when the signal is aborted; one listener serves all calls with the same signal. */
  listen(call: SendCall, signal: AbortSignal): void {
    let listening = this.#signals.get(signal);
    if (listening === undefined) {
      const calls = new Set<SendCall>();
      const aborted = (): void => {
        this.#signals.delete(signal);
        for (const one of calls) one.abort();
      };
      listening = { calls, aborted };
      this.#signals.set(signal, listening);
      signal.addEventListener("abort", aborted, { once: true });
    }
    listening.calls.add(call);
  }

  /** The call is settled. */
  unlisten(call: SendCall, signal: AbortSignal): void {
    const listening = this.#signals.get(signal);
    if (listening === undefined) return;
    listening.calls.delete(call);
    if (listening.calls.size > 0) return;
    this.#signals.delete(signal);
    signal.removeEventListener("abort", listening.aborted);
  }

  /** A call does not want its message to be sent; those of one turn are looked for together. */
  cancel(call: SendCall): void {
    if (this.#aborted === undefined) {
      this.#aborted = new Set();
      queueMicrotask(() => this.#discardAborted());
    }
    this.#aborted.add(call);
  }

  #discardAborted(): void {
    const aborted = this.#aborted!;
    this.#aborted = undefined;
    this.#waiting.prepend(this.#waiting.takeAll().filter((one) => !aborted.has(one)));
    this.#host.port.discard(undefined, ({ tag }) => aborted.has(tag));
    this.#host.settle();
  }

  #make(): WritableStream<KcmWritable> {
    return new WritableStream<KcmWritable>({
      start: (controller) => {
        this.#controller = controller;
        if (this.#over !== undefined) controller.error(this.#over.error);
      },
      write: (chunk) => this.#write(chunk),
      close: () => this.#flush(),
      abort: (reason) => {
        this.#host.port.discard(reason, ({ tag }) => tag === STREAMED.tag);
        this.#host.settle();
      },
    });
  }

  #write(chunk: KcmWritable): Promise<void> | undefined {
    const list = Array.isArray(chunk) ? chunk as readonly (Uint8Array | KcmOutgoing)[] : [chunk as KcmOutgoing];
    let next = 0;
    const attempt = (): boolean => {
      while (next < list.length && this.#giveOne(list[next]!)) next++;
      return next === list.length;
    };
    if (this.#waiting.length === 0) {
      const isDone = attempt();
      this.#host.settle();
      if (isDone) return undefined;
    }
    return new Promise((resolve, reject) => {
      const guarded = (): boolean => {
        try {
          if (!attempt()) return false;
          resolve();
        } catch (error) {
          reject(error);
        }
        return true;
      };
      this.#waiting.push({ attempt: guarded, giveUp: reject });
      // what throws aborts the wait: the stream's own signal comes while a write is pending
      this.#controller!.signal.addEventListener("abort", () => {
        next = list.length;
        reject(this.#controller!.signal.reason);
        this.room();
      }, { once: true });
    });
  }

  #giveOne(one: Uint8Array | KcmOutgoing): boolean {
    const isPlain = one instanceof Uint8Array;
    const data = isPlain ? one : one?.data;
    if (!(data instanceof Uint8Array)) throw new TypeError("a message must be a Uint8Array, or have one as its data");
    const isTaken = isPlain
      ? this.give(data, STREAMED)
      : this.give(data, { via: one.via, key: one.key, retry: one.retry, ...STREAMED });
    if (isTaken && data.length > 0) this.#streamed++;
    return isTaken;
  }

  #streamedLess(): void {
    this.#streamed--;
    if (this.#streamed === 0) this.#flushing?.resolve();
  }

  /** Resolves when all that came through the writable is written. */
  #flush(): Promise<void> | undefined {
    if (this.#streamed === 0) return undefined;
    return new Promise((resolve, reject) => {
      this.#flushing = { resolve, reject };
    });
  }
}

/** One call of `send`. */
class SendCall implements Attempt {
  readonly #sender: ChannelSender;
  readonly #data: Uint8Array;
  readonly #options: KcmSendOptions;
  readonly #resolve: (receipt: SendReceipt) => void;
  readonly #reject: (error: unknown) => void;
  #isDone = false;
  #isAborted = false;

  constructor(
    sender: ChannelSender,
    data: Uint8Array,
    options: KcmSendOptions,
    resolve: (receipt: SendReceipt) => void,
    reject: (error: unknown) => void,
  ) {
    this.#sender = sender;
    this.#data = data;
    this.#options = options;
    this.#resolve = resolve;
    this.#reject = reject;
    if (options.signal !== undefined) sender.listen(this, options.signal);
  }

  attempt(): boolean {
    const { more, eor, batch, via, key, retry, reply } = this.#options;
    const isMessage = this.#sender.isMessage(this.#data, this.#options);
    try {
      const of = isMessage ? { reply, tag: this } : {};
      if (!this.#sender.give(this.#data, { more, eor, batch, via, key, retry, ...of })) return false;
      if (!isMessage) {
        const { length } = this.#data;
        this.#settle(() => this.#resolve({ connection: undefined, length, retries: 0, reply: undefined }));
      }
    } catch (error) {
      this.giveUp(error);
    }
    return true;
  }

  written({ connection, length, retries }: OutgoingMessage): void {
    if (this.#options.reply === undefined) {
      this.#settle(() => this.#resolve({ connection, length, retries, reply: undefined }));
      // its wait was ended while it was being written: nor does it wait for the reply
    } else if (this.#isAborted) this.#sender.cancel(this);
  }

  answered({ connection, length, retries }: OutgoingMessage, reply: KcmMessage): boolean {
    if (this.#isDone) return false;
    this.#settle(() => this.#resolve({ connection, length, retries, reply }));
    return true;
  }

  giveUp(error: unknown): void {
    this.#settle(() => this.#reject(error));
  }

  /** Its signal was aborted. */
  abort(): void {
    this.#isAborted = true;
    this.giveUp(this.#options.signal!.reason);
    this.#sender.cancel(this);
  }

  #settle(run: () => void): void {
    if (this.#isDone) return;
    this.#isDone = true;
    if (this.#options.signal !== undefined) this.#sender.unlisten(this, this.#options.signal);
    run();
  }
}
