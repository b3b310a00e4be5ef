/**
 * The endpoint as its users see it: calls over a datagram socket, or over a stream of datagrams.
 *
 * @module
 */
import { type Clock, systemClock, systemWallMs } from "../core/clock.ts";
import { type FillRandom, systemRandom } from "../core/random.ts";
import type { Reasons } from "../core/reasons.ts";
import { InetAddress } from "../tsocket/inet_address.ts";
import type { Datagram, TDgram, UdpMessage } from "../tsocket/types.ts";
import { RxCallStream } from "./call_stream.ts";
import { EndpointDriver, type RxOutgoing } from "./endpoint_driver_stream.ts";
import { RxEndpointEngine, type RxEndpointEngineOptions, type RxEndpointStats } from "./endpoint_engine.ts";
import { type ListenerHost, RxListener, type RxListenOptions } from "./listener_stream.ts";
import type { RxAddress, RxCallOptions, RxCallPort, RxDecision } from "./ports.ts";

const BATCH = 64;

/** Options of an endpoint. */
export interface RxEndpointOptions extends Omit<RxEndpointEngineOptions, "random" | "wallMs"> {
  /** Randomness for the numbers that others must not guess. @default {systemRandom} */
  readonly random?: FillRandom | undefined;
  /** Time. @default {systemClock} */
  readonly clock?: Clock | undefined;
  /** Time of day in milliseconds since 1970, for tickets. @default {Date.now} */
  readonly wallMs?: (() => number) | undefined;
}

/** Options of a call. */
export interface RxStreamCallOptions extends RxCallOptions {
  /** Something that belongs to the caller: `call.tag`. */
  readonly tag?: unknown;
  /** Aborts the call. */
  readonly signal?: AbortSignal | undefined;
}

/** A request that has its reply as one. */
export interface RxRequestOptions extends RxStreamCallOptions {
  /** The whole request. */
  readonly body: Uint8Array;
}

/**
 * Makes calls and takes them, over one UDP port.
 *
 * It is a stage, too: datagrams in, datagrams out, wherever they come from.
 */
export class RxEndpoint implements ListenerHost, AsyncDisposable {
  readonly #engine: RxEndpointEngine;
  readonly #driver: EndpointDriver;
  readonly #listeners: Map<number, RxListener> = new Map();
  #socket: TDgram | undefined;
  #out: ((datagrams: RxOutgoing[]) => Promise<unknown> | undefined) | undefined;
  #readable: ReadableStream<UdpMessage> | undefined;
  #writable: WritableStream<UdpMessage> | undefined;
  #isClosed = false;

