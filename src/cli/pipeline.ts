/**
 * The pipeline of `leat trace`: all layers of engines, one behind the other, without streams between them.
 *
 * A chunk of the file goes through one layer as a whole before the next begins, so that the time in each can be told
 * from six looks at the clock per chunk. Where packets or segments are shown, or only a number of things, it goes packet
 * by packet instead, so that all come in one order.
 *
 * @module
 */
import { type LeatError, randomSeed } from "../core/mod.ts";
import { type FlowRecord, type FlowSide, type FlowSink, FlowTracker } from "../flow/mod.ts";
import { type Packet, type Segment, SegmentDecoder, type Timestamp } from "../packet/mod.ts";
import { type CaptureInterface, CaptureReader } from "../pcap/mod.ts";
import type { RxCallRecorder } from "../rxrpc/mod.ts";
import { flowSubject } from "./filter_subject.ts";
import type { FlowFilter } from "./flow_filter.ts";
import { layerStats } from "./layer_stats.ts";
import { MessageLayer } from "./message_layer.ts";
import { PacketChoice } from "./packet_choice.ts";
import type { ParserChooser } from "./parser_choice.ts";
import type { RecordedCalls } from "./rx_layer.ts";
import type { ChannelTotals, LayerStats, ShowKind, TraceView } from "./trace_view.ts";

/** What a pipeline is asked for. */
export interface PipelineOptions {
  /** What is shown; the view is told of nothing else in large numbers. */
  readonly show: ReadonlySet<ShowKind>;
  /** Which flows are wanted; all without one. */
  readonly filter: FlowFilter | undefined;
  /** Decides on the parser of each flow. */
  readonly chooser: ParserChooser;
  /** Number of channels. */
  readonly channels: number;
  /** Longest message in bytes. */
  readonly maxMessageLength: number;
  /** Whether `stop` may be called, and then counts from the very packet. */
  readonly isLimited: boolean;
  /** Gets the packets of wanted flows. */
  readonly writePacket: ((packet: Packet) => void) | undefined;
  /** Which calls of RxRPC are recorded packet by packet; none without it. */
  readonly recordedCalls?: RecordedCalls | undefined;
  /** The clock, for times in layers. */
  readonly now: () => number;
}

/** What is known of the capture so far. */
export interface CaptureSummary {
  /** `pcap` or `pcapng`; `undefined` before its first bytes. */
  readonly format: string | undefined;
  /** Interfaces so far. */
  readonly interfaces: readonly CaptureInterface[];
  /** Packets so far, without those that were read but not wanted any more. */
  readonly packets: number;
  /** Captured bytes of these packets. */
  readonly bytes: number;
  /** Time of the first packet. */
  readonly first: Timestamp | undefined;
  /** Time of the latest packet. */
  readonly last: Timestamp | undefined;
  /** Flows so far, unwanted ones included. */
  readonly flows: number;
  /** Those of them that the filter fits; `undefined` without a filter. */
  readonly wantedFlows: number | undefined;
  /** Messages so far. */
  readonly messages: number;
}

/** One event of the flow layer, kept until the layer is done with its chunk. */
interface FlowEvent {
  readonly kind: "open" | "data" | "end" | "close";
  readonly record: FlowRecord;
  readonly side: FlowSide;
  readonly bytes: Uint8Array | undefined;
  readonly error: LeatError | undefined;
  readonly time: Timestamp;
}

/** Marks the records of wanted flows until the message layer puts its own there. */
const WANTED = {};
const NO_TIME: Timestamp = { seconds: 0, nanoseconds: 0 };

