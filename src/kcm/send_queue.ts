/**
 * What a socket has to send: the open message, a batch that is not closed, and the messages that wait for a connection.
 * Internal.
 *
 * Follows the rules of `sendmsg` on a KCM socket: a datagram socket's message ends with each call but those with `more`,
 * a seqpacket socket's only with `eor`; the limit is looked at before a message begins, never inside one.
 *
 * @module
 */
import { KcmError } from "./errors.ts";
import { Fifo } from "./fifo.ts";
import type { KcmConnection } from "./kcm_message.ts";
import type { KcmSock } from "./kcm_sock.ts";
import type { DiscardFilter, ReplyMatcher, RetryPolicy, SendOptions } from "./outgoing.ts";
import { Outgoing } from "./outgoing_message.ts";
import type { ReplyDesk } from "./reply_desk.ts";
import type { TransmitBudget } from "./transmit_budget.ts";

/** What a queue needs to know. */
export interface SendQueueOptions {
  /** Whether messages end with `eor` only. */
  readonly isSeqpacket: boolean;
  /** From so many bytes on no message is begun. */
  readonly maxQueuedBytes: number;
  /** Longest message. */
  readonly maxSendLength: number;
  /** What messages do whose sender does not say. */
  readonly retry: RetryPolicy;
  /** Whether a batch goes along with what is queued already: the kernel's way. */
  readonly isLinux: boolean;
}

/** The engine, as its queues know it. */
export interface SendQueueHost {
  /** Bounds all queues together. */
  readonly budget: TransmitBudget;
  /** Who waits for replies. */
  readonly replies: ReplyDesk;
  /** Throws when a message cannot be begun. */
  checkVia(via: KcmConnection | undefined): void;
  /** A message is complete. */
  accept(socket: KcmSock, message: Outgoing, isAlone: boolean): void;
  /** A batch was refused room and must go now. */
  fail(message: Outgoing, error: unknown): void;
}

const NO_OPTIONS: SendOptions = {};

/** The send side of one socket. */
export class SendQueue {
  /** Messages that wait for a connection; the steering's. */
  readonly waiting: Fifo<Outgoing> = new Fifo();
  /** Whether the socket stands in line for a connection; the steering's. */
  isInLine = false;
  /** Messages accepted and not done. */
  messages = 0;
  /** Bytes of these and of the open one. */
  bytes = 0;
  readonly counts: { txMessages: number; txBytes: number } = { txMessages: 0, txBytes: 0 };
  /** The kernel's `tx_wait_more`: a batch was begun, even an empty one, and nothing was written since. */
  isHeld = false;
  /** Whether the budget has it in its list. */
  isListed = false;
  /** Whether its owner waits for room. */
  #isWanting = false;
  readonly #socket: KcmSock;
  readonly #host: SendQueueHost;
  readonly #options: SendQueueOptions;
  #open: Outgoing | undefined;
  #batch: Outgoing[] = [];

  constructor(socket: KcmSock, host: SendQueueHost, options: SendQueueOptions) {
    this.#socket = socket;
    this.#host = host;
    this.#options = options;
  }

  /** Whether a message may begin. */
  get hasRoom(): boolean {
    return this.bytes < this.#options.maxQueuedBytes && this.#host.budget.hasRoom;
  }

  /** Whether a batch is not closed yet. */
  get isBatching(): boolean {
    return this.#batch.length > 0 || this.isHeld;
  }

  /** Whether a message has begun and not ended. */
  get isOpen(): boolean {
    return this.#open !== undefined;
  }

