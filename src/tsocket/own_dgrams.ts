/**
 * Which datagram sockets are this library's own: of these it is known that nobody needs a datagram any more once it was
 * sent. One that is wrapped, or written by somebody else, may keep what it is given.
 *
 * @module
 */
import type { TDgram } from "./types.ts";

/** How each of them sends, as the library wrote it. */
const own = new WeakMap<TDgram, TDgram["sendMany"]>();

/** It is one, whose own way to send is this. */
export function markOwn(socket: TDgram, sendMany: TDgram["sendMany"]): void {
  own.set(socket, sendMany);
}

/** Whether it is one, and sends as these do: nobody has put another way in its place. */
export function isOwn(socket: TDgram): boolean {
  return own.get(socket) === socket.sendMany;
}
