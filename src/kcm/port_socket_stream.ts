/**
 * The worker's end of a channel: what a channel needs of the engine and of the multiplexor, over a `MessagePort`. Internal.
 *
 * @module
 */
import { concat } from "../bytes/concat.ts";
import { systemClock } from "../core/clock.ts";
import type { ChannelOwner, Driven } from "./channel_stream.ts";
import { KcmError } from "./errors.ts";
import { KcmConnection, KcmMessage } from "./kcm_message.ts";
import type { DiscardFilter, OutgoingMessage, ReplyMatcher, ReplyPattern, SendOptions } from "./outgoing.ts";
import type { SocketPort, SocketSink, SocketStats, SocketType } from "./ports.ts";
import {
  type ConnectionFrame,
  errorOf,
  type FateFrame,
  type HostFrame,
  type PortLike,
  type SendFrame,
  type WorkerFrame,
} from "./port_frames_stream.ts";
import { MESSAGE_WEIGHT } from "./receive_queue.ts";

/** What the multiplexor says when it opens the channel. */
export type OpenFrame = Extract<HostFrame, { type: "open" }>;

/** A message on its way, as it is known here. */
class Sent implements OutgoingMessage {
  readonly length: number;
  readonly tag: unknown;
  connection: KcmConnection | undefined = undefined;
  bytesWritten = 0;
  bytesOffered = 0;
  retries = 0;
  /** Whether its reply is waited for. */
  isAwaiting: boolean;
  /** What it fails with if it was given up here. */
  error: unknown = undefined;

  constructor(length: number, tag: unknown, isAwaiting: boolean) {
    this.length = length;
    this.tag = tag;
    this.isAwaiting = isAwaiting;
  }
}

/** The engine's socket and the multiplexor, from afar. */
export class PortSocket implements SocketPort, ChannelOwner {
  readonly handle = 0;
  readonly index: number;
  readonly isTight = false;
  failure: { readonly reason: unknown } | undefined;
  /** The multiplexor wants it closed. */
  closeAsked: () => void = () => {};
  isReceiveDisabled = false;
  isClosed = false;
  queuedBytes = 0;
  readonly #line: PortLike;
  readonly #type: SocketType;
  readonly #sendBufferBytes: number;
  readonly #maxSendLength: number;
  #sink: SocketSink | undefined;
  #channel: Driven | undefined;
  #weight = 1;
  #load = 0;
  readonly #counts = { rxMessages: 0, rxBytes: 0, txMessages: 0, txBytes: 0 };
  readonly #connections: Map<number, KcmConnection> = new Map();
  /** By weight, of this epoch: what came, and what was read of it. */
  #came = 0;
  #read = 0;
  #readTold = 0;
  #epoch = 0;
  #parts: Uint8Array[] = [];
  #partBytes = 0;
  #isOpen = false;
  readonly #sent: Map<number, Sent> = new Map();
  /** Those that were written and whose reply has not come. */
  readonly #awaiting: Map<number, Sent> = new Map();
  #nextId = 1;
  /** Messages whose reply came, and whether somebody has waited. */
  #replies: { readonly wanted: number[]; readonly unwanted: number[] } = { wanted: [], unwanted: [] };
  #unposted: { frames: SendFrame[]; views: Uint8Array[] } = { frames: [], views: [] };
  #isWanting = false;
  #isTouched = false;
  #isScheduled = false;
  #isSendingOver = false;
  #drain: { readonly unread: () => readonly KcmMessage[]; readonly stop: () => void } | undefined;

  /** Goes on from the frame that opened it. */
  constructor(line: PortLike, opened: OpenFrame) {
    this.#line = line;
    this.index = opened.index;
    this.#type = opened.socketType;
    this.#sendBufferBytes = opened.sendBufferBytes;
    this.#maxSendLength = opened.maxSendLength;
  }

