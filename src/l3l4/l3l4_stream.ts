/**
 * The TCP/IP endpoint as its users see it: packets in and out on one side, connections on the other.
 *
 * @module
 */
import { type Clock, systemClock } from "../core/clock.ts";
import { callbackOption, durationOption, limitOption, needObject } from "../core/limits.ts";
import { type FillRandom, systemRandom } from "../core/random.ts";
import { shownAs } from "../core/shown.ts";
import { typeName } from "../core/words.ts";
import { parseAddress } from "../packet/address.ts";
import { LinkType, type Packet } from "../packet/packet.ts";
import type { DgramSocket } from "../tsocket/dgram_socket.ts";
import { InetAddress } from "../tsocket/inet_address.ts";
import type { AnySocketAddress } from "../tsocket/option_types.ts";
import { toSocketTarget } from "../tsocket/socket_target.ts";
import type { TsocketRuntime } from "../tsocket/driver_types.ts";
import type { IcmpReceived, L3L4Sink, UdpVerdict } from "./datagram_sink.ts";
import { L3L4Error } from "./errors.ts";
import { IcmpSide, type L3L4PingOptions, type L3L4PingResult } from "./icmp_side_stream.ts";
import type { L3L4Request } from "./incoming_request.ts";
import { L3L4Engine } from "./l3l4_engine.ts";
import { type L3L4Filter, type L3L4Listener, type L3L4ListenOptions, ListenerTaker } from "./l3l4_listener_stream.ts";
import type { L3L4Options } from "./l3l4_settings.ts";
import type { L3L4Stats } from "./l3l4_stats.ts";
import type { FlowPath, TcpPort, TcpPortOptions, Verdict } from "./l3l4_sink.ts";
import { L3L4Socket } from "./l3l4_socket_stream.ts";
import { StackHost } from "./stack_host_stream.ts";
import { stackClosed, StackDriver } from "./stack_driver_stream.ts";
import type { StackEngine, StackMedium } from "./stack_engine.ts";
import { type L3L4RuntimeOptions, StackRuntime } from "./stack_runtime_stream.ts";
import { Tap } from "./tap_stream.ts";
import { TcpDriver } from "./tcp_driver_stream.ts";
import { TcpSide } from "./tcp_side_stream.ts";
import type { UdpRequest } from "./udp_request.ts";
import { type L3L4UdpOptions, UdpSide } from "./udp_side_stream.ts";

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
  /** The same for datagrams that belong to no socket; `undefined` leaves it to whether `udpFlows` was asked for. */
  readonly onIncomingUdp?: ((request: UdpRequest) => UdpVerdict | undefined) | undefined;
  /** What packets travel in: {@linkcode ethernet}. @default {IP alone} */
  readonly medium?: StackMedium | undefined;
  /** Packets of one chunk of `readable`, at most. @default {64} */
  readonly maxBatchPackets?: number | undefined;
  /** Whether whoever writes packets vouches for their checksums. @default {false} */
  readonly isChecksumTrusted?: boolean | undefined;
  /**
   * How long `close` waits for connections whose own side was ended: until the peer has acknowledged everything, and its
   * end has come, or a retransmission timeout has passed without. In milliseconds, at most.
   *
   * @default {5000}
   */
  readonly closeGraceMs?: number | undefined;
  /** Time and timers. @default {systemClock} */
  readonly clock?: Clock | undefined;
  /** Randomness for what others must not guess. @default {systemRandom} */
  readonly random?: FillRandom | undefined;
}

/** Options of one connection. */
export interface L3L4ConnectOptions extends TcpPortOptions {
  /** Address that the stack plays, and port unless that is 0; one of `addresses` by default. */
  readonly localAddress?: InetAddress | string | undefined;
  /** Ends the attempt to connect. */
  readonly signal?: AbortSignal | undefined;
}

/** Options of a stack. */
export interface L3L4StackOptions extends L3L4Options, L3L4StageOptions {}

/** Makes the engine, around a sink. */
export type StackFactory = (sink: L3L4Sink) => StackEngine;

