/**
 * Which family a datagram socket is of, and how it names a receiver.
 *
 * @module
 */
import { networkInterfaces } from "node:os";
import { isIP } from "node:net";
import { SocketError } from "../../errors.ts";
import { InetAddress } from "../../inet_address.ts";
import type { DgramOptions } from "../../option_types.ts";
import type { TsocketAddress } from "../../types.ts";
import { unsupported } from "./capabilities.ts";

/** Largest payload of a datagram, by family: 65535 without the headers that count into it. */
export const MAX_DATAGRAM: { readonly ipv4: number; readonly ipv6: number } = { ipv4: 65_507, ipv6: 65_527 };

/** What a datagram socket is bound to and connected with. */
export interface DgramEnds {
  /** Family of the socket. */
  family: "ipv4" | "ipv6";
  /** Where to bind. */
  local: InetAddress;
  /** Peer to be connected with. */
  remote: InetAddress | undefined;
}

/**
 * Family and addresses. Without any address it is IPv4, unless `ipv6Only` says otherwise; an IPv6 socket talks with
 * IPv4 peers too unless `ipv6Only`.
 *
 * @throws {SocketError} `EPROTONOSUPPORT` for other addresses than those of IP, `EINVAL` when they do not fit together
 */
export function dgramEnds(options: DgramOptions): DgramEnds {
  const local = inetOnly(options.localAddress);
  const remote = inetOnly(options.remoteAddress);
  const family = local?.family ?? remote?.family ?? (options.ipv6Only === true ? "ipv6" : "ipv4");
  const peer = remote === undefined ? undefined : receiver(remote, family, options.ipv6Only === true);
  return { family, local: local ?? InetAddress.parse(undefined, { family }), remote: peer };
}

/**
 * The receiver as a socket of the family names it: IPv4 within IPv6 as a mapped address.
 *
 * @throws {SocketError} `EPROTONOSUPPORT`, `EDESTADDRREQ`, `EINVAL`
 */
export function receiver(to: TsocketAddress, family: "ipv4" | "ipv6", isIpv6Only: boolean): InetAddress {
  const address = inetOnly(to)!;
  if (address.family === family) return address;
  const plain = address.unmapped();
  if (plain.family === family) return plain;
  if (family === "ipv6" && !isIpv6Only) return InetAddress.from(`::ffff:${address.address}`, address.port);
  throw new SocketError(`an ${family} socket cannot send to ${address.toHostPort()}`, {
    code: "EINVAL",
    syscall: "send",
    address,
  });
}

/**
 * The interface of a multicast group as the runtime wants it: the IPv4 address of one, or `::%name` for IPv6. Callers
 * may give either the name or an address.
 *
 * @throws {SocketError} `EADDRNOTAVAIL` when there is no such interface
 */
export function multicastInterface(wanted: string | undefined, family: "ipv4" | "ipv6"): string | undefined {
  if (wanted === undefined) return undefined;
  const version = isIP(wanted);
  if (family === "ipv4" && version === 4) return wanted;
  if (family === "ipv6" && wanted.includes("%")) return wanted;
  for (const [name, infos] of Object.entries(networkInterfaces())) {
    const isIt = name === wanted || infos?.some((info) => info.address === wanted);
    if (!isIt) continue;
    if (family === "ipv6") return `::%${name}`;
    const info = infos?.find((one) => one.family === "IPv4");
    if (info !== undefined) return info.address;
  }
  throw new SocketError(`there is no interface ${JSON.stringify(wanted)} for ${family} multicast`, {
    code: "EADDRNOTAVAIL",
    syscall: "joinMulticast",
  });
}

function inetOnly(address: TsocketAddress | undefined): InetAddress | undefined {
  if (address === undefined || address.kind === "inet") return address;
  throw unsupported(`this runtime has no datagram sockets at ${address}`, "dgram");
}
