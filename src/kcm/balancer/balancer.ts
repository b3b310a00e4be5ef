/**
 * A load balancer whose unit is the message: requests of many clients are spread over backends one by one, on connections
 * that the clients share, and each reply goes back to whoever sent its request, in the order of that client's requests.
 *
 * An engine: no socket, no timer, no promise. Its driver makes connections when it is asked to, pushes what they bring,
 * calls `flush` at the end of each turn of its loop, and writes what the ports have. Callbacks come from within `flush`,
 * `onTimeout` and `setBackends` only.
 *
 * Not here: sockets, log files, what the protocols are (`protocols/`).
 *
 * @module
 */
import { Backend, type BackendEvent, type BackendSpec } from "./backend.ts";
import {
  type BalancerCounts,
  type BalancerOptions,
  type BalancerSettings,
  balancerSettings,
  newCounts,
} from "./balancer_options.ts";
import type { BalancerHost } from "./balancer_host.ts";
import { CheckChannel } from "./check_channel.ts";
import { ClientPort } from "./client_port.ts";
import { Dispatcher } from "./dispatcher.ts";
import type { BasePort } from "./line_port.ts";
import type { Misfortune } from "./protocol.ts";
import type { Request } from "./request.ts";
import { SessionChannel } from "./session_channel.ts";
import { SharedChannel } from "./shared_channel.ts";

/** A connection to a backend that its driver has to make. */
export type BackendPort = SharedChannel | SessionChannel | CheckChannel;

/** Any connection. */
export type AnyPort = ClientPort | BackendPort;

/** What a balancer asks of its driver, and tells it. */
export interface BalancerSink {
  /** There is something for `flush` to do: call it soon. */
  wake(): void;
  /** Connect to `port.backend`, then call `port.opened` or `port.fail`. */
  connect(port: BackendPort): void;
  /** Look at the port: bytes to be written, an end, room for input. */
  service(port: AnyPort): void;
  /** A client is over. */
  clientClosed?(client: ClientPort): void;
  /** A backend has changed. */
  backendChanged?(backend: Backend, event: BackendEvent, reason: unknown): void;
}

/** How often deadlines are looked at. */
const SWEEP_MS = 100;

/** A connection that a backend ends sooner than this has failed, even if nothing was under way. */
const BRIEF_MS = 1000;

/** Spreads messages over backends. */
export class Balancer implements BalancerHost {
  readonly settings: BalancerSettings;
  readonly counts: BalancerCounts = newCounts();
  now: number;
  isDraining = false;
  /** Backends, those included that are to go. */
  readonly backends: Map<string, Backend> = new Map();
  /** Clients. */
  readonly clients: Set<ClientPort> = new Set();
  readonly #sink: BalancerSink;
  readonly #dispatcher: Dispatcher;
  /** Backends that were taken out of the configuration and still have requests. */
  readonly #leaving = new Set<Backend>();
  /** Ports that are over and have something to write, with the time at which they are given up. */
  readonly #lingering = new Map<BasePort, number>();
  /** Bytes held for clients. */
  #bytesOwed = 0;
  #attended: BasePort[] = [];
  #isFlushing = false;
  #toConnect: BackendPort[] = [];
  /** Whether a backend has gone that requests may be kept for. */
  #isRerouting = false;
  #sweepAt: number;

  /**
   * A balancer without backends.
   *
   * @throws {TypeError | RangeError} when an option is wrong
   */
  constructor(options: BalancerOptions, sink: BalancerSink, now: number) {
    this.settings = balancerSettings(options);
    this.#sink = sink;
    this.now = now;
    this.#sweepAt = now + SWEEP_MS;
    this.#dispatcher = new Dispatcher(this.settings, this.counts, () => this.backends.values());
  }

  /** Requests that wait for a backend. */
  get waiting(): number {
    return this.#dispatcher.waiting;
  }

  /** Backends that were taken away and still have requests. */
  get leaving(): ReadonlySet<Backend> {
    return this.#leaving;
  }