  /** Takes a message, or a part of one; returns how many bytes were taken. */
  send(bytes: Uint8Array, options: SendOptions = NO_OPTIONS): number {
    if (options.reply !== undefined) this.#checkReply(options.reply);
    if (this.#open === undefined && bytes.length > 0 && !this.#begin(options)) return 0;
    if (bytes.length > 0) this.#add(bytes);
    const isEnd = this.#options.isSeqpacket ? options.eor === true : options.more !== true;
    if (isEnd && this.#open !== undefined) this.#end(options);
    // an empty send without a message closes a batch all the same
    else if (isEnd && options.batch !== true) this.closeBatch();
    if (isEnd && options.batch === true && this.#options.isLinux) this.isHeld = true;
    return bytes.length;
  }

  /** The batch leaves now. */
  closeBatch(): void {
    this.isHeld = false;
    const batch = this.#batch;
    if (batch.length === 0) return;
    this.#batch = [];
    let isJoined = false;
    for (const message of batch) {
      // those that have to go a certain way are no part of it
      if (message.via === undefined) {
        message.isJoined = isJoined;
        isJoined = true;
      }
      this.#host.accept(this.#socket, message, false);
    }
  }

  /** Gives up the open message and the open batch, which fail with `error`. */
  discardOpen(error: unknown, which: DiscardFilter | undefined): void {
    // it was never accepted as a message
    if (which === undefined) this.#dropOpen();
    const batch = this.#batch;
    this.#batch = [];
    for (const message of batch) {
      if (which === undefined || which(message)) this.#host.fail(message, error);
      else this.#batch.push(message);
    }
  }

  /** A message is done, one way or another. */
  done(message: Outgoing): void {
    this.messages--;
    this.#host.budget.messages--;
    this.#release(message.length);
    this.#wantRoom();
  }

  /** Tells the owner that there is room, if it wants to know and there is. */
  notifyRoom(): void {
    if (!this.#isWanting || this.bytes >= this.#options.maxQueuedBytes) return;
    this.#isWanting = false;
    this.#socket.notifyWritable();
  }

  #checkReply(reply: ReplyMatcher): void {
    try {
      this.#host.replies.check(reply, this.#options.isLinux);
    } catch (error) {
      this.#dropOpen();
      throw error;
    }
  }

  #dropOpen(): void {
    if (this.#open === undefined) return;
    this.#release(this.#open.length);
    this.#open = undefined;
  }

  #begin(options: SendOptions): boolean {
    this.#host.checkVia(options.via);
    if (!this.hasRoom) {
      // else nobody would ever make room
      this.closeBatch();
      this.#isWanting = true;
      this.#wantRoom();
      return false;
    }
    const retry = options.retry ?? this.#options.retry;
    this.#open = new Outgoing(this.#socket, retry, options.via, options.key, options.tag);
    return true;
  }

  #add(bytes: Uint8Array): void {
    const open = this.#open!;
    const { maxSendLength } = this.#options;
    if (open.length + bytes.length > maxSendLength) {
      this.#dropOpen();
      const message = `message of ${open.length + bytes.length} bytes or more exceeds maxSendLength ${maxSendLength}`;
      throw new KcmError(message, { code: "EMSGSIZE", blame: "local" });
    }
    open.add(bytes);
    this.bytes += bytes.length;
    this.#host.budget.bytes += bytes.length;
    this.counts.txBytes += bytes.length;
  }

  #end(options: SendOptions): void {
    const message = this.#open!;
    this.#open = undefined;
    // whoever ends it is told
    if (options.tag !== undefined) message.tag = options.tag;
    message.reply = options.reply;
    if (message.reply !== undefined) this.#host.replies.accepted();
    message.complete();
    this.messages++;
    this.#host.budget.messages++;
    this.counts.txMessages++;
    if (this.#batch.length === 0 && options.batch !== true) {
      this.isHeld = false;
      return this.#host.accept(this.#socket, message, true);
    }
    this.#batch.push(message);
    const goesAlong = this.#options.isLinux && this.messages > this.#batch.length;
    if (options.batch !== true || goesAlong) this.closeBatch();
  }

  #release(bytes: number): void {
    this.bytes -= bytes;
    this.#host.budget.bytes -= bytes;
  }

  /** Waits for room of all, once there is room here. */
  #wantRoom(): void {
    if (this.#isWanting && this.bytes < this.#options.maxQueuedBytes) this.#host.budget.want(this);
  }
}
