/**
 * Flows as lines for people: a table, its legend, and the announcements of the live view.
 *
 * @module
 */
import { elapsedMs, formatBytes, formatCount, formatDuration, plural } from "./format/bytes.ts";
import type { Paint } from "./format/color.ts";
import type { Column } from "./format/table.ts";
import { formatEndpoint } from "./filter_subject.ts";
import { wrap } from "./format/width.ts";
import type { TraceFlow } from "./trace_view.ts";

/** Columns of the table of flows; where the terminal is narrow, some are left out. */
export function flowColumns(paint: Paint, width: number): Column[] {
  const columns: (Column & { readonly from: number })[] = [
    { title: "flow", align: "right", from: 0 },
    { title: "proto", from: 110, paint: (text) => paint("dim", text) },
    { title: "client", from: 0, paint: (text) => paint("client", text) },
    { title: "server", from: 0, paint: (text) => paint("server", text) },
    { title: "packets", align: "right", from: 90 },
    { title: "sent", align: "right", from: 0 },
    { title: "received", align: "right", from: 0 },
    { title: "duration", align: "right", from: 100 },
    { title: "state", from: 0, paint: (text) => (/[A-Z]|reset/.test(text) ? paint("bad", text) : text) },
    { title: "parser", from: 0, paint: (text) => paint("name", text) },
  ];
  return columns.filter((column) => width >= column.from);
}

const TITLES: Readonly<Record<string, (flow: TraceFlow) => string>> = {
  flow: ({ record }) => String(record.id),
  proto: ({ record }) => record.key.protocol,
  client: ({ record }) => formatEndpoint(record.key.client),
  server: ({ record }) => formatEndpoint(record.key.server),
  packets: ({ record }) => formatCount(record.client.packets + record.server.packets),
  sent: ({ record }) => formatBytes(record.client.bytes),
  received: ({ record }) => formatBytes(record.server.bytes),
  duration: ({ record }) => formatDuration(elapsedMs(record.startedAt, record.lastAt)),
  state: flowState,
  parser: (flow) => flow.parser ?? "-",
};

/** Cells of a flow for these columns. */
export function flowCells(flow: TraceFlow, columns: readonly Column[]): string[] {
  return columns.map(({ title }) => TITLES[title]!(flow));
}

/** How a flow stands or ended, and what went wrong on it. */
export function flowState({ record, failures }: TraceFlow): string {
  const { endedBy } = record;
  const state = endedBy === undefined || endedBy === "capture-end" ? "open" : endedBy;
  return [state, ...new Set(failures)].join(" ");
}

/** Lines that say why flows are read as they are, flows with the same reason together. */
export function flowLegend(flows: readonly TraceFlow[], paint: Paint, width: number): string[] {
  const groups = new Map<string, { flow: TraceFlow; ids: number[] }>();
  for (const flow of flows) {
    if (flow.parser === undefined) continue;
    const key = `${flow.parser} ${flow.why}`;
    const group = groups.get(key) ?? { flow, ids: [] };
    group.ids.push(flow.record.id);
    groups.set(key, group);
  }
  return [...groups.values()].flatMap(({ flow, ids }) => {
    const which = `flow${ids.length === 1 ? "" : "s"} ${formatRanges(ids)}`;
    const [first, ...rest] = wrap(`${flow.parser}: ${flow.why} (${which})`, width - 2);
    const name = flow.parser!.length;
    const head = paint("name", first!.slice(0, name)) + paint("dim", first!.slice(name));
    return [head, ...rest.map((line) => `  ${paint("dim", line)}`)];
  });
}

/** Numbers in rising order, runs shortened: `1-4, 7`. */
export function formatRanges(numbers: readonly number[]): string {
  const sorted = [...numbers].sort((a, b) => a - b);
  const parts: string[] = [];
  for (let i = 0; i < sorted.length;) {
    let j = i;
    while (sorted[j + 1] === sorted[j]! + 1) j++;
    parts.push(i === j ? `${sorted[i]}` : `${sorted[i]}-${sorted[j]}`);
    i = j + 1;
  }
  return parts.join(", ");
}

/** The line of the live view when a flow begins. */
export function openedLine({ record }: TraceFlow, paint: Paint): string {
  const { protocol, client, server } = record.key;
  const ends = `${paint("client", formatEndpoint(client))} → ${paint("server", formatEndpoint(server))}`;
  return `${paint("good", "+")} flow ${record.id}  ${protocol}  ${ends}`;
}

/** The line of the live view when it is decided how to read a flow. */
export function decidedLine({ record, parser, why }: TraceFlow, paint: Paint): string {
  return `${paint("name", "=")} flow ${record.id}  ${paint("name", parser!)}${paint("dim", `: ${why}`)}`;
}

/** The line of the live view when a flow is over. */
export function closedLine(flow: TraceFlow, paint: Paint): string {
  const { record } = flow;
  const packets = plural(record.client.packets + record.server.packets, "packet");
  const bytes = `${formatBytes(record.client.bytes)} sent, ${formatBytes(record.server.bytes)} received`;
  const duration = formatDuration(elapsedMs(record.startedAt, record.lastAt));
  const what = `${flowState(flow)}, ${packets}, ${bytes}, ${duration}`;
  return `${paint("dim", "-")} flow ${record.id}  ${paint("dim", what)}`;
}
