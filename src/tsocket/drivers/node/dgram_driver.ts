/**
 * Datagrams with `node:dgram`. Addresses are numeric, so nothing is resolved.
 *
 * An ICMP error belongs to an earlier datagram, but the system reports it at the next call: when that is a send, the
 * datagram was not sent. The error is told as an event and the datagram is sent again. Bun reports such errors on
 * sockets without a peer as well, the others only on connected ones, and Deno not at all.
 *
 * @module
 */
import { createSocket, type RemoteInfo, type Socket, type SocketOptions } from "node:dgram";
import { Bag, type BagMember } from "../../../core/bag.ts";
import { closedError, SocketError } from "../../errors.ts";
import type { InetAddress } from "../../inet_address.ts";
import type { TDgramDriver, TDgramEvents } from "../../driver_types.ts";
import type { DgramOptions } from "../../option_types.ts";
import type { OutDatagram, TsocketAddress, Vector } from "../../types.ts";
import { fromNodeHost, toNodeHost } from "./addresses.ts";
import { checkReusePort, isReceivingDear, keepsOrderOfSends } from "./capabilities.ts";
import { type DgramEnds, dgramEnds, MAX_DATAGRAM, multicastInterface, receiver } from "./dgram_family.ts";
import { codeOf, nodeError, withCount } from "./error_codes.ts";
import { SourceCache } from "./source_cache.ts";

/** Datagrams after which a reader is woken where receiving takes long: with 32 at a time those who wait for answers idle. */
const GATHER_LIMIT = 8;

/** What was handed over and not called back for. */
interface Pending extends BagMember {
  fail(error: SocketError): void;
}

/** How often one datagram is sent again because an earlier one's error was reported in its place. */
export const MAX_RESENDS = 4;

/**
 * Binds, and connects where a peer is named.
 *
 * @throws {SocketError} what went wrong, or the signal's reason; nothing is left open then
 */
export async function dgramNode(options: DgramOptions, signal: AbortSignal): Promise<NodeDgramDriver> {
  signal.throwIfAborted();
  checkReusePort(options.reusePort, "dgram");
  const ends = dgramEnds(options);
  const socket = createSocket(socketOptions(ends, options));
  await opened(socket, signal, ends.local, "bind", (done) => {
    socket.bind({ address: toNodeHost(ends.local), port: ends.local.port, exclusive: true }, done);
  });
  const { remote } = ends;
  if (remote !== undefined) {
    await opened(socket, signal, remote, "connect", (done) => {
      // the callback has the error, whatever its type says
      socket.connect(remote.port, toNodeHost(remote), done as () => void);
    });
  }
  try {
    if (options.broadcast === true) socket.setBroadcast(true);
    return new NodeDgramDriver(socket, ends, options);
  } catch (thrown) {
    closeQuietly(socket);
    throw nodeError(thrown, { syscall: "bind", address: ends.local });
  }
}

function socketOptions({ family }: DgramEnds, options: DgramOptions): SocketOptions {
  const wanted = {
    type: family === "ipv4" ? "udp4" : "udp6",
    reuseAddr: options.reuseAddress,
    reusePort: options.reusePort,
    ipv6Only: family === "ipv6" ? options.ipv6Only : undefined,
    recvBufferSize: options.recvBufferSize,
    sendBufferSize: options.sendBufferSize,
    lookup: answerAtOnce,
  };
  const given = Object.entries(wanted).filter(([, value]) => value !== undefined);
  return Object.fromEntries(given) as unknown as SocketOptions;
}

type LookupDone = (error: null, address: string, family: number) => void;

/** Numeric addresses need no resolver, and no wait for it. */
function answerAtOnce(host: string, _options: unknown, done: LookupDone): void {
  done(null, host, host.includes(":") ? 6 : 4);
}

