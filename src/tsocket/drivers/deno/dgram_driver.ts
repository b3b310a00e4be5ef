/**
 * A datagram socket of Deno's as a datagram driver: UDP, and unix datagrams (which Deno calls `unixpacket`).
 *
 * Deno answers concurrent receives in reverse order and may reorder concurrent sends. One receive at a time is under way
 * here; the socket around the driver sees to the sends. A datagram that is larger than the buffer is cut without a word,
 * so the buffer has room for more than any datagram.
 *
 * @module
 */
import { concat } from "../../../bytes/concat.ts";
import { SocketError } from "../../errors.ts";
import { InetAddress } from "../../inet_address.ts";
import type { TDgramDriver, TDgramEvents } from "../../driver_types.ts";
import type { TsocketAddress, Vector } from "../../types.ts";
import { denoHost, fromDenoAddress } from "./addresses.ts";
import type { DenoAddress, DenoDatagramConn, DenoInterface, DenoMembership } from "./deno_api.ts";
import { denoError } from "./errors.ts";
import { ipv4Interface, ipv6Interface } from "./multicast_interface.ts";
import { closeQuietly } from "./stream_driver.ts";

/** Largest UDP datagram, by family, in bytes. */
export const MAX_UDP_BYTES: { readonly ipv4: number; readonly ipv6: number } = { ipv4: 65507, ipv6: 65527 };

/** Largest unix datagram that Linux takes unless it is told otherwise, in bytes. */
export const MAX_UNIX_BYTES = 212_960;

/** Buffer for UDP datagrams, in bytes: more than any can have. */
export const UDP_BUFFER_BYTES = 65536;

/** Buffer for unix datagrams, in bytes; what fills it counts as cut. */
export const UNIX_BUFFER_BYTES = 262_144;

/** Multicast groups that a socket may be in; further ones are refused. */
export const MAX_GROUPS = 256;

/** Receives that may fail in a row before the socket counts as broken. */
export const MAX_RECEIVE_FAILURES = 16;

/** What a driver is told about its socket. */
export interface DenoDgramOptions {
  /** The peer, when connected. */
  readonly remoteAddress?: TsocketAddress | undefined;
  /** Removes the file of a unix socket, which Deno leaves behind. */
  readonly removeFile?: ((path: string) => void) | undefined;
  /** Network interfaces, for multicast. */
  readonly interfaces?: (() => readonly DenoInterface[]) | undefined;
}

/** One datagram socket. */
export class DenoDgramDriver implements TDgramDriver {
  readonly kind: string = "deno";
  readonly localAddress: TsocketAddress;
  readonly remoteAddress: TsocketAddress | undefined;
  readonly maxDatagramSize: number;
  readonly #conn: DenoDatagramConn;
  readonly #peer: TsocketAddress | undefined;
  readonly #removeFile: ((path: string) => void) | undefined;
  readonly #interfaces: () => readonly DenoInterface[];
  readonly #groups: Map<string, Promise<DenoMembership | undefined>> = new Map();
  #events: TDgramEvents | undefined;
  #buffer: Uint8Array | undefined;
  #isReading = true;
  #isReceiving = false;
  #isClosed = false;
  #failures = 0;

  /** Takes a socket over. */
  constructor(conn: DenoDatagramConn, options: DenoDgramOptions = {}) {
    this.#conn = conn;
    this.#removeFile = options.removeFile;
    this.#interfaces = options.interfaces ?? (() => []);
    this.localAddress = fromDenoAddress(conn.addr);
    this.remoteAddress = options.remoteAddress;
    this.#peer = options.remoteAddress === undefined ? undefined : this.#reachable(options.remoteAddress);
    this.maxDatagramSize = maxDatagramSize(this.localAddress);
  }

  start(events: TDgramEvents): void {
    this.#events = events;
    void this.#receiveAll(events);
  }

