/**
 * Which datagram sockets are this library's own: of these it is known that nobody needs a datagram any more once it was
 * sent. One that is wrapped, or written by somebody else, may keep what it is given.
 *
 * @module
 */
import type { TDgram } from "./types.ts";

const own = new WeakSet<TDgram>();

/** It is one. */
export function markOwn(socket: TDgram): void {
  own.add(socket);
}

/** Whether it is one, and sends as these do. */
export function isOwn(socket: TDgram): boolean {
  return own.has(socket) && !Object.hasOwn(socket, "sendMany");
}
