/**
 * Calls of RxRPC as lines for people.
 *
 * @module
 */
import type { Timestamp } from "../packet/mod.ts";
import { codeText } from "../rxrpc/watch/packet_text.ts";
import type { RxWatchedCall } from "../rxrpc/mod.ts";
import { formatBytes, formatCount, formatDuration, formatOffset } from "./format/bytes.ts";
import type { Paint } from "./format/color.ts";
import type { Column } from "./format/table.ts";
import { pad } from "./format/width.ts";
import { captureTime, hex, lostOf, securityName } from "./rx_call_fields.ts";
import type { TraceCall } from "./trace_view.ts";

const TIME_WIDTH = 10;

/** Columns of the table of calls; where the terminal is narrow, some are left out. */
export function callColumns(paint: Paint, width: number): Column[] {
  const columns: (Column & { readonly from: number })[] = [
    { title: "call", align: "right", from: 0 },
    { title: "flow", align: "right", from: 0 },
    { title: "connection", from: 150, paint: (text) => paint("dim", text) },
    { title: "ch", align: "right", from: 120 },
    { title: "number", align: "right", from: 120 },
    { title: "service", align: "right", from: 0 },
    { title: "security", from: 0 },
    { title: "request", align: "right", from: 0 },
    { title: "reply", align: "right", from: 0 },
    { title: "packets", align: "right", from: 100 },
    { title: "resent", align: "right", from: 0, paint: (text) => text.trim() === "0" ? text : paint("bad", text) },
    { title: "lost", align: "right", from: 0, paint: (text) => text.trim() === "0" ? text : paint("bad", text) },
    { title: "rtt", align: "right", from: 90 },
    { title: "duration", align: "right", from: 110 },
    { title: "state", from: 0, paint: (text) => text === "complete" ? text : paint("bad", text) },
  ];
  return columns.filter((column) => width >= column.from);
}

const CELLS: Readonly<Record<string, (call: RxWatchedCall) => string>> = {
  call: ({ id }) => String(id),
  connection: ({ connection: { epoch, cid } }) => `${hex(epoch)}/${hex(cid)}`,
  ch: ({ channel }) => String(channel),
  number: ({ callNumber }) => String(callNumber),
  service: ({ service }) => String(service),
  security: ({ connection: { securityIndex } }) => securityName(securityIndex),
  request: ({ request }) => formatBytes(request.bytes),
  reply: ({ reply }) => formatBytes(reply.bytes),
  packets: ({ request, reply }) => formatCount(request.packets + reply.packets),
  resent: ({ request, reply }) => formatCount(request.resent + reply.resent),
  lost: ({ request, reply }) => formatCount(lostOf(request) + lostOf(reply)),
  rtt: rttText,
  duration: ({ startedAt, lastAt }) => formatDuration(lastAt - startedAt),
  state: stateText,
};

/** Cells of a call for these columns. */
export function callCells({ flow, call }: TraceCall, columns: readonly Column[]): string[] {
  return columns.map(({ title }) => title === "flow" ? String(flow.record.id) : CELLS[title]!(call));
}

/** The line of the live view when a call is over. */
export function callLine({ flow, call }: TraceCall, start: Timestamp, paint: Paint): string {
  const time = paint("dim", pad(formatOffset(start, captureTime(call.lastAt)), TIME_WIDTH, "right"));
  const { request, reply, service } = call;
  const resent = request.resent + reply.resent;
  const parts = [
    `service ${service}`,
    stateText(call),
    `${formatBytes(request.bytes)} asked, ${formatBytes(reply.bytes)} answered`,
    formatDuration(call.lastAt - call.startedAt),
    ...(resent === 0 ? [] : [`${resent} sent again, ${lostOf(request) + lostOf(reply)} lost`]),
  ];
  return `${time}  ${paint("dim", "*")} call ${call.id} of flow ${flow.record.id}  ${paint("dim", parts.join(", "))}`;
}

/** How a call stands, and why. */
function stateText({ state, abortCode, abortedBy, busy, request, reply }: RxWatchedCall): string {
  const why = abortCode === undefined ? "" : ` ${codeText(abortCode)}${abortedBy === "client" ? " by client" : ""}`;
  const missing = request.missing + reply.missing;
  return `${state}${why}${busy > 0 ? ", busy" : ""}${missing > 0 ? `, ${missing} not captured` : ""}`;
}

/** The mean over both directions. */
function rttText({ request, reply }: RxWatchedCall): string {
  const samples = request.rtt.samples + reply.rtt.samples;
  if (samples === 0) return "-";
  return formatDuration((request.rtt.sumMs + reply.rtt.sumMs) / samples);
}
