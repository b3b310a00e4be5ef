/**
 * A stack as a runtime of `./tsocket`: `connectWith`, `listenWith` and `dgramWith` open sockets of it.
 *
 * @module
 */
import type {
  TDgramDriver,
  TListenerDriver,
  TListenerEvents,
  TsocketRuntime,
  TStreamDriver,
} from "../tsocket/driver_types.ts";
import { SocketError } from "../tsocket/errors.ts";
import { InetAddress } from "../tsocket/inet_address.ts";
import type { ConnectOptions, DgramOptions, ListenOptions, SocketTarget } from "../tsocket/option_types.ts";
import { Teller } from "../tsocket/teller.ts";
import type { TsocketAddress } from "../tsocket/types.ts";
import type { L3L4Request } from "./incoming_request.ts";
import { type FlowTaker, wantedText } from "./l3l4_listener_stream.ts";
import type { TcpPortOptions } from "./l3l4_sink.ts";
import type { L3L4Socket } from "./l3l4_socket_stream.ts";
import { socketError, type TcpDriver } from "./tcp_driver_stream.ts";
import type { UdpDriver } from "./udp_driver_stream.ts";
import type { L3L4UdpOptions } from "./udp_side_stream.ts";
import { isWildcard } from "./wildcard_stream.ts";

const BACKLOG = 511;
/** Ports that are tried for listening on port 0: RFC 6335's dynamic ones. */
const FIRST_PORT = 49152;

/** Options of a stack as a runtime. */
export interface L3L4RuntimeOptions {
  /** Finds the numeric address of a host name. Without it no host has a name. */
  readonly resolve?: ((hostname: string) => string | Promise<string>) | undefined;
}

/** What the runtime asks of its stack. */
export interface RuntimeHost {
  /** Asks for a connection. */
  connectDriver(
    to: InetAddress,
    options: TcpPortOptions & { readonly localAddress?: InetAddress | undefined },
  ): TcpDriver;
  /** Takes connections from now on. */
  join(taker: FlowTaker): void;
  /** Takes none any more. */
  leave(taker: FlowTaker): void;
  /** Opens an end of UDP. */
  dgramDriver(options: L3L4UdpOptions): UdpDriver;
}

/** Made by `runtime` of `L3L4`. */
export class StackRuntime implements TsocketRuntime {
  /** Always `l3l4`. */
  readonly name: string = "l3l4";
  readonly #host: RuntimeHost;
  readonly #resolve: L3L4RuntimeOptions["resolve"];
  readonly #listeners: Set<StackListenerDriver> = new Set();

  /** Of one stack. */
  constructor(host: RuntimeHost, options: L3L4RuntimeOptions) {
    this.#host = host;
    this.#resolve = options.resolve;
  }

  /** Connects. */
  async connect(target: SocketTarget, options: ConnectOptions, signal: AbortSignal): Promise<TStreamDriver> {
    if ((options.secureTransport ?? "off") !== "off") throw noTls("connect");
    const to = await this.#address(target, "connect", signal);
    const driver = opened("connect", to, () =>
      this.#host.connectDriver(to, {
        localAddress: options.localAddress,
        hasNagle: options.noDelay === false,
        keepaliveMs: options.keepAliveMs,
      }));
    const abort = (): void => driver.abort();
    signal.addEventListener("abort", abort);
    try {
      await driver.whenOpen();
    } catch (error) {
      signal.throwIfAborted();
      throw error;
    } finally {
      signal.removeEventListener("abort", abort);
    }
    return driver;
  }

  /** Listens: on one address, or on all that the stack's packets are for. */
  async listen(target: SocketTarget, options: ListenOptions, signal: AbortSignal): Promise<TListenerDriver> {
    if (options.tls !== undefined) throw noTls("listen");
    const on = await this.#address(target, "listen", signal);
    const address = on.port === 0 ? on.withPort(this.#freePort(on)) : on;
    const isTaken = [...this.#listeners].some((one) => one.meets(address));
    if (isTaken) {
      const what = `somebody listens at ${address.toHostPort()}`;
      throw new SocketError(what, { code: "EADDRINUSE", syscall: "listen", address });
    }
    const driver: StackListenerDriver = new StackListenerDriver(address, options, () => {
      this.#listeners.delete(driver);
      this.#host.leave(driver);
    });
    opened("listen", address, () => this.#host.join(driver));
    this.#listeners.add(driver);
    return driver;
  }

  /** Opens a datagram socket. */
  async dgram(options: DgramOptions, signal: AbortSignal): Promise<TDgramDriver> {
    await Promise.resolve();
    signal.throwIfAborted();
    const { localAddress, remoteAddress } = options;
    for (const address of [localAddress, remoteAddress]) {
      if (address !== undefined && address.kind !== "inet") throw notInet("dgram", address);
    }
    return opened("dgram", localAddress ?? remoteAddress, () =>
      this.#host.dgramDriver({
        localAddress: localAddress as InetAddress | undefined,
        remoteAddress: remoteAddress as InetAddress | undefined,
      }));
  }

  async #address(target: SocketTarget, syscall: string, signal: AbortSignal): Promise<InetAddress> {
    await Promise.resolve();
    signal.throwIfAborted();
    if (target instanceof InetAddress) return target.unmapped();
    if (!("hostname" in target)) throw notInet(syscall, target);
    const address = await this.#resolve?.(target.hostname);
    signal.throwIfAborted();
    if (address !== undefined) return InetAddress.from(address, target.port);
    throw new SocketError(`nobody knows the host ${target.hostname}`, { code: "ENOTFOUND", syscall });
  }

  #freePort(on: InetAddress): number {
    for (let port = FIRST_PORT; port < 65536; port++) {
      const address = on.withPort(port);
      if (![...this.#listeners].some((one) => one.meets(address))) return port;
    }
    throw new SocketError("no port is free", { code: "EADDRINUSE", syscall: "listen", address: on });
  }
}

