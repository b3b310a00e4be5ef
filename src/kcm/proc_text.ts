/**
 * The texts of `/proc/net/kcm` and `/proc/net/kcm_stats`.
 *
 * The columns are those of the kernel, with what belongs into each: there the values of `Unattach` and `UnattchRsvd` are
 * swapped, `TX-Retries` and `RX-Aborts` are always 0.
 *
 * @module
 */
import { linuxCounters } from "../strparser/statistics.ts";
import type { ConnectionReport, ConnectionTotals, MultiplexorReport, SocketReport } from "./report.ts";

/** A value and how many places it takes at least. */
type Cell = readonly [value: string | number, width: number];

const HEADER: readonly Cell[] = [
  ["Object", 14],
  ["RX-Msgs", 10],
  ["RX-Bytes", 16],
  ["TX-Msgs", 10],
  ["TX-Bytes", 16],
  ["Recv-Q", 8],
  ["Rmem", 8],
  ["Send-Q", 8],
  ["Smem", 8],
  ["Status", 0],
];

/** Sums that `/proc/net/kcm_stats` shows besides those of connections. */
export interface MultiplexorTotals {
  /** Messages in. */
  readonly rxMessages: number;
  /** Their bytes. */
  readonly rxBytes: number;
  /** Messages out. */
  readonly txMessages: number;
  /** Their bytes. */
  readonly txBytes: number;
  /** Messages begun again. */
  readonly retries: number;
  /** Connections attached. */
  readonly attached: number;
  /** Connections gone. */
  readonly unattached: number;
  /** Connections gone with something to write. */
  readonly unattachedReserved: number;
  /** Messages lost with a connection. */
  readonly readyDrops: number;
}

function line(cells: readonly Cell[]): string {
  return cells.map(([value, width]) => String(value).padEnd(width)).join(" ");
}

function withStatus(cells: readonly Cell[], status: readonly string[]): string {
  return `${line(cells)} ${status.map((word) => `${word} `).join("")}`;
}

/**
 * The text of `/proc/net/kcm`.
 *
 * @example
 * ```ts
 * import { kcmText, MultiplexorEngine } from "@leat/streams/kcm";
 *
 * console.log(kcmText([new MultiplexorEngine().report()]));
 * ```
 */
export function kcmText(reports: readonly MultiplexorReport[]): string {
  const lines = [`*** KCM statistics (${reports.length} MUX) ****`, line(HEADER)];
  for (const report of reports) {
    lines.push(multiplexorLine(report));
    lines.push(...report.sockets.map(socketLine), ...report.connections.map(connectionLine));
  }
  return `${lines.join("\n")}\n`;
}

function multiplexorLine({ multiplexor, sockets, connections }: MultiplexorReport): string {
  const { rxMessages, rxBytes, txMessages, txBytes } = multiplexor;
  const numbers: Cell[] = [[rxMessages, 10], [rxBytes, 16], [txMessages, 10], [txBytes, 16]];
  const dashes: Cell[] = [["-", 8], ["-", 8], ["-", 8], ["-", 8]];
  return line([["mux", 14], ...numbers, ...dashes, [`KCMs: ${sockets.length}, Psocks ${connections.length}`, 0]]);
}

function socketLine(one: SocketReport): string {
  return withStatus([
    [`   kcm-${String(one.index).padEnd(7)}`, 0],
    [one.rxMessages, 10],
    [one.rxBytes, 16],
    [one.txMessages, 10],
    [one.txBytes, 16],
    [one.receiveQueueMessages, 8],
    [one.receiveQueueBytes, 8],
    [one.sendQueueMessages, 8],
    ["-", 8],
  ], one.status);
}

function connectionLine(one: ConnectionReport): string {
  return withStatus([
    [`   psock-${String(one.index).padEnd(5)}`, 0],
    [one.parser.messages, 10],
    [one.parser.bytes, 16],
    [one.transmit.txMessages, 10],
    [one.transmit.txBytes, 16],
    [one.unreadBytes, 8],
    [one.unreadBytes, 8],
    [one.sendQueueMessages, 8],
    [one.sendQueueBytes, 8],
  ], one.status);
}

/**
 * The text of `/proc/net/kcm_stats`.
 *
 * @example
 * ```ts
 * import { kcmStatsText, MultiplexorEngine } from "@leat/streams/kcm";
 *
 * const { multiplexor, totals } = new MultiplexorEngine().report();
 * console.log(kcmStatsText(multiplexor, totals));
 * ```
 */
export function kcmStatsText(multiplexor: MultiplexorTotals, connections: ConnectionTotals): string {
  const { transmit } = connections;
  const parser = linuxCounters(connections.parser);
  const mux: [string, number, number][] = [
    ["RX-Msgs", 10, multiplexor.rxMessages],
    ["RX-Bytes", 16, multiplexor.rxBytes],
    ["TX-Msgs", 10, multiplexor.txMessages],
    ["TX-Bytes", 16, multiplexor.txBytes],
    ["TX-Retries", 10, multiplexor.retries],
    ["Attach", 10, multiplexor.attached],
    ["Unattach", 10, multiplexor.unattached],
    ["UnattchRsvd", 10, multiplexor.unattachedReserved],
    ["RX-RdyDrops", 10, multiplexor.readyDrops],
  ];
  const psock: [string, number, number][] = [
    ["RX-Msgs", 10, parser.msgs],
    ["RX-Bytes", 16, parser.bytes],
    ["TX-Msgs", 10, transmit.txMessages],
    ["TX-Bytes", 16, transmit.txBytes],
    ["Reserved", 10, transmit.reserved],
    ["Unreserved", 10, transmit.unreserved],
    ["RX-Aborts", 10, parser.aborts],
    ["RX-Intr", 10, parser.interrupted],
    ["RX-Unrecov", 10, parser.unrecov_intr],
    ["RX-MemFail", 10, parser.mem_fail],
    ["RX-NeedMor", 10, parser.need_more_hdr],
    ["RX-BadLen", 10, parser.bad_hdr_len],
    ["RX-TooBig", 10, parser.msg_too_big],
    ["RX-Timeout", 10, parser.msg_timeouts],
    ["TX-Aborts", 10, transmit.aborts],
  ];
  return [...table("MUX", mux), ...table("Psock", psock)].map((text) => `${text}\n`).join("");
}

function table(name: string, columns: readonly [title: string, width: number, value: number][]): string[] {
  const titles: Cell[] = columns.map(([title, width]) => [title, width]);
  const values: Cell[] = columns.map(([, width, value]) => [value, width]);
  return [line([[name, 8], ...titles]), line([["", 8], ...values])];
}
