/**
 * Hands requests to channels, keeps those that have to wait for one, and decides on second tries.
 *
 * @module
 */
import type { Backend } from "./backend.ts";
import type { BalancerCounts, BalancerSettings } from "./balancer_options.ts";
import type { ClientPort } from "./client_port.ts";
import type { MessageId, Misfortune } from "./protocol.ts";
import type { Request } from "./request.ts";
import type { SharedChannel } from "./shared_channel.ts";
import { type Chooser, chooserOf } from "./steering.ts";
import { WaitingLines } from "./waiting.ts";

/** Budget of second tries that is there at the start, and most that is saved up. */
const MOST_TOKENS = 100;

/** Where requests go. */
export class Dispatcher {
  readonly #settings: BalancerSettings;
  readonly #counts: BalancerCounts;
  readonly #chooser: Chooser;
  readonly #sessionChooser: Chooser;
  readonly #backends: () => Iterable<Backend>;
  readonly #waiting = new WaitingLines();
  /** Made anew when {@linkcode Dispatcher.refresh} was called. */
  #candidates: { up: Backend[]; ready: Backend[] } = { up: [], ready: [] };
  #isStale = true;
  #tokens = MOST_TOKENS;
  #isPlacing = false;

  /** Hands requests to `backends`. */
  constructor(settings: BalancerSettings, counts: BalancerCounts, backends: () => Iterable<Backend>) {
    this.#settings = settings;
    this.#counts = counts;
    this.#chooser = chooserOf(settings.policy);
    this.#sessionChooser = chooserOf(settings.policy);
    this.#backends = backends;
  }

  /** Requests that wait for a backend. */
  get waiting(): number {
    return this.#waiting.length;
  }

  /** Which backends have room may have changed. */
  refresh(): void {
    this.#isStale = true;
  }

