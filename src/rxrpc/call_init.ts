/**
 * What a call is made with, and where it then is.
 *
 * @module
 */
import type { RxConnection } from "./connection.ts";
import type { RxPeer } from "./peer.ts";
import type { RxCallSink, RxTimeouts } from "./ports.ts";

/** What a call is made with. */
export interface CallInit {
  readonly isClient: boolean;
  readonly service: number;
  readonly peer: RxPeer;
  readonly timeouts: RxTimeouts;
  readonly failsWhenBusy?: boolean | undefined;
  readonly mayUpgrade?: boolean | undefined;
  readonly userStatus?: number | undefined;
  readonly length?: number | undefined;
  readonly tag?: unknown;
  readonly sink?: RxCallSink | undefined;
}

/** A place on the wire. */
export interface CallPlace {
  readonly connection: RxConnection;
  readonly channel: number;
  readonly callNumber: number;
}
