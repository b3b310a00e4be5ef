/**
 * Packets, segments and messages as rows of tables for people.
 *
 * @module
 */
import { IpProtocol, type Packet, type Segment, type Timestamp } from "../packet/mod.ts";
import { formatEndpoint, protocolName } from "./filter_subject.ts";
import { formatCount, formatOffset } from "./format/bytes.ts";
import type { Paint } from "./format/color.ts";
import { dumpLines, previewLine } from "./format/preview.ts";
import { type Column, Table } from "./format/table.ts";
import { linkName } from "./link_names.ts";
import type { TraceData, TraceMessage } from "./trace_view.ts";

/** Kinds of rows. */
export type RowKind = "packet" | "segment" | "message";

/** One row before it is laid out. Its bytes are a copy of as many as can be shown. */
export interface Row {
  /** Table that it belongs to. */
  readonly kind: RowKind;
  /** All cells but the last, which is made from `text` and `bytes` when the room for it is known. */
  readonly cells: readonly string[];
  /** The last cell where there are no bytes. */
  readonly text: string;
  /** What the last cell is a preview of. */
  readonly bytes: Uint8Array | undefined;
  /** Whole lines below the row. */
  readonly below: readonly string[];
}

/** How rows are made. */
export interface RowOptions {
  /** Colours. */
  readonly paint: Paint;
  /** Columns of the terminal. */
  readonly width: number;
  /** Whether messages are followed by a dump. */
  readonly showsDump: boolean;
}

/** Longest dump of one message, in bytes. */
const MAX_DUMP = 4096;
/** A byte is a column at least, in the widest of terminals. */
const MAX_PREVIEW = 400;
const DUMP_INDENT = "            ";
const ARROWS = { client: "→", server: "←" } as const;

/** A row for a packet. */
export function packetRow(packet: Packet, start: Timestamp): Row {
  const { bytes, originalLength } = packet;
  const cut = bytes.length < originalLength ? ` (${formatCount(bytes.length)} captured)` : "";
  return {
    kind: "packet",
    cells: [formatOffset(start, packet), String(packet.number), formatCount(originalLength)],
    text: `${linkName(packet.linkType)}${cut}`,
    bytes: undefined,
    below: [],
  };
}

/** A row for a segment. */
export function segmentRow(segment: Segment, start: Timestamp): Row {
  const { packet } = segment;
  const source = formatEndpoint({ address: segment.sourceAddress, port: segment.sourcePort });
  const destination = formatEndpoint({ address: segment.destinationAddress, port: segment.destinationPort });
  const flags = segment.protocol === IpProtocol.TCP ? tcpFlags(segment.header) : "";
  return {
    kind: "segment",
    cells: [
      formatOffset(start, packet),
      String(packet.number),
      protocolName(segment.protocol),
      formatCount(segment.wirePayloadLength),
    ],
    text: [`${source} → ${destination}`, flags].filter((part) => part !== "").join("  "),
    bytes: undefined,
    below: [],
  };
}

const TCP_FLAGS = ["FIN", "SYN", "RST", "PSH", "ACK", "URG", "ECE", "CWR"];

/** The flags of a TCP header by name. */
export function tcpFlags(header: Uint8Array): string {
  const bits = header[13] ?? 0;
  return TCP_FLAGS.filter((_, i) => (bits & (1 << i)) !== 0).join(" ");
}

/** A row for a message, or for bytes of a flow that nobody can read. */
export function messageRow(message: TraceMessage | TraceData, start: Timestamp, options: RowOptions): Row {
  const isWhole = "channel" in message;
  const { data, direction } = message;
  const rx = isWhole ? message.rx : undefined;
  const below: string[] = [];
  if (options.showsDump) {
    for (const line of dumpLines(data, MAX_DUMP, options.paint)) below.push(`${DUMP_INDENT}${line}`);
  }
  return {
    kind: "message",
    cells: [
      formatOffset(start, message.time),
      isWhole ? String(message.channel) : "-",
      String(message.flow.record.id),
      ARROWS[direction],
      isWhole ? String(message.sequence) : "-",
      formatCount(data.length),
    ],
    text: rx?.text ?? "",
    bytes: rx === undefined ? data.slice(0, MAX_PREVIEW) : undefined,
    below,
  };
}

/** Lays out rows of all kinds. */
export class RowTables {
  readonly #paint: Paint;
  readonly #tables: Readonly<Record<RowKind, Table>>;
  readonly #headed: Set<RowKind> = new Set();

  /** Without rows. */
  constructor({ paint, width }: RowOptions) {
    this.#paint = paint;
    const make = (columns: readonly Column[]): Table => new Table(columns, { paint, width });
    const dim = (text: string): string => paint("dim", text);
    const arrow = (text: string): string => paint(text === ARROWS.client ? "client" : "server", text);
    const time: Column = { title: "time", align: "right", least: 10, paint: dim };
    this.#tables = {
      packet: make([time, { title: "packet", align: "right" }, { title: "bytes", align: "right" }, { title: "link" }]),
      segment: make([
        time,
        { title: "packet", align: "right" },
        { title: "proto" },
        { title: "bytes", align: "right", least: 6 },
        { title: "segment" },
      ]),
      message: make([
        time,
        { title: "chan", align: "right" },
        { title: "flow", align: "right" },
        { title: " ", paint: arrow },
        { title: "seq", align: "right" },
        { title: "bytes", align: "right" },
        { title: "message" },
      ]),
    };
  }

  /** Widens the columns for these rows. */
  fit(rows: readonly Row[]): void {
    for (const row of rows) this.#tables[row.kind].fit([[...row.cells, ""]]);
  }

  /** Lines of a row: the head of its table before the first, and whatever is below it. */
  lines(row: Row): string[] {
    const table = this.#tables[row.kind];
    this.fit([row]);
    const last = row.bytes === undefined ? row.text : previewLine(row.bytes, table.room, this.#paint);
    const line = table.row([...row.cells, last]);
    if (this.#headed.has(row.kind)) return [line, ...row.below];
    this.#headed.add(row.kind);
    return [table.head(), line, ...row.below];
  }
}