class StackListenerDriver implements TListenerDriver, FlowTaker {
  readonly kind: string = "l3l4";
  readonly localAddress: InetAddress;
  readonly wanted: string;
  readonly resetsWhenFull: boolean = false;
  readonly #backlog: number;
  readonly #freed: () => void;
  readonly #isForBoth: boolean;
  #waiting: TStreamDriver[] = [];
  #broken: SocketError | undefined;
  #isClosed = false;
  readonly #teller: Teller<TListenerEvents> = new Teller((events) => this.#tell(events));

  constructor(localAddress: InetAddress, options: ListenOptions, freed: () => void) {
    this.localAddress = localAddress;
    this.#backlog = options.backlog ?? BACKLOG;
    this.#isForBoth = localAddress.address === "::" && options.ipv6Only !== true;
    this.#freed = freed;
    const { family, address, port } = localAddress;
    const one = isWildcard(localAddress) ? family : address;
    this.wanted = wantedText(port, this.#isForBoth ? undefined : one);
  }

  get room(): number {
    return this.#isClosed ? 0 : this.#backlog - this.#waiting.length;
  }

  overflowed(): void {}

  /** Whether one that listens there would get the same connections. */
  meets(address: InetAddress): boolean {
    if (address.port !== this.localAddress.port) return false;
    return this.#isAt(address) || isWildcard(address);
  }

  wants(request: L3L4Request): boolean {
    if (this.#isClosed || request.localPort !== this.localAddress.port) return false;
    if (this.#isForBoth) return true;
    if (request.version !== (this.localAddress.family === "ipv4" ? 4 : 6)) return false;
    return isWildcard(this.localAddress) || request.localAddress === this.localAddress.address;
  }

  take(socket: L3L4Socket): void {
    this.#waiting.push(socket.intoDriver());
    this.#teller.soon();
  }

  over(reason: unknown): void {
    this.#broken = socketError(reason ?? new SocketError("the stack was closed", { code: "ENETDOWN" }));
    this.#teller.soon();
  }

  start(events: TListenerEvents): void {
    this.#teller.start(events);
  }

  close(): Promise<void> {
    if (!this.#isClosed) {
      this.#isClosed = true;
      for (const driver of this.#waiting) driver.abort();
      this.#waiting = [];
      this.#freed();
    }
    return Promise.resolve();
  }

  #isAt({ family, address }: InetAddress): boolean {
    if (this.#isForBoth) return true;
    return family === this.localAddress.family &&
      (isWildcard(this.localAddress) || address === this.localAddress.address);
  }

  #tell(events: TListenerEvents): void {
    // one that closes the listener has the others reset
    while (this.#waiting.length > 0) events.connection(this.#waiting.shift()!);
    if (this.#broken === undefined || this.#isClosed) return;
    this.#isClosed = true;
    events.broken(this.#broken);
  }
}

/** Runs it; what it throws becomes an error of sockets. */
function opened<T>(syscall: string, address: TsocketAddress | undefined, open: () => T): T {
  try {
    return open();
  } catch (thrown) {
    if (thrown instanceof SocketError) throw thrown;
    const { code = "EADDRNOTAVAIL", message } = thrown as { code?: string; message: string };
    throw new SocketError(message, { code, syscall, cause: thrown, ...address === undefined ? {} : { address } });
  }
}

function noTls(syscall: string): SocketError {
  return new SocketError("a stack has no TLS", { code: "EPROTONOSUPPORT", syscall });
}

function notInet(syscall: string, address: TsocketAddress): SocketError {
  return new SocketError("a stack knows IP addresses only", { code: "EAFNOSUPPORT", syscall, address });
}