  /**
   * Makes an endpoint that has no socket: pipe datagrams through it.
   *
   * @throws {TypeError | RangeError} when an option is wrong
   */
  constructor(options: RxEndpointOptions = {}) {
    const { random = systemRandom, clock = systemClock, wallMs = systemWallMs } = options;
    this.#engine = new RxEndpointEngine({ ...options, random, wallMs }, {
      incoming: (call) => this.#incoming(call),
    });
    this.#driver = new EndpointDriver(this.#engine, clock, (datagrams) => this.#out?.(datagrams));
  }

  /**
   * Makes an endpoint over a datagram socket, which it closes in the end.
   *
   * @throws {SocketError} when the socket could not be opened
   */
  static async open(socket: TDgram | Promise<TDgram>, options: RxEndpointOptions = {}): Promise<RxEndpoint> {
    const endpoint = new RxEndpoint(options);
    endpoint.#attach(await socket);
    await endpoint.#socket!.opened;
    return endpoint;
  }

  /** Our own address, over a socket. */
  get localAddress(): RxAddress | undefined {
    return this.#socket?.localAddress as InetAddress | undefined;
  }

  /** Counters. */
  get stats(): Readonly<RxEndpointStats> {
    return this.#engine.stats;
  }

  /** Packets that were dropped, by reason. */
  get drops(): Reasons {
    return this.#engine.drops;
  }

  /** Datagrams that go, where the endpoint has no socket. */
  get readable(): ReadableStream<UdpMessage> {
    if (this.#socket !== undefined) throw new TypeError("the endpoint has a socket of its own");
    return this.#readable ??= new ReadableStream<UdpMessage>({
      start: (controller) => {
        this.#out = (datagrams) => {
          for (const { data, to } of datagrams) {
            controller.enqueue({ data, remoteAddress: to.address, remotePort: to.port });
          }
          return undefined;
        };
      },
      cancel: () => this.close(),
    });
  }

  /** Datagrams that come, where the endpoint has no socket. */
  get writable(): WritableStream<UdpMessage> {
    if (this.#socket !== undefined) throw new TypeError("the endpoint has a socket of its own");
    return this.#writable ??= new WritableStream<UdpMessage>({
      write: ({ data, remoteAddress, remotePort }) => {
        if (remoteAddress === undefined || remotePort === undefined) throw new TypeError("a datagram without a sender");
        this.#driver.receive([{ data, from: { address: remoteAddress, port: remotePort } }]);
      },
    });
  }

  /**
   * Makes a call. It begins at once, or when there is a channel for it.
   *
   * @throws {RxrpcError} `ENOBUFS` when too many calls wait, `ESHUTDOWN` when the endpoint is closed
   * @throws {RangeError} when service or port can't be
   */
  call(options: RxStreamCallOptions): RxCallStream {
    const { signal } = options;
    signal?.throwIfAborted();
    const call = new RxCallStream(this.#driver, undefined, options.tag);
    call.bind(this.#engine.call(options, call.sink, this.#driver.now()));
    this.#driver.poke();
    if (signal !== undefined) {
      const abort = (): void => call.abort(undefined, signal.reason);
      signal.addEventListener("abort", abort, { once: true });
      const done = (): void => signal.removeEventListener("abort", abort);
      call.closed.then(done, done);
    }
    return call;
  }

  /** Makes a call with a whole request, for a whole reply. */
  async request(options: RxRequestOptions): Promise<Uint8Array> {
    const call = this.call(options);
    const reply = call.bytes();
    reply.catch(() => {});
    if (options.body.length > 0) await call.write(options.body);
    await call.end();
    return await reply;
  }

  /**
   * Takes calls.
   *
   * @throws {RangeError} when a service can't be, or is offered already
   */
  listen(options: RxListenOptions): RxListener {
    const listener = new RxListener(this, this.#driver, options);
    const ids = listener.services.flatMap(({ id, upgradeTo }) => upgradeTo === undefined ? [id] : [id, upgradeTo]);
    const taken = listener.services.find(({ id }) => this.#listeners.has(id));
    if (taken !== undefined) throw new RangeError(`service ${taken.id} is offered already`);
    for (const service of listener.services) this.#engine.offer(service);
    for (const id of ids) this.#listeners.set(id, listener);
    return listener;
  }

  /** A listener takes no more calls. */
  closed(listener: RxListener): void {
    for (const [id, one] of this.#listeners) {
      if (one !== listener) continue;
      this.#engine.withdraw(id);
      this.#listeners.delete(id);
    }
  }

  /** Ends everything: calls that run are aborted, the socket is closed. */
  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#engine.close(this.#driver.now());
    this.#driver.turn();
    this.#driver.stop();
    await this.#socket?.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #incoming(call: RxCallPort): RxDecision {
    return this.#listeners.get(call.service)?.incoming(call) ?? -2;
  }

  #attach(socket: TDgram): void {
    this.#socket = socket;
    const addresses = new Map<RxAddress, InetAddress>();
    const addressOf = (to: RxAddress): InetAddress => {
      if (to instanceof InetAddress) return to;
      const known = addresses.get(to);
      if (known !== undefined) return known;
      if (addresses.size >= 1024) addresses.clear();
      const address = InetAddress.from(to.address, to.port);
      addresses.set(to, address);
      return address;
    };
    this.#out = (datagrams) => socket.sendMany(datagrams.map(({ data, to }) => ({ data, to: addressOf(to) })));
    this.#receive(socket).catch(() => this.close());
  }

  async #receive(socket: TDgram): Promise<void> {
    while (!this.#isClosed) {
      const datagrams = await socket.recvMany(BATCH);
      this.#driver.receive(datagrams.filter(isInet).map(({ data, source }) => ({ data, from: source })));
    }
  }
}

function isInet(datagram: Datagram): datagram is Datagram & { source: InetAddress } {
  return datagram.source instanceof InetAddress;
}
