/**
 * Addresses as Node and Bun have them, both ways.
 *
 * @module
 */
import type { Socket } from "node:net";
import process from "node:process";
import { SocketError } from "../../errors.ts";
import { InetAddress } from "../../inet_address.ts";
import { checkPlatform, pathAddress } from "../../local_address.ts";
import { type Platform, platformNamed } from "../../platform.ts";
import type { SocketTarget } from "../../option_types.ts";
import type { TsocketAddress } from "../../types.ts";

/** The platform that this process runs on. */
const hostPlatform: Platform = platformNamed(process.platform);

/** Where to, for the options of `net.connect` and `server.listen`. */
export type NodeTarget = { path: string } | { host: string; port: number };

/**
 * The host and port, or the path, of a target.
 *
 * @throws {SocketError} `EAFNOSUPPORT` for what is no address of a socket of this system, `ENAMETOOLONG` for a path that
 * it would cut
 */
export function toNodeTarget(target: SocketTarget): NodeTarget {
  if ("hostname" in target) return { host: target.hostname, port: target.port };
  if (target.kind === "inet") return { host: toNodeHost(target), port: target.port };
  checkPlatform(target, hostPlatform);
  if (target.kind !== "virtual" && target.path !== "") return { path: target.path };
  throw new SocketError(`no socket of the system has the address ${target}`, {
    code: "EAFNOSUPPORT",
    address: target,
  });
}

/** The numeric host with its zone. */
export function toNodeHost(address: InetAddress): string {
  return address.zone === undefined ? address.address : `${address.address}%${address.zone}`;
}

/**
 * The address that a runtime reports, an IPv4 one that came in over IPv6 as IPv4; `undefined` when it reports none.
 */
export function fromNodeHost(host: string | undefined, port: number | undefined): InetAddress | undefined {
  if (host === undefined || host === "" || port === undefined) return undefined;
  try {
    return InetAddress.from(host, port).unmapped();
  } catch {
    return undefined;
  }
}

/** The address of `server.address()`. */
export function fromServerAddress(reported: unknown): TsocketAddress | undefined {
  if (typeof reported === "string") return pathAddress(reported, hostPlatform);
  const { address, port } = (reported ?? {}) as { address?: string; port?: number };
  return address === undefined || port === undefined ? undefined : InetAddress.from(address, port);
}

/** Both ends of a connection. */
export interface Ends {
  /** Our own address. */
  local: TsocketAddress | undefined;
  /** The peer's address. */
  remote: TsocketAddress | undefined;
}

/**
 * Both ends of an open connection. What a runtime does not report (paths; the zone, which Bun and Deno drop) is taken
 * from what we know: the target we connected to, or where we listen.
 */
export function endsOf(socket: Socket, known: Partial<Ends>): Ends {
  return {
    local: withKnown(fromNodeHost(socket.localAddress, socket.localPort), known.local),
    remote: withKnown(fromNodeHost(socket.remoteAddress, socket.remotePort), known.remote),
  };
}

function withKnown(reported: InetAddress | undefined, known: TsocketAddress | undefined): TsocketAddress | undefined {
  if (reported === undefined) return known === undefined || known.kind === "inet" ? undefined : known;
  const isSameHost = known?.kind === "inet" && known.address === reported.address && reported.zone === undefined;
  return isSameHost && known.zone !== undefined
    ? InetAddress.from(reported.address, reported.port, known.zone)
    : reported;
}
