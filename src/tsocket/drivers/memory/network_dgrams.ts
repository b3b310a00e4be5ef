/**
 * The datagram sockets of a {@linkcode MemoryNetwork}: who gets what is sent where.
 *
 * @module
 */
import { isFrom } from "../../dgram_addressing.ts";
import { SocketError } from "../../errors.ts";
import { InetAddress } from "../../inet_address.ts";
import type { TDgramDriver } from "../../driver_types.ts";
import type { DgramOptions } from "../../option_types.ts";
import type { TsocketAddress } from "../../types.ts";
import { Bindings, isWildcard } from "./bindings.ts";
import { MemoryDgramDriver, type MemoryDgramOptions, memoryDgramSettings } from "./dgram_driver.ts";

const BROADCAST = "255.255.255.255";

/** The address of the machine itself, in the family of `address`, with a port. */
export function hostAddress(address: InetAddress, port: number): InetAddress {
  return InetAddress.from(address.unmapped().family === "ipv4" ? "127.0.0.1" : "::1", port);
}

/** Datagram sockets that reach each other. */
export class NetworkDgrams {
  readonly #bindings: Bindings<Member> = new Bindings();
  #made = 0;

  /** Binds a socket. Throws a {@linkcode SocketError}. */
  open(options: DgramOptions, memory: MemoryDgramOptions, freed: () => void): TDgramDriver {
    const settings = memoryDgramSettings(memory);
    const member = new Member(options.broadcast === true);
    const { remoteAddress } = options;
    let localAddress = wantedAddress(options);
    if (localAddress !== undefined) {
      const isShared = options.reuseAddress === true || options.reusePort === true;
      localAddress = this.#bindings.bind(localAddress, member, { isShared, isIpv6Only: options.ipv6Only === true });
    }
    const driver = new MemoryDgramDriver(settings, {
      localAddress,
      remoteAddress,
      number: this.#made++,
      check: (to) => checkDestination(localAddress, to, member),
      ...(localAddress?.kind === "inet" && { setMember: (group, isMember) => member.set(group, isMember) }),
      deliver: (_sender, data, to) => this.#deliver(member, data, to),
      freed: () => {
        if (localAddress !== undefined) this.#bindings.unbind(localAddress, member);
        freed();
      },
    });
    member.driver = driver;
    return driver;
  }

  #deliver(sender: Member, data: Uint8Array, to: TsocketAddress): boolean {
    const source = sourceOf(sender.driver!.localAddress, to);
    if (to.kind === "inet" && isForMany(to)) {
      this.#spread(data, to, source);
      return true;
    }
    const sockets = this.#bindings.find(to.kind === "inet" && isWildcard(to) ? hostAddress(to, to.port) : to)
      .map(({ driver }) => driver!);
    const connected = sockets.find(({ remoteAddress }) => remoteAddress !== undefined && isFrom(remoteAddress, source));
    const receiver = connected ?? sockets.find(({ remoteAddress }) => remoteAddress === undefined);
    receiver?.receive(data, source);
    return receiver !== undefined;
  }

  #spread(data: Uint8Array, to: InetAddress, source: TsocketAddress | undefined): void {
    for (const { driver, groups } of this.#bindings.findPort(to.port)) {
      const { localAddress, remoteAddress } = driver!;
      const isIn = to.address === BROADCAST
        ? localAddress?.kind === "inet" && localAddress.unmapped().family === "ipv4"
        : groups.has(to.address);
      if (isIn && (remoteAddress === undefined || isFrom(remoteAddress, source))) {
        driver!.receive(data.slice(), source);
      }
    }
  }
}

/** What the network knows of a socket. */
class Member {
  readonly groups: Set<string> = new Set();
  readonly mayBroadcast: boolean;
  driver: MemoryDgramDriver | undefined;

  constructor(mayBroadcast: boolean) {
    this.mayBroadcast = mayBroadcast;
  }

  set(group: string, isMember: boolean): void {
    const address = InetAddress.from(group, 0);
    if (!isMulticast(address)) {
      throw new SocketError(`${group} is no multicast group`, { code: "EINVAL", syscall: "joinMulticast" });
    }
    if (isMember) this.groups.add(address.address);
    else this.groups.delete(address.address);
  }
}

/** Where a socket is bound: what was asked for, else any port of the machine. Local sockets need no address. */
function wantedAddress({ localAddress, remoteAddress, ipv6Only }: DgramOptions): TsocketAddress | undefined {
  if (remoteAddress === undefined) return localAddress ?? InetAddress.parse(undefined, { family: "ipv6" });
  if (localAddress === undefined) return remoteAddress.kind === "inet" ? hostAddress(remoteAddress, 0) : undefined;
  checkDestination(localAddress, remoteAddress, undefined, ipv6Only);
  const isOpen = localAddress.kind === "inet" && isWildcard(localAddress) && remoteAddress.kind === "inet";
  return isOpen ? hostAddress(remoteAddress, localAddress.port) : localAddress;
}

function checkDestination(
  from: TsocketAddress | undefined,
  to: TsocketAddress,
  member: Member | undefined,
  isIpv6Only = false,
): void {
  if (from !== undefined && !reaches(from, to, isIpv6Only)) {
    const message = `${to.toHostPort()} cannot be reached from ${from.toHostPort()}`;
    throw new SocketError(message, { code: "EINVAL", syscall: "send", address: to });
  }
  if (to.kind === "inet" && to.address === BROADCAST && member?.mayBroadcast === false) {
    const message = "sending to all needs the option broadcast";
    throw new SocketError(message, { code: "EACCES", syscall: "send", address: to });
  }
}

function reaches(from: TsocketAddress, to: TsocketAddress, isIpv6Only: boolean): boolean {
  if (from.kind !== "inet" || to.kind !== "inet") return from.kind === to.kind;
  const isDualStack = from.address === "::" && !isIpv6Only;
  return isDualStack || from.unmapped().family === to.unmapped().family;
}

/** The sender's address as the receiver sees it. */
function sourceOf(from: TsocketAddress | undefined, to: TsocketAddress): TsocketAddress | undefined {
  return from?.kind === "inet" && to.kind === "inet" && isWildcard(from) ? hostAddress(to, from.port) : from;
}

function isForMany(address: InetAddress): boolean {
  return address.address === BROADCAST || isMulticast(address);
}

function isMulticast(address: InetAddress): boolean {
  if (address.family === "ipv6") return address.address.startsWith("ff");
  const first = Number.parseInt(address.address);
  return first >= 224 && first < 240;
}
