/**
 * Listening with `node:net`; with TLS each connection is handed over when its handshake is done.
 *
 * What it does not do: tell when descriptors run out. Node closes such connections itself without a word; an error that
 * is reported is told as `acceptError`, and listening goes on.
 *
 * @module
 */
import { createServer, type ListenOptions as NodeListenOptions, type Server, type Socket } from "node:net";
import type { SecureContext } from "node:tls";
import { SocketError } from "../../errors.ts";
import type { TListenerDriver, TListenerEvents } from "../../driver_types.ts";
import type { ListenOptions, SocketTarget } from "../../option_types.ts";
import type { TlsOptions, TsocketAddress } from "../../types.ts";
import { endsOf, fromServerAddress, toNodeTarget } from "./addresses.ts";
import { checkReusePort } from "./capabilities.ts";
import { isTransient, nodeError } from "./error_codes.ts";
import { NodeStreamDriver } from "./stream_driver.ts";
import { serverContext, serverHandshake } from "./tls.ts";

/** TLS handshakes that may be under way on one listener; further connections are closed and reported as `ENOBUFS`. */
export const MAX_HANDSHAKES = 1024;

/** Time for a TLS handshake, in milliseconds; slower peers are disconnected and reported as `ETIMEDOUT`. */
export const HANDSHAKE_TIMEOUT_MS = 30_000;

/** Limits, for tests. */
export interface ListenInternals {
  /** Instead of {@linkcode MAX_HANDSHAKES}. */
  maxHandshakes?: number;
  /** Instead of {@linkcode HANDSHAKE_TIMEOUT_MS}. */
  handshakeTimeoutMs?: number;
}

/**
 * Listens.
 *
 * @throws {SocketError} what went wrong, or the signal's reason; nothing is left open then
 */
export async function listenNode(
  target: SocketTarget,
  options: ListenOptions,
  signal: AbortSignal,
  internals: ListenInternals = {},
): Promise<NodeListenerDriver> {
  signal.throwIfAborted();
  checkReusePort(options.reusePort, "listen");
  const secured = options.tls === undefined ? undefined : { tls: options.tls, context: serverContext(options.tls) };
  const server = createServer({ allowHalfOpen: true, pauseOnConnect: true, noDelay: options.noDelay ?? true });
  await listening(server, target, options, signal);
  const address = fromServerAddress(server.address()) ?? ("hostname" in target ? undefined : target);
  if (address === undefined) {
    server.close();
    throw nodeError({ code: "ECONNABORTED" }, { syscall: "listen", target });
  }
  return new NodeListenerDriver(server, address, secured, internals);
}

function listening(server: Server, target: SocketTarget, options: ListenOptions, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const settle = (): void => {
      signal.removeEventListener("abort", onAbort);
      server.off("error", onError).off("listening", onListening);
    };
    const onAbort = (): void => {
      settle();
      // what comes of it must not be an uncaught error, nor a socket that listens
      server.on("error", () => {}).once("listening", () => server.close());
      server.close(() => {});
      reject(signal.reason);
    };
    const onError = (error: unknown): void => {
      settle();
      server.close(() => {});
      reject(nodeError(error, { syscall: "listen", target, address: "hostname" in target ? undefined : target }));
    };
    const onListening = (): void => {
      settle();
      resolve();
    };
    signal.addEventListener("abort", onAbort);
    server.on("error", onError).once("listening", onListening);
    server.listen({
      ...toNodeTarget(target),
      backlog: options.backlog ?? 511,
      ...(options.ipv6Only === true ? { ipv6Only: true } : {}),
      ...(options.reusePort === true ? { reusePort: true } : {}),
    } as NodeListenOptions);
  });
}

interface Secured {
  readonly tls: TlsOptions;
  readonly context: SecureContext;
}