/** One step of opening: ends with the callback, an error, or the signal; frees the socket unless it went well. */
function opened(
  socket: Socket,
  signal: AbortSignal,
  address: InetAddress,
  syscall: string,
  step: (done: (error?: Error) => void) => void,
): Promise<void> {
  return new Promise((resolve, reject) => {
    let isSettled = false;
    const settle = (reason: unknown, isFailed: boolean): void => {
      if (isSettled) return;
      isSettled = true;
      signal.removeEventListener("abort", onAbort);
      // a listener stays until the driver has its own
      if (!isFailed) return resolve();
      closeQuietly(socket);
      reject(reason);
    };
    const onError = (cause: unknown): void => settle(nodeError(cause, { syscall, address }), true);
    const onAbort = (): void => settle(signal.reason, true);
    signal.addEventListener("abort", onAbort);
    socket.on("error", onError);
    try {
      step((error) => error === undefined || error === null ? settle(undefined, false) : onError(error));
    } catch (thrown) {
      onError(thrown);
    }
  });
}

function closeQuietly(socket: Socket): void {
  try {
    socket.close();
  } catch {
    // it was closed by its own error
  }
}

/** A datagram driver around a bound socket of `node:dgram`. */
export class NodeDgramDriver implements TDgramDriver {
  /** What it is. */
  readonly kind: string = "node";
  /** Our own address. */
  readonly localAddress: TsocketAddress | undefined;
  /** The peer's address, when connected. */
  readonly remoteAddress: TsocketAddress | undefined;
  /** Largest datagram that can be sent, in bytes. */
  readonly maxDatagramSize: number;
  /** Sends a few at once. */
  readonly sendBatch?: (datagrams: readonly OutDatagram[]) => Promise<void>;
  /** Datagrams that are handed over without waiting for more. */
  readonly gatherLimit?: number;
  readonly #socket: Socket;
  readonly #family: "ipv4" | "ipv6";
  readonly #isIpv6Only: boolean;
  readonly #sources = new SourceCache();
  readonly #pending = new Bag<Pending>();
  #events: TDgramEvents | undefined;
  #closing: Promise<void> | undefined;