/**
 * A TCP/IP endpoint that plays whatever addresses its packets are for.
 *
 * Packets are written to `writable` and read from `readable`, several a chunk. Nothing is sent unless somebody reads.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { L3L4 } from "@leat/streams/l3l4";
 *
 * const client = new L3L4({ addresses: ["10.0.0.1"] });
 * const server = new L3L4();
 * client.readable.pipeTo(server.writable).catch(() => {});
 * server.readable.pipeTo(client.writable).catch(() => {});
 * const flows = server.flows.getReader();
 *
 * const socket = client.connect("10.0.0.2:7");
 * const writer = socket.writable.getWriter();
 * await writer.write(new TextEncoder().encode("hello"));
 * await writer.close();
 * const { value: flow } = await flows.read();
 * flow!.readable.pipeTo(flow!.writable);
 * assertEquals(await new Response(socket.readable).text(), "hello");
 * await socket.closed;
 * await Promise.all([client.close(), server.close()]);
 * ```
 */
export class L3L4 implements AsyncDisposable {
  readonly #engine: StackEngine;
  readonly #driver: StackDriver;
  readonly #clock: Clock;
  readonly #sources: readonly InetAddress[];
  readonly #closeGraceMs: number;
  readonly #host: StackHost;
  readonly #tcp: TcpSide;
  readonly #udp: UdpSide;
  readonly #icmp: IcmpSide;
  readonly #linkType: number;
  #tap: Tap | undefined;
  #closing: Promise<void> | undefined;

