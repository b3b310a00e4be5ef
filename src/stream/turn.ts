/**
 * Sharing the event loop: a driver that has worked for a while lets timers and I/O have their turn.
 *
 * Promises alone never do that: two stages piped into each other in one process can keep the microtask queue full for
 * as long as there is input.
 *
 * @module
 */

/** How long a turn of the event loop may be kept busy, in milliseconds. */
const TURN_MS = 1;

let turnStartedAt = 0;
let nextTurn: Promise<void> | undefined;

/**
 * Called by drivers between two pieces of work. Returns a promise to wait for when this turn of the event loop has
 * been busy for about a millisecond, else `undefined`: go on. `now` saves asking for `performance.now()` again.
 */
export function breathe(now: number = performance.now()): Promise<void> | undefined {
  if (nextTurn === undefined) {
    turnStartedAt = now;
    nextTurn = new Promise<void>(afterTurn).then(() => {
      nextTurn = undefined;
    });
    return undefined;
  }
  return now - turnStartedAt < TURN_MS ? undefined : nextTurn;
}

/** Resolves in the next turn of the event loop, when all that is ready now has run. */
export function nextTurnOfLoop(): Promise<void> {
  return new Promise<void>(afterTurn);
}

interface Immediate {
  setImmediate?: (callback: () => void) => unknown;
}

interface Ticking {
  process?: { nextTick?: (callback: () => void) => void };
}

/**
 * Calls back when no handler of a promise is left to be called, and, once the main module has run, before any event or
 * timer. Returns whether the runtime can do that; a browser cannot.
 */
export function afterPromises(callback: () => void): boolean {
  const nextTick = (globalThis as Ticking).process?.nextTick;
  if (nextTick === undefined) return false;
  nextTick(callback);
  return true;
}

function afterTurn(resolve: () => void): void {
  const { setImmediate } = globalThis as Immediate;
  if (setImmediate !== undefined) {
    setImmediate(resolve);
    return;
  }
  // browsers: unlike a timeout of 0, a message is not clamped to 4 ms
  const channel = new MessageChannel();
  channel.port1.onmessage = () => {
    channel.port1.close();
    resolve();
  };
  channel.port2.postMessage(0);
}
