/**
 * The endpoint as its users see it: calls over a datagram socket, or over a stream of datagrams.
 *
 * @module
 */
import { type Clock, systemClock, systemWallMs } from "../core/clock.ts";
import { callbackOption, choiceOption, needObject, signalOption } from "../core/limits.ts";
import { type FillRandom, systemRandom } from "../core/random.ts";
import type { Reasons } from "../core/reasons.ts";
import { typeName } from "../core/words.ts";
import type { TDgram, UdpMessage } from "../tsocket/types.ts";
import { needBytes, RxCallStream } from "./call_stream.ts";
import { RxDebugClient } from "./debug_client_stream.ts";
import { destinationOf, type RxDestination } from "./destination_stream.ts";
import { EndpointDriver } from "./endpoint_driver_stream.ts";
import { RxEndpointEngine } from "./endpoint_engine.ts";
import type { RxEndpointEngineOptions, RxEndpointStats } from "./endpoint_options.ts";
import { RxrpcError } from "./errors.ts";
import { checkNumber } from "./limits.ts";
import { type ListenerHost, RxListener, type RxListenOptions } from "./listener_stream.ts";
import { RxPacketType } from "./packet_types.ts";
import { guardedObserver } from "./observer.ts";
import type { RxNetworkFailure } from "./network_failure.ts";
import type { RxAddress, RxCallOptions, RxCallPort, RxDecision } from "./ports.ts";
import type { RxQuestion } from "./questions.ts";
import type { RxSnapshot } from "./snapshot.ts";
import { SocketPort } from "./socket_port_stream.ts";
import { StagePort } from "./stage_port_stream.ts";
import { AskedPromise } from "../stream/asked_promise.ts";

/** Options of an endpoint. */
export interface RxEndpointOptions extends Omit<RxEndpointEngineOptions, "random" | "wallMs"> {
  /** Randomness for the numbers that others must not guess. @default {systemRandom} */
  readonly random?: FillRandom | undefined;
  /**
   * Where calls go that say nothing else.
   *
   * @default {whom the socket is connected with, if it is}
   */
  readonly to?: RxDestination | undefined;
  /** Time. @default {systemClock} */
  readonly clock?: Clock | undefined;
  /** Time of day in milliseconds since 1970, for tickets. @default {Date.now} */
  readonly wallMs?: (() => number) | undefined;
}

/** Options of a call. */
export interface RxStreamCallOptions extends Omit<RxCallOptions, "to"> {
  /** The server, as `{ address, port }` or as text like `192.0.2.1:7000`. @default {the endpoint's} */
  readonly to?: RxDestination | undefined;
  /** Aborts the call. */
  readonly signal?: AbortSignal | undefined;
  /**
   * How long `signal` counts: `any` always, `queue` as long as the call waits for a channel. From then on the server may
   * be doing what was asked.
   *
   * @default {"any"}
   */
  readonly signalPhase?: "any" | "queue" | undefined;
  /** Told each time the server says that it is busy; the call goes on trying, unless this throws: it fails with that. */
  readonly onBusy?: (() => void) | undefined;
}

