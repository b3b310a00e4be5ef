/**
 * What is known of one direction of a flow: where its byte stream stands, and what it waits for.
 *
 * Only data and small questions about it; the rules are in `reassembly.ts`, `handshake.ts` and `tcp_watcher.ts`.
 *
 * @module
 */
import { seqDiff } from "../bytes/sequence.ts";
import type { Aged, AgeList } from "./age_list.ts";
import type { Assembler } from "./assembler.ts";
import type { FlowSideStats } from "./flow_record.ts";
import type { FlowState } from "./flow_state.ts";
import type { FlowSide } from "./sink.ts";

/** Where the start of a direction's stream is known from, from least to most certain. */
export const Origin = {
  /** Nothing is known of it yet. */
  UNKNOWN: 0,
  /** From what the other side acknowledged in its handshake. */
  ACKNOWLEDGED: 1,
  /** From the first segment seen, in the middle of the connection. */
  MIDSTREAM: 2,
  /** From its SYN. */
  SYN: 3,
} as const;

/** A value of {@linkcode Origin}. */
export type Origin = typeof Origin[keyof typeof Origin];

/** One direction of a flow. While a hole is waited for, it is in a list of such sides. */
export class SideState implements Aged<SideState> {
  /** The flow. */
  readonly flow: FlowState;
  /** Which of the two it is. */
  readonly name: FlowSide;
  /** Public counters. */
  readonly stats: FlowSideStats = {
    packets: 0,
    wireBytes: 0,
    bytes: 0,
    retransmissions: 0,
    outOfOrder: 0,
    conflicts: 0,
    gapBytes: 0,
    probes: 0,
  };

  /** How the start of the stream is known. */
  origin: Origin = Origin.UNKNOWN;
  /** Sequence number of stream offset 0; signed, as that of {@linkcode TcpHeader}. */
  initial = 0;
  /** Sequence number of the next byte in order; signed. */
  next = 0;
  /** Stream offset of the next byte in order. */
  offset = 0;
  /** Stream offset up to which the other side has acknowledged; the FIN counts as a byte. */
  acked = 0;
  /** Stream offset of the FIN, or -1. */
  fin = -1;
  /** Whether a FIN was seen, delivered or not. */
  isFinSeen = false;
  /** Whether `end` or `error` was called, or nobody wants this side: from here on it is only followed, not handed out. */
  isDone = false;
  /** Whether data was seen. */
  hasData = false;
  /** Whether the last advertised window of this side was zero. */
  isWindowZero = false;
  /** What is held behind a hole; `null` when nothing is. */
  held: Assembler | null = null;

  /** Stream offset of the hole waited for. */
  holeOffset = 0;
  /** Segments that came ahead of that hole. */
  holePackets = 0;
  /** Packets of the flow when the hole was first acknowledged. */
  ackedAtPacket = 0;
  /** The list of holes it is in. */
  list: AgeList<SideState> | null = null;
  /** Neighbour in that list. */
  older: SideState | null = null;
  /** Neighbour in that list. */
  newer: SideState | null = null;
  /** When the hole was first seen, or first acknowledged. */
  touchedAt = 0;

  /** Makes a side of which nothing is known yet. */
  constructor(flow: FlowState, name: FlowSide) {
    this.flow = flow;
    this.name = name;
  }

  /** Whether both its FIN was seen and its stream was brought to an end. */
  get isFinished(): boolean {
    return this.isDone && this.isFinSeen;
  }

  /** Whether its stream goes on: it has begun and not ended, and nothing of it is missing. */
  get isInOrder(): boolean {
    return this.origin !== Origin.UNKNOWN && !this.isDone && this.fin < 0 && this.isWithoutHole;
  }

  /** Whether no hole is waited for, or could be. */
  get isWithoutHole(): boolean {
    return this.held === null && this.list === null && this.acked <= this.offset + 1 && this.fin <= this.offset;
  }

  /** Fixes where the stream starts; nothing of it may have been handed out. */
  begin(origin: Origin, sequence: number): void {
    this.origin = origin;
    this.initial = sequence;
    this.next = sequence;
  }

  /** Stream offset of a sequence number: the one nearest to the next byte in order. */
  offsetOf(sequence: number): number {
    return this.offset + seqDiff(sequence, this.next);
  }

  /** Moves the next byte in order forward. */
  advanceTo(offset: number): void {
    this.next = (this.next + (offset - this.offset)) | 0;
    this.offset = offset;
  }

  /**
   * Where the first hole ends; -1 when there is none. An acknowledgment of a single unseen byte makes none: it may be
   * that of a FIN that was not captured.
   */
  get holeEnd(): number {
    if (this.held !== null) return this.held.firstStart;
    if (this.fin > this.offset) return this.fin;
    return this.acked > this.offset + 1 ? this.acked : -1;
  }
}
