/**
 * One client: its requests in, their replies out, in order.
 *
 * Theory. A client is in one of three states. Balanced: each request is judged and placed, and stands in `#pending` until
 * it is answered; a reply whose turn has not come waits in its request. Pinning: a request asked for a connection of its own;
 * nothing more is read until all before it are answered. Session: the client has that connection, and bytes go through. It
 * is not read (`wantsInput`) while any of these hold: too many requests, or one that waits for a backend; too many
 * bytes that it does not take; pinning; over.
 *
 * @module
 */
import type { Sink } from "../../core/engine.ts";
import type { LeatError } from "../../core/errors.ts";
import { StreamParser } from "../../strparser/stream_parser.ts";
import type { Backend } from "./backend.ts";
import type { BalancerHost } from "./balancer_host.ts";
import { BasePort } from "./line_port.ts";
import { type Reaction, Verdict } from "./protocol.ts";
import { ClientQueue, Request } from "./request.ts";
import type { SessionChannel } from "./session_channel.ts";

const NOTHING = new Uint8Array(0);

/** One client. */
export class ClientPort extends BasePort {
  /** What it is. */
  readonly kind = "client";
  /** Who it is, for the log. */
  readonly name: string;
  /** How many came before it. */
  readonly number: number;
  /** When it came. */
  readonly since: number;
  /** Its backend, with the policy that goes by client. */
  home: Backend | undefined;
  /** Requests that came. */
  requests = 0;
  /** Replies that went out. */
  replies = 0;
  /** Requests of it that wait for a backend. */
  waiting = 0;
  /** How it ended, for the log. */
  outcome = "";
  /** When something came last. */
  heardAt: number;
  /** Its own connection. */
  session: SessionChannel | undefined;
  readonly #host: BalancerHost;
  readonly #parser: StreamParser;
  readonly #pending = new ClientQueue();
  /** Bytes of replies whose turn has not come. */
  #heldBytes = 0;
  /** Bytes of requests under way. */
  #pendingBytes = 0;
  /** What came behind the message at which reading stopped. */
  #backlog: Uint8Array = NOTHING;
  #pinned: Uint8Array | undefined;
  #hasEnded = false;
  /** Nothing more is read; over when all is answered. */
  #isClosing = false;

  /** A client that has just come. */
  constructor(name: string, host: BalancerHost) {
    super();
    this.name = name;
    this.number = host.counts.accepted;
    this.#host = host;
    this.since = this.heardAt = host.now;
    const { protocol, maxMessageLength, messageMs: messageTimeoutMs } = host.settings;
    const options = { parser: protocol.parser, direction: "client", maxMessageLength, messageTimeoutMs } as const;
    this.#parser = new StreamParser(options, new Requests(this));
    if (host.settings.replies === "sticky") this.#pin(NOTHING);
  }

  get wantsInput(): boolean {
    if (this.isOver || this.#isClosing || this.#backlog.length > 0) return false;
    return this.session !== undefined ? this.session.hasRoom : this.#takesRequests;
  }

  override get bytesHeld(): number {
    return this.#parser.bytesHeld;
  }

  /** Requests under way. */
  get outstanding(): number {
    return this.#pending.length;
  }

  override get bytesOwed(): number {
    const own = this.#heldBytes + this.#pendingBytes + this.#parser.bytesHeld + this.#backlog.length;
    return super.bytesOwed + (this.isOver ? 0 : own + (this.session?.bytesUnwritten ?? 0));
  }

  get #takesRequests(): boolean {
    return this.#pinned === undefined && this.waiting === 0 && !this.#hasEnough &&
      this.bytesUnwritten + this.#heldBytes <= this.#host.settings.maxBufferBytes / 2;
  }

