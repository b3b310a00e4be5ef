/**
 * A network within one process: sockets of any kind of address that reach each other, and nobody else.
 *
 * It is a {@linkcode TsocketRuntime} like those of Node, Deno and Bun, so whatever runs on these runs here, with faults
 * where they are wanted.
 *
 * @module
 */
import { limitOption } from "../../../core/limits.ts";
import { SocketError } from "../../errors.ts";
import { InetAddress } from "../../inet_address.ts";
import type { TDgramDriver, TListenerDriver, TsocketRuntime, TStreamDriver } from "../../driver_types.ts";
import type { ConnectOptions, DgramOptions, ListenOptions, SocketTarget } from "../../option_types.ts";
import type { TsocketAddress } from "../../types.ts";
import { Bindings, isWildcard } from "./bindings.ts";
import { Chance } from "./chance.ts";
import { DelayLine } from "./delay_line.ts";
import type { MemoryDgramOptions } from "./dgram_driver.ts";
import { ofSide, streamFaultSettings } from "./faults.ts";
import { MemoryListenerDriver } from "./listener_driver.ts";
import { hostAddress, NetworkDgrams } from "./network_dgrams.ts";
import { memoryPair, type MemoryStreamOptions } from "./stream_driver.ts";

/** Connections that may wait to be accepted by default. */
const BACKLOG = 511;

/** Sockets that a network has by default. */
const MAX_SOCKETS = 65536;

/** Where a connection leads. */
export interface MemoryLink {
  /** Address of the side that connects; `undefined` where its kind needs none. */
  readonly from: TsocketAddress | undefined;
  /** Address of the side that listens. */
  readonly to: TsocketAddress;
}

/** How connections of a network behave. */
export type MemoryLinkOptions = Omit<MemoryStreamOptions, "addresses">;

/** How a network behaves. */
export interface MemoryNetworkOptions {
  /** How connections behave: all the same, or each as the function says. Left is the side that connects. */
  stream?: MemoryLinkOptions | ((link: MemoryLink) => MemoryLinkOptions) | undefined;
  /** How datagram sockets behave: all the same, or each as the function says. */
  dgram?: MemoryDgramOptions | ((options: DgramOptions) => MemoryDgramOptions) | undefined;
  /** Numeric addresses of host names; `localhost` is `127.0.0.1` unless it is among them. */
  hosts?: Readonly<Record<string, string>> | undefined;
  /**
   * Connections, listeners and datagram sockets at a time; more fail with `EMFILE`.
   *
   * @default {65536}
   */
  maxSockets?: number | undefined;
}

/**
 * A network in memory. Every instance is a world of its own.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { connectWith, listenWith, MemoryNetwork } from "@leat/streams/tsocket";
 *
 * const network = new MemoryNetwork({ stream: { faults: { seed: 7, shortReads: 0.5 } } });
 * const listener = listenWith(network, "10.0.0.1:80");
 * await listener.opened;
 * const client = connectWith(network, "10.0.0.1:80");
 * const server = await listener.accept();
 * await client.writev([new TextEncoder().encode("hello")]);
 * const bytes = new Uint8Array(5);
 * await server.readv([bytes]);
 * assertEquals(new TextDecoder().decode(bytes), "hello");
 * await Promise.all([client.close(), server.close(), listener.close()]);
 * ```
 */
export class MemoryNetwork implements TsocketRuntime {
  /** Always `memory`. */
  readonly name: string = "memory";
  readonly #options: MemoryNetworkOptions;
  readonly #hosts: ReadonlyMap<string, string>;
  readonly #maxSockets: number;
  readonly #listeners: Bindings<MemoryListenerDriver> = new Bindings();
  readonly #clients: Bindings<object> = new Bindings();
  readonly #dgrams: NetworkDgrams = new NetworkDgrams();
  #sockets = 0;
  #connections = 0;
  #turn = 0;

  /**
   * An empty network.
   *
   * @throws {TypeError} when an option is of a wrong type
   * @throws {RangeError} when one is out of its range
   */
  constructor(options: MemoryNetworkOptions = {}) {
    this.#options = options;
    this.#maxSockets = limitOption("maxSockets", options.maxSockets, MAX_SOCKETS);
    this.#hosts = new Map(Object.entries({ localhost: "127.0.0.1", ...options.hosts }));
  }

  /** Sockets that are open: a connection counts once until both ends are closed. */
  get sockets(): number {
    return this.#sockets;
  }

