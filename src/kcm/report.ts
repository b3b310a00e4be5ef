/**
 * A multiplexor at one moment, as plain objects: what the kernel shows in `/proc/net/kcm`, and more.
 *
 * @module
 */
import { addCounts } from "../strparser/add_counts.ts";
import { newCounts } from "../strparser/statistics.ts";
import type { StreamParserStats } from "../strparser/options.ts";
import type { MultiplexorStats } from "./multiplexor_options.ts";
import type { LowerTransmitStats } from "./transmit_ports.ts";

/** A socket at one moment. */
export interface SocketReport {
  /** Its number. */
  readonly index: number;
  /** Messages read, or steered here where nobody says what was read. */
  readonly rxMessages: number;
  /** Their bytes. */
  readonly rxBytes: number;
  /** Messages accepted to be sent. */
  readonly txMessages: number;
  /** Their bytes. */
  readonly txBytes: number;
  /** Messages that wait to be read. */
  readonly receiveQueueMessages: number;
  /** Their bytes. */
  readonly receiveQueueBytes: number;
  /** Messages that wait to be written. */
  readonly sendQueueMessages: number;
  /** Their bytes, with those of an open message. */
  readonly sendQueueBytes: number;
  /** What it is doing, in the kernel's words. */
  readonly status: readonly string[];
}

/** A connection at one moment. */
export interface ConnectionReport {
  /** Its number. */
  readonly index: number;
  /** The name it was attached with. */
  readonly label: string | undefined;
  /** Counters of its parser. */
  readonly parser: StreamParserStats;
  /** Counters of what was sent on it. */
  readonly transmit: LowerTransmitStats;
  /** Bytes that were pushed and not parsed. */
  readonly unreadBytes: number;
  /** Messages that it was given and has not written. */
  readonly sendQueueMessages: number;
  /** Bytes of these. */
  readonly sendQueueBytes: number;
  /** What it is doing, in the kernel's words. */
  readonly status: readonly string[];
}

/** Sums over connections. */
export interface ConnectionTotals {
  /** Of their parsers. */
  readonly parser: StreamParserStats;
  /** Of what was sent on them. */
  readonly transmit: LowerTransmitStats;
}

/** A multiplexor at one moment. */
export interface MultiplexorReport {
  /** Its own counters. */
  readonly multiplexor: MultiplexorStats;
  /** Its sockets, by index. */
  readonly sockets: readonly SocketReport[];
  /** Its connections, by index. */
  readonly connections: readonly ConnectionReport[];
  /** Sums over all connections, those included that are gone. */
  readonly totals: ConnectionTotals;
}

/** Nothing yet. */
export function newConnectionTotals(): ConnectionTotals {
  return addConnectionTotals();
}

/** Sums of sums. */
export function addConnectionTotals(...all: readonly ConnectionTotals[]): ConnectionTotals {
  const sum = { txMessages: 0, txBytes: 0, reserved: 0, unreserved: 0, aborts: 0 };
  for (const { transmit } of all) {
    sum.txMessages += transmit.txMessages;
    sum.txBytes += transmit.txBytes;
    sum.reserved += transmit.reserved;
    sum.unreserved += transmit.unreserved;
    sum.aborts += transmit.aborts;
  }
  const counts = newCounts();
  for (const { parser } of all) addCounts(counts, parser);
  return { parser: counts, transmit: sum };
}
