/**
 * What an endpoint holds at a moment, as the files under /proc/net/rxrpc show it.
 *
 * @module
 */
import type { RxDebugConnection, RxDebugPeer } from "./debug_records.ts";
import type { RxEndpointStats } from "./endpoint_options.ts";

/** A bundle of connections. */
export interface RxSnapshotBundle {
  /** Numbers of its connections. */
  readonly cids: readonly number[];
  /** Calls that wait for one of them. */
  readonly waitingCalls: number;
}

/** Everything that there is, at one moment; it does not change afterwards. */
export interface RxSnapshot {
  /** Counters. */
  readonly stats: Readonly<RxEndpointStats>;
  /** Packets that were dropped, by reason. */
  readonly drops: Readonly<Record<string, number>>;
  /** Bytes of calls that run, which have come and were not taken yet. */
  readonly heldBytes: number;
  /** Calls that wait for a channel. */
  readonly waitingCalls: number;
  /** Calls to one service with one key, and the connections that they share. */
  readonly bundles: readonly RxSnapshotBundle[];
  /** Connections in both directions, with their channels. */
  readonly connections: readonly RxDebugConnection[];
  /** Other endpoints. */
  readonly peers: readonly RxDebugPeer[];
}
