/**
 * The balancer with its sockets: listens, connects, and runs the engine once in each turn of the event loop.
 *
 * @module
 */
import { type AnyPort, type BackendPort, Balancer, type BalancerSink } from "../../kcm/balancer/balancer.ts";
import type { Backend, BackendEvent, BackendSpec } from "../../kcm/balancer/backend.ts";
import type { BalancerOptions } from "../../kcm/balancer/balancer_options.ts";
import type { ClientPort } from "../../kcm/balancer/client_port.ts";
import type {
  ConnectOptions,
  ListenOptions,
  SocketError,
  SocketTarget,
  TListenerDriver,
  TsocketAddress,
  TsocketRuntime,
  TStreamDriver,
} from "../../tsocket/mod.ts";
import { Line, type LineHost } from "./line.ts";

/** What the hub tells. */
export interface HubEvents {
  /** A client is over. */
  clientClosed(client: ClientPort): void;
  /** A backend has changed. */
  backendChanged(backend: Backend, event: BackendEvent, reason: unknown): void;
  /** Accepting failed, and goes on; or listening is over. */
  listenError(error: SocketError): void;
}

/** A backend with where it is. */
export interface HubBackend extends BackendSpec {
  /** Where it is. */
  readonly target: SocketTarget;
}

/** How to make connections. */
export interface HubOptions {
  /** Makes sockets. */
  readonly runtime: TsocketRuntime;
  /** For listening. */
  readonly listen: ListenOptions;
  /** For connecting. */
  readonly connect: ConnectOptions;
  /** Calls back at the end of this turn of the event loop. */
  readonly atEndOfTurn: (callback: () => void) => void;
  /** Milliseconds that never go back. */
  readonly now: () => number;
}

const TICK_MS = 100;

/** A running balancer. */
export class Hub implements BalancerSink, LineHost {
  /** The engine. */
  readonly balancer: Balancer;
  readonly #options: HubOptions;
  readonly #events: HubEvents;
  readonly #targets = new Map<string, SocketTarget>();
  readonly #listeners: TListenerDriver[] = [];
  readonly #lines = new Set<Line>();
  /** Lines of clients; one that is over for the engine may still have to write. */
  readonly #clientLines = new Set<Line>();
  readonly #connecting = new AbortController();
  readonly #timer: ReturnType<typeof setInterval>;
  #isAwake = false;
  #whenEmpty: (() => void) | undefined;

  /** A balancer that has no address yet. */
  constructor(balancer: BalancerOptions, options: HubOptions, events: HubEvents) {
    this.#options = options;
    this.#events = events;
    this.balancer = new Balancer(balancer, this, options.now());
    this.#timer = setInterval(() => this.#tick(), TICK_MS);
  }

  /** Binds an address, at which clients wait for {@linkcode Hub.start}. Rejects when that cannot be. */
  async bind(target: SocketTarget): Promise<TsocketAddress> {
    const driver = await this.#options.runtime.listen(target, this.#options.listen, this.#connecting.signal);
    this.#listeners.push(driver);
    return driver.localAddress;
  }

  /** Takes clients at all addresses that were bound. */
  start(): void {
    for (const driver of this.#listeners) {
      driver.start({
        connection: (connection) => this.#accept(connection),
        acceptError: (error) => this.#events.listenError(error),
        broken: (error) => this.#events.listenError(error),
      });
    }
  }

  /** Sets the backends. */
  setBackends(backends: readonly HubBackend[]): void {
    for (const { name, target } of backends) this.#targets.set(name, target);
    this.balancer.setBackends(backends, this.now());
    const { leaving } = this.balancer;
    const kept = new Set([...backends.map(({ name }) => name), ...[...leaving].map(({ name }) => name)]);
    for (const name of [...this.#targets.keys()]) if (!kept.has(name)) this.#targets.delete(name);
  }

  /** Takes no more clients, lets those that are there finish, and gives up at the deadline. */
  async drain(graceMs: number): Promise<void> {
    await Promise.all(this.#listeners.map((listener) => listener.close()));
    this.balancer.drain(this.now());
    this.wake();
    if (this.#clientLines.size > 0) await this.#emptyWithin(graceMs);
    await this.stop();
  }

  /** Ends everything at once. */
  async stop(): Promise<void> {
    clearInterval(this.#timer);
    this.#connecting.abort();
    await Promise.all(this.#listeners.map((listener) => listener.close()));
    this.balancer.abort(this.now());
    this.balancer.flush(this.now());
    for (const line of this.#lines) line.abort();
  }

  now(): number {
    return this.#options.now();
  }

  wake(): void {
    if (this.#isAwake) return;
    this.#isAwake = true;
    this.#options.atEndOfTurn(this.#flush);
  }

  service(port: AnyPort): void {
    (port.handle as Line | undefined)?.service();
  }

  connect(port: BackendPort): void {
    const target = this.#targets.get(port.backend.name)!;
    const { runtime, connect } = this.#options;
    runtime.connect(target, connect, this.#connecting.signal).then((driver) => {
      if (port.isOver || this.#connecting.signal.aborted) return driver.abort();
      this.#start(port, driver);
      port.opened(this.now());
    }).catch((error) => port.fail(error, this.now()));
  }

  clientClosed(client: ClientPort): void {
    this.#events.clientClosed(client);
  }

  backendChanged(backend: Backend, event: BackendEvent, reason: unknown): void {
    this.#events.backendChanged(backend, event, reason);
  }

  closed(line: Line): void {
    this.#lines.delete(line);
    this.#clientLines.delete(line);
    if (this.#clientLines.size === 0) this.#whenEmpty?.();
  }

  readonly #flush = (): void => {
    this.#isAwake = false;
    this.balancer.flush(this.now());
  };

  #tick(): void {
    this.balancer.onTimeout(this.now());
  }

  #accept(driver: TStreamDriver): void {
    const name = driver.remoteAddress?.toHostPort() ?? "unix";
    const client = this.balancer.accept(name, this.now());
    if (client === undefined) return driver.abort();
    this.#start(client, driver);
  }

  #start(port: AnyPort, driver: TStreamDriver): void {
    const line = new Line(port, driver, this);
    port.handle = line;
    this.#lines.add(line);
    if (port.kind === "client") this.#clientLines.add(line);
    line.start();
  }

  #emptyWithin(graceMs: number): Promise<void> {
    return new Promise((resolve) => {
      const patience = setTimeout(resolve, graceMs);
      this.#whenEmpty = () => {
        clearTimeout(patience);
        resolve();
      };
    });
  }
}
