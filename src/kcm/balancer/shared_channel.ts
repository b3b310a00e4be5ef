/**
 * A connection to a backend that many clients share: requests go out in the order in which they came, and each reply is
 * given to the request that it is of, by order or by number.
 *
 * A reply that nobody asked for, where order is all there is to go by, means that this side and the backend disagree on what
 * was asked; the connection is given up then, since the next reply might go to the wrong client.
 *
 * @module
 */
import type { LeatError } from "../../core/errors.ts";
import type { Sink } from "../../core/engine.ts";
import { readU16, readU32 } from "../../bytes/integers.ts";
import { StreamParser } from "../../strparser/stream_parser.ts";
import { KcmError } from "../errors.ts";
import type { Backend } from "./backend.ts";
import type { BalancerHost } from "./balancer_host.ts";
import { BasePort } from "./line_port.ts";
import type { MessageId } from "./protocol.ts";
import { ChannelQueue, type Request } from "./request.ts";

/** Of all numbers that there are, so many may be in use: what is left finds a free one at once. */
const MOST_IDS: Readonly<Record<2 | 4, number>> = { 2: 49_152, 4: 1_000_000 };

/** With so many numbers in use for replies that do not come the connection is given up. */
const MOST_LATE = 1000;

/** A shared connection. */
export class SharedChannel extends BasePort {
  /** What it is. */
  readonly kind = "shared";
  /** Where it goes. */
  readonly backend: Backend;
  /** Tells it from the others of its backend. */
  readonly number: number;
  /** Whether the connection stands. */
  isOpen = false;
  /** When connecting began. */
  readonly since: number;
  /** Messages sent. */
  requests = 0;
  /** Replies that came. */
  replies = 0;
  readonly #host: BalancerHost;
  readonly #parser: StreamParser;
  readonly #id: MessageId | undefined;
  readonly #queue = new ChannelQueue();
  readonly #byId = new Map<number, Request>();
  readonly #maxBytes: number;
  #nextId = 0;
  /** Of all requests the first so many were handed over. */
  #handedOver = 0;
  /** When a message came last. */
  #heardAt = -Infinity;

