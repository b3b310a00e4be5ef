/**
 * The report for people.
 *
 * A file that is small enough is shown as a whole: what it is, its flows, then its messages, all tables lined up. What
 * is live, or longer than a person reads through, is shown as it comes: flows announced when they open and close,
 * messages in between. So memory stays flat, and the first lines of a long capture are there at once.
 *
 * @module
 */
import type { Packet, Segment, Timestamp } from "../packet/mod.ts";
import type { Paint } from "./format/color.ts";
import { formatOffset } from "./format/bytes.ts";
import { type Column, Table, tableLines } from "./format/table.ts";
import { pad } from "./format/width.ts";
import { printable } from "./problem_log.ts";
import type { Report, ReportedFile, ReportEnd } from "./report.ts";
import { closedLine, decidedLine, flowCells, flowColumns, flowLegend, openedLine } from "./text_flows.ts";
import { messageRow, packetRow, type Row, type RowOptions, RowTables, segmentRow } from "./text_rows.ts";
import { callCells, callColumns, callLine } from "./text_calls.ts";
import { channelLines, statsLines, titleLine, totalsLine } from "./text_totals.ts";
import {
  SHOW_KINDS,
  type ShowKind,
  type TraceCall,
  type TraceData,
  type TraceFlow,
  type TraceMessage,
  type TraceProblem,
} from "./trace_view.ts";

/** How the report looks. */
export interface TextReportOptions extends RowOptions {
  /** What is shown. */
  readonly show: ReadonlySet<ShowKind>;
}

/** Lines that are held back for the view as a whole; a longer capture is shown as it comes. */
const MAX_HELD_LINES = 4000;
const NO_TIME: Timestamp = { seconds: 0, nanoseconds: 0 };
const TIME_WIDTH = 10;

/** Something that was held: a row, or what happened to a flow. */
type Held =
  | { readonly kind: "row"; readonly row: Row }
  | { readonly kind: "opened" | "closed"; readonly flow: TraceFlow; readonly at: Timestamp }
  | { readonly kind: "decided"; readonly flow: TraceFlow; readonly at: Timestamp };

/** Shows captures to a person. */
export class TextReport implements Report {
  readonly #options: TextReportOptions;
  readonly #paint: Paint;
  readonly #flowColumns: readonly Column[];
  #file: ReportedFile | undefined;
  #isFirstFile = true;
  #startTime: Timestamp | undefined;
  #text = "";
  #tables: RowTables;
  /** Rows of flows where nothing else is shown and they are shown as they come. */
  #flowTable: Table | undefined;
  /** What is held back; `undefined` once things are shown as they come. */
  #held: Held[] | undefined;
  #heldLines = 0;
  /** Flows that are held, in order. */
  #flows: TraceFlow[] = [];
  /** Calls that are held. */
  #calls: TraceCall[] = [];
  /** Whether there was anything of what is shown. */
  #hasShown = false;

  /** A report without files. */
  constructor(options: TextReportOptions) {
    this.#options = options;
    this.#paint = options.paint;
    this.#flowColumns = flowColumns(options.paint, options.width);
    this.#tables = new RowTables(options);
  }

