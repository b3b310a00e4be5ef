/**
 * The options of `leat trace`, and what they mean.
 *
 * @module
 */
import type { Parser } from "../strparser/mod.ts";
import { parserTable } from "../strparser/parsers/mod.ts";
import type { ColorMode } from "./format/color.ts";
import { type FlowFilter, parseFlowFilter } from "./flow_filter.ts";
import { type CliIo, UsageError } from "./io.ts";
import { numberOption, type OptionSpec, type OptionValues } from "./options.ts";
import { chooserOf, type ParserChooser, parserChooser } from "./parser_choice.ts";
import { SHOW_KINDS, type ShowKind } from "./trace_view.ts";

const MAX_PICTURES = 100;
const MAX_CHANNELS = 1024;
const DEFAULT_MAX_MESSAGE = 16 * 1024 * 1024;
/** Columns where there is no terminal. */
const DEFAULT_WIDTH = 80;
const MIN_WIDTH = 40;

/** Options of `leat trace`, as `parseOptions` and the help want them. */
export const TRACE_OPTIONS: readonly OptionSpec[] = [
  {
    name: "parser",
    short: "p",
    argument: "NAME",
    help: "How messages are told apart: auto (default: each flow by its first bytes), a parser from the list below, " +
      "or a BPF program: FILE.o[:FUNCTION]",
  },
  { name: "channels", short: "c", argument: "N", help: "Spread the messages over N channels (default 1)" },
  { name: "flow", short: "f", argument: "FILTER", help: "Only flows that the filter below fits" },
  {
    name: "show",
    short: "s",
    argument: "KINDS",
    choices: [...SHOW_KINDS],
    isList: true,
    help: `What to show, joined by commas: ${
      SHOW_KINDS.join(", ")
    } (default flows,messages,calls; calls are those of RxRPC)`,
  },
  { name: "limit", short: "n", argument: "N", help: "Stop after N of the most detailed kind that is shown" },
  { name: "hex", short: "x", help: "A dump below each message" },
  { name: "json", short: "j", help: "One JSON object per line instead of tables" },
  { name: "data", help: "With --json: the bytes of messages, as hex" },
  { name: "stats", help: "At the end, a line per layer: what went in and out, errors by reason, time" },
  {
    name: "write",
    short: "w",
    argument: "FILE",
    help: "Write the packets of these flows to a capture file; - writes to standard output and shows nothing",
  },
  {
    name: "plot",
    argument: "FILE",
    help: "Draw calls of RxRPC into an SVG file: what was sent, sent again, acknowledged, and the window, over time",
  },
  {
    name: "call",
    argument: "N,...",
    help: "With --plot: which calls, by their numbers in the table (default the one with most packets)",
  },
  {
    name: "max-message",
    argument: "BYTES",
    help: `Longest message that is believed (default ${DEFAULT_MAX_MESSAGE})`,
  },
];

/** Lines of the help below the options. */
export const TRACE_DETAILS: readonly string[] = [
  "parsers:",
  "  auto                  by the first bytes of each flow; what no parser fits is",
  "                        shown as it comes, with - as its channel",
  ...parserTable.flatMap(({ name, description }) => parserLines(name, description)),
  "  UDP: each datagram is a message, whatever the parser.",
  "",
  "filter:",
  "  tcp, udp, port N, host ADDRESS, ADDRESS:PORT, id N, joined by and, or, not and",
  "  parentheses; a test fits either end. IPv6 with a port: [2001:db8::1]:443.",
  "  id is the number in the table of flows, counted over all flows of a capture.",
  "  --write decides packet by packet: with id, by the latest flow between its",
  "  ends; fragments of IP datagrams are always written.",
  "",
  "examples:",
  "  leat trace redis.pcap",
  "  leat trace --flow 'port 6379 and not host 10.0.0.1' --show messages day.pcapng",
  "  tcpdump -i any --immediate-mode -U -w - port 5432 | leat trace -",
  "  leat trace --parser framing.o:my_parser --flow 'port 9000' day.pcap",
  "  leat trace --show calls --plot call.svg afs.pcap",
  "  leat trace --json --data big.pcap | jq 'select(.type == \"message\")'",
  "",
];