  /** Takes a client; `undefined` when there are too many, or no more are wanted. */
  accept(name: string, now: number): ClientPort | undefined {
    this.now = now;
    if (this.isDraining || this.#isFull) {
      this.counts.refused++;
      return undefined;
    }
    this.counts.accepted++;
    const client = new ClientPort(name, this);
    if (!client.isOver) this.clients.add(client);
    this.attend(client);
    return client;
  }

  /** Sets the backends: new ones are connected to, those that are not named any more get nothing more. */
  setBackends(specs: readonly BackendSpec[], now: number): void {
    this.now = now;
    const names = new Set(specs.map(({ name }) => name));
    for (const backend of [...this.backends.values()]) if (!names.has(backend.name)) this.#remove(backend);
    for (const spec of specs) this.#set(spec);
    this.#dispatcher.refresh();
    this.#tend(now);
    this.#connectAll();
  }

  /** No more clients; those that are there are closed as soon as they have nothing under way, all at `deadlineAt`. */
  drain(now: number): void {
    this.now = now;
    this.isDraining = true;
    for (const client of [...this.clients]) client.drain();
  }

  /** Gives everything up. */
  abort(now: number): void {
    this.now = now;
    this.isDraining = true;
    for (const client of [...this.clients]) client.abort("aborted");
    for (const backend of [...this.backends.values()]) this.#remove(backend);
    for (const backend of this.#leaving) {
      for (const channel of [...backend.channels]) {
        channel.finish();
        channel.lose(undefined);
      }
      for (const session of [...backend.sessions]) session.abort();
    }
  }