  begin(file: ReportedFile): void {
    if (!this.#isFirstFile) this.#line("");
    this.#isFirstFile = false;
    this.#file = file;
    this.#startTime = undefined;
    this.#tables = new RowTables(this.#options);
    this.#flowTable = undefined;
    this.#held = [];
    this.#heldLines = 0;
    this.#flows = [];
    this.#calls = [];
    this.#hasShown = false;
  }

  take(): string {
    // of a live capture nothing is kept for later, once there is something
    if (this.#file?.isLive === true && this.#held !== undefined && this.#file.summary().packets > 0) this.#goLive();
    const text = this.#text;
    this.#text = "";
    return text;
  }

  packet(packet: Packet): void {
    this.#row(packetRow(packet, this.#start));
  }

  segment(segment: Segment): void {
    this.#row(segmentRow(segment, this.#start));
  }

  message(message: TraceMessage): void {
    this.#row(messageRow(message, this.#start, this.#options));
  }

  data(data: TraceData): void {
    this.#row(messageRow(data, this.#start, this.#options));
  }

  call(call: TraceCall): void {
    if (!this.#options.show.has("calls")) return;
    this.#hasShown = true;
    if (this.#held !== undefined) {
      this.#calls.push(call);
      if (++this.#heldLines > MAX_HELD_LINES) this.#goLive();
    } else this.#line(callLine(call, this.#start, this.#paint));
  }

  flowOpened(flow: TraceFlow): void {
    if (!this.#options.show.has("flows")) return;
    this.#event({ kind: "opened", flow, at: flow.record.startedAt });
    if (this.#held !== undefined) this.#flows.push(flow);
  }

  flowDecided(flow: TraceFlow): void {
    if (this.#options.show.has("flows")) this.#event({ kind: "decided", flow, at: flow.decidedAt! });
  }

  flowClosed(flow: TraceFlow): void {
    if (this.#options.show.has("flows")) this.#event({ kind: "closed", flow, at: flow.record.lastAt });
  }

  /** Problems go to standard error, and are nobody's row. */
  problem(_problem: TraceProblem): void {}

  end(end: ReportEnd): void {
    const paint = this.#paint;
    const held = this.#held;
    if (held !== undefined) this.#showWhole(held);
    else this.#section([totalsLine(this.#file!.summary())]);
    if (!this.#hasShown && this.#file!.summary().packets > 0) this.#section(nothingLines(this.#options.show, paint));
    if (end.isCut) this.#line(paint("dim", "stopped here; there may be more"));
    if (this.#options.show.has("channels")) {
      this.#section(channelLines(end.channels, paint, this.#options.width));
    }
    if (end.stats !== undefined) this.#section(statsLines(end.stats, paint));
    this.#held = undefined;
    this.#flows = [];
    this.#calls = [];
  }

  get #start(): Timestamp {
    // asked for with every row, and the same for all of them
    return this.#startTime ??= this.#file?.summary().first ?? NO_TIME;
  }

  get #showsOnlyFlows(): boolean {
    const { show } = this.#options;
    return !show.has("messages") && !show.has("packets") && !show.has("segments");
  }

  #row(row: Row): void {
    this.#hasShown = true;
    if (this.#held === undefined) return this.#rowLines(row);
    this.#hold({ kind: "row", row }, 1 + row.below.length);
  }

  #event(event: Held): void {
    this.#hasShown = true;
    if (this.#held === undefined) this.#eventLine(event);
    else this.#hold(event, 1);
  }

  #hold(held: Held, lines: number): void {
    this.#held!.push(held);
    this.#heldLines += lines;
    if (this.#heldLines > MAX_HELD_LINES) this.#goLive();
  }

  /** Shows what was held as if it had never been, and from now on everything as it comes. */
  #goLive(): void {
    const held = this.#held!;
    this.#held = undefined;
    this.#flows = [];
    const { name, summary } = this.#file!;
    this.#line(titleLine(displayName(name), summary(), this.#paint));
    this.#line("");
    for (const one of held) {
      if (one.kind === "row") this.#rowLines(one.row);
      else this.#eventLine(one);
    }
    for (const call of this.#calls) this.#line(callLine(call, this.#start, this.#paint));
    this.#calls = [];
  }

  #rowLines(row: Row): void {
    for (const line of this.#tables.lines(row)) this.#line(line);
  }

  #eventLine(event: Held): void {
    if (event.kind === "row") return;
    const { kind, flow, at } = event;
    const paint = this.#paint;
    if (this.#showsOnlyFlows) {
      if (kind === "closed") this.#flowRow(flow);
      return;
    }
    const time = paint("dim", pad(formatOffset(this.#start, at), TIME_WIDTH, "right"));
    const line = kind === "opened" ? openedLine : kind === "decided" ? decidedLine : closedLine;
    this.#line(`${time}  ${line(flow, paint)}`);
  }

  #flowRow(flow: TraceFlow): void {
    if (this.#flowTable === undefined) {
      this.#flowTable = new Table(this.#flowColumns, this.#options);
      this.#flowTable.fit([flowCells(flow, this.#flowColumns)]);
      this.#line(this.#flowTable.head());
    }
    this.#line(this.#flowTable.row(flowCells(flow, this.#flowColumns)));
  }

  /** The whole capture at once. */
  #showWhole(held: readonly Held[]): void {
    const paint = this.#paint;
    const { name, summary } = this.#file!;
    this.#line(titleLine(displayName(name), summary(), paint));
    this.#line(totalsLine(summary()));
    if (this.#flows.length > 0) {
      const rows = this.#flows.map((flow) => flowCells(flow, this.#flowColumns));
      this.#section(tableLines(this.#flowColumns, rows, this.#options));
      this.#section(flowLegend(this.#flows, paint, this.#options.width));
    }
    if (this.#calls.length > 0) {
      const columns = callColumns(paint, this.#options.width);
      const byId = this.#calls.sort((a, b) => a.call.id - b.call.id);
      this.#section(tableLines(columns, byId.map((call) => callCells(call, columns)), this.#options));
    }
    const rows = held.flatMap((one) => (one.kind === "row" ? [one.row] : []));
    if (rows.length === 0) return;
    this.#tables.fit(rows);
    this.#line("");
    for (const row of rows) this.#rowLines(row);
  }

  #section(lines: readonly string[]): void {
    if (lines.length > 0) this.#text += `\n${lines.join("\n")}\n`;
  }

  #line(line: string): void {
    this.#text += `${line}\n`;
  }
}

/** Says what there is none of, so that nothing is told from a view that failed. */
function nothingLines(show: ReadonlySet<ShowKind>, paint: Paint): string[] {
  const kinds = SHOW_KINDS.filter((kind) => kind !== "channels" && show.has(kind));
  const names = kinds.map((kind) => kind === "calls" ? "calls of RxRPC" : kind);
  return names.length === 0 ? [] : [paint("dim", `no ${names.join(", no ")}`)];
}

function displayName(name: string): string {
  return name === "-" ? "standard input" : printable(name);
}
