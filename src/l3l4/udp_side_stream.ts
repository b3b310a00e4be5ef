/**
 * The part of a stack that has to do with UDP: sockets, and flows that peers begin. Internal.
 *
 * @module
 */
import { parseAddress } from "../packet/address.ts";
import { DgramSocket } from "../tsocket/dgram_socket.ts";
import { InetAddress } from "../tsocket/inet_address.ts";
import type { TDgramOptions } from "../tsocket/option_types.ts";
import type { Clock } from "../core/clock.ts";
import { Arrivals } from "./arrivals_stream.ts";
import type { UdpOpenOptions, UdpPort, UdpSink, UdpVerdict } from "./datagram_sink.ts";
import type { FlowHost } from "./flow_user.ts";
import type { FlowPath } from "./l3l4_sink.ts";
import type { StackEngine } from "./stack_engine.ts";
import { UdpDriver } from "./udp_driver_stream.ts";
import { UdpRequest } from "./udp_request.ts";
import { isWildcard } from "./wildcard_stream.ts";

/** Flows that wait to be taken. */
const BACKLOG = 1024;

/**
 * A flow's socket takes so many ahead, as there may be one for each peer; the rest waits in the engine, within what is
 * allowed for all together. Not a limit in bytes, which would drop datagrams in place of leaving them there.
 */
const FLOW_OPTIONS: TDgramOptions = { maxQueuedDatagrams: 32 };

/** Options of a UDP socket of a stack. */
export interface L3L4UdpOptions extends TDgramOptions {
  /** Address that the stack plays, and port; all addresses, and a port that is free, by default. */
  readonly localAddress?: InetAddress | string | undefined;
  /** The only peer. */
  readonly remoteAddress?: InetAddress | string | undefined;
  /** Without datagrams either way for so long it is over, in milliseconds. @default {Infinity} */
  readonly idleTimeoutMs?: number | undefined;
}

/** What the stack lends. */
export interface UdpHost extends FlowHost {
  /** The address to connect or send from. */
  sourceFor(to: InetAddress): InetAddress | undefined;
  /** A callback of the user's threw. */
  threw(error: unknown): void;
}

/** Sockets and flows. */
export class UdpSide implements UdpSink {
  readonly #engine: Pick<StackEngine, "udpOpen">;
  readonly #host: UdpHost;
  readonly #clock: Clock;
  readonly #onIncoming: ((request: UdpRequest) => UdpVerdict | undefined) | undefined;
  #flows: Arrivals<DgramSocket, UdpDriver> | undefined;
  #isOver = false;

  /** Nothing is open. */
  constructor(
    engine: Pick<StackEngine, "udpOpen">,
    host: UdpHost,
    clock: Clock,
    onIncoming: ((request: UdpRequest) => UdpVerdict | undefined) | undefined,
  ) {
    this.#engine = engine;
    this.#host = host;
    this.#clock = clock;
    this.#onIncoming = onIncoming;
  }

  /** Flows that peers begin; none before this was asked for. */
  get flows(): ReadableStream<DgramSocket> {
    if (this.#flows === undefined) {
      // a socket would take out of the engine what waits there within limits, so there is none before somebody wants it
      this.#flows = new Arrivals<DgramSocket, UdpDriver>(
        BACKLOG,
        (driver) => this.socket(driver, FLOW_OPTIONS),
        (driver) => void driver.close(),
      );
      if (this.#isOver) this.#flows.end();
    }
    return this.#flows.readable;
  }

  /** Opens an end of UDP. */
  open({ localAddress, remoteAddress, idleTimeoutMs }: L3L4UdpOptions): UdpDriver {
    const to = remoteAddress === undefined ? undefined : inet(remoteAddress);
    const asked = localAddress === undefined ? undefined : inet(localAddress);
    const isAny = asked === undefined || isWildcard(asked);
    const from = isAny ? to && this.#host.sourceFor(to) : asked;
    if (to !== undefined && from?.family !== to.family) {
      throw new TypeError(`there is no ${to.family} address to send from: name a localAddress, or addresses`);
    }
    const port = asked?.port ?? 0;
    const options: UdpOpenOptions = {
      localAddress: from && parseAddress(from.address),
      localPort: port === 0 ? undefined : port,
      remoteAddress: to && parseAddress(to.address),
      remotePort: to?.port,
      idleTimeoutMs,
    };
    return this.#driver(this.#engine.udpOpen(options, this.#host.now()));
  }

  /** A socket around it. */
  socket(driver: UdpDriver, options?: TDgramOptions): DgramSocket {
    return new DgramSocket(driver, options, { clock: this.#clock });
  }

  /** The stack is over. */
  over(reason: unknown): void {
    this.#isOver = true;
    this.#flows?.end(reason);
  }

  // events of the engine

  /** See `UdpSink`. */
  incomingUdp(path: FlowPath): UdpVerdict {
    try {
      const verdict = this.#onIncoming?.(new UdpRequest(path));
      if (verdict !== undefined) return verdict;
    } catch (error) {
      this.#host.threw(error);
      return "ignore";
    }
    if (this.#flows === undefined || this.#flows.isOver) return "refuse";
    return this.#flows.room > 0 ? "accept" : "ignore";
  }

  /** See `UdpSink`. */
  udpOpened(port: UdpPort): void {
    const driver = this.#driver(port);
    if (this.#flows !== undefined && this.#flows.room > 0) this.#flows.push(driver);
    else void driver.close();
  }

  /** See `UdpSink`. */
  udpReadable(port: UdpPort): void {
    (port.context as UdpDriver).readable();
  }

  /** See `UdpSink`. */
  udpWritable(port: UdpPort): void {
    (port.context as UdpDriver).writable();
  }

  /** See `UdpSink`. */
  udpError(...[port, error, to]: Parameters<UdpSink["udpError"]>): void {
    (port.context as UdpDriver).failed(error, to);
  }

  /** See `UdpSink`. */
  udpClosed(port: UdpPort): void {
    (port.context as UdpDriver).closed();
  }

  #driver(port: UdpPort): UdpDriver {
    return new UdpDriver(this.#host, port, (to) => this.#host.sourceFor(to));
  }
}

function inet(address: InetAddress | string): InetAddress {
  return typeof address === "string" ? InetAddress.parse(address) : address;
}