/** From the bytes of a capture file to messages on channels, for one capture. */
export class Pipeline {
  readonly #options: PipelineOptions;
  readonly #view: TraceView;
  readonly #reader: CaptureReader;
  readonly #decoder: SegmentDecoder;
  readonly #tracker: FlowTracker;
  readonly #messages: MessageLayer;
  readonly #choice: PacketChoice | undefined;
  readonly #isInterleaved: boolean;
  #packets: Packet[] = [];
  #segments: Segment[] = [];
  #events: FlowEvent[] = [];
  /** Calls of the view, kept until the layers are done, so that showing is in nobody's time. */
  #shown: (() => void)[] = [];
  #isStopped = false;
  #bytes = 0;
  #wantedFlows = 0;
  #first: Timestamp | undefined;
  #last: Timestamp | undefined;
  /** Latest capture time so far, as the packet layer has seen it. */
  #latestMs = 0;
  /** The same for the flow layer, which comes behind. */
  #trackedMs = 0;
  #time: Timestamp = NO_TIME;
  #captureError: LeatError | undefined;
  readonly #times = { pcap: 0, packet: 0, flow: 0, strparser: 0 };

  /** Tells `view` what happens. */
  constructor(options: PipelineOptions, view: TraceView) {
    this.#options = options;
    this.#view = view;
    const { show, filter, writePacket } = options;
    this.#choice = writePacket === undefined ? undefined : new PacketChoice(filter, writePacket);
    const isShownByPacket = show.has("packets") || show.has("segments");
    this.#isInterleaved = isShownByPacket || options.isLimited || this.#choice?.needsFlows === true;
    this.#reader = new CaptureReader({}, {
      item: (packet) => this.#packets.push(packet),
      error: (error) => this.#captureError = error,
      end: () => {},
    });
    this.#decoder = new SegmentDecoder({ onSkip: () => this.#choice?.skipped() }, {
      item: (segment) => this.#segments.push(segment),
      error: () => {},
      end: () => {},
    });
    this.#tracker = new FlowTracker({ hashSeed: randomSeed() }, this.#flowSink());
    const showsMessages = show.has("messages");
    const { chooser, channels, maxMessageLength, recordedCalls } = options;
    this.#messages = new MessageLayer({ chooser, channels, maxMessageLength, showsMessages, recordedCalls }, {
      packet: () => {},
      segment: () => {},
      flowOpened: (flow) => this.#shown.push(() => view.flowOpened(flow)),
      flowDecided: (flow) => this.#shown.push(() => view.flowDecided(flow)),
      message: (message) => this.#shown.push(() => view.message(message)),
      data: (data) => this.#shown.push(() => view.data(data)),
      call: (call) => this.#shown.push(() => view.call(call)),
      flowClosed: (flow) => this.#shown.push(() => view.flowClosed(flow)),
      problem: (problem) => this.#shown.push(() => view.problem(problem)),
    });
  }

  /** Why the capture cannot be read on, once that is so. */
  get captureError(): LeatError | undefined {
    return this.#captureError;
  }

  /** What is known of the capture so far. */
  get summary(): CaptureSummary {
    const decoded = this.#decoder.stats;
    return {
      format: this.#reader.format,
      interfaces: this.#reader.interfaces,
      packets: decoded.packets,
      bytes: decoded.bytes,
      first: this.#first,
      last: this.#last,
      flows: this.#tracker.stats.flows,
      wantedFlows: this.#options.filter === undefined ? undefined : this.#wantedFlows,
      messages: this.#messages.messages,
    };
  }

  /** Totals of all channels. */
  get channels(): ChannelTotals[] {
    return this.#messages.channels;
  }

  /** Takes the next bytes of the file. */
  push(chunk: Uint8Array): void {
    this.#bytes += chunk.length;
    const before = this.#options.now();
    this.#reader.push(chunk);
    this.#times.pcap += this.#options.now() - before;
    const packets = this.#packets;
    this.#packets = [];
    if (!this.#isInterleaved) return this.#run(packets);
    for (let i = 0; i < packets.length && !this.#isStopped; i++) this.#run([packets[i]!]);
  }

  /** The file has ended; within a record, that is the {@linkcode Pipeline.captureError}. */
  finishReading(): void {
    this.#reader.end();
  }

  /** No more bytes will come, for whatever reason. Flows that are open are told as closed. */
  end(): void {
    this.#decoder.end(this.#latestMs);
    this.#tracker.end(this.#latestMs);
    this.#runMessages();
    this.#messages.end();
    this.#show();
  }

  /** What was recorded of calls of RxRPC, where that was asked for. */
  get recorder(): RxCallRecorder | undefined {
    return this.#messages.rx.recorder;
  }

  /** Nothing more is wanted: packets that were read are left alone. May be called by the view. */
  stop(): void {
    this.#isStopped = true;
  }

  /** What each layer did so far, in order. */
  get stats(): LayerStats[] {
    const engines = {
      reader: this.#reader,
      decoder: this.#decoder,
      tracker: this.#tracker,
      messages: this.#messages,
    };
    return layerStats(engines, this.#bytes, { ...this.#times, captureError: this.#captureError });
  }

  /** Events of wanted flows are kept, with the time of the packet behind them. */
  #flowSink(): FlowSink {
    const keep = (
      kind: FlowEvent["kind"],
      record: FlowRecord,
      side: FlowSide,
      bytes: Uint8Array | undefined,
      error: LeatError | undefined,
    ): void => {
      if (record.user !== undefined) this.#events.push({ kind, record, side, bytes, error, time: this.#time });
    };
    const { filter } = this.#options;
    return {
      open: (record) => {
        this.#choice?.opened(record);
        if (filter === undefined || filter.matches(flowSubject(record))) {
          record.user = WANTED;
          this.#wantedFlows++;
        }
        keep("open", record, "client", undefined, undefined);
      },
      data: (record, side, bytes) => keep("data", record, side, bytes, undefined),
      gap: () => {},
      end: (record, side) => keep("end", record, side, undefined, undefined),
      error: (record, side, error) => keep("end", record, side, undefined, error),
      close: (record) => keep("close", record, "client", undefined, undefined),
      finish: () => {},
    };
  }

  #run(packets: readonly Packet[]): void {
    if (packets.length === 0) return;
    this.#first ??= packets[0]!;
    this.#last = packets.at(-1)!;
    const { now } = this.#options;
    const start = now();
    this.#runPackets(packets);
    const decoded = now();
    this.#runSegments();
    const tracked = now();
    this.#runMessages();
    this.#times.packet += decoded - start;
    this.#times.flow += tracked - decoded;
    this.#times.strparser += now() - tracked;
    this.#choice?.flush();
    this.#show();
  }

  #runPackets(packets: readonly Packet[]): void {
    const decoder = this.#decoder;
    const choice = this.#choice;
    for (const packet of packets) {
      this.#advance(packet);
      const before = this.#segments.length;
      choice?.begin(packet);
      decoder.push(packet, this.#latestMs);
      choice?.decoded(this.#segments[before]);
      if (this.#options.show.has("packets")) this.#shown.push(() => this.#view.packet(packet));
    }
  }

  #runSegments(): void {
    const segments = this.#segments;
    const tracker = this.#tracker;
    const showsSegments = this.#options.show.has("segments");
    for (const segment of segments) {
      if (showsSegments) this.#shown.push(() => this.#view.segment(segment));
      this.#time = segment.packet;
      // not the latest of the whole chunk: nothing may time out before its time
      this.#trackedMs = Math.max(this.#trackedMs, tracker.timeOf(segment));
      tracker.push(segment, this.#trackedMs);
    }
    this.#segments = [];
  }

  #runMessages(): void {
    const events = this.#events;
    this.#events = [];
    const messages = this.#messages;
    for (const { kind, record, side, bytes, error, time } of events) {
      switch (kind) {
        case "open":
          messages.open(record);
          break;
        case "data":
          messages.data(record, side, bytes!, time);
          break;
        case "end":
          messages.finish(record, side, error, time);
          break;
        case "close":
          messages.close(record);
          break;
      }
    }
  }

  #show(): void {
    const shown = this.#shown;
    this.#shown = [];
    for (const show of shown) show();
  }

  #advance(packet: Packet): void {
    const at = this.#decoder.timeOf(packet);
    if (at > this.#latestMs) this.#latestMs = at;
  }
}
