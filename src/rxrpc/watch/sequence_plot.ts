/**
 * Time-sequence pictures of calls as SVG: when which packet was sent, sent again, acknowledged, and how far the window
 * went.
 *
 * @module
 */
import type { RxRecordedAck, RxRecordedCall, RxRecordedTrack } from "./call_recorder.ts";
import { codeText } from "./packet_text.ts";

const WIDTH = 1000;
const LEFT = 70;
const RIGHT = 20;
const HEAD = 34;
const PANEL_GAP = 46;
const PANEL_TALL = 320;
const PANEL_LOW = 90;
/** A direction with fewer packets gets a low panel. */
const FEW_PACKETS = 8;
const LEGEND_HEIGHT = 34;
/** Rooms in the legend: around a mark, and for a letter at most. */
const LEGEND_GAP = 30;
const LEGEND_LETTER = 6.2;
const TICKS_X = 8;
const TICKS_Y = 6;
/** Of the window's edge, so much above the highest packet is shown. */
const ROOM_ABOVE = 1.08;

const STYLE = "text{font:12px system-ui,sans-serif;fill:#333}.t{font-size:15px;font-weight:600}.g{stroke:#e4e4e4}" +
  ".a{stroke:#777}.d{stroke:#1f5fbf;stroke-width:2}.r{stroke:#d11a1a;stroke-width:2.5}.v{stroke:#e08b00;stroke-width:2.5}" +
  ".h{stroke:#16803a;stroke-width:1.5;fill:none}.s{stroke:#7ccf95;stroke-width:2}.n{stroke:#d948c8;stroke-width:2}" +
  ".w{stroke:#999;stroke-dasharray:4 3;fill:none}";

/** What is in the pictures: class, and what it means. */
const LEGEND: readonly (readonly [string, string])[] = [
  ["d", "sent"],
  ["r", "sent again"],
  ["v", "sent again in vain"],
  ["h", "acknowledged for good"],
  ["s", "acknowledged softly"],
  ["n", "reported missing"],
  ["w", "edge of the window"],
];

interface Scale {
  /** Place of a time. */
  x(at: number): number;
  /** Place of a sequence number. */
  y(seq: number): number;
}

/**
 * Pictures of calls, one below the other, as one SVG that needs nothing else. Of each call a panel for the request and
 * one for the reply, with the same time axis.
 *
 * @example
 * ```ts
 * import { assertStringIncludes } from "@std/assert";
 * import { RxCallRecorder, rxSequencePlot, RxWatcher } from "@leat/streams/rxrpc";
 *
 * const recorder = new RxCallRecorder();
 * const watcher = new RxWatcher({}, { packet: (packet) => recorder.add(packet) });
 * const head = [0x9a, 0xbc, 0x12, 0x34, 0, 0, 1, 4, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 1];
 * const data = Uint8Array.from([...head, 5, 0, 0, 0, 0, 0, 52, 1, 2, 3, 4]);
 * const to = { address: "192.0.2.2", port: 7003 };
 * watcher.push({ data, from: { address: "192.0.2.1", port: 7001 }, to }, 12);
 * assertStringIncludes(rxSequencePlot([recorder.largest!]), "service 52");
 * ```
 */
export function rxSequencePlot(calls: readonly RxRecordedCall[]): string {
  const parts: string[] = [];
  let top = 0;
  for (const call of calls) top = callPicture(call, top, parts);
  parts.push(legend(top));
  const height = top + LEGEND_HEIGHT;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}">` +
    `<style>${STYLE}</style><rect width="${WIDTH}" height="${height}" fill="#fff"/>\n${parts.join("\n")}\n</svg>\n`;
}

/** Draws a call at `top`; returns where the next one begins. */
function callPicture(recorded: RxRecordedCall, top: number, parts: string[]): number {
  const { call, request, reply, isCut } = recorded;
  const { connection, service, channel, state, abortCode } = call;
  const ends =
    `${connection.client.address}:${connection.client.port} → ${connection.server.address}:${connection.server.port}`;
  const outcome = abortCode === undefined ? state : `${state} ${codeText(abortCode)} by the ${call.abortedBy}`;
  const cut = isCut ? ", cut" : "";
  const title = `call ${call.id}: ${ends}, service ${service}, channel ${channel}, ${outcome}${cut}`;
  parts.push(`<text class="t" x="${LEFT}" y="${top + 22}">${escaped(title)}</text>`);
  const all = [request, reply].flatMap(({ data, acks }) => [...data, ...acks]);
  const [from, to] = timeRange(all.map(({ at }) => at));
  let at = top + HEAD;
  for (const [name, track] of [["request", request], ["reply", reply]] as const) {
    if (track.data.length === 0) continue;
    const height = track.data.length < FEW_PACKETS ? PANEL_LOW : PANEL_TALL;
    parts.push(panel(name, track, at, height, from, to));
    at += height + PANEL_GAP;
  }
  return at;
}

function timeRange(times: readonly number[]): [number, number] {
  let [from, to] = [Infinity, -Infinity];
  for (const at of times) {
    from = Math.min(from, at);
    to = Math.max(to, at);
  }
  return to > from ? [from, to] : [from, from + 1];
}

function panel(name: string, track: RxRecordedTrack, top: number, height: number, from: number, to: number): string {
  const highest = track.data.reduce((most, { seq }) => Math.max(most, seq), 1);
  const span = to - from;
  const most = Math.max(2, highest * ROOM_ABOVE);
  const scale: Scale = {
    x: (at) => LEFT + (at - from) / span * (WIDTH - LEFT - RIGHT),
    y: (seq) => top + height - Math.min(seq, most) / most * height,
  };
  return [
    axes(name, scale, { top, height, from, span, most }),
    windowEdge(track.acks, scale, to),
    softMarks(track.acks, scale),
    hardLine(track.acks, scale, from, to),
    dataMarks(track, scale),
  ].filter((part) => part !== "").join("\n");
}

