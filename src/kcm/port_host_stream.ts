/**
 * The multiplexor's end of a channel in a worker: a socket of the engine whose queue is on the other side of a
 * `MessagePort`. Internal, but for the type of what the user holds.
 *
 * What was sent over and not read there is kept here as well, so that nothing is lost with a worker.
 *
 * @module
 */
import { concat } from "../bytes/concat.ts";
import type { ChannelOwner, ChannelSettings, Driven } from "./channel_stream.ts";
import { KcmError } from "./errors.ts";
import { Fifo } from "./fifo.ts";
import { type KcmConnection, KcmMessage } from "./kcm_message.ts";
import type { OutgoingMessage } from "./outgoing.ts";
import type { SocketPort, SocketSink } from "./ports.ts";
import {
  type ConnectionFrame,
  connectionFrame,
  errorFrame,
  type FateFrame,
  headsOf,
  type HostFrame,
  type PortLike,
  type SendFrame,
  type WorkerFrame,
} from "./port_frames_stream.ts";
import { MESSAGE_WEIGHT } from "./receive_queue.ts";

/** The multiplexor, as its ends of channels know it. */
export interface PortHostOwner extends ChannelOwner {
  /** The attached connection with this `id`. */
  connectionOf(id: number): KcmConnection | undefined;
  /** Steers messages that were taken for replies, and that nobody wants. */
  returnReplies(replies: readonly KcmMessage[]): void;
  /** Longest message to be sent. */
  readonly maxSendLength: number;
  /** From so many bytes on no message is begun. */
  readonly sendBufferBytes: number;
}

interface Pending {
  readonly bytes: Uint8Array;
  readonly frame: SendFrame;
}

/** One channel in a worker. */
export class PortHost implements SocketSink, Driven {
  readonly port: SocketPort;
  /** Resolves when it is closed. */
  readonly closed: Promise<void>;
  readonly #owner: PortHostOwner;
  readonly #settings: ChannelSettings<boolean>;
  readonly #line: PortLike;
  /** Messages that were not read there, in order; the last ones are not sent yet. */
  readonly #unread: Fifo<KcmMessage> = new Fifo();
  #weight = 0;
  /** Weight read there, beyond messages that have left `#unread`. */
  #read = 0;
  #readTotal = 0;
  #unsent: KcmMessage[] = [];
  #epoch = 0;
  #fates: FateFrame[] = [];
  #gone: number[] = [];
  /** Connections that the worker was told of, and not yet that they are over. */
  readonly #told: Set<number> = new Set();
  /** Replies sent over, by the message that they answer, until the worker says whether somebody has waited. */
  readonly #replies: Map<number, KcmMessage> = new Map();
  #replyWeight = 0;
  /** What the engine has had no room for. */
  readonly #pending: Fifo<Pending> = new Fifo();
  #pendingBytes = 0;
  readonly #sendBufferBytes: number;
  #isTouched = false;
  #isStarving = false;
  #hasEnded = false;
  #isOver = false;
  #resolveClosed!: () => void;

  /** Opens a socket and begins to talk. */
  constructor(owner: PortHostOwner, settings: ChannelSettings<boolean>, line: PortLike) {
    this.#owner = owner;
    this.#settings = settings;
    this.#line = line;
    this.#sendBufferBytes = settings.sendBufferBytes ?? owner.sendBufferBytes;
    this.closed = new Promise((resolve) => this.#resolveClosed = resolve);
    this.port = owner.open(this, settings);
    line.addEventListener("message", ({ data }) => this.#heard(data as WorkerFrame));
    line.addEventListener("close", () => this.abort());
    line.start?.();
    this.#post({
      type: "open",
      index: this.port.index,
      socketType: settings.type ?? "datagram",
      sendBufferBytes: this.#sendBufferBytes,
      maxSendLength: owner.maxSendLength,
    });
  }

  get backlogBytes(): number {
    return this.#weight;
  }

  get backlogMessages(): number {
    return this.#unread.length;
  }

  get isFull(): boolean {
    return this.#weight >= this.#settings.highWaterMark;
  }

