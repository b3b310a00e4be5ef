/**
 * Addresses of datagrams: who is the peer, what a socket of both IP versions calls an IPv4 address, and what streams of
 * messages call an address.
 *
 * Callers see IPv4 addresses as such. A socket that serves both versions has them in their IPv4-mapped form
 * (`::ffff:192.0.2.1`); it is taken off on the way in and put on on the way out.
 *
 * @module
 */
import { SocketError } from "./errors.ts";
import { InetAddress } from "./inet_address.ts";
import { UnixAddress, VirtualAddress } from "./local_address.ts";
import { isTsocketAddress } from "./socket_target.ts";
import type { TsocketAddress, UdpInfo, UdpMessage } from "./types.ts";

/** The address as callers see it. */
export function withoutMapping(address: TsocketAddress | undefined): TsocketAddress | undefined {
  return address?.kind === "inet" && address.family === "ipv6" ? address.unmapped() : address;
}

/**
 * Whether a datagram came from the peer. A zone that one of both has lost does not count, for some runtimes lose it; nor
 * does the mapped form.
 */
export function isFrom(peer: TsocketAddress, source: TsocketAddress | undefined): boolean {
  if (source === peer) return true;
  if (source === undefined) return false;
  if (peer.kind !== "inet" || source.kind !== "inet") return peer.equals(source);
  const [a, b] = [peer.unmapped(), source.unmapped()];
  return a.equals(b, { ignoreZone: a.zone === undefined || b.zone === undefined });
}

/** Writes IPv4 addresses the way an IPv6 socket wants them; remembers the last one. */
export class AddressMapper {
  #plain: TsocketAddress | undefined;
  #mapped: TsocketAddress | undefined;

  /** The address for a socket that is bound to `local`. */
  map(local: TsocketAddress | undefined, to: TsocketAddress): TsocketAddress {
    if (to.kind !== "inet" || to.family !== "ipv4") return to;
    if (local?.kind !== "inet" || local.family !== "ipv6") return to;
    if (to === this.#plain) return this.#mapped!;
    this.#plain = to;
    this.#mapped = InetAddress.from(`::ffff:${to.address}`, to.port);
    return this.#mapped;
  }
}

/** What is known about an open socket. */
export function udpInfo(local: TsocketAddress | undefined, remote: TsocketAddress | undefined): UdpInfo {
  return {
    localAddress: hostOf(local) ?? null,
    localPort: portOf(local) ?? null,
    remoteAddress: hostOf(remote) ?? null,
    remotePort: portOf(remote) ?? null,
  };
}

/** A received datagram as a message; the source is left out when it can only be the peer. */
export function toMessage(data: Uint8Array, source: TsocketAddress | undefined): UdpMessage {
  return { data, remoteAddress: hostOf(source), remotePort: portOf(source) };
}

/** Turns the addresses of messages back, for sockets of one kind; remembers the last one. */
export class MessageAddresses {
  #host: string | undefined;
  #port: number | undefined;
  #address: TsocketAddress | undefined;

  /**
   * The receiver of a message from a socket that is bound to `local`; `undefined` when it names none.
   *
   * @throws {TypeError} when it is incomplete
   * @throws {SocketError} when it is no address of the socket's kind
   */
  of(message: UdpMessage, local: TsocketAddress | undefined): TsocketAddress | undefined {
    const { remoteAddress, remotePort } = message;
    if (remoteAddress === undefined || remoteAddress === null) {
      if (remotePort === undefined || remotePort === null) return undefined;
      throw new TypeError("remotePort needs a remoteAddress");
    }
    if (remoteAddress !== this.#host || remotePort !== this.#port) {
      this.#address = addressOf(remoteAddress, remotePort, local);
      this.#host = remoteAddress;
      this.#port = remotePort;
    }
    return this.#address;
  }
}

/**
 * Checks an address that a caller handed in.
 *
 * @throws {TypeError} when it is none
 */
export function checkAddress(name: string, address: TsocketAddress | undefined): void {
  if (address !== undefined && !isTsocketAddress(address)) {
    throw new TypeError(`${name} must be an address like InetAddress.parse("127.0.0.1:53"), got ${typeof address}`);
  }
}

/**
 * Checks a multicast group.
 *
 * @throws {SocketError} `EINVAL` when it is no multicast address
 */
export function checkGroup(group: string): void {
  const { family, address } = InetAddress.from(group, 0);
  const isGroup = family === "ipv6" ? /^ff..:/.test(address) : Number.parseInt(address, 10) >> 4 === 14;
  if (!isGroup) throw new SocketError(`${group} is no multicast address`, { code: "EINVAL" });
}

function addressOf(host: string, port: number | undefined, local: TsocketAddress | undefined): TsocketAddress {
  if (local?.kind === "unix") return UnixAddress.from(host);
  if (local?.kind === "virtual") {
    const prefix = `${local.scheme}:`;
    return VirtualAddress.from(local.scheme, host.startsWith(prefix) ? host.slice(prefix.length) : host);
  }
  if (port === undefined || port === null) throw new TypeError("remoteAddress needs a remotePort");
  return InetAddress.from(host, port);
}

function hostOf(address: TsocketAddress | undefined): string | undefined {
  if (address?.kind !== "inet") return address?.toHostPort();
  return address.zone === undefined ? address.address : `${address.address}%${address.zone}`;
}

function portOf(address: TsocketAddress | undefined): number | undefined {
  return address?.kind === "inet" ? address.port : undefined;
}
