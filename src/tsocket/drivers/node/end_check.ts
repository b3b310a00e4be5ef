/**
 * Was that the end, or a reset? When data and a reset are there at once, the libuv of Node 20 reports an orderly end
 * after the data; a message cut off by the reset would pass for a whole one. The system still knows, so it is asked
 * once more. Later versions and other runtimes report the reset.
 *
 * @module
 */
import type { Socket } from "node:net";
import process from "node:process";

interface WithHandle {
  readonly _handle?: { readStart?: () => void } | null;
}

const mayMistakeReset = (() => {
  const { node, bun, deno } = process.versions;
  return bun === undefined && deno === undefined && Number(node.split(".")[0]) < 22;
})();

/** Calls `then` when `end` is sure: at once, or a turn later, unless the socket has failed by then. */
export function checkEnd(socket: Socket, then: () => void): void {
  const handle = (socket as unknown as WithHandle)._handle;
  if (!mayMistakeReset || typeof handle?.readStart !== "function") return then();
  handle.readStart();
  // the answer comes in the next poll, which the second one of these follows
  setImmediate(() => setImmediate(then));
}
