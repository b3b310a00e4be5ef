/**
 * Totals for people: what a capture is, its channels, and what each layer did.
 *
 * @module
 */
import { elapsedMs, formatBytes, formatCount, formatDate, formatDuration, plural } from "./format/bytes.ts";
import type { Paint } from "./format/color.ts";
import { tableLines } from "./format/table.ts";
import { describeCapture } from "./link_names.ts";
import type { CaptureSummary } from "./pipeline.ts";
import type { ChannelTotals, LayerStats } from "./trace_view.ts";

/** One line with the totals of a capture. */
export function totalsLine(summary: CaptureSummary): string {
  const { packets, bytes, flows, wantedFlows, messages, first, last } = summary;
  const parts = [
    `${plural(packets, "packet")} (${formatBytes(bytes)})`,
    `${wantedFlows === undefined ? "" : `${formatCount(wantedFlows)} of `}${plural(flows, "flow")}`,
    plural(messages, "message"),
  ];
  if (first !== undefined && last !== undefined) parts.push(formatDuration(elapsedMs(first, last)));
  return parts.join(", ");
}

/** One line that says what a capture is: name, format, link types, when it began. */
export function titleLine(name: string, summary: CaptureSummary, paint: Paint): string {
  const { first } = summary;
  const title = `${paint("title", name)}  ${describeCapture(summary)}`;
  return first === undefined ? title : `${title}  ${paint("dim", formatDate(first))}`;
}

/** A table of channels. */
export function channelLines(channels: readonly ChannelTotals[], paint: Paint, width: number): string[] {
  const rows = channels.map(({ channel, messages, bytes }) => [
    String(channel),
    formatCount(messages),
    formatBytes(bytes),
  ]);
  const columns = [
    { title: "channel", align: "right" },
    { title: "messages", align: "right" },
    { title: "bytes", align: "right" },
  ] as const;
  return tableLines(columns, rows, { paint, width });
}

/** A table of layers, a line each. */
export function statsLines(layers: readonly LayerStats[], paint: Paint): string[] {
  const rows = layers.map((layer) => [
    layer.layer,
    plural(...layer.taken),
    plural(...layer.made),
    formatBytes(layer.bytes),
    layer.timeMs === undefined ? "in strparser" : formatDuration(layer.timeMs),
    formatErrors(layer.errors),
  ]);
  const columns = [
    { title: "layer", paint: (text: string) => paint("name", text) },
    { title: "in", align: "right" },
    { title: "out", align: "right" },
    { title: "bytes", align: "right" },
    { title: "time", align: "right" },
    { title: "errors", paint: (text: string) => (text === "-" ? paint("dim", text) : paint("bad", text)) },
  ] as const;
  // never cut: whoever asked for the numbers wants all of them
  return tableLines(columns, rows, { paint });
}

function formatErrors(errors: Readonly<Record<string, number>>): string {
  const parts = Object.entries(errors).map(([reason, count]) => `${reason} ${formatCount(count)}`);
  return parts.length === 0 ? "-" : parts.join(", ");
}
