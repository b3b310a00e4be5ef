/**
 * The address that stands for none in particular.
 *
 * @module
 */
import type { InetAddress } from "../tsocket/inet_address.ts";

/** Whether it names no address, as sockets write "all" or "whichever". */
export function isWildcard({ address }: InetAddress): boolean {
  return address === "0.0.0.0" || address === "::";
}