/** Marks for what was sent: a bar as tall as a packet, at least as tall as can be seen. */
function dataMarks({ data }: RxRecordedTrack, { x, y }: Scale): string {
  const paths: Record<string, string> = { d: "", r: "", v: "" };
  for (const { at, seq, remark } of data) {
    const kind = remark === "resent" ? "r" : remark === "resent in vain" ? "v" : "d";
    const least = kind === "d" ? 2.5 : 7;
    const half = Math.max(least, (y(seq) - y(seq + 1)) * 0.45) / 2;
    paths[kind] += `M${round(x(at))} ${round(y(seq) - half)}v${round(2 * half)}`;
  }
  return Object.entries(paths)
    .filter(([, path]) => path !== "")
    .map(([kind, path]) => `<path class="${kind}" d="${path}"/>`)
    .join("\n");
}

/** A line that rises with what is acknowledged for good: the highest packet of it. */
function hardLine(acks: readonly RxRecordedAck[], { x, y }: Scale, from: number, to: number): string {
  if (acks.length === 0) return "";
  let path = `M${round(x(from))} ${round(y(0))}`;
  let highest = 0;
  for (const { at, hardAck } of acks) {
    if (hardAck - 1 <= highest) continue;
    highest = hardAck - 1;
    path += `H${round(x(at))}V${round(y(highest))}`;
  }
  return `<path class="h" d="${path}H${round(x(to))}"/>`;
}

function windowEdge(acks: readonly RxRecordedAck[], { x, y }: Scale, to: number): string {
  let path = "";
  for (const { at, edge } of acks) {
    if (edge === undefined) continue;
    // the first packet that is taken no more is above the edge
    const place = round(y(edge - 0.5));
    path += path === "" ? `M${round(x(at))} ${place}` : `H${round(x(at))}V${place}`;
  }
  return path === "" ? "" : `<path class="w" d="${path}H${round(x(to))}"/>`;
}

function softMarks(acks: readonly RxRecordedAck[], { x, y }: Scale): string {
  const paths = { s: "", n: "" };
  for (const { at, soft, missing } of acks) {
    for (const [kind, seqs] of [["s", soft], ["n", missing]] as const) {
      for (const [first, last] of runsOf(seqs)) {
        paths[kind] += `M${round(x(at))} ${round(y(first - 0.4))}V${round(y(last + 0.4))}`;
      }
    }
  }
  return (["s", "n"] as const)
    .filter((kind) => paths[kind] !== "")
    .map((kind) => `<path class="${kind}" d="${paths[kind]}"/>`)
    .join("\n");
}

function* runsOf(seqs: readonly number[]): Generator<[number, number]> {
  for (let at = 0; at < seqs.length;) {
    let end = at;
    while (seqs[end + 1] === seqs[end]! + 1) end++;
    yield [seqs[at]!, seqs[end]!];
    at = end + 1;
  }
}

interface PanelPlace {
  readonly top: number;
  readonly height: number;
  readonly from: number;
  readonly span: number;
  readonly most: number;
}

function axes(name: string, { x, y }: Scale, { top, height, from, span, most }: PanelPlace): string {
  const bottom = top + height;
  const lines: string[] = [];
  for (const at of ticks(span, TICKS_X)) {
    const place = round(x(from + at));
    lines.push(`<path class="g" d="M${place} ${top}V${bottom}"/>`);
    lines.push(`<text x="${place}" y="${bottom + 16}" text-anchor="middle">${timeText(at, span)}</text>`);
  }
  const wanted = height < PANEL_TALL ? 2 : TICKS_Y;
  for (const seq of ticks(most, wanted).filter((one) => Number.isInteger(one))) {
    const place = round(y(seq));
    lines.push(`<path class="g" d="M${LEFT} ${place}H${WIDTH - RIGHT}"/>`);
    lines.push(`<text x="${LEFT - 8}" y="${place + 4}" text-anchor="end">${seq}</text>`);
  }
  lines.push(`<path class="a" fill="none" d="M${LEFT} ${top}V${bottom}H${WIDTH - RIGHT}"/>`);
  const middle = top + height / 2;
  lines.push(`<text transform="translate(16 ${middle}) rotate(-90)" text-anchor="middle">${name}: packet</text>`);
  return lines.join("\n");
}

/** Round numbers from 0 to `most`, about `wanted` of them. */
function ticks(most: number, wanted: number): number[] {
  const rough = most / wanted;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((size) => size >= rough)!;
  return Array.from({ length: Math.floor(most / step) + 1 }, (_, index) => Number((index * step).toPrecision(12)));
}

function timeText(ms: number, span: number): string {
  if (span >= 10_000) return `${Number((ms / 1000).toFixed(3))} s`;
  return span < 1 ? `${Math.round(ms * 1000)} µs` : `${Number(ms.toFixed(3))} ms`;
}

function legend(top: number): string {
  const items: string[] = [];
  let x = LEFT;
  for (const [kind, meaning] of LEGEND) {
    const mark = kind === "h" || kind === "w" ? `M${x} ${top + 10}h14` : `M${x + 7} ${top + 5}v10`;
    items.push(`<path class="${kind}" d="${mark}"/><text x="${x + 20}" y="${top + 14}">${meaning}</text>`);
    x += LEGEND_GAP + LEGEND_LETTER * meaning.length;
  }
  return items.join("");
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}

function escaped(text: string): string {
  return text.replace(/&/g, "&amp;").replace(/</g, "&lt;");
}
