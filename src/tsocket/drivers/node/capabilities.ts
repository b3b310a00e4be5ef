/**
 * What the runtime can, and not every version of it.
 *
 * @module
 */
import process from "node:process";
import { SocketError } from "../../errors.ts";

/** Whether the runtime knows the option `reusePort`: Node from 22.12 and 23.1 on, Bun and Deno. */
export function canReusePort(): boolean {
  const [major, minor] = process.versions.node.split(".").map(Number) as [number, number];
  return major > 23 || (major === 23 && minor >= 1) || (major === 22 && minor >= 12);
}

/** Whether datagrams leave in the order in which they were handed over; on Deno sends overtake each other. */
export function keepsOrderOfSends(): boolean {
  return !isDeno();
}

/** Whether receiving a datagram takes longer than waking its reader: on Deno three times as long as on Node. */
export function isReceivingDear(): boolean {
  return isDeno();
}

function isDeno(): boolean {
  return (process.versions as Record<string, string | undefined>)["deno"] !== undefined;
}

/**
 * Refuses what the runtime would silently ignore.
 *
 * @throws {SocketError} `EPROTONOSUPPORT`
 */
export function checkReusePort(reusePort: boolean | undefined, syscall: string): void {
  if (reusePort !== true || canReusePort()) return;
  throw unsupported(`reusePort needs Node 22.12 or later, this is ${process.versions.node}`, syscall);
}

/** The error of what cannot be done here. */
export function unsupported(message: string, syscall: string): SocketError {
  return new SocketError(message, { code: "EPROTONOSUPPORT", blame: "local", syscall });
}