  get stats(): SocketStats {
    return { ...this.#counts };
  }

  get weight(): number {
    return this.#weight;
  }

  set weight(weight: number) {
    if (!(weight > 0 && weight < Infinity)) throw new RangeError(`weight must be above 0, got ${weight}`);
    this.#weight = weight;
    this.#post({ type: "tune", weight, load: this.#load });
  }

  get load(): number {
    return this.#load;
  }

  set load(load: number) {
    this.#load = load;
    this.#post({ type: "tune", weight: this.#weight, load });
  }

  get hasRoom(): boolean {
    return !this.isClosed;
  }

  get queuedMessages(): number {
    return this.#sent.size;
  }

  get canSend(): boolean {
    return !this.#isSendingOver && this.queuedBytes < this.#sendBufferBytes;
  }

  // how much comes is bounded by the multiplexor, which is told what was read
  pause(): void {}

  resume(): void {}

  open(sink: SocketSink): SocketPort {
    if (this.#sink !== undefined) return this.clone();
    this.#sink = sink;
    return this;
  }

  now(): number {
    return systemClock.now();
  }

  held(bytes: number): void {
    if (bytes < 0) this.#read -= bytes;
    this.#schedule();
  }

  starving(): void {}

  touched(channel: Driven): void {
    this.#channel = channel;
    this.#isTouched = true;
    this.#schedule();
  }

  settle(): void {
    while (this.#isTouched) {
      this.#isTouched = false;
      this.#channel!.flush();
    }
  }

  opened(): void {}

  closed(): void {}

  disableReceive(unread: readonly KcmMessage[] = []): void {
    if (this.isReceiveDisabled || this.isClosed) return;
    this.isReceiveDisabled = true;
    this.#post({ type: "disable", weight: this.#readWithout(unread) });
    this.#epoch++;
    this.#came = 0;
    this.#read = 0;
    this.#readTold = 0;
  }

  enableReceive(): void {
    if (!this.isReceiveDisabled || this.isClosed) return;
    this.isReceiveDisabled = false;
    this.#post({ type: "enable" });
  }

  clone(): SocketPort {
    throw new KcmError("a channel in a worker cannot be cloned: hand over another one", {
      code: "EOPNOTSUPP",
      blame: "local",
    });
  }

  send(bytes: Uint8Array, options: SendOptions = {}): number {
    if (this.#isSendingOver) throw new KcmError("the socket is closed", { code: "EPIPE", blame: "local" });
    portable(options.reply);
    if (!this.#isOpen && bytes.length > 0 && this.queuedBytes >= this.#sendBufferBytes) {
      this.#isWanting = true;
      return 0;
    }
    this.#add(bytes);
    const isEnd = this.#type === "seqpacket" ? options.eor === true : options.more !== true;
    if (isEnd && this.#isOpen) this.#end(options);
    return bytes.length;
  }

  discard(error?: unknown, which?: DiscardFilter): void {
    if (which === undefined) this.#dropOpen();
    const ids: number[] = [];
    for (const [id, message] of [...this.#sent, ...this.#awaiting]) {
      if (which?.(message) === false) continue;
      message.error = error;
      ids.push(id);
    }
    this.#flush();
    if (ids.length > 0) this.#post({ type: "discard", ids });
  }

  drain(deadlineAt: number = Infinity, unread: () => readonly KcmMessage[] = () => []): void {
    if (this.isClosed || this.#drain !== undefined) return;
    this.#isSendingOver = true;
    const late = (): void => {
      this.discard(new KcmError("the socket was not drained in time", { code: "ETIMEDOUT", blame: "local" }));
      this.#finishDrain(true);
    };
    const stop = deadlineAt === Infinity ? () => {} : systemClock.setTimer(deadlineAt, late);
    this.#drain = { unread, stop };
    this.#finishDrain(false);
  }

  close(unread: readonly KcmMessage[] = []): void {
    if (this.isClosed) return;
    this.#read = this.#readWithout(unread);
    this.#flush();
    this.isClosed = true;
    this.#finish();
    this.#post({ type: "close", weight: this.#read });
  }

  /** Everything that is under way is over. */
  #finish(): void {
    this.#isSendingOver = true;
    this.#drain?.stop();
    const error = new KcmError("the socket was closed", { code: "ECANCELED", blame: "local" });
    const sent = [...this.#sent.values()];
    const awaiting = [...this.#awaiting.values()];
    this.#sent.clear();
    this.#awaiting.clear();
    for (const message of sent) this.#sink!.failed?.(message, message.error ?? error);
    for (const message of awaiting) this.#sink!.unanswered?.(message, message.error ?? error);
  }

  /** The other side is gone without a word. */
  lost(reason: KcmError): void {
    if (this.isClosed) return;
    this.failure = { reason };
    for (const message of this.#sent.values()) message.error ??= reason;
    for (const message of this.#awaiting.values()) message.error ??= reason;
    this.isClosed = true;
    this.#finish();
  }

  /** A frame came. */
  heard(frame: HostFrame): void {
    if (this.isClosed) return;
    if (frame.type === "messages") this.#messages(frame);
    else if (frame.type === "fates") { for (const one of frame.fates) this.#fate(one); }
    else if (frame.type === "gone") { for (const id of frame.ids) this.#connections.delete(id); }
    else if (frame.type === "end") {
      if (frame.failure !== undefined) this.failure = { reason: errorOf(frame.failure, undefined) };
      this.#sink!.end();
    } else if (frame.type === "close") this.closeAsked();
    this.settle();
    this.#flush();
  }

  #messages({ epoch, bytes, heads, connections }: Extract<HostFrame, { type: "messages" }>): void {
    for (const one of connections) this.#connection(one);
    if (epoch !== this.#epoch) return;
    let at = 0;
    for (let i = 0; i < heads.length; i += 3) {
      const data = bytes.subarray(at, at += heads[i]!);
      this.#counts.rxMessages++;
      this.#counts.rxBytes += data.length;
      this.#came += data.length + MESSAGE_WEIGHT;
      this.#sink!.message(new KcmMessage(data, this.#connections.get(heads[i + 1]!)!, heads[i + 2]!));
    }
  }

  #connection({ id, flow, direction, label }: ConnectionFrame): KcmConnection {
    const known = this.#connections.get(id);
    if (known !== undefined) return known;
    const connection = new KcmConnection(id, flow, direction, label);
    this.#connections.set(id, connection);
    return connection;
  }

  #fate({ id, fate, connection, retries, bytesWritten, bytesOffered, error, reply }: FateFrame): void {
    const message = this.#sent.get(id) ?? this.#awaiting.get(id);
    if (message === undefined) return;
    message.connection = connection === undefined ? undefined : this.#connections.get(connection.id) ??
      new KcmConnection(connection.id, connection.flow, connection.direction, connection.label);
    Object.assign(message, { retries, bytesWritten, bytesOffered });
    const cause = error === undefined ? undefined : message.error ?? errorOf(error, message.connection);
    if (fate === "retried") return this.#sink!.retried?.(message, cause);
    if (fate === "answered" || fate === "unanswered") {
      message.isAwaiting = false;
      this.#awaiting.delete(id);
      if (reply === undefined) this.#sink!.unanswered?.(message, cause);
      else {
        const isWanted = this.#sink!.answered?.(
          message,
          new KcmMessage(reply.data, message.connection!, reply.sequence),
        );
        this.#replies[isWanted === true ? "wanted" : "unwanted"].push(id);
      }
      return this.#finishDrain(false);
    }
    this.#sent.delete(id);
    this.queuedBytes -= message.length;
    if (fate === "written" && message.isAwaiting) this.#awaiting.set(id, message);
    if (fate === "written") this.#sink!.written?.(message);
    else this.#sink!.failed?.(message, cause);
    if (this.#isWanting && this.canSend) {
      this.#isWanting = false;
      this.#sink!.writable?.();
    }
    this.#finishDrain(false);
  }

  #add(bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    if (this.#partBytes + bytes.length > this.#maxSendLength) {
      const length = this.#partBytes + bytes.length;
      this.#dropOpen();
      const message = `message of ${length} bytes or more exceeds maxSendLength ${this.#maxSendLength}`;
      throw new KcmError(message, { code: "EMSGSIZE", blame: "local" });
    }
    this.#isOpen = true;
    this.#parts.push(bytes);
    this.#partBytes += bytes.length;
    this.queuedBytes += bytes.length;
    this.#counts.txBytes += bytes.length;
  }

  #end({ via, batch, key, retry, tag, reply }: SendOptions): void {
    const data = this.#parts.length === 1 ? this.#parts[0]! : concat(this.#parts);
    this.#parts = [];
    this.#partBytes = 0;
    this.#isOpen = false;
    const id = this.#nextId++;
    this.#sent.set(id, new Sent(data.length, tag, reply !== undefined));
    this.#counts.txMessages++;
    this.#unposted.frames.push({ id, length: data.length, via: via?.id, batch, key, retry, reply: portable(reply) });
    this.#unposted.views.push(data);
    this.#schedule();
  }

  #dropOpen(): void {
    this.queuedBytes -= this.#partBytes;
    this.#parts = [];
    this.#partBytes = 0;
    this.#isOpen = false;
  }

  #finishDrain(isLate: boolean): void {
    if (this.#drain === undefined || this.isClosed) return;
    if (this.#sent.size + this.#awaiting.size > 0 && !isLate) return;
    this.close(this.#drain.unread());
    this.#sink!.drained?.();
    this.settle();
  }

  /** How much was read, in all of this epoch, if `unread` was not. */
  #readWithout(unread: readonly KcmMessage[]): number {
    let weight = this.#came;
    for (const { data } of unread) weight -= data.length + MESSAGE_WEIGHT;
    return weight;
  }

  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    queueMicrotask(() => {
      this.#isScheduled = false;
      this.settle();
      this.#flush();
    });
  }

  #flush(): void {
    if (this.isClosed) return;
    const { frames, views } = this.#unposted;
    if (frames.length > 0) {
      this.#unposted = { frames: [], views: [] };
      const bytes = concat(views);
      this.#post({ type: "send", bytes, messages: frames }, [bytes.buffer]);
    }
    const { wanted, unwanted } = this.#replies;
    if (wanted.length + unwanted.length > 0) {
      this.#replies = { wanted: [], unwanted: [] };
      this.#post({ type: "replies", wanted, unwanted });
    }
    if (this.#read === this.#readTold || this.isReceiveDisabled) return;
    this.#readTold = this.#read;
    this.#post({ type: "read", weight: this.#read });
  }

  #post(frame: WorkerFrame, transfer: ArrayBuffer[] = []): void {
    this.#line.postMessage(frame, transfer);
  }
}

/** A function can't be asked there. */
function portable(reply: ReplyMatcher | undefined): "next" | ReplyPattern | undefined {
  if (typeof reply !== "function") return reply;
  throw new KcmError('a function cannot go to another thread: reply must be "next", or an offset and bytes', {
    code: "EOPNOTSUPP",
    blame: "local",
  });
}