/** Options of a question that is no call. */
export interface RxAskOptions {
  /** Stops waiting for the answer. */
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
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { RxEndpoint } from "@leat/streams/rxrpc";
 * import { dgramPair, InetAddress } from "@leat/streams/tsocket";
 *
 * // two sockets in memory; over UDP: dgram({ localAddress }) of ./node, ./deno or ./bun
 * const to = InetAddress.parse("192.0.2.1:7000");
 * const [left, right] = dgramPair({ addresses: [InetAddress.parse("192.0.2.2:7001"), to] });
 * const client = await RxEndpoint.open(left);
 * const server = await RxEndpoint.open(right);
 * const listener = server.listen({ services: [147] });
 * const reply = client.request({ to, service: 147, body: Uint8Array.of(1, 2, 3) });
 * for await (const call of listener) {
 *   const request = await call.bytes();
 *   await call.write(Uint8Array.of(request.length));
 *   await call.end();
 *   break;
 * }
 * assertEquals(await reply, Uint8Array.of(3));
 * await Promise.all([client.close(), server.close()]);
 * ```
 */
export class RxEndpoint implements AsyncDisposable {
  readonly #engine: RxEndpointEngine;
  readonly #driver: EndpointDriver;
  readonly #listeners: Map<number, RxListener> = new Map();
  readonly #closed: AskedPromise<void> = new AskedPromise();
  readonly #usual: RxAddress | undefined;
  readonly #host: ListenerHost;
  #port: SocketPort | StagePort | undefined;
  #closing: Promise<void> | undefined;

  /**
   * Makes an endpoint that has no socket: pipe datagrams through it.
   *
   * @throws {TypeError | RangeError | SocketError} when an option is wrong
   */
  constructor(options: RxEndpointOptions = {}) {
    needObject("options", options);
    this.#usual = options.to === undefined ? undefined : destinationOf(options.to);
    if (this.#usual !== undefined) checkNumber("port", this.#usual.port);
    const { random = systemRandom, clock = systemClock, wallMs = systemWallMs } = options;
    needObject("clock", clock);
    this.#engine = new RxEndpointEngine({ ...options, random, wallMs }, {
      incoming: (call) => this.#incoming(call),
    });
    const observer = guardedObserver(options.observer, () => this.drops.count("observer threw"));
    this.#host = {
      refused: ({ remote, service }) => observer?.refused?.(remote, service, "backlog"),
      closed: (listener) => this.#unlisten(listener),
    };
    this.#driver = new EndpointDriver(this.#engine, clock, (datagrams) => this.#port?.send(datagrams));
  }

  /**
   * Makes an endpoint over a datagram socket, which it closes in the end, and at once when an option is wrong.
   *
   * @throws {TypeError | RangeError | SocketError} when an option is wrong, it is no datagram socket, or that could not be opened
   */
  static async open(socket: TDgram | Promise<TDgram>, options: RxEndpointOptions = {}): Promise<RxEndpoint> {
    let endpoint: RxEndpoint;
    try {
      endpoint = new RxEndpoint(options);
    } catch (error) {
      // nobody else closes it; whether it opens and closes says nothing of the options
      Promise.resolve(socket).then((unused) => unused.close()).catch(() => {});
      throw error;
    }
    const ready = await socket;
    if (typeof (ready as Partial<TDgram> | null | undefined)?.recvMany !== "function") {
      throw new TypeError(`socket must be a datagram socket, got ${typeName(ready)}`);
    }
    await ready.opened;
    endpoint.#attach(ready);
    return endpoint;
  }

  /** Our own address, over a socket. */
  get localAddress(): RxAddress | undefined {
    return this.#port instanceof SocketPort ? this.#port.localAddress : undefined;
  }

  /**
   * Resolves when the endpoint is closed; rejects when its socket broke, or the stream of its datagrams was aborted, with
   * the reason. Needs no handler.
   */
  get closed(): Promise<void> {
    return this.#closed.promise;
  }

  /** Counters. */
  get stats(): Readonly<RxEndpointStats> {
    return this.#engine.stats;
  }

  /** Packets that were dropped, by reason. */
  get drops(): Reasons {
    return this.#engine.drops;
  }

  /** Everything that there is, as it is now. */
  snapshot(): RxSnapshot {
    return this.#engine.snapshot();
  }

  /** Datagrams that go, where the endpoint has no socket. Cancelling it closes the endpoint. */
  get readable(): ReadableStream<UdpMessage> {
    return this.#stage().readable;
  }

  /** Datagrams that come, where the endpoint has no socket. Closing it closes the endpoint. */
  get writable(): WritableStream<UdpMessage> {
    return this.#stage().writable;
  }

  /**
   * Makes a call. It begins at once, or when there is a channel for it.
   *
   * @throws {RxrpcError} `ENOBUFS` when too many calls wait, `ESHUTDOWN` when the endpoint is closed, `EDESTADDRREQ`,
   * `EISCONN` or `EAFNOSUPPORT` when the socket cannot send to there
   * @throws {TypeError | RangeError | SocketError} when an option can't be
   */
  call(options: RxStreamCallOptions): RxCallStream {
    needObject("options", options);
    const { onBusy } = options;
    callbackOption("onBusy", onBusy);
    const signal = signalOption(options.signal);
    choiceOption("signalPhase", options.signalPhase, "any", ["any", "queue"]);
    signal?.throwIfAborted();
    const to = this.#destination(options.to);
    const call = new RxCallStream(this.#driver);
    const told = (): void => {
      try {
        onBusy?.();
      } catch (error) {
        call.cancel(error);
      }
    };
    call.sink.busy = () => queueMicrotask(told);
    // a copy costs a small call more than what it is made of
    const asked = to === options.to ? options as RxCallOptions : { ...options, to };
    call.bind(this.#engine.call(asked, call.sink, this.#driver.now()));
    this.#driver.poke();
    if (signal !== undefined) {
      const abort = (): void => call.cancel(signal.reason);
      signal.addEventListener("abort", abort, { once: true });
      const done = (): void => signal.removeEventListener("abort", abort);
      call.closed.then(done, done);
      if (options.signalPhase === "queue") call.opened.then(done, done);
    }
    return call;
  }

  /**
   * Makes a call with a whole request, for a whole reply.
   *
   * @throws as {@linkcode call}, and {RxrpcError} what the call failed with, or the reason of `signal`
   */
  async request(options: RxRequestOptions): Promise<Uint8Array> {
    if (options?.body !== undefined) needBytes("body", options.body);
    const call = this.call(options);
    const reply = call.bytes();
    await call.end(options.body);
    return await reply;
  }

  /**
   * What another endpoint says that it is: the text of its VERSION packet.
   *
   * @throws {RxrpcError} `ETIMEDOUT` when nothing came in half a minute, or the network's code when it says that nobody
   * can be reached there; `ESHUTDOWN` when the endpoint was closed; `EDESTADDRREQ`, `EISCONN` or `EAFNOSUPPORT` when the
   * socket cannot send to there; `ENOBUFS` when too many questions wait
   * @throws {TypeError | RangeError | SocketError} when an option can't be, `EINVAL` for an address that is none
   */
  async version(to?: RxDestination, options: RxAskOptions = {}): Promise<string> {
    const body = await this.#ask(to, RxPacketType.VERSION, new Uint8Array(1), options);
    const end = body.indexOf(0);
    return new TextDecoder().decode(end < 0 ? body : body.subarray(0, end));
  }

  /**
   * Asks another endpoint about its connections, peers and counters, as the program rxdebug does. The questions fail as
   * that of {@linkcode version}.
   */
  debug(to?: RxDestination, options: RxAskOptions = {}): RxDebugClient {
    return new RxDebugClient((body) => this.#ask(to, RxPacketType.DEBUG, body, options));
  }

  /**
   * Takes calls.
   *
   * @throws {TypeError | RangeError} when an option or a service can't be, or a service, or what one is upgraded to, is
   * offered already; nothing is offered then
   */
  listen(options: RxListenOptions): RxListener {
    const listener = new RxListener(this.#host, this.#driver, options);
    const ids = listener.services.flatMap(({ id, upgradeTo }) => upgradeTo === undefined ? [id] : [id, upgradeTo]);
    const taken = ids.find((id) => this.#listeners.has(id));
    if (taken !== undefined) throw new RangeError(`service ${taken} is offered already`);
    for (const service of listener.services) this.#engine.offer(service);
    for (const id of ids) this.#listeners.set(id, listener);
    return listener;
  }

  #unlisten(listener: RxListener): void {
    for (const [id, one] of this.#listeners) {
      if (one !== listener) continue;
      this.#engine.withdraw(id);
      this.#listeners.delete(id);
    }
  }

  /**
   * Somebody else was told that datagrams do not get there: whoever has a socket that hears of it, where the endpoint's
   * own does not. Calls end as when its own had been told: at the first report while nothing was ever heard from there,
   * else at the second in a row.
   *
   * @throws {SocketError} `EINVAL` where the address is none
   */
  networkFailed(failure: RxNetworkFailure): void {
    const { to } = failure;
    this.#driver.networkFailed({ ...failure, to: this.#port instanceof SocketPort ? this.#port.plain(to) : to });
  }

  /** Ends everything: calls that run are aborted, listeners closed, then the socket. */
  close(): Promise<void> {
    return this.#closing ??= this.#close(undefined);
  }

  /** Closes it. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #destination(to: RxDestination | undefined): RxAddress {
    if (to === undefined && this.#usual === undefined && this.#port instanceof SocketPort) {
      to = this.#port.remoteAddress;
    }
    const address = destinationOf(to, this.#usual);
    return this.#port instanceof SocketPort ? this.#port.check(address) : address;
  }

  #ask(
    whom: RxDestination | undefined,
    type: RxQuestion["type"],
    body: Uint8Array,
    options: RxAskOptions,
  ): Promise<Uint8Array> {
    return new Promise<Uint8Array>((resolve, reject) => {
      needObject("options", options);
      const signal = signalOption(options.signal);
      signal?.throwIfAborted();
      const to = this.#destination(whom);
      const aborted = (): void => {
        stop();
        reject(signal!.reason);
      };
      const answered = (answer: Uint8Array | undefined, why?: RxrpcError): void => {
        signal?.removeEventListener("abort", aborted);
        if (answer !== undefined) return resolve(answer);
        if (why !== undefined) return reject(why);
        const what = `${to.address} did not answer at port ${to.port}`;
        reject(new RxrpcError(what, { code: "ETIMEDOUT", blame: "remote" }));
      };
      const stop = this.#engine.ask({ to, type, body, answered }, this.#driver.now());
      signal?.addEventListener("abort", aborted, { once: true });
      this.#driver.poke();
    });
  }

  async #close(why: { readonly error: unknown } | undefined): Promise<void> {
    try {
      await this.#end();
    } catch (error) {
      why ??= { error };
      throw error;
    } finally {
      if (why === undefined) this.#closed.resolve();
      else this.#closed.reject(() => why!.error);
    }
  }

  async #end(): Promise<void> {
    await Promise.all([...new Set(this.#listeners.values())].map((listener) => listener.close()));
    this.#engine.close(this.#driver.now());
    // a pipe that nobody reads would be waited for in vain
    if (this.#port instanceof SocketPort) await this.#driver.finish();
    else this.#driver.turn();
    this.#driver.stop();
    await this.#port?.close();
  }

  #incoming(call: RxCallPort): RxDecision {
    return this.#listeners.get(call.service)?.incoming(call) ?? -2;
  }

  #attach(socket: TDgram): void {
    const port = new SocketPort(socket, (failure) => this.#driver.networkFailed(failure));
    this.#port = port;
    port.receive((datagrams) => this.#driver.receive(datagrams)).catch((error) => this.#broke(error));
  }

  /** Its datagrams come and go no more; nothing, when it has been closed. */
  #broke(error: unknown): Promise<void> {
    this.#closing ??= this.#close({ error });
    return this.#closing.catch(() => {});
  }

  #stage(): StagePort {
    if (this.#port instanceof SocketPort) throw new TypeError("the endpoint has a socket of its own");
    const port = this.#port ?? new StagePort({
      came: (datagrams) => this.#driver.receive(datagrams),
      ended: () => this.close(),
      broke: (reason) => this.#broke(reason),
    });
    this.#port = port;
    return port;
  }
}