  message(message: KcmMessage): void {
    const weight = weightOf(message);
    this.#unread.push(message);
    this.#unsent.push(message);
    this.#weight += weight;
    this.#owner.held(weight);
    this.#touch();
    if (this.isFull || this.#owner.isTight) this.port.pause();
  }

  end(): void {
    this.#hasEnded = true;
    this.#touch();
  }

  written(message: OutgoingMessage): void {
    this.#fate("written", message, undefined);
  }

  retried(message: OutgoingMessage, error: unknown): void {
    this.#owner.messageFate?.("retried", message, error);
    this.#fate("retried", message, error);
  }

  failed(message: OutgoingMessage, error: unknown): void {
    this.#owner.messageFate?.("failed", message, error);
    this.#fate("failed", message, error);
  }

  answered(message: OutgoingMessage, reply: KcmMessage): boolean {
    this.#replies.set(message.tag as number, reply);
    const weight = weightOf(reply);
    this.#replyWeight += weight;
    this.#owner.held(weight);
    this.#fate("answered", message, undefined, reply);
    return true;
  }

  unanswered(message: OutgoingMessage, error: unknown): void {
    this.#fate("unanswered", message, error);
  }

  writable(): void {
    for (let one = this.#pending.shift(); one !== undefined; one = this.#pending.shift()) {
      if (!this.#give(one)) return this.#pending.unshift(one);
      this.#pendingBytes -= one.frame.length;
    }
  }

  connectionEnded(connection: KcmConnection): void {
    if (!this.#told.delete(connection.id)) return;
    this.#gone.push(connection.id);
    this.#touch();
  }

  flush(): void {
    this.#isTouched = false;
    if (this.#isOver) return;
    if (this.#unsent.length > 0) this.#postMessages();
    if (this.#fates.length > 0) this.#post({ type: "fates", fates: this.#fates });
    if (this.#gone.length > 0) this.#post({ type: "gone", ids: this.#gone });
    this.#fates = [];
    this.#gone = [];
    if (this.#hasEnded) {
      this.#hasEnded = false;
      const { failure } = this.#owner;
      this.#post({ type: "end", failure: failure === undefined ? undefined : errorFrame(failure.reason) });
    }
    this.#noteStarving();
  }

  tighten(): void {
    if (this.#weight > 0) this.port.pause();
  }

  makeRoom(): void {
    const { highWaterMark } = this.#settings;
    if (this.#weight === 0 || (this.#weight * 2 <= highWaterMark && !this.#owner.isTight)) this.port.resume();
  }

  /** Asks the worker to close. */
  askToClose(): void {
    if (!this.#isOver) this.#post({ type: "close" });
  }

  /** The worker is gone: what it has not read goes to others. */
  abort(): void {
    this.#close(this.#readTotal);
  }

  #heard(frame: WorkerFrame): void {
    if (this.#isOver) return;
    try {
      this.#handle(frame);
    } catch {
      // whoever is there does not speak this language
      this.abort();
    }
    this.#owner.settle();
  }

  #handle(frame: WorkerFrame): void {
    if (frame.type === "send") this.#send(frame.bytes, frame.messages);
    else if (frame.type === "read") this.#wasRead(frame.weight);
    else if (frame.type === "replies") this.#repliesCame(frame.wanted, frame.unwanted);
    else if (frame.type === "discard") this.#discard(new Set<unknown>(frame.ids));
    else if (frame.type === "disable") this.#disable(frame.weight);
    else if (frame.type === "enable") this.#enable();
    else if (frame.type === "tune") Object.assign(this.port, { weight: frame.weight, load: frame.load });
    else if (frame.type === "close") this.#close(frame.weight);
    else throw new TypeError("unknown frame");
  }

  #send(bytes: Uint8Array, messages: readonly SendFrame[]): void {
    let at = 0;
    for (const frame of messages) {
      const one = { bytes: bytes.subarray(at, at += frame.length), frame };
      if (one.bytes.length !== frame.length || frame.length === 0) {
        throw new RangeError("a message of no or wrong length");
      }
      if (this.#pending.length === 0 && this.#give(one)) continue;
      this.#pendingBytes += frame.length;
      // whoever keeps to what it was told has no more than this under way
      const most = this.#sendBufferBytes + this.#owner.maxSendLength;
      if (this.#pendingBytes > most) throw new RangeError("more was sent than there is room for");
      this.#pending.push(one);
    }
  }

  /** Gives a message to the engine; returns whether that is done with it. */
  #give({ bytes, frame: { id, via, batch, key, retry, reply } }: Pending): boolean {
    // a worker that does not say what became of its replies asks for no more
    if (reply !== undefined && this.#replyWeight >= this.#settings.highWaterMark) return false;
    try {
      const connection = via === undefined ? undefined : this.#owner.connectionOf(via);
      if (via !== undefined && connection === undefined) throw gone();
      return this.port.send(bytes, { eor: true, tag: id, via: connection, batch, key, retry, reply }) > 0;
    } catch (error) {
      const nothing = {
        length: bytes.length,
        tag: id,
        connection: undefined,
        bytesWritten: 0,
        bytesOffered: 0,
        retries: 0,
      };
      this.#fate("failed", nothing, error);
      return true;
    }
  }

  #discard(ids: ReadonlySet<unknown>): void {
    for (const one of this.#pending.takeAll()) {
      if (!ids.has(one.frame.id)) this.#pending.push(one);
      else {
        const { length } = one.bytes;
        const { id } = one.frame;
        this.#pendingBytes -= length;
        this.#fate(
          "failed",
          { length, tag: id, connection: undefined, bytesWritten: 0, bytesOffered: 0, retries: 0 },
          gone(),
        );
      }
    }
    this.port.discard(undefined, ({ tag }) => ids.has(tag));
  }

  #wasRead(total: number): void {
    const more = total - this.#readTotal;
    if (!(more >= 0 && more <= this.#weight)) throw new RangeError("more was read than was sent");
    this.#readTotal = total;
    this.#read += more;
    this.#weight -= more;
    this.#owner.held(-more);
    while (this.#unread.length > 0 && this.#read >= weightOf(this.#unread.at(0))) {
      this.#read -= weightOf(this.#unread.shift()!);
    }
    if (!this.port.hasRoom) this.makeRoom();
    this.#noteStarving();
  }

  /** The worker may have ended its wait while a reply was on its way there. */
  #repliesCame(wanted: readonly number[], unwanted: readonly number[]): void {
    for (const id of wanted) this.#takeReply(id);
    const back = unwanted.map((id) => this.#takeReply(id));
    if (back.length > 0) this.#owner.returnReplies(back);
    this.writable();
  }

  #takeReply(id: number): KcmMessage {
    const reply = this.#replies.get(id);
    if (reply === undefined) throw new RangeError("no reply to that message was sent");
    this.#replies.delete(id);
    const weight = weightOf(reply);
    this.#replyWeight -= weight;
    this.#owner.held(-weight);
    return reply;
  }

  #disable(total: number): void {
    this.#wasRead(total);
    this.port.disableReceive(this.#takeUnread());
    this.#epoch++;
  }

  #enable(): void {
    this.port.enableReceive();
    this.makeRoom();
  }

  #close(total: number): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#wasRead(Math.min(Math.max(total, this.#readTotal), this.#readTotal + this.#weight));
    if (this.#isStarving) this.#owner.starving(-1);
    this.port.close(this.#takeUnread());
    this.#owner.held(-this.#replyWeight);
    if (this.#replies.size > 0) this.#owner.returnReplies([...this.#replies.values()]);
    this.#line.close();
    this.#owner.closed(this, undefined);
    this.#resolveClosed();
    this.#owner.settle();
  }

  /** What was not read there; of the first message perhaps only the rest. */
  #takeUnread(): KcmMessage[] {
    const unread = this.#unread.takeAll();
    const [first] = unread;
    if (first !== undefined && this.#read > 0) {
      unread[0] = new KcmMessage(first.data.subarray(this.#read), first.connection, first.sequence);
    }
    this.#owner.held(-this.#weight);
    this.#weight = 0;
    this.#read = 0;
    this.#readTotal = 0;
    this.#unsent = [];
    return unread;
  }

  #postMessages(): void {
    const messages = this.#unsent;
    this.#unsent = [];
    const connections: ConnectionFrame[] = [];
    for (const { connection } of messages) {
      if (this.#told.has(connection.id)) continue;
      this.#told.add(connection.id);
      connections.push(connectionFrame(connection));
    }
    const bytes = concat(messages.map(({ data }) => data));
    const heads = headsOf(messages);
    this.#post({ type: "messages", epoch: this.#epoch, bytes, heads, connections }, [bytes.buffer, heads.buffer]);
  }

  #fate(fate: FateFrame["fate"], message: OutgoingMessage, error: unknown, reply?: KcmMessage): void {
    const { connection, retries, bytesWritten, bytesOffered } = message;
    this.#fates.push({
      id: message.tag as number,
      fate,
      connection: connection === undefined ? undefined : connectionFrame(connection),
      retries,
      bytesWritten,
      bytesOffered,
      error: error === undefined ? undefined : errorFrame(error),
      // a copy: the view would take all of its chunk along
      reply: reply && { data: reply.data.slice(), sequence: reply.sequence },
    });
    this.#touch();
  }

  #noteStarving(): void {
    const isStarving = this.#unread.length === 0 && !this.#isOver;
    if (isStarving === this.#isStarving) return;
    this.#isStarving = isStarving;
    this.#owner.starving(isStarving ? 1 : -1);
  }

  #touch(): void {
    if (this.#isTouched) return;
    this.#isTouched = true;
    this.#owner.touched(this);
  }

  #post(frame: HostFrame, transfer: ArrayBuffer[] = []): void {
    this.#line.postMessage(frame, transfer);
  }
}

function weightOf({ data }: KcmMessage): number {
  return data.length + MESSAGE_WEIGHT;
}

function gone(): KcmError {
  return new KcmError("its connection is gone, or cannot send", { code: "ENOTCONN", blame: "local" });
}
