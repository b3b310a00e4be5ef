/**
 * One of the four channels of a connection: the call that runs in it, and what is still to be said of the last one.
 *
 * @module
 */
import type { RxCall } from "./call.ts";

/** What packets of a call that is over are answered with. */
export type Terminal =
  | { readonly kind: "acknowledge"; readonly last: number }
  | { readonly kind: "abort"; readonly code: number };

/** A channel. */
export interface RxChannel {
  /** Number of the call that runs, or ran last; 0 for none. */
  callNumber: number;
  /** The call that runs. */
  call: RxCall | undefined;
  /** How the last one ended; `undefined` when nothing is to be said. */
  terminal: Terminal | undefined;
  /** When the last reply is to be acknowledged; `Infinity` when it was. */
  finalAckAt: number;
  /** The server may still be busy with a call that this end has given up. */
  isSuspect: boolean;
}

/** Channels of a connection. */
export const CHANNELS = 4;

/** Makes one that was never used. */
export function newChannel(): RxChannel {
  return { callNumber: 0, call: undefined, terminal: undefined, finalAckAt: Infinity, isSuspect: false };
}