  /** Takes a bound socket over. */
  constructor(socket: Socket, ends: DgramEnds, options: DgramOptions) {
    this.#socket = socket;
    this.#family = ends.family;
    this.#isIpv6Only = options.ipv6Only === true;
    this.localAddress = localAddressOf(socket, ends.local);
    this.remoteAddress = ends.remote?.unmapped();
    this.maxDatagramSize = MAX_DATAGRAM[ends.family];
    if (keepsOrderOfSends()) this.sendBatch = (datagrams) => this.#sendBatch(datagrams);
    if (isReceivingDear()) this.gatherLimit = GATHER_LIMIT;
    socket.removeAllListeners("error");
    socket.on("message", (data, info) => this.#received(data, info));
    socket.on("error", (error) => this.#reported(error, this.remoteAddress));
    socket.on("close", () => this.#onClose());
  }

  /** Called once, before anything else. */
  start(events: TDgramEvents): void {
    this.#events = events;
  }

  /** Sends one datagram. */
  send(data: Uint8Array | Vector, to: TsocketAddress | undefined): Promise<void> {
    return new Promise((resolve, reject) => this.#send(data, to, MAX_RESENDS, resolve, reject));
  }

  /** Joins a multicast group. */
  joinMulticast(group: string, networkInterface: string | undefined): void {
    this.#multicast("addMembership", group, networkInterface);
  }

  /** Leaves a multicast group. */
  leaveMulticast(group: string, networkInterface: string | undefined): void {
    this.#multicast("dropMembership", group, networkInterface);
  }

  /** Frees everything. */
  close(): Promise<void> {
    return this.#closing ??= new Promise((resolve) => {
      this.#socket.once("close", () => resolve());
      try {
        this.#socket.close();
      } catch {
        // it was closed already
        resolve();
      }
      this.#failPending();
    });
  }

  /** Whether the open socket keeps the process alive. */
  setRef(isRef: boolean): void {
    if (isRef) this.#socket.ref();
    else this.#socket.unref();
  }

  #send(
    data: Uint8Array | Vector,
    to: TsocketAddress | undefined,
    resends: number,
    resolve: () => void,
    reject: (error: SocketError) => void,
  ): void {
    if (this.#closing !== undefined) return reject(closedError("send"));
    const pending: Pending = { fail: reject, bagIndex: -1 };
    this.#pending.add(pending);
    const done = (cause: unknown): void => {
      if (!this.#pending.delete(pending)) return;
      if (cause === null || cause === undefined) return resolve();
      if (resends > 0 && codeOf(cause) === "ECONNREFUSED") {
        this.#reported(cause, this.remoteAddress);
        return this.#send(data, to, resends - 1, resolve, reject);
      }
      reject(nodeError(cause, { syscall: "send", address: to ?? this.remoteAddress }));
    };
    try {
      this.#hand(data, to, done);
    } catch (thrown) {
      done(thrown);
    }
  }

  /** One promise for all: with one for each, a datagram costs a quarter more. */
  #sendBatch(datagrams: readonly OutDatagram[]): Promise<void> {
    return new Promise((resolve, reject) => {
      let left = datagrams.length;
      let sent = 0;
      let failure: SocketError | undefined;
      const fail = (error: SocketError): void => reject(withCount(error, sent));
      const pending: Pending = { fail, bagIndex: -1 };
      this.#pending.add(pending);
      const settled = (error?: SocketError): void => {
        if (error === undefined) sent++;
        failure ??= error;
        if (--left > 0 || !this.#pending.delete(pending)) return;
        if (failure === undefined) resolve();
        else fail(failure);
      };
      for (const { data, to } of datagrams) {
        const done = (cause: unknown): void => {
          if (cause === null || cause === undefined) return settled();
          // an earlier datagram's error; this one was not sent
          if (codeOf(cause) === "ECONNREFUSED" && this.#closing === undefined) {
            this.#reported(cause, this.remoteAddress);
            return this.#send(data, to, MAX_RESENDS - 1, settled, settled);
          }
          settled(nodeError(cause, { syscall: "send", address: to ?? this.remoteAddress }));
        };
        try {
          this.#hand(data, to, done);
        } catch (thrown) {
          done(thrown);
        }
      }
    });
  }

  #hand(data: Uint8Array | Vector, to: TsocketAddress | undefined, done: (cause: unknown) => void): void {
    const bytes = data instanceof Uint8Array ? data : data.length === 1 ? data[0]! : [...data];
    if (this.remoteAddress !== undefined) return this.#socket.send(bytes as Uint8Array, done);
    if (to === undefined) throw new SocketError("a receiver is needed", { code: "EDESTADDRREQ", syscall: "send" });
    const address = receiver(to, this.#family, this.#isIpv6Only);
    this.#socket.send(bytes as Uint8Array, address.port, toNodeHost(address), done);
  }

  #received(data: Uint8Array, info: RemoteInfo): void {
    // without the methods of Buffer, of which slice means something else
    const bytes = new Uint8Array(data.buffer as ArrayBuffer, data.byteOffset, data.length);
    this.#events?.datagram(bytes, this.#sources.get(info.address, info.port), false);
  }

  #reported(cause: unknown, destination: TsocketAddress | undefined): void {
    if (this.#closing === undefined) this.#events?.icmpError({ code: codeOf(cause), destination, cause });
  }

  #onClose(): void {
    if (this.#closing !== undefined) return;
    this.#closing = Promise.resolve();
    this.#failPending();
    this.#events?.broken(closedError("receive"));
  }

  /** A closed socket may not call back. */
  #failPending(): void {
    for (const { fail } of this.#pending.takeAll()) fail(closedError("send"));
  }

  #multicast(method: "addMembership" | "dropMembership", group: string, networkInterface: string | undefined): void {
    const syscall = method === "addMembership" ? "joinMulticast" : "leaveMulticast";
    if (this.#closing !== undefined) throw closedError(syscall);
    try {
      this.#socket[method](group, multicastInterface(networkInterface, this.#family));
    } catch (thrown) {
      throw nodeError(thrown, { syscall });
    }
  }
}

function localAddressOf(socket: Socket, wanted: InetAddress): TsocketAddress | undefined {
  const { address, port } = socket.address();
  const reported = fromNodeHost(address, port);
  // Bun drops the zone
  const isSame = reported !== undefined && reported.zone === undefined && reported.address === wanted.address;
  return isSame ? wanted.withPort(reported.port) : reported;
}