  /** A connection that is being made. */
  constructor(backend: Backend, host: BalancerHost) {
    super();
    const { protocol, maxMessageLength, maxBufferBytes, replies } = host.settings;
    this.backend = backend;
    this.number = ++backend.connects;
    this.#host = host;
    this.since = host.now;
    this.#id = replies === "none" ? undefined : protocol.id;
    this.#maxBytes = maxBufferBytes;
    this.#parser = new StreamParser(
      { parser: protocol.parser, direction: "server", maxMessageLength },
      new Replies(this),
    );
  }

  get wantsInput(): boolean {
    return true;
  }

  override get bytesHeld(): number {
    return this.#parser.bytesHeld;
  }

  /** Requests under way. */
  get outstanding(): number {
    return this.#id === undefined ? this.#queue.length : this.#byId.size;
  }

  /** Whether it takes a request. */
  get hasRoom(): boolean {
    if (!this.isOpen || this.isOver || this.out.bytes >= this.#maxBytes) return false;
    return this.#id === undefined || this.#byId.size < MOST_IDS[this.#id.size];
  }

  /** The connection stands. */
  opened(now: number): void {
    this.#host.now = now;
    if (this.isOver) return;
    this.isOpen = true;
    if (this.#host.settings.replies === "none") this.backend.succeeded();
    this.#host.roomAt();
  }

  /** Takes a request. */
  send(request: Request, bytes: Uint8Array, from: number, to: number): void {
    const { out } = this;
    out.appendRange(bytes, from, to);
    request.block = out.block;
    request.from = out.at;
    request.to = out.at + to - from;
    request.sentAt = this.#host.now;
    request.ordinal = ++this.requests;
    this.backend.requests++;
    if (this.#id === undefined) this.#queue.push(request);
    else this.#number(request, this.#id);
    if (!this.isAttended) this.#host.attend(this);
  }

  /** Takes a message that gets no reply. */
  sendOneWay(bytes: Uint8Array): void {
    this.out.append(bytes);
    this.requests++;
    this.backend.requests++;
    if (!this.isAttended) this.#host.attend(this);
  }

  override take(): Uint8Array[] | undefined {
    this.#handedOver = this.requests;
    return super.take();
  }

  override wrote(now: number): void {
    super.wrote(now);
    this.#host.now = now;
    this.#host.roomAt();
  }

  push(bytes: Uint8Array, now: number): void {
    this.#host.now = now;
    this.bytesIn += bytes.length;
    if (!this.isOver) this.#parser.push(bytes, now);
  }

  end(now: number): void {
    this.#host.now = now;
    if (!this.isOver) this.#parser.end(now);
  }

  fail(error: unknown, now: number): void {
    this.#host.now = now;
    this.lose(error);
  }

  /** A message came. */
  came(reply: Uint8Array): void {
    const host = this.#host;
    const { counts } = host;
    this.#heardAt = host.now;
    if (host.settings.replies === "none" || !host.settings.protocol.isReply(reply)) {
      counts.aside++;
      return;
    }
    const request = this.#id === undefined ? this.#takeFirst() : this.#takeNumbered(reply, this.#id);
    if (request === undefined) return this.#stray();
    this.replies++;
    const { backend } = this;
    backend.replies++;
    // only this shows that it is well: some take connections, and break them at the first request
    backend.succeeded();
    backend.latency.add(host.now - request.sentAt);
    const { client } = request;
    if (client === undefined) counts.strays++;
    else client.answered(request, reply);
  }

  /** The backend has ended the connection. */
  ended(): void {
    this.lose(new KcmError("the backend has ended the connection", { code: "EOF", blame: "remote" }));
  }

  /** No more requests: closes when those under way are answered. */
  finish(): void {
    if (this.isOver || this.outstanding > 0) return;
    this.isOver = this.isShut = true;
    this.#host.attend(this);
  }

  /** Fails requests that wait too long. By order nothing can be told from what comes late: the connection is given up. */
  checkTime(now: number): void {
    const { timeoutMs, connectTimeoutMs } = this.#host.settings;
    if (!this.isOpen) {
      if (now - this.since >= connectTimeoutMs) this.lose(timeoutError("connecting took", connectTimeoutMs));
      return;
    }
    const first = this.#queue.first;
    if (first !== undefined && now - first.sentAt >= timeoutMs) {
      return this.lose(timeoutError("a reply took", timeoutMs));
    }
    let late = 0;
    for (const request of this.#byId.values()) {
      if (now - request.sentAt < timeoutMs) return;
      // nothing at all came since: it is not this request that is at fault
      if (this.#heardAt < request.sentAt || ++late >= MOST_LATE) {
        return this.lose(timeoutError("a reply took", timeoutMs));
      }
      // the number stays in use until its reply comes, so that nobody else gets that
      if (request.client !== undefined) this.#host.fail(request, "timeout");
    }
  }

  /** The connection is of no use any more. */
  lose(error: unknown): void {
    if (this.isOver) return;
    this.isOver = this.isAborted = true;
    this.isOpen = false;
    this.#parser.abort();
    const left = this.#id === undefined ? this.#queue.takeAll() : [...this.#byId.values()];
    this.#byId.clear();
    this.#host.channelLost(this, left, this.requests - this.#handedOver, error);
    this.out.clear();
    this.#host.attend(this);
  }

  #stray(): void {
    this.#host.counts.strays++;
    if (this.#id !== undefined) return;
    this.lose(new KcmError("a reply without a request", { code: "EPROTO", blame: "remote" }));
  }

  #number(request: Request, id: MessageId): void {
    const { block } = request;
    const at = request.from + id.offset;
    const byId = this.#byId;
    const mask = id.size === 2 ? 0xffff : 0xffffffff;
    // a request that is sent again has its client's number back already
    request.id = readId(block, at, id);
    do this.#nextId = (this.#nextId + 1 & mask) >>> 0; while (byId.has(this.#nextId));
    request.channelId = this.#nextId;
    writeId(block, at, id, this.#nextId);
    byId.set(this.#nextId, request);
  }

  /** What nobody was asked yet is answered by nobody: some servers complain, and end the connection. */
  #takeFirst(): Request | undefined {
    const { first } = this.#queue;
    return first === undefined || first.ordinal > this.#handedOver ? undefined : this.#queue.shift();
  }

  #takeNumbered(reply: Uint8Array, id: MessageId): Request | undefined {
    const number = readId(reply, id.offset, id);
    const request = this.#byId.get(number);
    if (request === undefined || request.ordinal > this.#handedOver) return undefined;
    this.#byId.delete(number);
    writeId(reply, id.offset, id, request.id);
    return request;
  }
}

/** What the parser of a channel tells. */
class Replies implements Sink<Uint8Array> {
  readonly #channel: SharedChannel;

  constructor(channel: SharedChannel) {
    this.#channel = channel;
  }

  item(reply: Uint8Array): void {
    this.#channel.came(reply);
  }

  error(error: LeatError): void {
    this.#channel.lose(error);
  }

  end(): void {
    this.#channel.ended();
  }
}

function readId(bytes: Uint8Array, at: number, { size }: MessageId): number {
  return size === 2 ? readU16(bytes, at) : readU32(bytes, at);
}

function writeId(bytes: Uint8Array, at: number, { size }: MessageId, value: number): void {
  for (let i = size - 1, left = value; i >= 0; i--, left >>>= 8) bytes[at + i] = left & 0xff;
}

function timeoutError(what: string, limitMs: number): KcmError {
  return new KcmError(`${what} more than ${limitMs} ms`, { code: "ETIMEDOUT", blame: "remote" });
}