  /** Connects; `ECONNREFUSED` where nobody listens or the backlog is full. */
  async connect(target: SocketTarget, options: ConnectOptions, signal: AbortSignal): Promise<TStreamDriver> {
    signal.throwIfAborted();
    if ((options.secureTransport ?? "off") !== "off") throw noTls("connect");
    const to = this.#resolve(target, "connect");
    const from = this.#clientAddress(to, options);
    const number = this.#connections++;
    const memory = this.#streamOptions(from, to);
    await travel(memory, number, signal);
    signal.throwIfAborted();
    const listener = this.#listenerAt(to);
    this.#count("connect");
    const client = {};
    let bound: TsocketAddress | undefined;
    const free = (): void => {
      this.#sockets--;
      if (bound !== undefined) this.#clients.unbind(bound, client);
    };
    try {
      if (from !== undefined) bound = this.#clients.bind(from, client, { isShared: false, isIpv6Only: true });
    } catch (error) {
      free();
      throw error;
    }
    const [left, right] = memoryPair({ ...memory, addresses: [bound, to] }, number, free);
    listener.offer(right);
    return left;
  }

  /** Listens; `EADDRINUSE` where somebody does already. */
  async listen(target: SocketTarget, options: ListenOptions, signal: AbortSignal): Promise<TListenerDriver> {
    await Promise.resolve();
    signal.throwIfAborted();
    if (options.tls !== undefined) throw noTls("listen");
    const backlog = limitOption("backlog", options.backlog, BACKLOG);
    const wanted = this.#resolve(target, "listen");
    this.#count("listen");
    const listener = new MemoryListenerDriver(wanted, backlog, () => {
      this.#sockets--;
      this.#listeners.unbind(listener.localAddress, listener);
    });
    try {
      const how = { isShared: options.reusePort === true, isIpv6Only: options.ipv6Only === true };
      listener.bound(this.#listeners.bind(wanted, listener, how));
    } catch (error) {
      this.#sockets--;
      throw error;
    }
    return listener;
  }

  /** Binds a datagram socket; `EADDRINUSE` where somebody else is. */
  async dgram(options: DgramOptions, signal: AbortSignal): Promise<TDgramDriver> {
    await Promise.resolve();
    signal.throwIfAborted();
    const { dgram = {} } = this.#options;
    this.#count("dgram");
    try {
      const memory = typeof dgram === "function" ? dgram(options) : dgram;
      return this.#dgrams.open(options, memory, () => this.#sockets--);
    } catch (error) {
      this.#sockets--;
      throw error;
    }
  }

  #count(syscall: string): void {
    if (this.#sockets >= this.#maxSockets) {
      throw new SocketError(`the network has ${this.#maxSockets} sockets already`, { code: "EMFILE", syscall });
    }
    this.#sockets++;
  }

  #streamOptions(from: TsocketAddress | undefined, to: TsocketAddress): MemoryLinkOptions {
    const { stream = {} } = this.#options;
    return typeof stream === "function" ? stream({ from, to }) : stream;
  }

  /** Several that share an address have their turns. */
  #listenerAt(to: TsocketAddress): MemoryListenerDriver {
    const all = this.#listeners.find(to);
    const listeners = all.filter(({ hasRoom }) => hasRoom);
    if (listeners.length > 0) return listeners[this.#turn++ % listeners.length]!;
    const why = all.length === 0 ? "nobody listens" : "too many connections wait to be accepted";
    throw new SocketError(`${why} at ${to.toHostPort()}`, { code: "ECONNREFUSED", syscall: "connect", address: to });
  }

  #clientAddress(to: TsocketAddress, { localAddress }: ConnectOptions): TsocketAddress | undefined {
    if (to.kind !== "inet") return undefined;
    if (localAddress === undefined) return hostAddress(to, 0);
    if (isWildcard(localAddress)) return hostAddress(to, localAddress.port);
    if (localAddress.unmapped().family === to.unmapped().family) return localAddress;
    const message = `${to.toHostPort()} cannot be reached from ${localAddress.toHostPort()}`;
    throw new SocketError(message, { code: "EINVAL", syscall: "connect", address: to });
  }

  #resolve(target: SocketTarget, syscall: "connect" | "listen"): TsocketAddress {
    if (!("hostname" in target)) {
      const isMachine = syscall === "connect" && target.kind === "inet" && isWildcard(target);
      return isMachine ? hostAddress(target, target.port) : target;
    }
    const address = this.#hosts.get(target.hostname.toLowerCase());
    if (address !== undefined) return InetAddress.from(address, target.port);
    throw new SocketError(`nobody knows the host ${target.hostname}`, { code: "ENOTFOUND", syscall });
  }
}

function noTls(syscall: string): SocketError {
  return new SocketError("a network in memory has no TLS", { code: "EPROTONOSUPPORT", syscall });
}

/** Connecting takes as long as a piece of data does. */
function travel(memory: MemoryLinkOptions, number: number, signal: AbortSignal): Promise<void> {
  const settings = streamFaultSettings(ofSide(memory.faults, 0));
  return new Promise((resolve, reject) => {
    const line = new DelayLine<undefined>(settings, new Chance(settings.chance, number), true, () => {
      signal.removeEventListener("abort", stop);
      resolve();
    });
    const stop = (): void => {
      line.close();
      reject(signal.reason);
    };
    signal.addEventListener("abort", stop, { once: true });
    line.send(undefined);
  });
}
