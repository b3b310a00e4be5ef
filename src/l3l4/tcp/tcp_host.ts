/**
 * What a connection needs of the table that it stands in.
 *
 * @module
 */
import type { Timed } from "../../core/timer_queue.ts";
import type { L3L4Error } from "../errors.ts";
import type { IpTemplate } from "../ip_header.ts";
import type { FlowPath } from "../l3l4_sink.ts";
import type { PacketOut } from "../packet_out.ts";
import type { BufferPool } from "./buffer_pool.ts";
import type { RecoveryPool } from "./recovery_pool.ts";
import type { SegmentCursor } from "./segment_cursor.ts";
import type { SegmentWriter } from "./segment_writer.ts";
import type { TcpSettings } from "./tcp_settings.ts";

/** What all connections share, and whom they tell. */
export interface TcpHost {
  /** Options, checked. */
  readonly settings: TcpSettings;
  /** Memory for bytes. */
  readonly buffers: BufferPool;
  /** Memory for what is known of data under way. */
  readonly recoveries: RecoveryPool;
  /** Writes segments; all connections share it. */
  readonly writer: SegmentWriter;
  /** Largest IP packet that goes to this peer now. */
  pathMtu(path: FlowPath): number;
  /** It has something to send: `transmit` is to be called until it returns `true`. */
  wantsTransmit(connection: HostedConnection): void;
  /** It may be due earlier than before, or never more. */
  wantsTimer(connection: HostedConnection): void;
  /** It has something to tell: `tell` is to be called in the next `flush`. */
  wantsFlush(connection: HostedConnection): void;
  /** Both sides have ended and it only has to wait: the table takes over what TIME-WAIT needs and forgets it. */
  enterTimeWait(connection: HostedConnection, ending: Ending, now: number): void;
  /** It is over: the table forgets it. */
  removed(connection: HostedConnection): void;
}

/** What TIME-WAIT needs to know (RFC 9293 section 3.6.1, RFC 1337, RFC 6191). */
export interface Ending {
  /** SND.NXT. */
  readonly sendNext: number;
  /** RCV.NXT. */
  readonly receiveNext: number;
  /** Window field of the last acknowledgment. */
  readonly windowField: number;
  /** Whether timestamps were agreed on. */
  readonly hasTimestamps: boolean;
  /** TS.Recent. */
  readonly tsRecent: number;
  /** What is added to the time for our timestamps. */
  readonly tsOffset: number;
}

/** A connection, as its table sees it. */
export interface HostedConnection extends FlowPath, Timed {
  /** Hash of its path, and the next one of the same bucket: the table's own. */
  hash: number;
  /** See `hash`. */
  chain: HostedConnection | null;
  /** Whether it stands in the table's list of those that transmit: the table's own. */
  isQueuedForTransmit: boolean;
  /** Whether it stands in the list of those that have something to tell: the table's own. */
  isQueuedForFlush: boolean;
  /** State, see `TcpState`. */
  readonly state: number;
  /** How its IP headers look. */
  readonly template: IpTemplate;
  /** A segment came that belongs to it. Checksum and ports are right. */
  receive(segment: SegmentCursor, now: number): void;
  /** Sends what it may. `false` when `out` had no room left for all of it. */
  transmit(out: PacketOut, now: number): boolean;
  /** Reports to the sink what has happened. */
  tell(): void;
  /** An error of ICMP came that quotes `sequence` of ours; the connection judges it (RFC 5927). */
  icmpError(error: IcmpErrorNews, now: number): void;
  /** Packets that go to its peer may have become smaller or larger: the host is to be asked. */
  pathChanged(): void;
  /** Forgets everything without a word to the peer. */
  drop(error: L3L4Error | null): void;
}

/** What an error of ICMP or ICMPv6 said of a flow. */
export interface IcmpErrorNews {
  /** Sequence number that it quotes (TCP). */
  readonly sequence: number;
  /** errno name: `ECONNREFUSED`, `EHOSTUNREACH`, `ENETUNREACH`, `EMSGSIZE`, `EPROTO`. */
  readonly code: string;
  /** Whether RFC 1122 calls it a hard error. */
  readonly isHard: boolean;
  /** With `EMSGSIZE`: the largest packet that gets through, as it was said. */
  readonly mtu: number;
  /** In words. */
  readonly text: string;
}

/** What was agreed on before a connection came to be, or is to be asked for. */
export interface Handshake {
  /** ISS: our initial sequence number. */
  readonly sendInitial: number;
  /** What is added to the time for our timestamps. */
  readonly tsOffset: number;
}

/** The peer has asked, we have answered, and it has acknowledged that. */
export interface PassiveHandshake extends Handshake {
  /** IRS: the peer's initial sequence number. */
  readonly receiveInitial: number;
  /** Window field of our SYN-ACK, not scaled. */
  readonly toldWindow: number;
  /** Window field of the peer's SYN, not scaled. */
  readonly sendWindow: number;
  /** Segment size that the peer takes, -1 when it did not say. */
  readonly peerSegmentSize: number;
  /** Shift of the peer's windows, -1 when windows are not scaled either way. */
  readonly peerWindowScale: number;
  /** Whether selective acknowledgment was agreed on. */
  readonly hasSack: boolean;
  /** Whether timestamps were agreed on. */
  readonly hasTimestamps: boolean;
  /** Timestamp of the peer's SYN. */
  readonly tsRecent: number;
  /** Whether ECN was agreed on. */
  readonly hasEcn: boolean;
  /** When our SYN-ACK was sent, for the first round-trip time; -1 when it was sent again or is not known. */
  readonly synAckSentAt: number;
  /** Whether the SYN-ACK had to be sent again. */
  readonly wasResent: boolean;
}