  /**
   * Makes a stack; tests may make the engine.
   *
   * @throws {TypeError | RangeError} when an option is wrong
   */
  constructor(options: L3L4StackOptions = {}, make?: StackFactory) {
    checkStageOptions(options);
    const { clock = systemClock, random = systemRandom } = options;
    this.#clock = clock;
    this.#closeGraceMs = durationOption("closeGraceMs", options.closeGraceMs, CLOSE_GRACE_MS);
    this.#sources = (options.addresses ?? []).map((address) => InetAddress.from(address, 0));
    const settings = {
      maxBatchPackets: limitOption("maxBatchPackets", options.maxBatchPackets, MAX_BATCH_PACKETS),
      isChecksumTrusted: options.isChecksumTrusted ?? false,
    };
    // the engine tells those, and they ask the engine: neither of them before this constructor is done
    const sink = sinkOf(() => this.#tcp, () => this.#udp, () => this.#icmp);
    const engine: StackEngine = make?.(sink) ?? new L3L4Engine({ ...options, random }, sink);
    this.#engine = engine;
    this.#linkType = options.medium?.linkType ?? LinkType.RAW;
    this.#driver = new StackDriver(options.medium?.wrap(engine) ?? engine, clock, settings, {
      over: (reason, isInOrder) => this.#over(reason, isInOrder),
    });
    this.#host = new StackHost(clock, this.#driver, (to) => this.#sources.find(({ family }) => family === to.family));
    this.#tcp = new TcpSide(this.#host, options.onIncoming);
    this.#udp = new UdpSide(engine, this.#host, clock, options.onIncomingUdp);
    this.#icmp = new IcmpSide(engine, clock, random);
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
    return this.#tcp.flows;
  }

  /**
   * Datagrams by who sends them: a socket for each peer that writes to a port without a socket of its own. None are
   * accepted before this was asked for.
   */
  get udpFlows(): ReadableStream<DgramSocket> {
    return this.#udp.flows;
  }

  /** Messages of ICMP that nobody else has a use for, from now on. */
  get icmp(): ReadableStream<IcmpReceived> {
    return this.#icmp.messages;
  }

  /**
   * Takes the connections that fit a filter. The first listener that wants one gets it.
   *
   * @throws {TypeError | RangeError} when the filter or an option is wrong
   * @throws {L3L4Error} `EADDRINUSE` when another listener has the same filter
   */
  listen(filter: L3L4Filter, options: L3L4ListenOptions = {}): L3L4Listener {
    this.#checkOpen();
    const taker = new ListenerTaker(filter, options, () => this.#tcp.leave(taker));
    this.#tcp.join(taker);
    return taker.listener;
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
    const socket = new L3L4Socket(this.#host, this.#connectPort(numericAddress(to), options));
    this.#driver.turn();
    if (signal !== undefined) {
      const abort = (): void => socket.abort(signal.reason);
      signal.addEventListener("abort", abort, { once: true });
      const done = (): void => signal.removeEventListener("abort", abort);
      socket.opened.then(done, done);
    }
    return socket;
  }

  /**
   * Opens a datagram socket: bound to one of our addresses or to all, with one peer or with any.
   *
   * @throws {TypeError} when an address is none, or there is none to send from
   * @throws {L3L4Error} `EADDRINUSE` and the like
   */
  udp(options: L3L4UdpOptions = {}): DgramSocket {
    this.#checkOpen();
    return this.#udp.socket(this.#udp.open(options), options);
  }

  /**
   * Asks an address whether it is there.
   *
   * @throws {TypeError | RangeError} when the address or an option is wrong
   * @throws {L3L4Error} `ETIMEDOUT` when no answer came, `ENOBUFS` when there is no room for the question
   */
  async ping(address: string, options: L3L4PingOptions = {}): Promise<L3L4PingResult> {
    this.#checkOpen();
    const to = InetAddress.from(address, 0);
    const answer = this.#icmp.ping(to, this.#sourceFor(to, options.localAddress), options);
    this.#driver.turn();
    return await answer;
  }

  /**
   * The answer to a connection that a verdict of `"later"` has put off, by its token; `false` when the peer has taken its
   * request back, or that was put off for too long.
   */
  decide(token: number, verdict: Exclude<Verdict, "later">, options?: TcpPortOptions): boolean {
    this.#checkOpen();
    const isThere = this.#engine.decide(token, verdict, options, this.#clock.now());
    this.#driver.turn();
    return isThere;
  }

  /**
   * Tells the peer of a flow of UDP that its datagrams reach nobody, as a closed port does (ICMP port unreachable), at no more
   * than `icmpErrorsPerSecond`. For whoever passes them on and has been told so.
   *
   * @throws {TypeError} when the socket is none of one peer
   */
  refuseUdp({ localAddress, remoteAddress }: Pick<DgramSocket, "localAddress" | "remoteAddress">): void {
    this.#checkOpen();
    this.#engine.refuseUdp(udpPathOf(localAddress, remoteAddress), this.#clock.now());
    this.#driver.turn();
  }

  /**
   * From now on the link takes packets of so many bytes.
   *
   * @throws {RangeError} when that can't be
   */
  setMtu(mtu: number): void {
    this.#engine.setMtu(mtu);
  }

  /** Counters. */
  get stats(): L3L4Stats {
    return this.#engine.stats;
  }

  /** The stack as a runtime of `./tsocket`: `connectWith`, `listenWith` and `dgramWith` open sockets of it. */
  runtime(options: L3L4RuntimeOptions = {}): TsocketRuntime {
    return new StackRuntime({
      connectDriver: (to, options) => {
        const driver = new TcpDriver(this.#host, this.#connectPort(to, options));
        this.#driver.turn();
        return driver;
      },
      join: (taker) => {
        this.#checkOpen();
        this.#tcp.join(taker);
      },
      leave: (taker) => this.#tcp.leave(taker),
      dgramDriver: (options) => {
        this.#checkOpen();
        return this.#udp.open(options);
      },
    }, options);
  }

  /**
   * A copy of all packets from now on, both ways, as {@linkcode CaptureWriterStream} takes them. What nobody reads is
   * dropped once there are 16 MB of it. The same stream every time.
   */
  tap(): ReadableStream<Packet[]> {
    if (this.#tap === undefined) {
      const tap = new Tap(this.#clock, this.#linkType);
      this.#tap = tap;
      this.#driver.tap = (packet, isSent) => tap.packet(packet, isSent);
      if (this.#driver.isOver) tap.end();
    }
    return this.#tap.readable;
  }

  /**
   * Ends everything: no more connections are taken; those whose own side was ended are waited for, as `closeGraceMs` says;
   * all that is left is reset, and the streams end. Never rejects.
   */
  close(): Promise<void> {
    return this.#closing ??= this.#close();
  }

  /** Closes it. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #close(): Promise<void> {
    this.#host.isClosed = true;
    await this.#host.allClosed(this.#closeGraceMs);
    this.#driver.end();
  }

  #checkOpen(): void {
    if (this.#host.isClosed) throw stackClosed();
    if (!this.#driver.isPushing) return;
    throw new L3L4Error("the stack asks what becomes of a packet: ask it for something later", {
      code: "EBUSY",
      blame: "local",
    });
  }

  /** Member by member: a copy by spreading costs more than the rest. */
  #connectPort(to: InetAddress, options: L3L4ConnectOptions): TcpPort {
    this.#checkOpen();
    const from = this.#sourceFor(to, options.localAddress);
    return this.#engine.connect({
      hasNagle: options.hasNagle,
      keepaliveMs: options.keepaliveMs,
      userTimeoutMs: options.userTimeoutMs,
      idleTimeoutMs: options.idleTimeoutMs,
      remoteAddress: parseAddress(to.address),
      remotePort: to.port,
      localAddress: parseAddress(from.address),
      localPort: from.port === 0 ? undefined : from.port,
    }, this.#clock.now());
  }

  #sourceFor(to: InetAddress, localAddress: InetAddress | string | undefined): InetAddress {
    const from = typeof localAddress === "string"
      ? InetAddress.parse(localAddress)
      : localAddress ?? this.#host.sourceFor(to);
    if (from?.family === to.family) return from;
    throw new TypeError(`there is no ${to.family} address to connect from: name a localAddress, or addresses`);
  }

  #over(reason: unknown, isInOrder: boolean): void {
    const error = isInOrder ? stackClosed() : reason ?? stackClosed();
    this.#host.over(error, isInOrder);
    this.#tcp.over(isInOrder ? undefined : reason);
    this.#udp.over(isInOrder ? undefined : reason);
    this.#icmp.over(error);
    this.#tap?.end();
  }
}

