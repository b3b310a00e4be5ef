/**
 * `leat demo`: what the layers make of a capture, for somebody who sees this for the first time.
 *
 * @module
 */
import { access } from "node:fs/promises";
import { basename, relative } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import type { Packet, Segment, Timestamp } from "../packet/mod.ts";
import { programOption } from "./bpf/program_parser.ts";
import { guarded } from "./bpf/program_source.ts";
import { paintFor } from "./format/color.ts";
import { plural } from "./format/bytes.ts";
import { tableLines } from "./format/table.ts";
import { UsageError } from "./io.ts";
import type { CommandSpec } from "./options.ts";
import { printable } from "./problem_log.ts";
import type { Report, ReportedFile, ReportEnd } from "./report.ts";
import { flowCells, flowColumns, flowLegend } from "./text_flows.ts";
import { messageRow, type Row, type RowOptions, RowTables } from "./text_rows.ts";
import { titleLine } from "./text_totals.ts";
import { TraceSession } from "./trace.ts";
import { TRACE_OPTIONS, traceSettings, viewWidth } from "./trace_settings.ts";
import type { LayerStats, TraceData, TraceFlow, TraceMessage, TraceProblem } from "./trace_view.ts";

/** From the folder of this module, as source and as built. */
const SAMPLES = ["../../examples/captures/redis_cli.pcap", "../../../examples/captures/redis_cli.pcap"];
const DEFAULT_CHANNELS = "3";
/** Enough to see how it goes on. */
const MAX_MESSAGES = 40;
const MAX_FLOWS = 12;

const OPTION_NAMES: readonly string[] = ["parser", "channels"];
const OWN_HELP: Readonly<Record<string, string>> = {
  parser: "How messages are told apart: auto (default), or a parser from the list of leat trace --help",
  channels: "Spread the messages over N channels (default 3)",
};

/** What to type for `leat`: in a checkout nothing is installed under that name. */
const COMMAND = import.meta.url.endsWith(".ts") ? "npx tsx src/cli/main.ts" : "leat";

/** The command. */
export const demoCommand: CommandSpec = {
  name: "demo",
  usage: "[FILE]",
  summary: "Show what the five layers make of a capture",
  details: ["Without FILE, a bundled capture: redis-cli talking to redis-server.", ""],
  options: TRACE_OPTIONS.filter(({ name }) => OPTION_NAMES.includes(name)).map((option) => ({
    ...option,
    help: OWN_HELP[option.name] ?? option.help,
  })),
  run: async (operands, values, io) => {
    if (operands.length > 1) throw new UsageError(`one capture at a time, got ${operands.length}`);
    const file = operands[0] ?? await findSample();
    return await guarded(io, values, async () => {
      const shown = { channels: DEFAULT_CHANNELS, ...values, show: "flows,messages", stats: true } as const;
      const program = programOption(values, io);
      const settings = traceSettings(shown, program && await program);
      const paint = paintFor(settings.color, io.stdout.isTerminal, io.environment);
      const report = new DemoReport(file, { paint, width: viewWidth(io), showsDump: false });
      return await new TraceSession(settings, [file], io, report).run();
    });
  },
};

async function findSample(): Promise<string> {
  for (const sample of SAMPLES) {
    const path = fileURLToPath(new URL(sample, import.meta.url));
    try {
      await access(path);
      return path;
    } catch {
      // not installed there
    }
  }
  throw new UsageError("no sample capture comes with this installation; give one: leat demo FILE");
}

/** The path from here where that is shorter. */
function shortPath(path: string): string {
  const short = relative(process.cwd(), path);
  return short.length < path.length ? short : path;
}

/** The layers with their counts, the flows, and the first messages. */
class DemoReport implements Report {
  readonly #name: string;
  readonly #options: RowOptions;
  readonly #rows: Row[] = [];
  readonly #flows: TraceFlow[] = [];
  #file: ReportedFile | undefined;
  #text = "";
  #hidden = 0;

  constructor(path: string, options: RowOptions) {
    this.#name = path === "-" ? "standard input" : printable(basename(path));
    this.#options = options;
  }

  begin(file: ReportedFile): void {
    this.#file = file;
  }

  take(): string {
    const text = this.#text;
    this.#text = "";
    return text;
  }

  packet(_packet: Packet): void {}

  segment(_segment: Segment): void {}

  flowOpened(flow: TraceFlow): void {
    if (this.#flows.length < MAX_FLOWS) this.#flows.push(flow);
  }

  flowDecided(_flow: TraceFlow): void {}

  call(): void {}

  flowClosed(_flow: TraceFlow): void {}

  message(message: TraceMessage): void {
    this.#add(message);
  }

  data(data: TraceData): void {
    this.#add(data);
  }

  problem(_problem: TraceProblem): void {}

  end({ stats }: ReportEnd): void {
    const { paint, width } = this.#options;
    const summary = this.#file!.summary();
    this.#section([titleLine(this.#name, summary, paint)]);
    this.#section(this.#layerLines(stats ?? []));
    const columns = flowColumns(paint, width);
    if (this.#flows.length > 0) {
      this.#section(tableLines(columns, this.#flows.map((flow) => flowCells(flow, columns)), this.#options));
      this.#countMore("flow", summary.flows - this.#flows.length);
      this.#section(flowLegend(this.#flows, paint, width));
    }
    const tables = new RowTables(this.#options);
    tables.fit(this.#rows);
    this.#section(this.#rows.flatMap((row) => tables.lines(row)));
    this.#countMore("message", this.#hidden);
    this.#section([`${paint("dim", "all of it:")} ${COMMAND} trace ${printable(shortPath(this.#file!.name))}`]);
  }

  #add(message: TraceMessage | TraceData): void {
    const start: Timestamp = this.#file?.summary().first ?? message.time;
    if (this.#rows.length < MAX_MESSAGES) this.#rows.push(messageRow(message, start, this.#options));
    else this.#hidden++;
  }

  #layerLines(stats: readonly LayerStats[]): string[] {
    const { paint } = this.#options;
    const rows = stats.map(({ layer, taken, made }) => [layer, plural(...taken), "→", plural(...made)]);
    return tableLines(
      [
        { title: "layer", paint: (text) => paint("name", text) },
        { title: "takes", align: "right" },
        { title: "" },
        { title: "makes" },
      ],
      rows,
      { paint },
    );
  }

  #countMore(noun: string, count: number): void {
    if (count > 0) this.#text += `${this.#options.paint("dim", `and ${plural(count, `more ${noun}`)}`)}\n`;
  }

  #section(lines: readonly string[]): void {
    if (lines.length > 0) this.#text += `${this.#text === "" ? "" : "\n"}${lines.join("\n")}\n`;
  }
}
