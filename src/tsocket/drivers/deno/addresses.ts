/**
 * Addresses as Deno has them, to and fro.
 *
 * @module
 */
import { InetAddress } from "../../inet_address.ts";
import { UnixAddress } from "../../local_address.ts";
import type { SocketTarget } from "../../option_types.ts";
import type { TsocketAddress } from "../../types.ts";
import type { DenoAddress } from "./deno_api.ts";

/**
 * Reads an address of Deno's, which never says a zone; where `given` is the same address with one, that is what is
 * returned.
 */
export function fromDenoAddress(address: DenoAddress, given?: SocketTarget): TsocketAddress {
  if (!("port" in address)) return UnixAddress.from(address.path ?? "");
  const read = InetAddress.from(address.hostname, address.port);
  return isSame(given, read) ? InetAddress.from(read.address, read.port, given.zone) : read;
}

/** The host part for Deno, with its zone. */
export function denoHost(target: InetAddress | { readonly hostname: string }): string {
  if ("hostname" in target) return target.hostname;
  return target.zone === undefined ? target.address : `${target.address}%${target.zone}`;
}

function isSame(given: SocketTarget | undefined, read: InetAddress): given is InetAddress {
  return given !== undefined && "kind" in given && given.kind === "inet" && given.zone !== undefined &&
    given.equals(read.withPort(given.port), { ignoreZone: true });
}
