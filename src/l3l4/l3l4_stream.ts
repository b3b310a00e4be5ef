/**
 * The TCP/IP endpoint as its users see it: packets in and out on one side, connections on the other.
 *
 * @module
 */
import { type Clock, systemClock } from "../core/clock.ts";
import { limitOption } from "../core/limits.ts";
import { parseAddress } from "../packet/address.ts";
import type { Packet } from "../packet/packet.ts";
import { InetAddress } from "../tsocket/inet_address.ts";
import type { AnySocketAddress } from "../tsocket/option_types.ts";
import { toSocketTarget } from "../tsocket/socket_target.ts";
import { L3L4Error } from "./errors.ts";
import type { FlowHost, FlowUser } from "./flow_user.ts";
import { L3L4Request } from "./incoming_request.ts";
import { type FlowTaker, type L3L4Filter, L3L4Listener, type L3L4ListenOptions } from "./l3l4_listener_stream.ts";
import type { IncomingConnection, TcpPort, TcpPortOptions, TcpSink, Verdict } from "./l3l4_sink.ts";
import { L3L4Socket } from "./l3l4_socket_stream.ts";
import { stackClosed, StackDriver } from "./stack_driver_stream.ts";
import type { StackEngine } from "./stack_engine.ts";
import { Tap } from "./tap_stream.ts";

/** Packets of a batch by default: more make streams no faster, and batches of a window each wait for each other. */
const MAX_BATCH_PACKETS = 64;
const CLOSE_GRACE_MS = 5000;

/** Options of the stages of a stack. */
export interface L3L4StageOptions {
  /** Addresses that it connects from, one of each IP version, when `connect` names none. */
  readonly addresses?: readonly string[] | undefined;
  /**
   * Decides about connections that peers ask for, before anything is held of them; `undefined` leaves it to listeners:
   * without one that wants it, a connection is refused. Not the place to ask anything of the stack.
   */
  readonly onIncoming?: ((request: L3L4Request) => Verdict | undefined) | undefined;
  /** Packets of one chunk of `readable`, at most. @default {64} */
  readonly maxBatchPackets?: number | undefined;
  /** Whether whoever writes packets vouches for their checksums. @default {false} */
  readonly isChecksumTrusted?: boolean | undefined;
  /** How long `close` waits for connections that were closed and have not come to their end, in milliseconds. @default {5000} */
  readonly closeGraceMs?: number | undefined;
  /** Time and timers. @default {systemClock} */
  readonly clock?: Clock | undefined;
}

/** Options of one connection. */
export interface L3L4ConnectOptions extends TcpPortOptions {
  /** Address that the stack plays, and port unless that is 0; one of `addresses` by default. */
  readonly localAddress?: InetAddress | string | undefined;
  /** Ends the attempt to connect. */
  readonly signal?: AbortSignal | undefined;
}

/** Makes the engine, around a sink. */
export type StackFactory = (sink: TcpSink) => StackEngine;

/**
 * A TCP/IP endpoint that plays whatever addresses its packets are for.
 *
 * Packets are written to `writable` and read from `readable`, several a chunk. Nothing is sent unless somebody reads.
 */
export class L3L4 implements AsyncDisposable {
  readonly #engine: StackEngine;
  readonly #driver: StackDriver;
  readonly #clock: Clock;
  readonly #sources: readonly InetAddress[];
  readonly #onIncoming: L3L4StageOptions["onIncoming"];
  readonly #closeGraceMs: number;
  readonly #takers: Set<FlowTaker> = new Set();
  readonly #users: Set<FlowUser> = new Set();
  readonly #closing: Set<FlowUser> = new Set();
  readonly #host: FlowHost;
  #flows: L3L4Listener | undefined;
  #tap: Tap | undefined;
  #isClosed = false;
  #close: Promise<void> | undefined;
  #allClosed: (() => void) | undefined;

