/**
 * Datagrams with `Bun.udpSocket`, which hands many to the system in one call.
 *
 * What Bun does differently and is put right here: an ICMP error of one datagram makes the next send fail, whoever that
 * one is for, and is told as an event besides; so a send that fails with it is done again and the event is what counts.
 * Without a listener for errors they would end the process. A datagram that is too large would be both thrown and told;
 * it is refused before.
 *
 * Options that Bun's own sockets do not have (sharing of addresses and ports, IPv6 only, sizes of buffers) are left to
 * `node:dgram`, which Bun has too; and so is everything where there is no Bun.
 *
 * @module
 */
import { concat } from "../../../bytes/concat.ts";
import { closedError, SocketError } from "../../errors.ts";
import type { InetAddress } from "../../inet_address.ts";
import type { TDgramDriver, TDgramEvents } from "../../driver_types.ts";
import type { DgramOptions } from "../../option_types.ts";
import type { OutDatagram, TsocketAddress, Vector } from "../../types.ts";
import { fromNodeHost, toNodeHost } from "../node/addresses.ts";
import { dgramNode, MAX_RESENDS } from "../node/dgram_driver.ts";
import { type DgramEnds, dgramEnds, MAX_DATAGRAM, multicastInterface, receiver } from "../node/dgram_family.ts";
import { codeOf, nodeError, withCount } from "../node/error_codes.ts";
import { SourceCache } from "../node/source_cache.ts";
import { type BunUdp, bunUdp, type BunUdpHandlers, type BunUdpSocket } from "./bun_api.ts";

/**
 * Binds, and connects where a peer is named.
 *
 * @throws {SocketError} what went wrong, or the signal's reason; nothing is left open then
 */
export async function dgramBun(
  options: DgramOptions,
  signal: AbortSignal,
  bun: BunUdp | undefined = bunUdp(),
): Promise<TDgramDriver> {
  signal.throwIfAborted();
  if (bun === undefined || needsNode(options)) return await dgramNode(options, signal);
  const ends = dgramEnds(options);
  const driver = new BunDgramDriver(ends);
  try {
    driver.attach(await openSocket(bun, ends, driver.handlers));
  } catch (thrown) {
    throw nodeError(thrown, { syscall: "bind", address: ends.local });
  }
  if (signal.aborted) {
    await driver.close();
    throw signal.reason;
  }
  try {
    if (options.broadcast === true) driver.allowBroadcast();
  } catch (thrown) {
    await driver.close();
    throw nodeError(thrown, { syscall: "bind", address: ends.local });
  }
  return driver;
}

function needsNode(options: DgramOptions): boolean {
  const { reuseAddress, reusePort, ipv6Only, recvBufferSize, sendBufferSize } = options;
  return reuseAddress === true || reusePort === true || ipv6Only === true || recvBufferSize !== undefined ||
    sendBufferSize !== undefined;
}

function openSocket(bun: BunUdp, { local, remote }: DgramEnds, socket: BunUdpHandlers): Promise<BunUdpSocket> {
  const connect = remote === undefined ? {} : { connect: { hostname: toNodeHost(remote), port: remote.port } };
  return bun.udpSocket({ hostname: toNodeHost(local), port: local.port, binaryType: "uint8array", socket, ...connect });
}

/** A datagram driver around a socket of `Bun.udpSocket`. */
export class BunDgramDriver implements TDgramDriver {
  /** What it is. */
  readonly kind: string = "bun";
  /** The peer's address, when connected. */
  readonly remoteAddress: TsocketAddress | undefined;
  /** Largest datagram that can be sent, in bytes. */
  readonly maxDatagramSize: number;
  /** What Bun shall call. */
  readonly handlers: BunUdpHandlers = {
    data: (_socket, data, port, address, flags) => this.#received(data, port, address, flags?.truncated === true),
    drain: () => this.#drained(),
    error: (...args) => this.#reported(args.at(-1)),
  };
  readonly #ends: DgramEnds;
  readonly #sources = new SourceCache();
  readonly #waiting = new Set<{ resolve(): void; reject(error: SocketError): void }>();
  #localAddress: TsocketAddress | undefined;
  #socket!: BunUdpSocket;
  #events: TDgramEvents | undefined;
  #isClosed = false;

  /** A driver that waits for its socket, which {@linkcode attach} brings. */
  constructor(ends: DgramEnds) {
    this.#ends = ends;
    this.remoteAddress = ends.remote?.unmapped();
    this.maxDatagramSize = MAX_DATAGRAM[ends.family];
  }

  /** Our own address. */
  get localAddress(): TsocketAddress | undefined {
    return this.#localAddress;
  }