  /** The end of a turn: puts-off work is done, and every port that has something is handed to the driver. */
  flush(now: number): void {
    if (this.#isFlushing) return;
    this.now = now;
    this.#isFlushing = true;
    try {
      this.#reroute();
      const list = this.#attended;
      for (let i = 0; i < list.length; i++) {
        const port = list[i]!;
        port.isAttended = false;
        port.advance(now);
      }
      this.#attended = [];
      for (const port of list) this.#service(port);
      this.#connectAll();
    } finally {
      this.#isFlushing = false;
    }
    if (this.#attended.length > 0 || this.#isRerouting) this.#sink.wake();
  }

  /** When {@linkcode onTimeout} is due. */
  timeoutAt(): number {
    return this.#sweepAt;
  }

  /** Looks at all deadlines, health and connections to be made. */
  onTimeout(now: number): void {
    this.now = now;
    if (now < this.#sweepAt) return;
    this.#sweepAt = now + SWEEP_MS;
    this.#dispatcher.expire(now);
    for (const client of this.clients) client.checkTime(now);
    this.#checkLingering(now);
    this.#tend(now);
    this.#dispatcher.refresh();
    this.#dispatcher.placeWaiting();
    this.#connectAll();
  }

  // ---- what ports need

  attend(port: BasePort): void {
    if (port.isAttended) return;
    port.isAttended = true;
    this.#attended.push(port);
    if (this.#attended.length === 1 && !this.#isFlushing) this.#sink.wake();
  }

  account(port: BasePort): void {
    const owed = port.bytesOwed;
    this.#bytesOwed += owed - port.bytesAccounted;
    port.bytesAccounted = owed;
    while (this.#bytesOwed > this.settings.maxTotalBytes && this.#evict());
  }

  place(request: Request, bytes: Uint8Array, from: number, to: number): void {
    this.#dispatcher.place(request, bytes, from, to, this.now);
  }

  fail(request: Request, why: Misfortune): void {
    this.#dispatcher.fail(request, why);
  }

  roomAt(): void {
    if (this.#dispatcher.waiting === 0) return;
    this.#dispatcher.refresh();
    this.#dispatcher.placeWaiting();
  }

  channelLost(channel: SharedChannel, left: readonly Request[], unsent: number, error: unknown): void {
    const { backend } = channel;
    const at = backend.channels.indexOf(channel);
    if (at >= 0) backend.channels.splice(at, 1);
    this.#dispatcher.refresh();
    const wasIdle = left.length === 0 && codeOf(error) === "EOF" && this.now - channel.since >= BRIEF_MS;
    // servers close what is idle: no fault of theirs
    if (error !== undefined && !wasIdle && backend.failed(this.now)) this.#fell(backend, error);
    else if (wasIdle) this.#tendBackend(backend, this.now);
    if (this.settings.replies === "none" && channel.requests > 0) this.counts.maybeLost++;
    this.#dispatcher.lost(left, unsent, codeOf(error) === "ETIMEDOUT", this.now);
  }

  openSession(client: ClientPort, message?: Uint8Array): SessionChannel | undefined {
    const backend = this.#sessionBackend(client, message);
    if (backend === undefined) return undefined;
    const session = new SessionChannel(client, backend, this);
    backend.sessions.add(session);
    this.#connect(session);
    return session;
  }

  sessionFailed(session: SessionChannel, error: unknown): void {
    const { client, attempt } = session;
    if (session.backend.failed(this.now)) this.#fell(session.backend, error);
    const isLast = attempt > this.settings.retries;
    const backend = isLast ? undefined : this.#sessionBackend(client, undefined, session.backend);
    // one of its own for each try: the connection given up now may be made after all
    const next = backend === undefined ? undefined : new SessionChannel(client, backend, this, session);
    session.abort();
    if (next === undefined) return client.sessionRefused();
    client.session = next;
    next.backend.sessions.add(next);
    this.#connect(next);
  }

  sessionClosed(session: SessionChannel): void {
    session.backend.sessions.delete(session);
  }

  checked(check: CheckChannel, isWell: boolean, error: unknown): void {
    const { backend } = check;
    if (backend.check !== check) return;
    if (!isWell) {
      if (backend.checkFailed(this.now)) this.#fell(backend, error);
    } else if (backend.checkPassed(this.now)) {
      this.#sink.backendChanged?.(backend, "up", undefined);
      this.#dispatcher.refresh();
      this.#tend(this.now);
    }
  }

  clientClosed(client: ClientPort): void {
    this.clients.delete(client);
    this.#sink.clientClosed?.(client);
  }

  backendChanged(backend: Backend, event: BackendEvent, reason: unknown): void {
    this.#sink.backendChanged?.(backend, event, reason);
  }

  #set(spec: BackendSpec): void {
    const known = this.backends.get(spec.name);
    if (known !== undefined) {
      known.share = spec.weight;
      return;
    }
    const backend = this.#recalled(spec) ?? new Backend(spec, this.settings, this);
    this.backends.set(spec.name, backend);
    this.#sink.backendChanged?.(backend, "added", undefined);
  }

  /** One that was to go and is wanted again goes on as it is: there are no two of a name. */
  #recalled({ name, weight }: BackendSpec): Backend | undefined {
    const backend = [...this.#leaving].find((one) => one.name === name);
    if (backend === undefined) return undefined;
    this.#leaving.delete(backend);
    backend.isDraining = false;
    backend.share = weight;
    return backend;
  }

  #remove(backend: Backend): void {
    backend.isDraining = true;
    backend.check?.abort();
    backend.check = undefined;
    this.backends.delete(backend.name);
    this.#dispatcher.left(backend);
    this.#leaving.add(backend);
    this.#rerouteSoon();
    this.#sink.backendChanged?.(backend, "removed", undefined);
  }

  /** It gets nothing more: connections that stand are of no use. What was under way there fails or goes elsewhere. */
  #fell(backend: Backend, error: unknown): void {
    this.#dispatcher.refresh();
    this.#sink.backendChanged?.(backend, "down", error);
    for (const channel of [...backend.channels]) channel.lose(error);
    this.#rerouteSoon();
  }

  /** What is kept for a backend that has gone goes elsewhere, behind what that had under way, which came first. */
  #rerouteSoon(): void {
    if (this.#dispatcher.waiting === 0 || this.#isRerouting) return;
    this.#isRerouting = true;
    if (!this.#isFlushing) this.#sink.wake();
  }

  #reroute(): void {
    if (!this.#isRerouting) return;
    this.#isRerouting = false;
    this.#dispatcher.refresh();
    this.#dispatcher.placeWaiting();
  }

  get #isFull(): boolean {
    const { maxClients } = this.settings;
    if (this.clients.size + this.#lingering.size < maxClients) return false;
    this.#checkLingering(this.now);
    return this.clients.size + this.#lingering.size >= maxClients;
  }

  #service(port: BasePort): void {
    this.#sink.service(port as AnyPort);
    if (port.kind === "shared" || port.kind === "check") return;
    this.account(port);
    const isLingering = port.isOver && !port.isAborted && port.bytesUnwritten > 0;
    if (isLingering && !this.#lingering.has(port)) this.#lingering.set(port, this.now + this.settings.lingerMs);
  }

  /** Those that have written all are done; those that take too long do not read. */
  #checkLingering(now: number): void {
    for (const [port, endsAt] of this.#lingering) {
      if (port.isAborted || port.bytesUnwritten === 0) this.#lingering.delete(port);
      else if (now >= endsAt) this.#abandon(port);
    }
  }

  #abandon(port: BasePort): void {
    this.#lingering.delete(port);
    this.counts.slowClients++;
    port.abandon();
    this.attend(port);
  }

  /** Closes whoever holds most; returns whether there was somebody. */
  #evict(): boolean {
    let largest: BasePort | undefined;
    for (const ports of [this.clients, this.#lingering.keys()]) {
      for (const port of ports) if (port.bytesAccounted > (largest?.bytesAccounted ?? 0)) largest = port;
    }
    if (largest === undefined) return false;
    this.counts.evicted++;
    if (largest instanceof ClientPort && !largest.isOver) largest.abort("too much held");
    else this.#abandon(largest);
    this.account(largest);
    return true;
  }

  #tend(now: number): void {
    for (const backend of this.backends.values()) this.#tendBackend(backend, now);
    for (const backend of this.#leaving) this.#letGo(backend, now);
  }

  #tendBackend(backend: Backend, now: number): void {
    for (const channel of [...backend.channels]) channel.checkTime(now);
    for (const session of [...backend.sessions]) this.#checkSession(session, now);
    backend.check?.checkTime(now);
    if (backend.isCheckDue(now)) {
      backend.check = new CheckChannel(backend, this);
      this.#connect(backend.check);
    }
    if (this.settings.replies === "sticky" || !backend.isConnectDue(now)) return;
    while (backend.channels.length < this.settings.connections) {
      const channel = new SharedChannel(backend, this);
      backend.channels.push(channel);
      this.#connect(channel);
    }
  }

  #checkSession(session: SessionChannel, now: number): void {
    const { connectTimeoutMs } = this.settings;
    if (session.isOpen || now - session.since < connectTimeoutMs) return;
    session.fail({ code: "ETIMEDOUT" }, now);
  }

