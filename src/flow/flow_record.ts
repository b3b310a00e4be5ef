/**
 * What the flow engine knows of one connection.
 *
 * @module
 */
import type { Timestamp } from "../packet/packet.ts";
import type { FlowEnd } from "./sink.ts";

/** One end of a flow. */
export interface FlowEndpoint {
  /** Address as text: dotted quad, or IPv6 as in RFC 5952. */
  readonly address: string;
  /** TCP or UDP port. */
  readonly port: number;
}

/** Who talks to whom. */
export interface FlowKey {
  /** Transport protocol. */
  readonly protocol: "tcp" | "udp";
  /** The end that opened the conversation: sent the SYN, or was heard first. */
  readonly client: FlowEndpoint;
  /** The other end. */
  readonly server: FlowEndpoint;
}

/** Counters of one direction of a flow. */
export interface FlowSideStats {
  /** Packets seen. */
  packets: number;
  /** Payload bytes seen on the wire, retransmissions included. */
  wireBytes: number;
  /** Bytes handed out. */
  bytes: number;
  /** Segments that brought nothing new. */
  retransmissions: number;
  /** Segments that came ahead of a hole. */
  outOfOrder: number;
  /** Bytes that arrived twice with different content. */
  conflicts: number;
  /** Bytes given up on. */
  gapBytes: number;
  /** Zero-window probes and keep-alives. */
  probes: number;
}

/** One connection or UDP conversation, from its first packet to its end. */
export interface FlowRecord {
  /** Number of the flow in its capture, from 1, in order of first packets. */
  readonly id: number;
  /** Who talks to whom. */
  readonly key: FlowKey;
  /** Time of the first packet. */
  readonly startedAt: Timestamp;
  /** Time of the latest packet. */
  readonly lastAt: Timestamp;
  /** Whether the SYN of both sides was seen; a TCP flow picked up in the middle and every UDP flow has `false`. */
  readonly complete: boolean;
  /** Why it ended; `undefined` while it goes on. */
  readonly endedBy: FlowEnd | undefined;
  /** Counters of what the client sent. */
  readonly client: FlowSideStats;
  /** Counters of what the server sent. */
  readonly server: FlowSideStats;
  /** For the driver: whatever it needs to find by flow. */
  user: unknown;
}