  /**
   * Makes a stack.
   *
   * @throws {TypeError | RangeError} when an option is wrong
   */
  constructor(options: L3L4StageOptions, make: StackFactory) {
    const { clock = systemClock } = options;
    this.#clock = clock;
    this.#onIncoming = options.onIncoming;
    this.#closeGraceMs = limitOption("closeGraceMs", options.closeGraceMs, CLOSE_GRACE_MS, 0);
    this.#sources = (options.addresses ?? []).map((address) => InetAddress.from(address, 0));
    this.#host = {
      now: () => clock.now(),
      turn: () => this.#driver.turn(),
      closing: (user) => {
        this.#closing.add(user);
      },
      joined: (user) => {
        this.#users.add(user);
      },
      left: (user) => this.#left(user),
    };
    const settings = {
      maxBatchPackets: limitOption("maxBatchPackets", options.maxBatchPackets, MAX_BATCH_PACKETS),
      isChecksumTrusted: options.isChecksumTrusted ?? false,
    };
    this.#engine = make(this.#sink());
    this.#driver = new StackDriver(this.#engine, clock, settings, {
      over: (reason, isInOrder) => this.#over(reason, isInOrder),
    });
  }

  /** Packets that go, in batches. Cancelling it ends the stack. */
  get readable(): ReadableStream<Uint8Array<ArrayBuffer>[]> {
    return this.#driver.readable;
  }

  /** Packets that come: one a chunk, or several. Closing it ends the stack. */
  get writable(): WritableStream<Uint8Array | readonly Uint8Array[]> {
    return this.#driver.writable;
  }

  /** All connections that peers ask for and no listener wants. None are accepted before this was asked for. */
  get flows(): ReadableStream<L3L4Socket> {
    if (this.#flows === undefined) {
      this.#flows = new L3L4Listener(() => true, {}, () => {});
      if (this.#driver.isOver) this.#flows.over(undefined);
    }
    return this.#flows.readable;
  }

  /**
   * Takes the connections that fit a filter. The first listener that wants one gets it.
   *
   * @throws {TypeError | RangeError} when an option is wrong
   */
  listen(filter: L3L4Filter, options: L3L4ListenOptions = {}): L3L4Listener {
    this.#checkOpen();
    const listener = new L3L4Listener(filter, options, () => this.#takers.delete(listener));
    this.#takers.add(listener);
    return listener;
  }

  /**
   * Connects to `host:port`, `{ hostname, port }` or an address; hosts are numeric, as there is nobody to ask for names.
   * Returns at once, with a socket that may be used.
   *
   * @throws {TypeError} when the address is none, or there is none to connect from
   * @throws {L3L4Error} `EADDRINUSE`, `ENOBUFS` and the like
   */
  connect(to: AnySocketAddress, options: L3L4ConnectOptions = {}): L3L4Socket {
    const { signal } = options;
    signal?.throwIfAborted();
    const port = this.#connectPort(numericAddress(to), options);
    const socket = new L3L4Socket(this.#host, port);
    this.#driver.turn();
    if (signal !== undefined) {
      const abort = (): void => socket.abort(signal.reason);
      signal.addEventListener("abort", abort, { once: true });
      const done = (): void => signal.removeEventListener("abort", abort);
      socket.opened.then(done, done);
    }
    return socket;
  }

  /** The answer to a connection that a verdict of `"later"` has put off, by its token. */
  decide(token: number, verdict: Exclude<Verdict, "later">, options?: TcpPortOptions): void {
    this.#checkOpen();
    this.#engine.decide(token, verdict, options, this.#clock.now());
    this.#driver.turn();
  }

  /**
   * A copy of all packets from now on, both ways, as {@linkcode CaptureWriterStream} takes them. What nobody reads is
   * dropped once there are 16 MB of it. The same stream every time.
   */
  tap(): ReadableStream<Packet[]> {
    if (this.#tap === undefined) {
      const tap = new Tap(this.#clock);
      this.#tap = tap;
      this.#driver.tap = (packet, isSent) => tap.packet(packet, isSent);
      if (this.#driver.isOver) tap.end();
    }
    return this.#tap.readable;
  }

  /**
   * Ends everything: no more connections are taken, those that were closed are given `closeGraceMs` to come to their
   * end, all others are reset, and the streams end. Never rejects.
   */
  close(): Promise<void> {
    return this.#close ??= this.#closeAll();
  }

  /** Closes it. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #closeAll(): Promise<void> {
    this.#isClosed = true;
    if (this.#closing.size > 0 && !this.#driver.isOver) {
      await new Promise<void>((resolve) => {
        const disarm = this.#clock.setTimer(this.#clock.now() + this.#closeGraceMs, resolve);
        this.#allClosed = () => {
          disarm();
          resolve();
        };
      });
    }
    this.#driver.end();
  }

  #checkOpen(): void {
    if (this.#isClosed || this.#driver.isOver) throw stackClosed();
    if (this.#driver.isBusy) {
      throw new L3L4Error("the stack is at work: ask it later, not from within a callback", {
        code: "EBUSY",
        blame: "local",
      });
    }
  }

  #connectPort(to: InetAddress, options: L3L4ConnectOptions): TcpPort {
    this.#checkOpen();
    const from = this.#sourceFor(to, options.localAddress);
    return this.#engine.connect({
      ...options,
      remoteAddress: parseAddress(to.address),
      remotePort: to.port,
      localAddress: parseAddress(from.address),
      localPort: from.port === 0 ? undefined : from.port,
    }, this.#clock.now());
  }

  #sourceFor(to: InetAddress, localAddress: InetAddress | string | undefined): InetAddress {
    const from = typeof localAddress === "string"
      ? InetAddress.parse(localAddress)
      : localAddress ?? this.#sources.find(({ family }) => family === to.family);
    if (from === undefined || from.family !== to.family) {
      throw new TypeError(`there is no ${to.family} address to connect from: name a localAddress, or addresses`);
    }
    return from;
  }

  #sink(): TcpSink {
    const user = (port: TcpPort): FlowUser => port.context as FlowUser;
    return {
      incoming: (request) => this.#incoming(request),
      opened: (port) => port.context === undefined ? this.#accepted(port) : user(port).opened(),
      readable: (port) => user(port).readable(),
      writable: (port) => user(port).writable(),
      ended: (port) => user(port).ended(),
      closed: (port, error) => user(port).closed(error),
    };
  }

  #incoming(incoming: IncomingConnection): Verdict {
    if (this.#isClosed) return "refuse";
    const request = new L3L4Request(incoming);
    try {
      const verdict = this.#onIncoming?.(request);
      if (verdict !== undefined) return verdict;
      const taker = this.#takerFor(request);
      if (taker === undefined) return "refuse";
      return taker.hasRoom ? "accept" : "ignore";
    } catch (error) {
      this.#driver.threw(error);
      return "refuse";
    }
  }

  #takerFor(request: L3L4Request): FlowTaker | undefined {
    for (const taker of this.#takers) if (taker.wants(request)) return taker;
    return this.#flows?.wants(request) ? this.#flows : undefined;
  }

  /** Nothing was held of the request, so it is asked again who wants it. */
  #accepted(port: TcpPort): void {
    const socket = new L3L4Socket(this.#host, port);
    let taker: FlowTaker | undefined;
    try {
      taker = this.#takerFor(new L3L4Request(port as unknown as IncomingConnection));
    } catch (error) {
      this.#driver.threw(error);
    }
    if (taker?.hasRoom) taker.take(socket);
    else socket.abort();
  }

  #left(user: FlowUser): void {
    this.#users.delete(user);
    if (this.#closing.delete(user) && this.#closing.size === 0) this.#allClosed?.();
  }

  #over(reason: unknown, isInOrder: boolean): void {
    this.#isClosed = true;
    const error = isInOrder ? stackClosed() : reason;
    for (const user of this.#users) user.gone(error, isInOrder);
    this.#users.clear();
    for (const taker of this.#takers) taker.over(isInOrder ? undefined : reason);
    this.#takers.clear();
    this.#flows?.over(isInOrder ? undefined : reason);
    this.#tap?.end();
    this.#allClosed?.();
  }
}

function numericAddress(to: AnySocketAddress): InetAddress {
  const target = toSocketTarget(to);
  if (target instanceof InetAddress) return target;
  throw new TypeError("only numeric addresses can be connected to: there is nobody to ask for names");
}