  /** Hands a request to a channel, or lets it wait, or fails it. */
  place(request: Request, bytes: Uint8Array, from: number, to: number, now: number): void {
    const channel = this.#channelFor(request, bytes, from, to);
    if (channel !== undefined) {
      this.#hand(channel, request, bytes, from, to);
      this.#tokens = Math.min(this.#tokens + this.#settings.retryBudget, MOST_TOKENS);
      return;
    }
    // its bytes are of use in this call only
    request.block = bytes.slice(from, to);
    request.from = 0;
    request.to = to - from;
    if (this.#mayWait(request, now, 0)) this.#waiting.push(request);
  }

  /** Hands over what waits, as far as there is room. */
  placeWaiting(): void {
    if (this.#isPlacing) return;
    this.#isPlacing = true;
    try {
      this.#waiting.advance((request, awaited) => this.#placeAtLast(request, awaited));
    } finally {
      this.#isPlacing = false;
    }
  }

  /** Fails what has waited for too long. */
  expire(now: number): void {
    const { waitMs } = this.#settings;
    const late = this.#waiting.takeOver(({ sentAt, client }) => client === undefined || now - sentAt >= waitMs);
    for (const request of late) {
      request.client?.wait(-1);
      this.fail(request, "unavailable");
    }
  }

  /** Decides on what was under way on a connection that is lost; the last `unsent` have not left this process. */
  lost(left: readonly Request[], unsent: number, isTimeout: boolean, now: number): void {
    const sent = left.length - unsent;
    const back: Request[] = [];
    for (let i = 0; i < left.length; i++) {
      const request = left[i]!;
      if (request.client === undefined) continue;
      unnumber(request, this.#settings.protocol.id);
      const mayRetry = ++request.attempts <= this.#settings.retries && (i >= sent || this.#maySendAgain(request));
      if (!mayRetry) {
        this.fail(request, isTimeout ? "timeout" : "lost");
        continue;
      }
      if (i >= sent) this.#counts.moved++;
      else this.#counts.retried++;
      const channel = this.#channelFor(request, request.block, request.from, request.to);
      if (channel !== undefined) this.#hand(channel, request, request.block, request.from, request.to);
      else if (this.#mayWait(request, now, back.length)) back.push(request);
    }
    // what waits has come later
    this.#waiting.putFirst(back);
  }

  /** Tells the client, if it is still there. */
  fail(request: Request, why: Misfortune): void {
    this.#counts[why]++;
    const { client } = request;
    if (client === undefined) return;
    unnumber(request, this.#settings.protocol.id);
    const reply = this.#settings.protocol.failure(request.bytes, why);
    if (reply === undefined) client.unanswered(request);
    else client.answered(request, reply);
  }

  /** A backend was taken away. */
  left(backend: Backend): void {
    this.#chooser.left(backend);
    this.#sessionChooser.left(backend);
    this.#isStale = true;
  }

  /** The backend for a connection of a client's own. */
  sessionBackend(
    candidates: readonly Backend[],
    client: ClientPort,
    message: Uint8Array | undefined,
  ): Backend | undefined {
    const keyHash = message === undefined || message.length === 0 ? -1 : this.#keyHash(message, 0, message.length);
    return this.#sessionChooser.choose({ up: candidates, ready: candidates }, client, keyHash);
  }

  #hand(channel: SharedChannel, request: Request, bytes: Uint8Array, from: number, to: number): void {
    if (this.#settings.replies === "none") channel.sendOneWay(bytes.subarray(from, to));
    else channel.send(request, bytes, from, to);
  }

  /** Whether it may wait, besides those in line and `others`; where not, it has failed. */
  #mayWait(request: Request, now: number, others: number): boolean {
    if (this.#waiting.length + others >= this.#settings.maxWaiting) {
      this.fail(request, "overload");
      return false;
    }
    request.sentAt = now;
    request.client?.wait(1);
    return true;
  }

  #channelFor(
    request: Request,
    bytes: Uint8Array,
    from: number,
    to: number,
  ): SharedChannel | undefined {
    if (this.#isStale) this.#findReady();
    const keyHash = this.#keyHash(bytes, from, to);
    const lane = this.#settings.policy === "sticky" ? request.client?.number ?? -1 : keyHash;
    let backend = this.#chooser.choose(this.#candidates, request.client, keyHash);
    while (backend !== undefined) {
      const channel = backend.nextChannel(lane);
      if (channel !== undefined) return channel;
      if (!this.#candidates.ready.includes(backend)) break;
      // a channel has filled up since
      this.#findReady();
      backend = this.#chooser.choose(this.#candidates, request.client, keyHash);
    }
    request.awaited = backend;
    // what is full now may have room when the next one comes
    this.#isStale = true;
    return undefined;
  }

  /** Places the first of a line, if that can be. The policy is not asked again while the backend in question is just busy. */
  #placeAtLast(request: Request, awaited: Backend | undefined): boolean {
    const { client, block, from, to } = request;
    if (client === undefined && this.#settings.replies !== "none") return true;
    if (this.#isStale) this.#findReady();
    const { up, ready } = this.#candidates;
    if (awaited === undefined ? ready.length === 0 : up.includes(awaited) && !ready.includes(awaited)) return false;
    const channel = this.#channelFor(request, block, from, to);
    if (channel === undefined) return false;
    this.#hand(channel, request, block, from, to);
    client?.wait(-1);
    return true;
  }

  #findReady(): void {
    const up = [...this.#backends()].filter((backend) => backend.isUp && !backend.isDraining);
    this.#candidates = { up, ready: up.filter((backend) => backend.isReady) };
    this.#isStale = false;
  }

  #keyHash(bytes: Uint8Array, from: number, to: number): number {
    if (this.#settings.policy !== "key") return -1;
    const isWhole = from === 0 && to === bytes.length;
    return this.#settings.protocol.keyHash(isWhole ? bytes : bytes.subarray(from, to));
  }

  #maySendAgain(request: Request): boolean {
    if (!request.isSafe || this.#tokens < 1) return false;
    this.#tokens--;
    return true;
  }
}

/**
 * Gives a request the number back that its client gave it, in a copy: the block may still be on its way out, and a
 * changed number there would bring somebody else's reply.
 */
function unnumber(request: Request, id: MessageId | undefined): void {
  if (id === undefined || request.channelId < 0) return;
  const bytes = request.bytes.slice();
  for (let i = id.size - 1, left = request.id; i >= 0; i--, left >>>= 8) bytes[id.offset + i] = left & 0xff;
  request.block = bytes;
  request.from = 0;
  request.to = bytes.length;
  request.channelId = -1;
}
