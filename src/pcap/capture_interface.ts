/**
 * Layer pcap: what a capture says besides its packets.
 *
 * @module
 */
import type { Timestamp } from "../packet/packet.ts";
import type { TimeResolution } from "./tick_clock.ts";

/** Kind of capture file. */
export type CaptureFormat = "pcap" | "pcapng";

/** One capturing interface. A classic pcap file has exactly one. */
export interface CaptureInterface {
  /** What {@linkcode Packet.interfaceId} refers to: index over all sections of the file, from 0. */
  readonly id: number;
  /** Number of the section of the file that describes it, from 0. Interfaces are numbered anew in each. */
  readonly section: number;
  /** LINKTYPE_ value: what its packets start with. */
  readonly linkType: number;
  /** Longest captured part of a packet in bytes; 0 for unlimited. */
  readonly snapLength: number;
  /** Unit of the times in the file. */
  readonly resolution: TimeResolution;
  /** Seconds that were added to the times in the file. */
  readonly offsetSeconds: number;
  /** Bytes of frame check sequence at the end of each packet, where the file tells. */
  readonly fcsLength: number | undefined;
  /** Name of the device, where the file tells. */
  readonly name: string | undefined;
  /** Description of the device, where the file tells. */
  readonly description: string | undefined;
}

/** Counters that the capturing system kept for an interface. What it did not tell is `undefined`. */
export interface InterfaceStatistics {
  /** What kind of {@linkcode CaptureBlock} this is. */
  readonly kind: "statistics";
  /** {@linkcode CaptureInterface.id} of the interface. */
  readonly interfaceId: number;
  /** When the counters were read. */
  readonly time: Timestamp;
  /** When the capture began. */
  readonly startTime: Timestamp | undefined;
  /** When the capture ended. */
  readonly endTime: Timestamp | undefined;
  /** Packets received by the interface. */
  readonly received: number | undefined;
  /** Packets dropped by the interface for lack of room. */
  readonly dropped: number | undefined;
  /** Packets accepted by the capture filter. */
  readonly accepted: number | undefined;
  /** Packets dropped by the operating system. */
  readonly droppedBySystem: number | undefined;
  /** Packets delivered to the capturing program. */
  readonly delivered: number | undefined;
}

/** The names of one address, as the capturing system resolved them. */
export interface NameRecord {
  /** 4 bytes for IPv4, 16 for IPv6, in network byte order; a copy. */
  readonly address: Uint8Array;
  /** Its names. */
  readonly names: readonly string[];
}

/** A block of name records. */
export interface CaptureNames {
  /** What kind of {@linkcode CaptureBlock} this is. */
  readonly kind: "names";
  /** The records in it. */
  readonly records: readonly NameRecord[];
}

/** What somebody wrote about a packet. */
export interface PacketComment {
  /** What kind of {@linkcode CaptureBlock} this is. */
  readonly kind: "comment";
  /** Number of the packet, which comes next. */
  readonly packetNumber: number;
  /** The comment. */
  readonly text: string;
}

/** What a capture holds besides packets and interfaces. */
export type CaptureBlock = InterfaceStatistics | CaptureNames | PacketComment;