  #letGo(backend: Backend, now: number): void {
    for (const channel of [...backend.channels]) {
      channel.checkTime(now);
      channel.finish();
      if (channel.isOver) backend.channels.splice(backend.channels.indexOf(channel), 1);
    }
    if (backend.channels.length > 0 || backend.sessions.size > 0) return;
    this.#leaving.delete(backend);
    this.#sink.backendChanged?.(backend, "gone", undefined);
  }

  #sessionBackend(client: ClientPort, message?: Uint8Array, except?: Backend): Backend | undefined {
    const { maxSessions } = this.settings;
    const able = [...this.backends.values()].filter(({ isUp, sessions }) => isUp && sessions.size < maxSessions);
    const others = able.filter((backend) => backend !== except);
    return this.#dispatcher.sessionBackend(others.length > 0 ? others : able, client, message);
  }

  #connect(port: BackendPort): void {
    this.#toConnect.push(port);
    if (!this.#isFlushing && this.#toConnect.length === 1) this.#sink.wake();
  }

  #connectAll(): void {
    const ports = this.#toConnect;
    this.#toConnect = [];
    for (const port of ports) if (!port.isOver) this.#sink.connect(port);
  }
}

function codeOf(error: unknown): unknown {
  return (error as { code?: unknown } | null | undefined)?.code;
}
