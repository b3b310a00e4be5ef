/**
 * What each layer did, gathered from the counters of its engine.
 *
 * @module
 */
import type { LeatError } from "../core/mod.ts";
import type { FlowTracker, FlowTrackerStats } from "../flow/mod.ts";
import type { SegmentDecoder } from "../packet/mod.ts";
import type { CaptureReader } from "../pcap/mod.ts";
import type { MessageLayer } from "./message_layer.ts";
import type { LayerStats } from "./trace_view.ts";

/** Counters of the flow layer that mean that something is missing or was left out. */
const FLOW_FAULTS: readonly (keyof FlowTrackerStats)[] = [
  "otherProtocol",
  "truncatedHeaders",
  "badChecksums",
  "gaps",
  "evicted",
  "conflicts",
  "badResets",
  "strayResets",
  "badSyns",
  "badFins",
  "outOfWindow",
  "afterFin",
];

/** Milliseconds spent in each layer, and what the first one failed with. */
export interface LayerTimes {
  /** In the reader of the capture. */
  readonly pcap: number;
  /** In the decoder of packets. */
  readonly packet: number;
  /** In the tracker of flows. */
  readonly flow: number;
  /** In the parsers and the multiplexor around them. */
  readonly strparser: number;
  /** Why the capture cannot be read on. */
  readonly captureError: LeatError | undefined;
}

/** The engines of a pipeline, from the file to the channels. */
export interface LayerEngines {
  /** Layer pcap. */
  readonly reader: CaptureReader;
  /** Layer packet. */
  readonly decoder: SegmentDecoder;
  /** Layer flow. */
  readonly tracker: FlowTracker;
  /** Layers strparser and kcm. */
  readonly messages: MessageLayer;
}

/** One entry per layer, in the order in which bytes go through them. `fileBytes` is what the first one took. */
export function layerStats(engines: LayerEngines, fileBytes: number, times: LayerTimes): LayerStats[] {
  const { reader, decoder, tracker, messages } = engines;
  const { counts } = messages;
  const captured = reader.stats;
  const decoded = decoder.stats;
  const tracked = tracker.stats;
  const used = messages.channels.filter((channel) => channel.messages > 0).length;
  return [
    {
      layer: "pcap",
      taken: [fileBytes, "byte"],
      made: [captured.packets, "packet"],
      bytes: captured.bytes,
      errors: times.captureError === undefined ? {} : { [times.captureError.code]: 1 },
      timeMs: times.pcap,
    },
    {
      layer: "packet",
      taken: [decoded.packets, "packet"],
      made: [decoded.segments, "segment"],
      bytes: decoded.payloadBytes,
      errors: {
        ...decoder.reasons.toJSON(),
        ...counted([
          ["fragmentTimeouts", decoded.fragmentTimeouts],
          ["fragmentEvictions", decoded.fragmentEvictions],
        ]),
      },
      timeMs: times.packet,
    },
    {
      layer: "flow",
      taken: [tracked.segments, "segment"],
      made: [tracked.flows, "flow"],
      bytes: tracked.bytes,
      errors: counted(FLOW_FAULTS.map((name) => [name, tracked[name]])),
      timeMs: times.flow,
    },
    {
      layer: "strparser",
      taken: [counts.chunks, "chunk"],
      made: [messages.messages, "message"],
      bytes: messages.messageBytes,
      errors: counted([
        ...messages.failures,
        ["opaqueChunks", counts.opaqueChunks],
        ["opaqueBytes", counts.opaqueBytes],
        ["ignoredBytes", counts.ignoredBytes],
      ]),
      timeMs: times.strparser,
    },
    {
      layer: "kcm",
      taken: [messages.messages, "message"],
      made: [used, "channel"],
      bytes: messages.messageBytes,
      errors: {},
      timeMs: undefined,
    },
    ...rxStats(messages),
  ];
}

/** Only where there are conversations of RxRPC. */
function rxStats({ rx: { stats } }: MessageLayer): LayerStats[] {
  const { datagrams, calls, malformed, late, evicted, forgotten } = stats;
  if (datagrams === 0) return [];
  return [{
    layer: "rxrpc",
    taken: [datagrams, "datagram"],
    made: [calls, "call"],
    bytes: stats.bytes,
    errors: counted([["malformed", malformed], ["late", late], ["evicted", evicted], ["forgotten", forgotten]]),
    timeMs: undefined,
  }];
}

function counted(entries: readonly (readonly [string, number])[]): Record<string, number> {
  return Object.fromEntries(entries.filter(([, count]) => count > 0));
}
