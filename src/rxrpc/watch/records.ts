/**
 * What a watcher knows of connections and calls that others make.
 *
 * @module
 */
import type { RxAck } from "../ack.ts";
import type { RxHeader } from "../header.ts";
import type { RxAddress } from "../ports.ts";

/** The two ends. */
export type RxSide = "client" | "server";

/** A datagram that was seen. */
export interface RxWatchedDatagram {
  /** Its bytes, the header of Rx first. */
  readonly data: Uint8Array;
  /** Who sent it. */
  readonly from: RxAddress;
  /** To whom. */
  readonly to: RxAddress;
}

/** A connection that was seen. */
export interface RxWatchedConnection {
  /** The end that opened it. */
  readonly client: RxAddress;
  /** The other. */
  readonly server: RxAddress;
  /** Incarnation of the client. */
  readonly epoch: number;
  /** Number of the connection, channel bits 0. */
  readonly cid: number;
  /** Security class; 0 is none, 2 rxkad, 4 rxgk. */
  readonly securityIndex: number;
  /** CHALLENGE packets. */
  challenges: number;
  /** RESPONSE packets. */
  responses: number;
  /** Version of the server's key, or kind of ticket, in the last rxkad RESPONSE. */
  kvno: number | undefined;
  /** The lowest level that the server takes, of the last rxkad CHALLENGE. */
  minLevel: number | undefined;
  /** The number that it was aborted with as a whole. */
  abortCode: number | undefined;
}

/** Round-trip times, between the place where packets were seen and the end that acknowledged them. Milliseconds. */
export interface RxWatchedRtt {
  /** How many. */
  samples: number;
  /** The shortest. */
  leastMs: number;
  /** The longest. */
  mostMs: number;
  /** All of them together. */
  sumMs: number;
}

/** One direction of a call: the request, or the reply. */
export interface RxWatchedTrack {
  /** DATA packets, each counted once however often it was sent. */
  packets: number;
  /** Their bytes, what the security class adds with them. */
  bytes: number;
  /** Packets sent again. */
  resent: number;
  /** Those of them that had come already: acknowledged before, or answered as duplicates. */
  spurious: number;
  /** Packets that must have been sent and were not seen. */
  missing: number;
  /** Whether the last packet was seen. */
  isWhole: boolean;
  /** The highest sequence number. */
  highest: number;
  /** When the first packet was seen. */
  startedAt: number | undefined;
  /** When the last packet was seen for the first time. */
  endedAt: number | undefined;
  /** ACK packets about it. */
  acks: number;
  /** The same by reason, under the names of the protocol's documents. */
  readonly ackReasons: Record<string, number>;
  /** Every packet before this one is acknowledged for good. */
  hardAck: number;
  /** Packets that were acknowledged before those in front of them. */
  softAcked: number;
  /** Packets that an ACK has reported as not there, each counted once. */
  nacked: number;
  /** Packets from `hardAck` on that the receiver takes, as it said last. */
  window: number | undefined;
  /** Times to the receiver and back. */
  readonly rtt: RxWatchedRtt;
}

/** How a call stands: `replaced` by the next one of its channel, `open` when the capture ends before it does. */
export type RxWatchedState = "open" | "complete" | "aborted" | "replaced";

/** A call that was seen. */
export interface RxWatchedCall {
  /** Position among all calls, from 1. */
  readonly id: number;
  /** The connection. */
  readonly connection: RxWatchedConnection;
  /** 0 to 3. */
  readonly channel: number;
  /** Its number in the channel. */
  readonly callNumber: number;
  /** The service that answers, or else that was asked. */
  service: number;
  /** When its first packet was seen. */
  readonly startedAt: number;
  /** When its last packet was seen. */
  lastAt: number;
  /** How it stands. */
  state: RxWatchedState;
  /** The number it was aborted with, */
  abortCode: number | undefined;
  /** and by whom. */
  abortedBy: RxSide | undefined;
  /** BUSY packets. */
  busy: number;
  /** What the client says. */
  readonly request: RxWatchedTrack;
  /** What the server says. */
  readonly reply: RxWatchedTrack;
  /** For whoever watches. */
  user: unknown;
}

/** Why a DATA packet is not just the next one. */
export type RxDataRemark = "resent" | "resent in vain" | "early" | "late";

/** One packet, and what is known of it. A datagram may hold several. */
export interface RxWatchedPacket {
  /** Its header. */
  readonly header: RxHeader;
  /** Who sent it. */
  readonly side: RxSide;
  /** Bytes behind the header. */
  readonly bytes: number;
  /** When it was seen. */
  readonly at: number;
  /** The call that it belongs to. */
  readonly call: RxWatchedCall | undefined;
  /** What is special about DATA. */
  readonly remark: RxDataRemark | undefined;
  /** What an ACK says. */
  readonly ack: RxAck | undefined;
  /** The round-trip time that an ACK completes. */
  readonly rttMs: number | undefined;
  /** What an ABORT says. */
  readonly abortCode: number | undefined;
}

/** What a watcher tells. Called synchronously. */
export interface RxWatchSink {
  /** A call was seen for the first time. */
  opened?(call: RxWatchedCall): void;
  /** A packet was seen; those of one datagram one after the other. */
  packet?(packet: RxWatchedPacket): void;
  /** Nothing more is expected of a call. */
  closed?(call: RxWatchedCall): void;
}
