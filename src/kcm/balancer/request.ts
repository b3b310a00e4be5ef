/**
 * One request under way, and queues of them.
 *
 * A request stands in two lines at once: that of its client, in which replies go out, and that of its channel, in which
 * they come back. Both are chained through the request itself, so that neither costs an allocation or a search.
 *
 * @module
 */
import type { Backend } from "./backend.ts";
import type { ClientPort } from "./client_port.ts";

/** One request under way. */
export class Request {
  /** Who waits for the reply; nobody any more once it is `undefined`. */
  client: ClientPort | undefined;
  /** Whether it may be carried out twice. */
  readonly isSafe: boolean;
  /** Whether the reply is for nobody. */
  readonly isSilent: boolean;
  /** Where its bytes are: in here, */
  block: Uint8Array = NOTHING;
  /** from here, */
  from = 0;
  /** to here. */
  to = 0;
  /** Which one it is of all that its channel was given, from 1. */
  ordinal = 0;
  /** When it was handed to its channel, or began to wait for one. */
  sentAt = 0;
  /** The one backend that it waits for, where the policy keeps it there. */
  awaited: Backend | undefined;
  /** Backends that were tried. */
  attempts = 0;
  /** The client's number of the message, where the protocol has one. */
  id = 0;
  /** What it was replaced by on the channel; -1: its bytes have the client's. */
  channelId = -1;
  /** The reply, when it has come before its turn. */
  reply: Uint8Array | undefined;
  /** Nothing can be replied: the client is closed when it is this one's turn. */
  isFatal = false;
  /** Next in the client's line. */
  nextOfClient: Request | undefined;
  /** Next in the channel's line, or in that of requests without a channel. */
  nextOfChannel: Request | undefined;

  /** A request that has no channel yet. */
  constructor(client: ClientPort | undefined, isSafe: boolean, isSilent: boolean) {
    this.client = client;
    this.isSafe = isSafe;
    this.isSilent = isSilent;
  }

  /** Its bytes; the id in them may be the channel's. */
  get bytes(): Uint8Array {
    return this.block.subarray(this.from, this.to);
  }

  /** How many bytes it has. */
  get length(): number {
    return this.to - this.from;
  }

  /** It is nobody's any more, and will not be sent again: its bytes, which keep a block of many, are not needed. */
  release(): void {
    this.client = undefined;
    this.block = NOTHING;
  }
}

const NOTHING = new Uint8Array(0);

/** The line of a channel, or of requests that wait for one. */
export class ChannelQueue {
  /** The first in line. */
  first: Request | undefined;
  /** How many stand in line. */
  length = 0;
  #last: Request | undefined;

  /** Puts one at the end. */
  push(request: Request): void {
    request.nextOfChannel = undefined;
    if (this.#last === undefined) this.first = request;
    else this.#last.nextOfChannel = request;
    this.#last = request;
    this.length++;
  }

  /** Puts one at the front. */
  unshift(request: Request): void {
    request.nextOfChannel = this.first;
    this.first = request;
    this.#last ??= request;
    this.length++;
  }

  /** Takes the first out. */
  shift(): Request | undefined {
    const request = this.first;
    if (request === undefined) return undefined;
    this.first = request.nextOfChannel;
    if (this.first === undefined) this.#last = undefined;
    request.nextOfChannel = undefined;
    this.length--;
    return request;
  }

  /** Takes all out, in order. */
  takeAll(): Request[] {
    const all: Request[] = [];
    for (let request = this.shift(); request !== undefined; request = this.shift()) all.push(request);
    return all;
  }
}

/** The line of a client. */
export class ClientQueue {
  /** The first in line. */
  first: Request | undefined;
  /** How many stand in line. */
  length = 0;
  #last: Request | undefined;

  /** Puts one at the end. */
  push(request: Request): void {
    if (this.#last === undefined) this.first = request;
    else this.#last.nextOfClient = request;
    this.#last = request;
    this.length++;
  }

  /** Takes the first out. */
  shift(): Request | undefined {
    const request = this.first;
    if (request === undefined) return undefined;
    this.first = request.nextOfClient;
    if (this.first === undefined) this.#last = undefined;
    request.nextOfClient = undefined;
    this.length--;
    return request;
  }
}
