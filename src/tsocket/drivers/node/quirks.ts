/**
 * What single runtimes do to reading, in one place.
 *
 * Was that the end, or a reset? When data and a reset are there at once, the libuv of Node 20 reports an orderly end
 * after the data; a message cut off by the reset would pass for a whole one. The system still knows, so it is asked
 * once more. Later versions and other runtimes report the reset.
 *
 * Reading into buffers of our own (`onread`) saves the runtime an allocation per read, except on Bun, where `data`
 * events cost less. Processor time of 64 KiB reads through a stream socket, us per MiB, `data` against `onread`:
 * Node 20 627 / 434, Node 24 684 / 431, Deno 757 / 533, Bun 586 / 747 (without us, events alone: 494, 622, 604, 369).
 *
 * Deno's TLS sockets miss the end when they were paused before it came, unless they are asked to read further.
 *
 * @module
 */
import type { Socket } from "node:net";
import process from "node:process";

interface WithHandle {
  readonly _handle?: { readStart?: () => void } | null;
}

const { node, bun, deno } = process.versions;
const mayMistakeReset = bun === undefined && deno === undefined && Number(node.split(".")[0]) < 22;
const mayMissEnd = deno !== undefined;

/** Whether `onread` costs less than `data` events. */
export const prefersOnread: boolean = bun === undefined;

/** Calls `then` when `end` is sure: at once, or a turn later, unless the socket has failed by then. */
export function checkEnd(socket: Socket, then: () => void): void {
  const handle = (socket as unknown as WithHandle)._handle;
  if (!mayMistakeReset || typeof handle?.readStart !== "function") return then();
  handle.readStart();
  // the answer comes in the next poll, which the second one of these follows
  setImmediate(() => setImmediate(then));
}

/** Makes sure that the end is noticed after a chunk of a TLS socket, and when it is read again after a pause. */
export function readFurther(socket: Socket): void {
  if (mayMissEnd) setImmediate(() => socket.read(0));
}
