/**
 * Messages that were steered to a socket and that nobody has read yet, the first of them perhaps in part. Internal.
 *
 * @module
 */
import { Fifo } from "./fifo.ts";
import { KcmMessage } from "./kcm_message.ts";

/** What a message weighs beyond its bytes: about what its objects take, so that tiny ones do not come for nothing. */
export const MESSAGE_WEIGHT = 128;

/** What `recvmsg` brings. */
export interface ReceivedPart {
  /** The bytes, a view. */
  readonly data: Uint8Array;
  /** Whether a message ends behind them. Kernel: `MSG_EOR`. */
  readonly isEnd: boolean;
  /** Whether the rest of the message was cut off. Kernel: `MSG_TRUNC`. */
  readonly isTruncated: boolean;
  /** The message that they are of. */
  readonly message: KcmMessage;
}

/** The queue. */
export class ReceiveQueue {
  /** Bytes that wait, with what their messages weigh on top. */
  weight = 0;
  readonly #messages: Fifo<KcmMessage> = new Fifo();
  readonly #messageWeight: number;
  /** Bytes of the first message that were read. */
  #offset = 0;

  /** Each message weighs so much on top of its bytes. */
  constructor(messageWeight: number) {
    this.#messageWeight = messageWeight;
  }

  /** Messages that wait. */
  get length(): number {
    return this.#messages.length;
  }

  /** How much the message that waits first weighs. */
  get firstWeight(): number {
    return this.#messages.at(0).data.length - this.#offset + this.#messageWeight;
  }

  /** Appends one; returns how much it weighs. */
  push(message: KcmMessage): number {
    const weight = message.data.length + this.#messageWeight;
    this.#messages.push(message);
    this.weight += weight;
    return weight;
  }

  /** The first one, or what is left of it; there must be one. */
  shift(): KcmMessage {
    this.weight -= this.firstWeight;
    const message = restOf(this.#messages.shift()!, this.#offset);
    this.#offset = 0;
    return message;
  }

  /** All of them. */
  takeAll(): KcmMessage[] {
    const messages = this.#messages.takeAll();
    if (this.#offset > 0) messages[0] = restOf(messages[0]!, this.#offset);
    this.#offset = 0;
    this.weight = 0;
    return messages;
  }

  /**
   * At most `maxLength` bytes of the first message, which there must be. The rest stays for the next call, or with `cuts` is
   * dropped.
   */
  read(maxLength: number, isPeek: boolean, cuts: boolean): ReceivedPart {
    const message = this.#messages.at(0);
    const left = message.data.length - this.#offset;
    const count = Math.min(maxLength, left);
    const data = message.data.subarray(this.#offset, this.#offset + count);
    if (isPeek) return { data, isEnd: false, isTruncated: false, message };
    const isWhole = count === left;
    const isTruncated = !isWhole && cuts;
    if (isWhole || isTruncated) this.shift();
    else {
      this.#offset += count;
      this.weight -= count;
    }
    return { data, isEnd: isWhole || isTruncated, isTruncated, message };
  }
}

function restOf(message: KcmMessage, offset: number): KcmMessage {
  if (offset === 0) return message;
  return new KcmMessage(message.data.subarray(offset), message.connection, message.sequence);
}
