/**
 * A KCM socket with the calls of the kernel's: `sendmsg`, `recvmsg`, options. Synchronous: what would block says so.
 *
 * What differs from the kernel unless the multiplexor has `compat: "linux"`: the rest of a message that was read in part
 * from a seqpacket socket stays; the socket gets messages again at a low-water mark, not only when empty. The calls that
 * the kernel refuses on these sockets (`bind`, `connect`, `listen`, `accept`, `shutdown`, ...) are not here.
 *
 * @module
 */
import { choiceOption, durationOption, limitOption } from "../core/limits.ts";
import { KcmError } from "./errors.ts";
import { Fifo } from "./fifo.ts";
import type { KcmMessage } from "./kcm_message.ts";
import type { MultiplexorEngine } from "./multiplexor_engine.ts";
import type { SendOptions } from "./outgoing.ts";
import type { SocketOptions, SocketPort, SocketSink, SocketType } from "./ports.ts";
import { ReceiveQueue } from "./receive_queue.ts";

/** `SOL_KCM`, the level of the socket option. */
export const SOL_KCM = 281;
/** `KCM_RECV_DISABLE`, the option. */
export const KCM_RECV_DISABLE = 1;

/** How to open a {@linkcode KernelSocket}. */
export interface KernelSocketOptions extends Omit<SocketOptions, "paused" | "type"> {
  /** Kernel: `SOCK_DGRAM` or `SOCK_SEQPACKET`. @default {"datagram"} */
  type?: SocketType | undefined;
  /** From so many bytes unread on it gets no message. Kernel: `SO_RCVBUF`. @default {212992} */
  receiveBufferBytes?: number | undefined;
  /**
   * Once full it gets messages again when fewer bytes are unread. Kernel: `SO_RCVLOWAT`.
   *
   * @default {1} with `compat: "linux"`, else half of `receiveBufferBytes`
   */
  receiveLowBytes?: number | undefined;
  /** How long {@linkcode KernelSocket.receive} waits, in milliseconds. Kernel: `SO_RCVTIMEO`. @default {Infinity} */
  receiveTimeoutMs?: number | undefined;
}

/** Flags of `recvmsg`. */
export interface ReceiveFlags {
  /** Look, and leave everything as it is. Kernel: `MSG_PEEK`. @default {false} */
  peek?: boolean | undefined;
}

/** What `recvmsg` brings. */
export interface Received {
  /** The bytes, a view. */
  readonly data: Uint8Array;
  /** Whether a message ends behind them. Kernel: `MSG_EOR`. */
  readonly isEnd: boolean;
  /** Whether the rest of the message was cut off. Kernel: `MSG_TRUNC`. */
  readonly isTruncated: boolean;
  /** The message that they are of. */
  readonly message: KcmMessage;
}

/** Who waits for a message. */
interface Waiting {
  readonly length: number;
  readonly deadlineAt: number;
  readonly done: (received: Received | undefined) => void;
}

const DEFAULT_RECEIVE_BUFFER_BYTES = 212_992;

/**
 * One KCM socket.
 *
 * @example
 * ```ts
 * import { KernelSocket, MultiplexorEngine } from "@leat/streams/kcm";
 * import { lengthPrefix } from "@leat/streams/strparser";
 * import { assertEquals } from "@std/assert";
 *
 * const engine = new MultiplexorEngine();
 * const socket = new KernelSocket(engine, { type: "seqpacket" });
 * engine.attach({ parser: lengthPrefix(1) }).push(Uint8Array.of(2, 10, 11), 0);
 * assertEquals(socket.recvmsg(2)!.isEnd, false);
 * assertEquals(socket.recvmsg(9)!.data, Uint8Array.of(11));
 * assertEquals(socket.recvmsg(9), undefined); // EAGAIN
 * ```
 */
export class KernelSocket implements SocketSink {
  /** The socket in its multiplexor. */
  readonly port: SocketPort;
  /** How its messages begin and end. */
  readonly type: SocketType;
  readonly #options: KernelSocketOptions;
  readonly #isLinux: boolean;
  readonly #limit: number;
  readonly #low: number;
  readonly #timeoutMs: number;
  /** Bytes alone count, as in the kernel's options. */
  readonly #queue: ReceiveQueue = new ReceiveQueue(0);
  readonly #waiting: Fifo<Waiting> = new Fifo();
  #rxMessages = 0;
  #rxBytes = 0;

  /**
   * Opens a socket, or with `like` another one of the same multiplexor.
   *
   * @throws {TypeError | RangeError} when an option is wrong
   * @throws {KcmError} `ENFILE` at `maxSockets`
   */
  constructor(engine: MultiplexorEngine, options: KernelSocketOptions = {}, like?: KernelSocket) {
    this.type = choiceOption("type", options.type, "datagram", ["datagram", "seqpacket"]);
    this.#options = options;
    this.#isLinux = engine.compat === "linux";
    this.#limit = limitOption("receiveBufferBytes", options.receiveBufferBytes, DEFAULT_RECEIVE_BUFFER_BYTES);
    const low = this.#isLinux ? 1 : Math.max(1, Math.ceil(this.#limit / 2));
    this.#low = limitOption("receiveLowBytes", options.receiveLowBytes, low);
    this.#timeoutMs = durationOption("receiveTimeoutMs", options.receiveTimeoutMs, Infinity);
    const isPaused = { paused: true };
    this.port = like === undefined ? engine.socket(this, { ...options, ...isPaused }) : like.port.clone(this, isPaused);
    this.port.resume();
  }