shownAs(L3L4, "L3L4", (stack) => {
  const { connections, halfOpen, timeWait, udpPorts, packets, dropped } = stack.stats;
  return { connections, halfOpen, timeWait, udpPorts, packets, dropped };
});

function udpPathOf(local: DgramSocket["localAddress"], remote: DgramSocket["remoteAddress"]): FlowPath {
  if (!(local instanceof InetAddress && remote instanceof InetAddress)) {
    throw new TypeError("only sockets of one peer can be refused");
  }
  return {
    version: local.family === "ipv4" ? 4 : 6,
    localAddress: parseAddress(local.address),
    localPort: local.port,
    remoteAddress: parseAddress(remote.address),
    remotePort: remote.port,
  };
}

/** What the types say, for those who have none: a filter that is no function would be noticed by nobody but its peers. */
function checkStageOptions(options: L3L4StackOptions): void {
  needObject("options", options);
  const { addresses, medium } = options;
  if (addresses !== undefined && !Array.isArray(addresses)) {
    throw new TypeError(`addresses must be an array of texts, got ${typeName(addresses)}`);
  }
  callbackOption("onIncoming", options.onIncoming);
  callbackOption("onIncomingUdp", options.onIncomingUdp);
  if (medium !== undefined && typeof medium?.wrap !== "function") {
    throw new TypeError("medium must be what ethernet() gives, with a wrap method");
  }
}

function numericAddress(to: AnySocketAddress): InetAddress {
  const target = toSocketTarget(to);
  if (target instanceof InetAddress) return target;
  throw new TypeError("only numeric addresses can be connected to: there is nobody to ask for names");
}

/** Sends what the engine tells to whom it concerns. */
function sinkOf(tcp: () => TcpSide, udp: () => UdpSide, icmp: () => IcmpSide): L3L4Sink {
  return {
    incoming: (request) => tcp().incoming(request),
    mayOpen: (path) => tcp().mayOpen(path),
    opened: (port) => tcp().opened(port),
    readable: (port) => tcp().readable(port),
    writable: (port) => tcp().writable(port),
    ended: (port) => tcp().ended(port),
    delivered: (port) => tcp().delivered(port),
    closed: (port, error) => tcp().closed(port, error),
    incomingUdp: (path) => udp().incomingUdp(path),
    udpOpened: (port) => udp().udpOpened(port),
    udpReadable: (port) => udp().udpReadable(port),
    udpWritable: (port) => udp().udpWritable(port),
    udpError: (port, error, to) => udp().udpError(port, error, to),
    udpClosed: (port) => udp().udpClosed(port),
    icmp: (message) => icmp().icmp(message),
  };
}
