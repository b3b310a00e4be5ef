/**
 * What calls and connections need of the endpoint that they belong to.
 *
 * @module
 */
import type { HeldBytes } from "./held_bytes.ts";
import type { RxEndpointStats } from "./endpoint_options.ts";
import type { CheckedLimits } from "./limits.ts";
import type { RxObserver } from "./observer.ts";
import type { PacketSlab } from "./packet_slab.ts";
import type { RxAddress } from "./ports.ts";
import type { Timed } from "../core/timer_queue.ts";

/** An object that has packets to send. */
export interface Sender {
  /** Whether it stands in the endpoint's line; kept by the endpoint. */
  isQueued: boolean;
  /** Sends what is due; `false` when there is no room for it now. */
  transmit(out: PacketWriter, now: number): boolean;
}

/** Fills datagrams. */
export interface PacketWriter {
  /** A buffer for a datagram, or `null`. */
  alloc(size: number): Uint8Array | null;
  /** It is filled. */
  commit(length: number, to: RxAddress): void;
}

/** The endpoint, as its calls and connections see it. */
export interface CallHost {
  readonly limits: CheckedLimits;
  /** Counters of everything. */
  readonly stats: RxEndpointStats;
  /** Who is told what happens, if anybody; never throws. */
  readonly observer: RxObserver | undefined;
  /** Where packets are put that may have to be sent again. */
  readonly slab: PacketSlab;
  /** Time of day in milliseconds since 1970. */
  wallMs(): number;
  /** The object may be due earlier than before. */
  schedule(timed: Timed): void;
  /** The object has something to send. */
  enqueue(sender: Sender): void;
  /** Bytes that are kept until somebody takes them. */
  readonly held: HeldBytes;
  /** Counts what was dropped, by reason. */
  dropped(reason: string): void;
}