/** A listening driver around a server of `node:net`. */
export class NodeListenerDriver implements TListenerDriver {
  /** What it is. */
  readonly kind: string = "node";
  /** Where it listens. */
  readonly localAddress: TsocketAddress;
  readonly #server: Server;
  readonly #secured: Secured | undefined;
  readonly #internals: ListenInternals;
  readonly #handshakes = new Set<AbortController>();
  #events: TListenerEvents | undefined;
  #early: Socket[] = [];
  #isClosed = false;

  /** Takes a server over that listens. */
  constructor(server: Server, localAddress: TsocketAddress, secured: Secured | undefined, internals: ListenInternals) {
    this.#server = server;
    this.localAddress = localAddress;
    this.#secured = secured;
    this.#internals = internals;
    server.on("connection", (socket) => this.#came(socket));
    server.on("error", (error) => this.#onError(error));
  }

  /** Called once, before anything else. */
  start(events: TListenerEvents): void {
    this.#events = events;
    const early = this.#early;
    this.#early = [];
    if (early.length > 0) queueMicrotask(() => early.forEach((socket) => this.#came(socket)));
  }

  /** Stops listening; handshakes under way end, connections that were handed over go on. */
  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    for (const socket of this.#early) socket.destroy();
    for (const handshake of this.#handshakes) handshake.abort();
    // its callback would wait for all connections to end; the descriptor is free a turn later
    this.#server.close(() => {});
    await new Promise<void>((resolve) => setImmediate(resolve));
  }

  /** Whether listening keeps the process alive. */
  setRef(isRef: boolean): void {
    if (isRef) this.#server.ref();
    else this.#server.unref();
  }

  #came(socket: Socket): void {
    if (this.#isClosed) return void socket.destroy();
    if (this.#events === undefined) return void this.#early.push(socket);
    // who is gone before the driver has its listeners must not end the process
    socket.on("error", () => {});
    socket.pause();
    const ends = endsOf(socket, { local: this.localAddress });
    const host = ends.remote?.kind === "inet" ? ends.remote.address : undefined;
    const parts = { socket, ends, host, role: "server" } as const;
    if (this.#secured === undefined) this.#events.connection(new NodeStreamDriver(parts));
    else this.#secure(socket, this.#secured, ends.remote, (secure) => new NodeStreamDriver({ ...parts, ...secure }));
  }

  async #secure(
    raw: Socket,
    { tls, context }: Secured,
    peer: TsocketAddress | undefined,
    make: (sockets: { socket: Socket; raw: Socket }) => NodeStreamDriver,
  ): Promise<void> {
    const most = this.#internals.maxHandshakes ?? MAX_HANDSHAKES;
    if (this.#handshakes.size >= most) {
      raw.destroy();
      return this.#events!.acceptError(tooManyHandshakes(most, peer));
    }
    const handshake = new AbortController();
    this.#handshakes.add(handshake);
    const timeoutMs = this.#internals.handshakeTimeoutMs ?? HANDSHAKE_TIMEOUT_MS;
    try {
      const socket = await serverHandshake(raw, context, { tls, peer, timeoutMs }, handshake.signal);
      if (this.#isClosed) socket.destroy();
      else this.#events!.connection(make({ socket, raw }));
    } catch (thrown) {
      if (!this.#isClosed) this.#events!.acceptError(nodeError(thrown, { syscall: "handshake", address: peer }));
    } finally {
      this.#handshakes.delete(handshake);
    }
  }

  #onError(cause: unknown): void {
    if (this.#isClosed) return;
    const error = nodeError(cause, { syscall: "accept", address: this.localAddress });
    if (this.#server.listening && isTransient(error.code)) return this.#events?.acceptError(error);
    this.#events?.broken(error);
    this.close();
  }
}

function tooManyHandshakes(most: number, peer: TsocketAddress | undefined): SocketError {
  return new SocketError(`closed a connection: ${most} TLS handshakes are under way already`, {
    code: "ENOBUFS",
    blame: "remote",
    syscall: "accept",
    ...(peer === undefined ? {} : { address: peer }),
  });
}