  /** Takes the socket over that was made with {@linkcode handlers}. */
  attach(socket: BunUdpSocket): void {
    const { local } = this.#ends;
    this.#socket = socket;
    const reported = fromNodeHost(socket.address.address, socket.address.port);
    const isSame = reported !== undefined && reported.address === local.address;
    // Bun drops the zone
    this.#localAddress = isSame ? local.withPort(reported.port) : reported;
  }

  /** Allows broadcast addresses. */
  allowBroadcast(): void {
    this.#socket.setBroadcast(true);
  }

  /** Called once, before anything else. */
  start(events: TDgramEvents): void {
    this.#events = events;
  }

  /** Sends one datagram. */
  async send(data: Uint8Array | Vector, to: TsocketAddress | undefined): Promise<void> {
    const datagram = { data, to };
    while (this.#hand([this.#checked(datagram)], [datagram]) === 0) {
      await new Promise<void>((resolve, reject) => this.#waiting.add({ resolve, reject }));
    }
  }

  /** Hands over as many as the system takes. */
  sendMany(datagrams: readonly OutDatagram[], from: number): number {
    const checked: Checked[] = [];
    let refusal: unknown;
    for (let i = from; i < datagrams.length && refusal === undefined; i++) {
      try {
        checked.push(this.#checked(datagrams[i]!));
      } catch (thrown) {
        refusal = thrown;
      }
    }
    const taken = checked.length === 0 ? 0 : this.#hand(checked, datagrams.slice(from));
    if (refusal !== undefined && taken === checked.length) throw withCount(refusal, taken);
    return taken;
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
    if (!this.#isClosed) {
      this.#isClosed = true;
      this.#socket.close();
      const waiting = [...this.#waiting];
      this.#waiting.clear();
      for (const { reject } of waiting) reject(closedError("send"));
    }
    return Promise.resolve();
  }

  /** Whether the open socket keeps the process alive. */
  setRef(isRef: boolean): void {
    if (this.#isClosed) return;
    if (isRef) this.#socket.ref();
    else this.#socket.unref();
  }

  #checked({ data, to }: OutDatagram): Checked {
    if (this.#isClosed) throw closedError("send");
    const bytes = data instanceof Uint8Array ? data : data.length === 1 ? data[0]! : concat(data);
    if (bytes.length > this.maxDatagramSize) {
      throw new SocketError(`a datagram of ${bytes.length} bytes exceeds maxDatagramSize ${this.maxDatagramSize}`, {
        code: "EMSGSIZE",
        syscall: "send",
      });
    }
    if (this.remoteAddress !== undefined) return { bytes, to: undefined };
    if (to === undefined) throw new SocketError("a receiver is needed", { code: "EDESTADDRREQ", syscall: "send" });
    return { bytes, to: receiver(to, this.#ends.family, false) };
  }

  /**
   * Fewer taken than given means no room, or that an earlier datagram's error came in between; that is found out by
   * handing over the rest.
   */
  #hand(checked: readonly Checked[], datagrams: readonly OutDatagram[]): number {
    let taken = 0;
    let resends = 0;
    while (taken < checked.length) {
      try {
        const count = this.#socket.sendMany(flat(checked, taken));
        if (count <= 0) break;
        taken += count;
        resends = 0;
      } catch (thrown) {
        if (codeOf(thrown) === "ECONNREFUSED" && resends++ < MAX_RESENDS) continue;
        const to = datagrams[taken]?.to;
        throw withCount(nodeError(thrown, { syscall: "send", address: to ?? this.remoteAddress }), taken);
      }
    }
    return taken;
  }

  #received(data: Uint8Array, port: number, address: string, isTruncated: boolean): void {
    this.#events?.datagram(data, this.#sources.get(address, port), isTruncated);
  }

  #drained(): void {
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const { resolve } of waiting) resolve();
    if (!this.#isClosed) this.#events?.writable();
  }

  #reported(cause: unknown): void {
    if (this.#isClosed) return;
    this.#events?.icmpError({ code: codeOf(cause), destination: this.remoteAddress, cause });
  }

  #multicast(method: "addMembership" | "dropMembership", group: string, networkInterface: string | undefined): void {
    const syscall = method === "addMembership" ? "joinMulticast" : "leaveMulticast";
    if (this.#isClosed) throw closedError(syscall);
    try {
      this.#socket[method](group, multicastInterface(networkInterface, this.#ends.family));
    } catch (thrown) {
      throw nodeError(thrown, { syscall });
    }
  }
}

interface Checked {
  readonly bytes: Uint8Array;
  readonly to: InetAddress | undefined;
}

function flat(checked: readonly Checked[], from: number): (Uint8Array | number | string)[] {
  const list: (Uint8Array | number | string)[] = [];
  for (let i = from; i < checked.length; i++) {
    const { bytes, to } = checked[i]!;
    list.push(bytes);
    if (to !== undefined) list.push(to.port, toNodeHost(to));
  }
  return list;
}