function parserLines(name: string, description: string): string[] {
  const head = `  ${name.padEnd(20)}  `;
  const isLong = name.length > 20;
  const words = description.split(" ");
  const lines: string[] = isLong ? [`  ${name}`] : [];
  let line = isLong ? " ".repeat(24) : head;
  let isFirst = true;
  for (const word of words) {
    if (!isFirst && line.length + word.length + 1 > 80) {
      lines.push(line);
      line = " ".repeat(24);
      isFirst = true;
    }
    line += isFirst ? word : ` ${word}`;
    isFirst = false;
  }
  return [...lines, line];
}

/** What the options of `leat trace` mean. */
export interface TraceSettings {
  /** What is shown. */
  readonly show: ReadonlySet<ShowKind>;
  /** Which flows; all without one. */
  readonly filter: FlowFilter | undefined;
  /** Decides on parsers. */
  readonly chooser: ParserChooser;
  /** Number of channels. */
  readonly channels: number;
  /** How many items; `Infinity` for all. */
  readonly limit: number;
  /** Longest message in bytes. */
  readonly maxMessageLength: number;
  /** File for packets. */
  readonly write: string | undefined;
  /** File for pictures of calls. */
  readonly plot: string | undefined;
  /** Numbers of the calls in it; empty for the largest. */
  readonly plotCalls: ReadonlySet<number>;
  /** JSON instead of tables. */
  readonly isJson: boolean;
  /** Bytes of messages in JSON. */
  readonly showsData: boolean;
  /** A dump below each message. */
  readonly showsDump: boolean;
  /** Totals of layers at the end. */
  readonly showsStats: boolean;
  /** Nothing on standard error but what ends the work. */
  readonly isQuiet: boolean;
  /** When to colour. */
  readonly color: ColorMode;
}

/**
 * Reads the options of `leat trace`.
 *
 * @throws {UsageError} when a value is wrong
 */
export function traceSettings(values: OptionValues, program?: Parser): TraceSettings {
  const shown = textOption(values, "show") ?? "flows,messages,calls";
  const filter = textOption(values, "flow");
  const channels = numberOption(values, "channels", 1, 1);
  if (channels > MAX_CHANNELS) throw new UsageError(`--channels must be at most ${MAX_CHANNELS}; got ${channels}`);
  if (values.data === true && values.json !== true) throw new UsageError("--data needs --json; --hex is for people");
  if (values.hex === true && values.json === true) {
    throw new UsageError("--hex is for people; with --json it is --data");
  }
  const limit = numberOption(values, "limit", 1, Infinity);
  if (limit !== Infinity && shown.split(",").every((kind) => kind === "channels")) {
    throw new UsageError("--limit counts packets, segments, messages, calls or flows, and none of them is shown");
  }
  return {
    show: new Set(shown.split(",") as ShowKind[]),
    filter: filter === undefined ? undefined : parseFlowFilter(filter),
    chooser: program === undefined ? parserChooser(textOption(values, "parser") ?? "auto") : chooserOf(program),
    channels,
    limit,
    maxMessageLength: numberOption(values, "max-message", 1, DEFAULT_MAX_MESSAGE),
    write: textOption(values, "write"),
    plot: textOption(values, "plot"),
    plotCalls: callsOption(values),
    isJson: values.json === true,
    showsData: values.data === true,
    showsDump: values.hex === true,
    showsStats: values.stats === true,
    isQuiet: values.quiet === true,
    color: (textOption(values, "color") ?? "auto") as ColorMode,
  };
}

/** Columns that a person sees. */
export function viewWidth({ stdout }: CliIo): number {
  // a terminal whose size nobody has set (docker run -t, script) says 0
  return stdout.isTerminal ? Math.max(MIN_WIDTH, stdout.columns || DEFAULT_WIDTH) : DEFAULT_WIDTH;
}

function callsOption(values: OptionValues): Set<number> {
  const text = textOption(values, "call");
  if (text === undefined) return new Set();
  if (values.plot === undefined) throw new UsageError("--call needs --plot");
  const ids = text.split(",").map((part) => /^[1-9]\d{0,8}$/.test(part) ? Number(part) : NaN);
  if (ids.length > MAX_PICTURES || ids.some((id) => Number.isNaN(id))) {
    throw new UsageError(`--call wants numbers of at most ${MAX_PICTURES} calls, as 3,7; got ${JSON.stringify(text)}`);
  }
  return new Set(ids);
}

function textOption(values: OptionValues, name: string): string | undefined {
  const value = values[name];
  return typeof value === "string" ? value : undefined;
}
