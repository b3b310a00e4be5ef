/**
 * What the pipeline of `leat trace` tells whoever shows it.
 *
 * @module
 */
import type { FlowRecord, FlowSide } from "../flow/mod.ts";
import type { Packet, Segment, Timestamp } from "../packet/mod.ts";
import type { RxWatchedCall } from "../rxrpc/mod.ts";

/** Things that can be shown. */
export type ShowKind = "packets" | "segments" | "flows" | "messages" | "calls" | "channels";

/** All of {@linkcode ShowKind}, the most detailed first. */
export const SHOW_KINDS: readonly ShowKind[] = ["packets", "segments", "messages", "calls", "flows", "channels"];

/** A flow, and what the layers above made of it. */
export interface TraceFlow {
  /** What the flow layer knows. */
  readonly record: FlowRecord;
  /** Name of its parser; `undefined` as long as it is not decided, `opaque` where none fits. */
  parser: string | undefined;
  /** Time of the packet by which it was decided. */
  decidedAt: Timestamp | undefined;
  /** Why this parser, in words. */
  why: string;
  /** Whole messages from the client. */
  clientMessages: number;
  /** Whole messages from the server. */
  serverMessages: number;
  /** Codes of what went wrong on it. */
  readonly failures: string[];
}

/** One whole message on its channel. */
export interface TraceMessage {
  /** Number of the channel, from 1. */
  readonly channel: number;
  /** Where it came from. */
  readonly flow: TraceFlow;
  /** Who sent it. */
  readonly direction: FlowSide;
  /** Position among the messages of its direction, from 0. */
  readonly sequence: number;
  /** Its bytes: a view. */
  readonly data: Uint8Array;
  /** When the packet that completed it was captured. */
  readonly time: Timestamp;
  /** What it says, in conversations of RxRPC. */
  readonly rx: TraceRxPacket | undefined;
}

/** The packets of RxRPC in a datagram. */
export interface TraceRxPacket {
  /** Type of the first. */
  readonly type: string;
  /** Its call. */
  readonly call: number | undefined;
  /** All of them in words. */
  readonly text: string;
}

/** A call of RxRPC. */
export interface TraceCall {
  /** Where it was first seen. */
  readonly flow: TraceFlow;
  /** What is known of it. */
  readonly call: RxWatchedCall;
}

/** Bytes of a flow that no parser fits: as they came. */
export interface TraceData {
  /** Where they came from. */
  readonly flow: TraceFlow;
  /** Who sent them. */
  readonly direction: FlowSide;
  /** Position in the direction's byte stream. */
  readonly offset: number;
  /** The bytes: a view. */
  readonly data: Uint8Array;
  /** When they were captured. */
  readonly time: Timestamp;
}

/** Something went wrong in the data. */
export interface TraceProblem {
  /** Layer that found it. */
  readonly layer: string;
  /** Stable code. */
  readonly code: string;
  /** What happened, in words. */
  readonly message: string;
  /** Byte offset in the layer's input, where one is known. */
  readonly offset: number | undefined;
  /** The flow that it happened on; `undefined` for the capture itself. */
  readonly flow: TraceFlow | undefined;
  /** Who sent the bytes that it happened in. */
  readonly direction: FlowSide | undefined;
  /** Whether it only says that the capture ended while things were going on, which they do. */
  readonly isExpected: boolean;
}

/** Totals of one channel. */
export interface ChannelTotals {
  /** Number of the channel, from 1. */
  readonly channel: number;
  /** Messages that it got. */
  readonly messages: number;
  /** Bytes of these messages. */
  readonly bytes: number;
}

/** What happens, in the order in which it happens. Only wanted flows are told of. */
export interface TraceView {
  /** A packet was read; only where packets are shown. */
  packet(packet: Packet): void;
  /** A segment was found; only where segments are shown. */
  segment(segment: Segment): void;
  /** A flow began. */
  flowOpened(flow: TraceFlow): void;
  /** It was decided how to read it. */
  flowDecided(flow: TraceFlow): void;
  /** A message reached a channel. */
  message(message: TraceMessage): void;
  /** Bytes came that nobody can read. */
  data(data: TraceData): void;
  /** A call of RxRPC is over, or the capture is. */
  call(call: TraceCall): void;
  /** A flow is over. */
  flowClosed(flow: TraceFlow): void;
  /** Something went wrong. */
  problem(problem: TraceProblem): void;
}

/** What one layer did, for `--stats`. */
export interface LayerStats {
  /** The layer's name. */
  readonly layer: string;
  /** What it took: how many, of what. */
  readonly taken: readonly [count: number, noun: string];
  /** What it made: how many, of what. */
  readonly made: readonly [count: number, noun: string];
  /** Payload bytes that it handed on. */
  readonly bytes: number;
  /** What went wrong or was left out, by reason. */
  readonly errors: Readonly<Record<string, number>>;
  /** Milliseconds spent in it; `undefined` where they are in the layer above. */
  readonly timeMs: number | undefined;
}