  /** Another socket of the same multiplexor and type. Kernel: `SIOCKCMCLONE`. */
  clone(engine: MultiplexorEngine): KernelSocket {
    return new KernelSocket(engine, this.#options, this);
  }

  /** Messages that wait to be read. */
  get backlogMessages(): number {
    return this.#queue.length;
  }

  /** What was read. */
  get readStats(): { messages: number; bytes: number } {
    return { messages: this.#rxMessages, bytes: this.#rxBytes };
  }

  /** Bytes that wait to be read. */
  get backlogBytes(): number {
    return this.#queue.weight;
  }

  /** Whether no more fits: a message is taken as long as there was room before it. */
  get isFull(): boolean {
    return this.#queue.weight >= this.#limit;
  }

  /** What was read and sent; the names are the kernel's. */
  get stats(): { rx_msgs: number; rx_bytes: number; tx_msgs: number; tx_bytes: number } {
    const { txMessages, txBytes } = this.port.stats;
    return { rx_msgs: this.#rxMessages, rx_bytes: this.#rxBytes, tx_msgs: txMessages, tx_bytes: txBytes };
  }

  /** When {@linkcode onTimeout} must be called. */
  timeoutAt(): number {
    let at = Infinity;
    for (let i = 0; i < this.#waiting.length; i++) at = Math.min(at, this.#waiting.at(i).deadlineAt);
    return at;
  }

  /** Those that have waited long enough get nothing. */
  onTimeout(now: number): void {
    for (let left = this.#waiting.length; left > 0; left--) {
      const one = this.#waiting.shift()!;
      if (one.deadlineAt <= now) one.done(undefined);
      else this.#waiting.push(one);
    }
  }

  /** A message came; for the multiplexor only. */
  message(message: KcmMessage): void {
    this.#queue.push(message);
    if (!this.#isLinux && this.isFull) this.port.pause();
    this.#serve();
  }

  /** For the multiplexor only. Like the kernel's, these sockets do not know an end. */
  end(): void {}

  /**
   * Reads at most `length` bytes of the first message; `undefined` when there is none: `EAGAIN`. Of a datagram the rest is
   * cut off.
   */
  recvmsg(length: number, flags: ReceiveFlags = {}): Received | undefined {
    if (this.#queue.length === 0) return undefined;
    const part = this.#queue.read(length, flags.peek ?? false, this.type === "datagram");
    if (flags.peek) return part;
    this.#rxBytes += part.data.length;
    if (part.isEnd) this.#rxMessages++;
    // since 6.1 the kernel loses the rest of a message that was read in part
    else if (this.#isLinux && length > 0) this.#queue.shift();
    if (this.#queue.weight < this.#low) this.port.resume();
    return part;
  }

  /** Reads when there is something: `done` is called at once, or later, or with nothing after `receiveTimeoutMs`. */
  receive(length: number, now: number, done: (received: Received | undefined) => void): void {
    this.#waiting.push({ length, deadlineAt: now + this.#timeoutMs, done });
    this.#serve();
  }

  /**
   * Sends a message, or a part of one, as {@linkcode SocketPort.send} does, copied.
   *
   * @throws {KcmError} `EAGAIN` without room, and what `send` throws
   */
  sendmsg(bytes: Uint8Array, flags: SendOptions = {}): number {
    const taken = this.port.send(bytes.slice(), flags);
    if (taken < bytes.length) throw new KcmError("the send buffer is full", { code: "EAGAIN", blame: "local" });
    return taken;
  }

  /**
   * Kernel: `setsockopt`.
   *
   * @throws {KcmError} `ENOPROTOOPT` for another option, `EINVAL` for what is no number
   */
  setOption(level: number, name: number, value: number): void {
    this.#checkOption(level, name);
    if (!Number.isInteger(value)) throw new KcmError("the option takes an integer", { code: "EINVAL", blame: "local" });
    if (value === 0) return this.port.enableReceive();
    if (!this.port.isReceiveDisabled) this.port.disableReceive(this.#queue.takeAll());
  }

  /**
   * Kernel: `getsockopt`.
   *
   * @throws {KcmError} `ENOPROTOOPT` for another option
   */
  getOption(level: number, name: number): number {
    this.#checkOption(level, name);
    return this.port.isReceiveDisabled ? 1 : 0;
  }

  /** Closes it; what was not read goes to other sockets, what has not begun to be sent is given up. */
  close(): void {
    this.port.close(this.#queue.takeAll());
    for (let one = this.#waiting.shift(); one !== undefined; one = this.#waiting.shift()) one.done(undefined);
  }

  #checkOption(level: number, name: number): void {
    if (level === SOL_KCM && name === KCM_RECV_DISABLE) return;
    throw new KcmError(`no option ${name} at level ${level}`, { code: "ENOPROTOOPT", blame: "local" });
  }

  #serve(): void {
    while (this.#waiting.length > 0 && this.#queue.length > 0) {
      const { length, done } = this.#waiting.shift()!;
      done(this.recvmsg(length));
    }
  }
}
