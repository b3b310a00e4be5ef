/**
 * The report for programs: one JSON object per line, with the fields that `docs/cli.md` promises.
 *
 * @module
 */
import { toHex } from "../bytes/mod.ts";
import type { FlowSideStats } from "../flow/mod.ts";
import type { Packet, Segment } from "../packet/mod.ts";
import { IpProtocol } from "../packet/mod.ts";
import { protocolName } from "./filter_subject.ts";
import { formatTimestamp } from "./format/bytes.ts";
import type { Report, ReportedFile, ReportEnd } from "./report.ts";
import { tcpFlags } from "./text_rows.ts";
import { rxCallFields } from "./rx_call_fields.ts";
import type { ShowKind, TraceCall, TraceData, TraceFlow, TraceMessage, TraceProblem } from "./trace_view.ts";

/** What the report holds. */
export interface JsonReportOptions {
  /** What is shown. */
  readonly show: ReadonlySet<ShowKind>;
  /** Whether messages come with their bytes. */
  readonly showsData: boolean;
  /** Whether each object names its file: where there are several. */
  readonly namesFile: boolean;
}

/** Writes lines of JSON. */
export class JsonReport implements Report {
  readonly #options: JsonReportOptions;
  #file: string | undefined;
  #text = "";

  /** A report without files. */
  constructor(options: JsonReportOptions) {
    this.#options = options;
  }

  begin(file: ReportedFile): void {
    this.#file = this.#options.namesFile ? file.name : undefined;
  }

  take(): string {
    const text = this.#text;
    this.#text = "";
    return text;
  }

  packet(packet: Packet): void {
    this.#object("packet", {
      number: packet.number,
      time: formatTimestamp(packet),
      length: packet.originalLength,
      captured: packet.bytes.length,
      link: packet.linkType,
      interface: packet.interfaceId,
    });
  }

  segment(segment: Segment): void {
    this.#object("segment", {
      packet: segment.packet.number,
      time: formatTimestamp(segment.packet),
      protocol: protocolName(segment.protocol),
      source: { address: segment.sourceAddress, port: segment.sourcePort },
      destination: { address: segment.destinationAddress, port: segment.destinationPort },
      length: segment.wirePayloadLength,
      captured: segment.payload.length,
      flags: segment.protocol === IpProtocol.TCP ? tcpFlags(segment.header).split(" ") : undefined,
      data: this.#data(segment.payload),
    });
  }

  flowOpened({ record }: TraceFlow): void {
    if (!this.#options.show.has("flows")) return;
    const { protocol, client, server } = record.key;
    this.#object("flow-open", { flow: record.id, time: formatTimestamp(record.startedAt), protocol, client, server });
  }

  /** Told with the flow. */
  flowDecided(_flow: TraceFlow): void {}

  flowClosed(flow: TraceFlow): void {
    if (!this.#options.show.has("flows")) return;
    const { record } = flow;
    const { protocol, client, server } = record.key;
    this.#object("flow", {
      flow: record.id,
      start: formatTimestamp(record.startedAt),
      end: formatTimestamp(record.lastAt),
      protocol,
      client: { ...client, ...sideFields(record.client), messages: flow.clientMessages },
      server: { ...server, ...sideFields(record.server), messages: flow.serverMessages },
      complete: record.complete,
      state: record.endedBy ?? "open",
      parser: flow.parser ?? null,
      why: flow.why,
      errors: flow.failures,
    });
  }

  message(message: TraceMessage): void {
    this.#object("message", {
      channel: message.channel,
      flow: message.flow.record.id,
      direction: message.direction,
      sequence: message.sequence,
      time: formatTimestamp(message.time),
      length: message.data.length,
      parser: message.flow.parser,
      data: this.#data(message.data),
      rx: message.rx,
    });
  }

  call({ flow, call }: TraceCall): void {
    if (this.#options.show.has("calls")) this.#object("rx-call", { flow: flow.record.id, ...rxCallFields(call) });
  }

  data(data: TraceData): void {
    this.#object("data", {
      flow: data.flow.record.id,
      direction: data.direction,
      offset: data.offset,
      time: formatTimestamp(data.time),
      length: data.data.length,
      data: this.#data(data.data),
    });
  }

  problem(problem: TraceProblem): void {
    const { layer, code, message, offset, flow, direction, isExpected } = problem;
    this.#object("error", { layer, code, message, offset, flow: flow?.record.id, direction, expected: isExpected });
  }

  end({ channels, stats }: ReportEnd): void {
    if (this.#options.show.has("channels")) {
      for (const totals of channels) this.#object("channel", { ...totals });
    }
    for (const { layer, taken, made, bytes, errors, timeMs } of stats ?? []) {
      const time = timeMs === undefined ? null : Number(timeMs.toFixed(3));
      this.#object("stats", { layer, in: taken[0], out: made[0], bytes, errors, timeMs: time });
    }
    this.#file = undefined;
  }

  #data(bytes: Uint8Array): string | undefined {
    return this.#options.showsData ? toHex(bytes) : undefined;
  }

  /** Fields that are `undefined` are left out by JSON. */
  #object(type: string, fields: Readonly<Record<string, unknown>>): void {
    this.#text += `${JSON.stringify({ type, file: this.#file, ...fields })}\n`;
  }
}

function sideFields(side: FlowSideStats): Record<string, number> {
  return {
    packets: side.packets,
    bytes: side.bytes,
    wireBytes: side.wireBytes,
    retransmissions: side.retransmissions,
    gapBytes: side.gapBytes,
  };
}