  /** Whether there is as much under way as may be. */
  get #hasEnough(): boolean {
    const { maxPending, maxBufferBytes } = this.#host.settings;
    return this.#pending.length >= maxPending || this.#pendingBytes >= maxBufferBytes / 2;
  }

  push(bytes: Uint8Array, now: number): void {
    this.#host.now = this.heardAt = now;
    this.bytesIn += bytes.length;
    if (this.isOver || this.#isClosing) return;
    if (this.session !== undefined) return this.session.send(bytes);
    if (this.#backlog.length > 0) {
      this.#backlog = joined(this.#backlog, bytes);
      return this.#host.account(this);
    }
    const taken = this.#parser.push(bytes, now);
    if (taken < bytes.length && !this.isOver && !this.#isClosing) this.#backlog = bytes.slice(taken);
    this.#host.account(this);
    if (this.#backlog.length === 0) return;
    // it may be able to go on already
    if (this.session !== undefined || this.#takesRequests) this.#host.attend(this);
  }

  end(now: number): void {
    this.#host.now = now;
    this.#hasEnded = true;
    if (this.isOver || this.#backlog.length > 0) return;
    if (this.session !== undefined) return this.session.shut();
    // a request for a connection of its own is still under way
    if (this.#pinned !== undefined) return;
    this.#parser.end(now);
    this.closeWhenDone("closed");
  }

  fail(error: unknown, now: number): void {
    this.#host.now = now;
    this.#over(codeOf(error), true);
  }

  override wrote(now: number): void {
    super.wrote(now);
    this.#host.now = this.heardAt = now;
    this.#host.account(this);
    if (this.session === undefined) this.#goOn();
    else this.#host.attend(this.session);
  }

  override advance(now: number): void {
    const backlog = this.#backlog;
    if (backlog.length === 0 || this.isOver || this.#isClosing) return;
    if (this.session !== undefined) {
      this.#backlog = NOTHING;
      this.session.send(backlog);
    } else if (this.#takesRequests) {
      this.#parser.resume(now);
      this.#backlog = NOTHING;
      const taken = this.#parser.push(backlog, now);
      if (this.isOver || this.#isClosing) return;
      this.#backlog = backlog.subarray(taken);
      if (taken > 0 && this.#backlog.length > 0) this.#goOn();
    }
    if (this.#backlog.length === 0 && this.#hasEnded) this.end(now);
  }

  /** A request came. */
  came(message: Uint8Array): void {
    const host = this.#host;
    this.requests++;
    host.counts.requests++;
    const judgement = host.settings.protocol.judge(message);
    if (typeof judgement !== "number") return this.#react(judgement);
    if (judgement <= Verdict.FORWARD_SAFE) return this.#forward(message, judgement === Verdict.FORWARD_SAFE, false);
    if (judgement === Verdict.PIN) this.#pin(message.slice());
    else host.counts.local++;
  }

  /** What came is not the protocol. */
  refused(error: LeatError): void {
    if (error.code === "ETRUNCATED") return this.closeWhenDone("ETRUNCATED");
    this.#host.counts.badClients++;
    const complaint = this.#host.settings.protocol.complaint(error);
    if (complaint !== undefined) this.#answer(complaint);
    this.closeWhenDone(error.code);
  }

  /** The reply to one of its requests; it may be a view that is of use in this call only. */
  answered(request: Request, reply: Uint8Array): void {
    request.release();
    const { isOrdered } = this.#host.settings;
    if (request !== this.#pending.first) {
      if (isOrdered) this.#hold(request, reply);
      else {
        this.#send(request, reply);
        request.reply = NOTHING;
      }
      return;
    }
    this.#shift();
    this.#send(request, reply);
    this.#sendHeld();
    if (this.isOver) return;
    if (!this.isAttended) this.#host.attend(this);
    if (this.#parser.isPaused) this.#goOn();
    if (this.#pending.length === 0) this.#idle();
  }

  /** A request came to nothing, and there is no reply that says so. */
  unanswered(request: Request): void {
    request.isFatal = true;
    this.answered(request, NOTHING);
  }

  /** One of its requests waits for a backend, or (-1) does so no more. */
  wait(change: 1 | -1): void {
    this.waiting += change;
    if (change === 1) this.#parser.pause();
    else if (this.waiting === 0) this.#goOn();
  }

  /** Reads nothing more, and closes when everything is answered. */
  closeWhenDone(outcome: string): void {
    if (this.outcome === "") this.outcome = outcome;
    this.#isClosing = true;
    this.#backlog = NOTHING;
    this.#parser.stop();
    if (this.session === undefined && this.#pinned !== undefined) this.#pinned = undefined;
    if (this.#pending.length === 0) this.#over(this.outcome, false);
  }

  /** Closes if nothing is under way. */
  drain(): void {
    if (this.session !== undefined || this.isOver) return;
    const isIdle = this.#pending.length === 0 && this.#parser.bytesHeld === 0 && this.#backlog.length === 0 &&
      this.#pinned === undefined;
    if (isIdle) this.closeWhenDone("drained");
  }

  /** Gives it up. */
  abort(outcome: string): void {
    this.#over(outcome, true);
  }

  /** Bytes from its own connection. */
  fromSession(bytes: Uint8Array): void {
    if (this.isOver) return;
    this.out.append(bytes);
    this.#host.attend(this);
  }

  /** The backend has ended its own connection, perhaps because the client had. */
  sessionEnded(): void {
    this.#over(this.#hasEnded ? "closed" : "backend closed", false);
  }

  /** Its own connection broke. */
  sessionBroke(): void {
    this.#over("backend lost", true);
  }

  /** There is no backend for a connection of its own. */
  sessionRefused(): void {
    this.#host.counts.unavailable++;
    const pinned = this.#pinned ?? NOTHING;
    this.#pinned = undefined;
    const { protocol } = this.#host.settings;
    const reply = pinned.length === 0 ? undefined : protocol.failure(pinned, "unavailable");
    if (reply !== undefined) this.out.append(reply);
    this.#over("no backend", false);
  }

  /** Closes it when it was quiet for too long, or does not end a message. */
  checkTime(now: number): void {
    if (this.isOver) return;
    this.#host.now = now;
    this.#parser.onTimeout(now);
    if (this.isOver) return;
    const isQuiet = now - this.heardAt >= this.#host.settings.idleMs && (this.#pending.length === 0 || this.#isClosing);
    if (isQuiet) this.#over("idle", true);
  }

  #forward(message: Uint8Array, isSafe: boolean, isSilent: boolean): void {
    const host = this.#host;
    const isOneWay = host.settings.replies === "none";
    const request = new Request(this, isSafe, isSilent);
    request.to = message.length;
    if (!isOneWay) this.#push(request);
    host.place(request, message, 0, message.length);
    if (this.#hasEnough) this.#parser.pause();
  }

  #react(reaction: Reaction): void {
    const { counts } = this.#host;
    if (reaction.kind === "silent") return this.#forward(reaction.message, false, true);
    counts.local++;
    if (reaction.kind === "answer") {
      if (reaction.isRefusal) counts.rejected++;
      this.#answer(reaction.reply);
    }
    if (reaction.kind === "close" || reaction.closes) this.closeWhenDone("closed");
  }

  /** A reply of our own, in its turn. */
  #answer(reply: Uint8Array): void {
    if (this.#host.settings.replies === "none") return;
    const request = new Request(this, false, false);
    this.#push(request);
    this.answered(request, reply);
  }

  #push(request: Request): void {
    this.#pending.push(request);
    this.#pendingBytes += request.length;
  }

  #shift(): Request | undefined {
    const request = this.#pending.shift();
    this.#pendingBytes -= request?.length ?? 0;
    return request;
  }

  #hold(request: Request, reply: Uint8Array): void {
    request.reply = reply.length === 0 ? NOTHING : reply.slice();
    this.#heldBytes += reply.length;
    if (this.#heldBytes + this.bytesUnwritten > this.#host.settings.maxBufferBytes) this.#tooSlow();
  }

  #sendHeld(): void {
    for (let { first } = this.#pending; first?.reply !== undefined; first = this.#pending.first) {
      this.#shift();
      this.#heldBytes -= first.reply.length;
      this.#send(first, first.reply);
      first.reply = undefined;
    }
  }

  #send(request: Request, reply: Uint8Array): void {
    if (this.isOver) return;
    if (request.isFatal) return this.#over("request failed", false);
    if (request.isSilent || reply.length === 0) return;
    this.out.append(reply);
    this.replies++;
    this.#host.counts.replies++;
    if (!this.isAttended) this.#host.attend(this);
    if (this.bytesUnwritten > this.#host.settings.maxBufferBytes) this.#tooSlow();
  }

  #tooSlow(): void {
    this.#host.counts.slowClients++;
    this.#over("does not read", true);
  }

  /** Everything is answered. */
  #idle(): void {
    if (this.#isClosing) return this.#over(this.outcome, false);
    if (this.#pinned !== undefined) return this.#startSession();
    if (this.#host.isDraining) this.drain();
  }

  /** Something that stopped reading may have passed. */
  #goOn(): void {
    if (this.isOver || this.#isClosing || this.session !== undefined || !this.#takesRequests) return;
    this.#parser.resume(this.#host.now);
    this.#host.attend(this);
  }

  #pin(message: Uint8Array): void {
    this.#pinned = message;
    this.#parser.pause();
    if (this.#pending.length === 0) this.#startSession();
  }

  #startSession(): void {
    const session = this.#host.openSession(this, this.#pinned);
    if (session === undefined) return this.sessionRefused();
    this.session = session;
    this.#host.counts.sessions++;
    if (this.#pinned!.length > 0) session.send(this.#pinned!);
    if (this.#hasEnded && this.#backlog.length === 0) session.shut();
    this.#host.attend(this);
  }

  #over(outcome: string, isAbrupt: boolean): void {
    if (this.isOver) return;
    if (this.outcome === "" || isAbrupt) this.outcome = outcome;
    this.isOver = this.isShut = true;
    this.isAborted = isAbrupt;
    this.#parser.abort();
    this.#backlog = NOTHING;
    for (let request = this.#shift(); request !== undefined; request = this.#shift()) request.release();
    this.#heldBytes = 0;
    if (isAbrupt) {
      this.out.clear();
      this.session?.abort();
    } else this.session?.finish();
    this.#host.clientClosed(this);
    this.#host.attend(this);
  }
}

/** What the parser of a client tells. */
class Requests implements Sink<Uint8Array> {
  readonly #client: ClientPort;

  constructor(client: ClientPort) {
    this.#client = client;
  }

  item(message: Uint8Array): void {
    this.#client.came(message);
  }

  error(error: LeatError): void {
    this.#client.refused(error);
  }

  end(): void {}
}

function joined(a: Uint8Array, b: Uint8Array): Uint8Array {
  const both = new Uint8Array(a.length + b.length);
  both.set(a);
  both.set(b, a.length);
  return both;
}

function codeOf(error: unknown): string {
  const code = (error as { code?: unknown } | null | undefined)?.code;
  return typeof code === "string" ? code : "EIO";
}
