/**
 * What the flow engine tells its driver: which connections there are and what was said on them.
 *
 * @module
 */
import type { FlowError } from "./errors.ts";
import type { FlowRecord } from "./flow_record.ts";

/** One direction of a flow, by who sent: the end that opened the conversation, or the other. */
export type FlowSide = "client" | "server";

/** Why a flow is over. */
export type FlowEnd =
  /** Both directions were closed by FIN and delivered. */
  | "fin"
  /** Ended by RST. */
  | "reset"
  /** Its port pair was taken into use by a new connection. */
  | "reuse"
  /** No packet for longer than the idle limit. */
  | "idle"
  /** Forgotten to stay within a limit. */
  | "evicted"
  /** The capture ended first. */
  | "capture-end";

/** Bytes of a direction that were never captured. */
export interface Gap {
  /** Position in the direction's byte stream, from 0. */
  readonly offset: number;
  /** How many bytes are missing. */
  readonly length: number;
}

/**
 * Callbacks of the flow engine. The engine attaches nothing; a driver keeps what it needs in `flow.user`.
 *
 * Order per flow: `open`, then any number of `data` and `gap`, then for each side exactly one of `end` and `error`
 * (none for a side that was aborted), then `close`. Inside a callback only `abort` of the engine may be called.
 */
export interface FlowSink {
  /** A connection or UDP conversation was seen for the first time. */
  open(flow: FlowRecord): void;
  /** The next bytes of a TCP direction in order, or one UDP datagram. A view of the packet. */
  data(flow: FlowRecord, side: FlowSide, bytes: Uint8Array): void;
  /** A hole was given up on and is skipped (only with `gaps: "skip"`). */
  gap(flow: FlowRecord, side: FlowSide, gap: Gap): void;
  /** Nothing more will come on this side; everything seen in order was handed out. */
  end(flow: FlowRecord, side: FlowSide): void;
  /** This side failed: a hole that never filled, or a limit. Nothing more will come on it. */
  error(flow: FlowRecord, side: FlowSide, error: FlowError): void;
  /** The flow is over and forgotten. */
  close(flow: FlowRecord, reason: FlowEnd): void;
  /** The whole input has ended; after the last `close`. */
  finish(): void;
}
