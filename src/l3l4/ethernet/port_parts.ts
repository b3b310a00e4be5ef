/**
 * What the parts of an Ethernet port share.
 *
 * @module
 */
import type { AddressClaims } from "./address_claims.ts";
import type { ControlFrames } from "./control_frames.ts";
import type { EthernetSettings } from "./ethernet_settings.ts";
import type { EthernetStats } from "./ethernet_stats.ts";
import type { LocalAddresses } from "./local_addresses.ts";
import type { NeighborCache } from "./neighbor_cache.ts";

/** The parts. */
export interface PortParts {
  /** Options of the port. */
  readonly settings: EthernetSettings;
  /** Its addresses. */
  readonly addresses: LocalAddresses;
  /** Its neighbours. */
  readonly neighbors: NeighborCache;
  /** How it came to its own addresses. */
  readonly claims: AddressClaims;
  /** Frames of its own. */
  readonly control: ControlFrames;
  /** Its counters. */
  readonly stats: EthernetStats;
}