  setReading(isReading: boolean): void {
    this.#isReading = isReading;
    if (isReading && this.#events !== undefined) void this.#receiveAll(this.#events);
  }

  async send(data: Uint8Array | Vector, to: TsocketAddress | undefined): Promise<void> {
    const address = to ?? this.#peer;
    if (address === undefined) {
      throw new SocketError("send: no receiver was named", { code: "EDESTADDRREQ", syscall: "send" });
    }
    const bytes = data instanceof Uint8Array ? data : concat(data);
    try {
      await this.#conn.send(bytes, toDenoAddress(address));
    } catch (thrown) {
      throw denoError(thrown, { syscall: "send", address });
    }
  }

  joinMulticast(group: string, networkInterface: string | undefined): void {
    const key = keyOf(group, networkInterface);
    if (this.#groups.has(key)) throw groupError(`is in ${group} already`, "EADDRINUSE");
    if (this.#groups.size >= MAX_GROUPS) throw groupError(`is in ${MAX_GROUPS} groups already`, "ENOBUFS");
    this.#groups.set(key, this.#join(key, this.#membership(group, networkInterface)));
  }

  leaveMulticast(group: string, networkInterface: string | undefined): void {
    const key = keyOf(group, networkInterface);
    const joining = this.#groups.get(key);
    if (joining === undefined) throw groupError(`is not in ${group}`, "EADDRNOTAVAIL");
    this.#groups.delete(key);
    joining.then((membership) => membership?.leave()).catch((thrown) => this.#report(thrown, "leaveMulticast"));
  }

  close(): Promise<void> {
    if (this.#isClosed) return Promise.resolve();
    this.#isClosed = true;
    closeQuietly(this.#conn);
    const { localAddress } = this;
    if (localAddress.kind !== "unix" || localAddress.isUnnamed || localAddress.isAbstract) return Promise.resolve();
    try {
      this.#removeFile?.(localAddress.path);
    } catch { /* somebody else removed it, or we may not */ }
    return Promise.resolve();
  }

  setRef(isRef: boolean): void {
    if (isRef) this.#conn.ref();
    else this.#conn.unref();
  }

  async #receiveAll(events: TDgramEvents): Promise<void> {
    const { localAddress: local } = this;
    // nobody can send to a unix socket without a name, and a receive would be in the way of its sends
    if (this.#isReceiving || local.kind === "unix" && local.isUnnamed) return;
    this.#isReceiving = true;
    const buffer = this.#buffer ??= new Uint8Array(local.kind === "unix" ? UNIX_BUFFER_BYTES : UDP_BUFFER_BYTES);
    // setReading and close may come while a receive is under way, and then what it brings still counts
    while (this.#isReading && !this.#isClosed) {
      try {
        const [bytes, source] = await this.#conn.receive(buffer);
        if (this.#isClosed) break;
        this.#failures = 0;
        events.datagram(bytes.slice(), sourceOf(source), bytes.length === buffer.length);
      } catch (thrown) {
        if (this.#isClosed || this.#failed(thrown, events)) break;
      }
    }
    this.#isReceiving = false;
  }

  /** A receive failed. Returns whether the socket is broken. */
  #failed(thrown: unknown, events: TDgramEvents): boolean {
    const error = denoError(thrown, { syscall: "receive", address: this.localAddress });
    if (error.code === "ECONNABORTED" || ++this.#failures >= MAX_RECEIVE_FAILURES) {
      events.broken(error);
      return true;
    }
    events.icmpError({ code: error.code, destination: undefined, cause: thrown });
    return false;
  }

  /** An IPv6 socket has IPv4 addresses in their mapped form. */
  #reachable(address: TsocketAddress): TsocketAddress {
    const { localAddress: local } = this;
    if (address.kind !== "inet" || address.family === "ipv6" || local.kind !== "inet") return address;
    return local.family === "ipv4" ? address : InetAddress.from(`::ffff:${address.address}`, address.port);
  }

  #membership(group: string, networkInterface: string | undefined): Promise<DenoMembership> {
    if (InetAddress.from(group, 0).family === "ipv4") {
      return this.#conn.joinMulticastV4(group, ipv4Interface(networkInterface, this.#interfaces));
    }
    return this.#conn.joinMulticastV6(group, ipv6Interface(networkInterface, this.#interfaces));
  }

  /** Deno joins in its own time; when that fails it is reported like what the network reports. */
  async #join(key: string, joining: Promise<DenoMembership>): Promise<DenoMembership | undefined> {
    try {
      return await joining;
    } catch (thrown) {
      this.#groups.delete(key);
      this.#report(thrown, "joinMulticast");
      return undefined;
    }
  }

  #report(thrown: unknown, syscall: string): void {
    if (this.#isClosed) return;
    this.#events?.icmpError({ code: denoError(thrown, { syscall }).code, destination: undefined, cause: thrown });
  }
}

function maxDatagramSize(local: TsocketAddress): number {
  return local.kind === "inet" ? MAX_UDP_BYTES[local.family] : MAX_UNIX_BYTES;
}

function keyOf(group: string, networkInterface: string | undefined): string {
  return `${InetAddress.from(group, 0).address}%${networkInterface ?? ""}`;
}

function groupError(message: string, code: string): SocketError {
  return new SocketError(`the socket ${message}`, { code });
}

/** Who sent it; a unix socket without a name has no address to answer to. */
function sourceOf(source: DenoAddress): TsocketAddress | undefined {
  return "port" in source || source.path !== null ? fromDenoAddress(source) : undefined;
}

function toDenoAddress(address: TsocketAddress): DenoAddress {
  if (address.kind === "inet") return { transport: "udp", hostname: denoHost(address), port: address.port };
  if (address.kind === "unix") return { transport: "unixpacket", path: address.path };
  throw new SocketError(`send: no datagram can go to ${address}`, { code: "EAFNOSUPPORT", syscall: "send" });
}
